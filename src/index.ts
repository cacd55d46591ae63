/** The public API for programs that bring their own adapter, agent or store. */

export type {
  Agent,
  AgentOption,
  AgentSession,
  AgentTurn,
  AskOutcome,
  DecidedRequest,
  McpServer,
  OpenOptions,
  PromptParts,
} from "./agent.ts";
export { promptOf } from "./agent.ts";
export { type CommandOptions, createCommandAgent } from "./agents/command/index.ts";
export { createDemoAgent, type DemoOptions } from "./agents/demo/index.ts";
export { defineAgent, type Handler, type HandlerContext, type HandlerTurn } from "./agents/handler.ts";
export {
  type Action,
  type AdapterHealth,
  type ChannelAdapter,
  type ChannelLimits,
  type CommandInfo,
  type Commands,
  DeliveryError,
  type Editing,
  type EditOptions,
  type Intake,
  type Press,
  type Pressed,
  type Routes,
  type SendOptions,
  type Taken,
  type Typing,
} from "./channel.ts";
export { systemClock } from "./core/clock.ts";
export { Gateway, type GatewayOptions } from "./core/gateway.ts";
export { ERRORS, type ErrorCode, SwitchboardError } from "./errors.ts";
export type { Emit, GatewayEvent } from "./events.ts";
export * from "./model.ts";
export type { AskView, Decision, Operations, SessionRow } from "./operations.ts";
export type { Store } from "./store.ts";
export { openLmdbStore } from "./stores/lmdb/store.ts";

import type { ChannelAdapter } from "./channel.ts";

/** Says that an object is an adapter, so that the compiler checks it where it is written. */
export function defineAdapter<T extends ChannelAdapter>(adapter: T): T {
  return adapter;
}
