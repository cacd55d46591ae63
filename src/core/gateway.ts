/** Puts the parts together: intake, pool and adapters, and what operators may ask of them. */
import type { Agent } from "../agent.ts";
import { type ChannelAdapter, DeliveryError } from "../channel.ts";
import { describe } from "../errors.ts";
import type { Emit, GatewayEvent } from "../events.ts";
import { adapterOf, type ChannelId, type Clock } from "../model.ts";
import type { GatewayHealth, Operations } from "../operations.ts";
import type { Store } from "../store.ts";
import { Access, type AccessRules } from "./access.ts";
import type { ApproverRules } from "./asks/approvers.ts";
import { Asks } from "./asks/asks.ts";
import type { AskSettings } from "./asks/due.ts";
import { Reminders } from "./asks/reminders.ts";
import { CatchUp } from "./catchup.ts";
import { systemClock } from "./clock.ts";
import { builtinCommands } from "./commands/index.ts";
import { Connectors } from "./connectors.ts";
import type { Context } from "./context.ts";
import { freshSession } from "./fresh.ts";
import { Inbox } from "./inbox.ts";
import type { CrashPolicy } from "./interruption.ts";
import { Latencies } from "./latencies.ts";
import { Operator } from "./operator.ts";
import { Ownership } from "./ownership.ts";
import { Pool, warm } from "./pool.ts";
import type { Project } from "./projects.ts";
import { type Route, routeOf } from "./routes.ts";
import type { ConfiguredSchedule } from "./schedules/configured.ts";
import { Schedules } from "./schedules/schedules.ts";
import type { Timetable } from "./schedules/timetable.ts";
import { RunSlots } from "./slots.ts";
import type { Patience } from "./watchdog.ts";

export interface GatewayOptions {
  readonly store: Store;
  readonly adapters: readonly ChannelAdapter[];
  /** By name. The first is the default. */
  readonly agents: Readonly<Record<string, Agent>>;
  readonly routes?: readonly Route[];
  readonly access?: AccessRules;
  readonly pool?: Partial<PoolSettings>;
  readonly queue?: Partial<QueueSettings>;
  /** How far back, in ms, is read what was missed. Default a day; 0 reads nothing. */
  readonly catchUp?: number;
  /** How long turns under way may still run when the gateway stops, in ms. */
  readonly grace?: number;
  /** This process's name among those that share the store. */
  readonly replica?: string;
  /** Default: a reminder every 5 min at first, never expiring, decided by whose message led to it. */
  readonly asks?: { readonly settings: AskSettings; readonly approvers: ApproverRules };
  /**
   * What becomes of the turns under way while the store can't be reached for longer than a lease, so that another
   * replica may have taken over: they go on unseen, or they are interrupted. Default `continue`.
   */
  readonly onOutage?: "continue" | "interrupt";
  /** By name. */
  readonly projects?: Readonly<Record<string, Project>>;
  /** The folder that holds all projects, absolute. */
  readonly workspace?: string | undefined;
  /** By the agents' names; default `retry`. */
  readonly onCrash?: Readonly<Record<string, CrashPolicy>>;
  /** Default: the channel is told after 5 min of silence; no limit. */
  readonly patience?: Patience;
  /** Absent: nothing can be scheduled. */
  readonly schedules?: {
    readonly timetable: Timetable;
    readonly configured: Readonly<Record<string, ConfiguredSchedule>>;
  };
  readonly emit?: Emit;
  readonly clock?: Clock;
}

export interface PoolSettings {
  readonly maxRunning: number;
  readonly maxLive: number;
  readonly idleTimeout: number;
  readonly restoreAtStart: number;
}

export interface QueueSettings {
  readonly mode: "fifo" | "collect";
  readonly max: number;
  readonly attempts: number;
}

const POOL: PoolSettings = { maxRunning: 8, maxLive: 200, idleTimeout: 1_800_000, restoreAtStart: 5 };
const QUEUE: QueueSettings = { mode: "fifo", max: 100, attempts: 3 };
const ASKS = { settings: { remindEvery: 300_000, expireAfter: undefined }, approvers: "requester" } as const;
const PATIENCE: Patience = { silence: 300_000 };
const CATCH_UP = 86_400_000;
const SWEEP_EVERY = 5_000;
/** Milliseconds that a greeting may take. */
const GREETING = 30_000;

export class Gateway {
  /** What operators may ask of it. */
  readonly operations: Operations;
  readonly #store: Store;
  readonly #adapters: ReadonlyMap<string, ChannelAdapter>;
  readonly #inbox: Inbox;
  readonly #pool: Pool;
  readonly #context: Context;
  readonly #asks: Asks;
  readonly #reminders: Reminders;
  readonly #schedules: Schedules | undefined;
  readonly #restoreAtStart: number;
  readonly #grace: number;
  readonly #ownership: Ownership;
  readonly #connectors: Connectors;
  readonly #catchUp: CatchUp;
  readonly #interrupts: boolean;
  #unwatch: (() => void) | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: GatewayOptions) {
    const pool = { ...POOL, ...options.pool };
    const queue = { ...QUEUE, ...options.queue };
    const [fallback = ""] = Object.keys(options.agents);
    const { store, routes = [] } = options;
    const latencies = new Latencies();
    const emit = (event: GatewayEvent) => {
      latencies.note(event);
      options.emit?.(event);
    };
    this.#store = store;
    this.#adapters = new Map(options.adapters.map((adapter) => [adapter.name, adapter]));
    this.#restoreAtStart = pool.restoreAtStart;
    this.#grace = options.grace ?? 10_000;
    this.#interrupts = options.onOutage === "interrupt";
    const clock = options.clock ?? systemClock;
    this.#ownership = new Ownership({ store, clock, emit, replica: options.replica ?? "main" });
    const access = new Access(options.access ?? { default: "deny", allow: [], admins: [] });
    const { projects = {}, onCrash = {} } = options;
    const agents = Object.keys(options.agents);
    const route = (channel: ChannelId) => routeOf(channel, routes, fallback);
    const { settings, approvers } = { ...ASKS, ...options.asks };
    this.#asks = new Asks({
      ...{ store, clock, emit, access, settings },
      approvers: (channel) => route(channel).approvers ?? approvers,
    });
    this.#context = {
      store,
      emit,
      clock,
      ownership: this.#ownership,
      slots: new RunSlots(pool.maxRunning),
      commands: builtinCommands(Object.keys(projects)),
      attempts: queue.attempts,
      take: queue.mode === "collect" ? queue.max : 1,
      patience: options.patience ?? PATIENCE,
      projects,
      workspace: options.workspace,
      agents,
      agent: (name) => options.agents[name],
      onCrash: (agent) => onCrash[agent] ?? "retry",
      timetable: options.schedules?.timetable,
      latency: () => latencies.view(),
      adapter: (channel) => this.#adapters.get(adapterOf(channel)),
      asks: this.#asks,
      route,
      fresh: (channel, before, project) => freshSession({ agents, projects }, route(channel), before, project),
    };
    const { commands } = this.#context;
    const greet = (channel: ChannelId, text: string, key: string) => void this.#greet(channel, text, key);
    const missed = (name: string) => this.#catchUp.request(name);
    const caughtUp = (channel: ChannelId) => this.#catchUp.before(channel);
    const asks = this.#asks;
    this.#inbox = new Inbox({ store, access, commands, asks, max: queue.max, emit, greet, missed, caughtUp });
    this.#catchUp = new CatchUp({
      store,
      clock,
      emit,
      intake: this.#inbox,
      within: options.catchUp ?? CATCH_UP,
      adapter: (name) => this.#adapters.get(name),
    });
    this.#pool = new Pool(this.#context, { ...pool, ownership: this.#ownership, sweepEvery: SWEEP_EVERY });
    this.#reminders = new Reminders({
      ...{ asks, clock, emit, every: SWEEP_EVERY },
      ours: (channel) => this.#ownership.secure && this.#ownership.prefers(channel),
    });
    if (options.schedules) {
      this.#schedules = new Schedules({
        ...{ store, clock, emit, max: queue.max, ...options.schedules },
        ours: (channel) => this.#ownership.secure && this.#ownership.prefers(channel),
        serves: (channel) => this.#adapters.has(adapterOf(channel)),
        may: (sender, channel) => access.isAdmin(sender.id) || access.allows({ sender, channel }),
      });
    }
    this.operations = new Operator({
      ...{ store, clock, inbox: this.#inbox, asks, commands: commands.list },
      health: () => this.#health(),
      latency: () => latencies.view(),
      live: () => ({ live: this.#pool.size, running: this.#context.slots.running }),
      forget: (channel) => this.#pool.forget(channel),
    });
    this.#connectors = new Connectors({
      store,
      emit,
      ownership: this.#ownership,
      adapters: options.adapters,
      intake: this.#inbox,
      commands: commands.list,
    });
  }

  /** Takes up unfinished work, then opens the adapters. */
  async start(): Promise<void> {
    await this.#ownership.start({
      lost: () => void this.#lost(),
      secured: (secure) => this.#secured(secure),
      changed: () => this.#changed(),
      beaten: () => void this.#connectors.review(),
    });
    this.#unwatch = this.#store.watch(({ kind }) => {
      if (kind === "replicas") void this.#ownership.beat();
    });
    await this.#pool.start();
    const ours = (channel: ChannelId) =>
      this.#context.adapter(channel) !== undefined && this.#ownership.prefers(channel);
    try {
      await warm(this.#pool, this.#store, this.#restoreAtStart, ours);
    } catch (error) {
      // It saves time later, and nothing else.
      this.#context.emit({ type: "store.fault", doing: "restore the newest sessions", error });
    }
    this.#reminders.start();
    await this.#schedules?.start();
    await this.#connectors.start();
  }

  async #lost(): Promise<void> {
    this.#context.emit({ type: "replica.lost" });
    await this.#pool.abandon();
    await this.#pool.sweep();
  }

  #secured(secure: boolean): void {
    this.#context.emit({ type: "replica.secured", secure });
    if (!secure && this.#interrupts) void this.#pool.abandon();
    // What came meanwhile was hinted at to nobody.
    if (secure && this.#unwatch) void this.#pool.sweep();
    void this.#connectors.review();
  }

  #changed(): void {
    if (this.#stopping) return;
    this.#context.emit({ type: "replica.changed", replicas: this.#ownership.replicas });
    this.#pool.rebalance();
    void this.#pool.sweep();
  }

  /**
   * Stops in order: intake, turns (with their grace), replies, sessions, adapters. The store stays open: it was
   * given, it is its owner's to close.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const leaving = this.#ownership.leave();
    await Promise.all([this.#connectors.stop(), leaving]);
    this.#inbox.close();
    this.#reminders.stop();
    await this.#schedules?.stop();
    await this.#catchUp.stop();
    await this.#pool.stop(this.#grace);
    this.#unwatch?.();
    this.#ownership.stop();
    const adapters = [...this.#adapters.values()];
    await Promise.all(adapters.map((adapter) => this.#quietly("close", adapter, () => adapter.close())));
  }

  /** One adapter that fails must not keep the others from it. */
  async #quietly<T extends ChannelAdapter>(doing: string, adapter: T, step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.#context.emit({ type: "fault", doing: `${doing} the adapter ${adapter.name}`, error });
    }
  }

  async #greet(channel: ChannelId, text: string, key: string): Promise<void> {
    try {
      await this.#context.adapter(channel)?.send(channel, text, { key, signal: AbortSignal.timeout(GREETING) });
    } catch (error) {
      const kind = error instanceof DeliveryError ? error.kind : "unknown";
      this.#context.emit({ type: "delivery.failed", channel, entry: key, kind, cause: describe(error) });
    }
  }

  async #health(): Promise<GatewayHealth> {
    const adapters = Object.fromEntries(
      [...this.#adapters].map(([name, adapter]) => [name, this.#connectors.health(adapter)]),
    );
    const pulse = await this.#ownership.pulse();
    const store = { ...pulse, warnings: this.#store.warnings() };
    const { replicas } = this.#ownership;
    return { ready: pulse.ok && this.#stopping === undefined, store, replicas, adapters };
  }
}
