import type { Agent } from "../agent.ts";
import type { ChannelAdapter } from "../channel.ts";
import type { Emit } from "../events.ts";
import type { ChannelId, Clock, NewSession, Session } from "../model.ts";
import type { Store } from "../store.ts";
import type { Asks } from "./asks/asks.ts";
import type { CommandRegistry } from "./commands/registry.ts";
import type { Ownership } from "./ownership.ts";
import type { RouteSettings } from "./routes.ts";
import type { RunSlots } from "./slots.ts";

/** What all live sessions of a gateway share. One object, so that a session holds one reference. */
export interface Context {
  readonly store: Store;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly ownership: Ownership;
  readonly slots: RunSlots;
  readonly commands: CommandRegistry;
  /** How often a turn is begun before it is parked. */
  readonly attempts: number;
  /** How many waiting messages one turn takes. */
  readonly take: number;
  agent(name: string): Agent | undefined;
  adapter(channel: ChannelId): ChannelAdapter | undefined;
  readonly asks: Asks;
  /** What the operator wants for a channel. */
  route(channel: ChannelId): RouteSettings;
  /** What a channel's next session starts from; what people decided for always goes with the channel. */
  fresh(channel: ChannelId, before?: Session): NewSession;
}
