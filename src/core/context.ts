import type { Agent } from "../agent.ts";
import type { ChannelAdapter } from "../channel.ts";
import type { Emit } from "../events.ts";
import type { ChannelId, Clock, NewSession, Session } from "../model.ts";
import type { Latency } from "../operations.ts";
import type { Store } from "../store.ts";
import type { Asks } from "./asks/asks.ts";
import type { CommandRegistry } from "./commands/registry.ts";
import type { CrashPolicy } from "./interruption.ts";
import type { Ownership } from "./ownership.ts";
import type { Project } from "./projects.ts";
import type { RouteSettings } from "./routes.ts";
import type { Timetable } from "./schedules/timetable.ts";
import type { RunSlots } from "./slots.ts";
import type { Patience } from "./watchdog.ts";

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
  readonly patience: Patience;
  /** Absent: nothing can be scheduled. */
  readonly timetable: Timetable | undefined;
  /** How long the newest answers of this process took. */
  latency(): Latency | undefined;
  /** By name. */
  readonly projects: Readonly<Record<string, Project>>;
  /** The folder that holds them all, absolute. */
  readonly workspace: string | undefined;
  /** The names of the agents, the default one first. */
  readonly agents: readonly string[];
  agent(name: string): Agent | undefined;
  /** What becomes of a turn of this agent that was cut short. */
  onCrash(agent: string): CrashPolicy;
  adapter(channel: ChannelId): ChannelAdapter | undefined;
  readonly asks: Asks;
  /** What the operator wants for a channel. */
  route(channel: ChannelId): RouteSettings;
  /** What a channel's next session starts from, in this project or in that of the one before; what people decided for always goes with the channel. */
  fresh(channel: ChannelId, before?: Session, project?: string): NewSession;
}
