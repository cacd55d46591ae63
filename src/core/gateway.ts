/** Puts the parts together: intake, pool and adapters, and what operators may ask of them. */
import type { Agent } from "../agent.ts";
import { type ChannelAdapter, type CommandInfo, DeliveryError } from "../channel.ts";
import { describe, SwitchboardError } from "../errors.ts";
import type { Emit } from "../events.ts";
import { adapterOf, type ChannelId, type Clock, type ControlEffect, type DeadLetter, type Session } from "../model.ts";
import type { GatewayHealth, GatewayStats, Operations, SessionRow } from "../operations.ts";
import type { QueueView, SessionQuery, Store, TranscriptPage } from "../store.ts";
import { Access, type AccessRules } from "./access.ts";
import { CatchUp } from "./catchup.ts";
import { systemClock } from "./clock.ts";
import { builtinCommands } from "./commands/index.ts";
import { Connectors } from "./connectors.ts";
import type { Context } from "./context.ts";
import { Inbox } from "./inbox.ts";
import { Ownership } from "./ownership.ts";
import { Pool, warm } from "./pool.ts";
import { agentFor, type Route } from "./routes.ts";
import { RunSlots } from "./slots.ts";

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
  /**
   * What becomes of the turns under way while the store can't be reached for longer than a lease, so that another
   * replica may have taken over: they go on unseen, or they are interrupted. Default `continue`.
   */
  readonly onOutage?: "continue" | "interrupt";
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
const CATCH_UP = 86_400_000;
const SWEEP_EVERY = 5_000;
/** Milliseconds that a greeting may take. */
const GREETING = 30_000;

export class Gateway implements Operations {
  readonly #store: Store;
  readonly #adapters: ReadonlyMap<string, ChannelAdapter>;
  readonly #inbox: Inbox;
  readonly #pool: Pool;
  readonly #context: Context;
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
    const { store, routes = [], emit = () => {} } = options;
    this.#store = store;
    this.#adapters = new Map(options.adapters.map((adapter) => [adapter.name, adapter]));
    this.#restoreAtStart = pool.restoreAtStart;
    this.#grace = options.grace ?? 10_000;
    this.#interrupts = options.onOutage === "interrupt";
    const clock = options.clock ?? systemClock;
    this.#ownership = new Ownership({ store, clock, emit, replica: options.replica ?? "main" });
    this.#context = {
      store,
      emit,
      clock,
      ownership: this.#ownership,
      slots: new RunSlots(pool.maxRunning),
      commands: builtinCommands(),
      attempts: queue.attempts,
      take: queue.mode === "collect" ? queue.max : 1,
      agent: (name) => options.agents[name],
      adapter: (channel) => this.#adapters.get(adapterOf(channel)),
      fresh: (channel) => ({ source: "channel", agent: agentFor(channel, routes, fallback), title: "" }),
    };
    const access = new Access(options.access ?? { default: "deny", allow: [], admins: [] });
    const { commands } = this.#context;
    const greet = (channel: ChannelId, text: string, key: string) => void this.#greet(channel, text, key);
    const missed = (name: string) => this.#catchUp.request(name);
    const caughtUp = (channel: ChannelId) => this.#catchUp.before(channel);
    this.#inbox = new Inbox({ store, access, commands, max: queue.max, emit, greet, missed, caughtUp });
    this.#catchUp = new CatchUp({
      store,
      clock,
      emit,
      intake: this.#inbox,
      within: options.catchUp ?? CATCH_UP,
      adapter: (name) => this.#adapters.get(name),
    });
    this.#pool = new Pool(this.#context, { ...pool, ownership: this.#ownership, sweepEvery: SWEEP_EVERY });
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

  // ── Operations

  async health(): Promise<GatewayHealth> {
    const adapters = Object.fromEntries(
      [...this.#adapters].map(([name, adapter]) => [name, this.#connectors.health(adapter)]),
    );
    const pulse = await this.#ownership.pulse();
    const store = { ...pulse, warnings: this.#store.warnings() };
    const { replicas } = this.#ownership;
    return { ready: pulse.ok && this.#stopping === undefined, store, replicas, adapters };
  }

  async stats(): Promise<GatewayStats> {
    return { ...(await this.#store.stats()), live: this.#pool.size, running: this.#context.slots.running };
  }

  commands(): readonly CommandInfo[] {
    return this.#context.commands.list;
  }

  async sessions(query: SessionQuery): Promise<{ sessions: SessionRow[]; cursor?: string }> {
    const page = await this.#store.list(query);
    const sessions = await Promise.all(page.sessions.map((session) => this.#row(session)));
    return { sessions, ...(page.cursor === undefined ? {} : { cursor: page.cursor }) };
  }

  async session(id: string): Promise<SessionRow | undefined> {
    const session = await this.#store.get(id);
    return session && (await this.#row(session));
  }

  async transcript(id: string, page: { limit: number; before?: number }): Promise<TranscriptPage> {
    await this.#known(id);
    return await this.#store.transcript(id, page);
  }

  queue(channel: ChannelId): Promise<QueueView> {
    return this.#store.queue(channel);
  }

  async cancel(id: string, by: string): Promise<ControlEffect> {
    const { channel, archivedAt } = await this.#known(id);
    if (archivedAt !== undefined) return { cancelledTurn: null, dropped: 0 };
    const now = this.#context.clock.now();
    const event = {
      channel,
      id: `operator-${crypto.randomUUID()}`,
      sender: { id: `operator:${by}`, name: by },
      text: "/stop",
      sentAt: now,
      addressed: true,
      direct: false,
    };
    const control = { command: "stop", args: "", cancel: "all", reason: `stopped by ${by}` } as const;
    const signalled = await this.#store.signal(event, control);
    return signalled.status === "stored" ? signalled.effect : { cancelledTurn: null, dropped: 0 };
  }

  async remove(id: string): Promise<void> {
    const { channel, archivedAt } = await this.#known(id);
    await this.#store.remove(id);
    if (archivedAt === undefined) await this.#pool.forget(channel);
  }

  deadLetters(query: { channel?: ChannelId; limit: number }): Promise<DeadLetter[]> {
    return this.#store.deadLetters(query);
  }

  replay(id: string): Promise<void> {
    return this.#store.replay(id);
  }

  discard(id: string): Promise<void> {
    return this.#store.discard(id);
  }

  async #known(id: string): Promise<Session> {
    const session = await this.#store.get(id);
    if (!session) throw new SwitchboardError("SESSION_UNKNOWN", `there is no session ${id}`);
    return session;
  }

  async #row(session: Session): Promise<SessionRow> {
    if (session.archivedAt !== undefined) return { ...session, status: "archived", waiting: 0 };
    const { running, waiting } = await this.#store.queue(session.channel);
    const status = running ? "running" : session.error ? "error" : "idle";
    return { ...session, status, waiting: waiting.length };
  }
}
