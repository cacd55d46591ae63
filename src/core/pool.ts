/**
 * The live sessions of this process, bounded. It restores a channel on demand, at most once at a time, wakes
 * live ones, and gives idle ones back: after the idle time-out, the longest idle first beyond `maxLive`, and those
 * that another replica is the one to run. Busy ones are never evicted, so a burst may exceed `maxLive` until they rest.
 */
import { hasCode, SwitchboardError } from "../errors.ts";
import { adapterOf, type ChannelId, type SessionSource } from "../model.ts";
import type { Hint, Store } from "../store.ts";
import { within } from "./clock.ts";
import type { Context } from "./context.ts";
import type { Ownership } from "./ownership.ts";
import { LiveSession, type SessionListener } from "./session.ts";

export interface PoolOptions {
  readonly ownership: Ownership;
  readonly maxLive: number;
  readonly idleTimeout: number;
  /** How often it looks for work that no hint told of. */
  readonly sweepEvery: number;
}

/** For each session that a start restores of a source, how many of the newest it looks at. */
const LOOKED_AT = 20;
/** How long replies may still be delivered after the turns have ended, when the gateway stops. */
const FLUSH = 2_000;

export class Pool implements SessionListener {
  readonly #context: Context;
  readonly #options: PoolOptions;
  /** In the order of their last use: the first is the longest idle. */
  readonly #live = new Map<ChannelId, LiveSession>();
  readonly #restoring = new Map<ChannelId, Promise<LiveSession>>();
  readonly #closing = new Map<ChannelId, Promise<void>>();
  /** What the last sweep left to the replica that it belongs to. */
  #left = new Set<ChannelId>();
  #unwatch: (() => void) | undefined;
  #cancelSweep: (() => void) | undefined;
  #stopping = false;

  constructor(context: Context, options: PoolOptions) {
    this.#context = context;
    this.#options = options;
  }

  get size(): number {
    return this.#live.size;
  }

  /** Listens for hints and takes up what an earlier process left. */
  async start(): Promise<void> {
    this.#unwatch = this.#context.store.watch((hint) => this.#hint(hint));
    await this.sweep();
    this.#scheduleSweep();
  }

  /**
   * The channel's live session. Callers that come while it is being restored wait for that one restore; where it
   * fails, all of them get its error and the next caller tries anew.
   */
  async ensure(channel: ChannelId): Promise<LiveSession> {
    const live = this.#live.get(channel);
    if (live) return live;
    const under = this.#restoring.get(channel);
    if (under) return await under;
    const restore = this.#restore(channel).finally(() => this.#restoring.delete(channel));
    this.#restoring.set(channel, restore);
    return await restore;
  }

  /** Ends a session whose record was removed: its agent is interrupted, nothing is written. */
  async forget(channel: ChannelId): Promise<void> {
    await this.#restoring.get(channel)?.catch(() => {});
    const session = this.#live.get(channel);
    if (!session) return;
    session.abandon();
    await this.#close(session, "removed");
  }

  /**
   * Stops: no new turns; those under way may finish within `grace` ms, then they are put back; replies are
   * delivered as far as they go. Each session is given back as soon as it is done, so that another replica goes on.
   */
  async stop(grace: number): Promise<void> {
    this.#stopping = true;
    this.#unwatch?.();
    this.#cancelSweep?.();
    await Promise.allSettled(this.#restoring.values());
    await Promise.all([...this.#live.values()].map((session) => this.#retire(session, grace)));
    await Promise.all(this.#closing.values());
  }

  /** Ends all sessions at once and writes nothing: they may be another's by now. */
  async abandon(): Promise<void> {
    const all = [...this.#live.values()];
    for (const session of all) session.abandon();
    await Promise.all(all.map((session) => this.#close(session, "this replica was counted as dead")));
  }

  /** Gives back what rests here and is another replica's to run. */
  rebalance(): void {
    for (const session of [...this.#live.values()]) {
      if (!session.busy && this.#isElsewhere(session)) void this.#close(session, "it moves to another replica");
    }
  }

  async #retire(session: LiveSession, grace: number): Promise<void> {
    const { clock } = this.#context;
    await within(clock, grace, session.finish());
    session.interrupt();
    await within(clock, FLUSH, session.rest());
    session.abandon();
    await this.#close(session, "the gateway stops");
  }

  idle(session: LiveSession): void {
    if (this.#live.get(session.channel) !== session || this.#stopping) return;
    if (this.#isElsewhere(session)) {
      void this.#close(session, "it moves to another replica");
      return;
    }
    this.#live.delete(session.channel);
    this.#live.set(session.channel, session);
    this.#shrink();
  }

  lost(session: LiveSession): void {
    if (this.#live.get(session.channel) !== session) return;
    this.#context.emit({ type: "session.lost", channel: session.channel, session: session.id });
    void this.#close(session, "lost");
  }

  #hint(hint: Hint): void {
    if (hint.kind !== "inbox" && hint.kind !== "control" && hint.kind !== "outbox") return;
    const { channel, kind } = hint;
    const live = this.#live.get(channel);
    if (live) live.wake(kind);
    else if (this.#context.adapter(channel) && this.#options.ownership.prefers(channel)) this.#takeUp(channel, kind);
  }

  /** Restores a channel that has work. The wake repeats what the restore takes up by itself, unless the work came after its look into the store. */
  #takeUp(channel: ChannelId, kind: "inbox" | "control" | "outbox"): void {
    this.ensure(channel).then(
      (session) => session.wake(kind),
      (error: unknown) => {
        // Another replica was faster, or this one stops: whoever has it goes on.
        if (hasCode(error, "STALE_FENCE") || hasCode(error, "STORE_CLOSED")) return;
        this.#context.emit({ type: "store.fault", doing: `restore ${channel}`, error });
      },
    );
  }

  #isElsewhere({ channel }: LiveSession): boolean {
    return this.#options.ownership.secure && !this.#options.ownership.prefers(channel);
  }

  async #restore(channel: ChannelId): Promise<LiveSession> {
    await this.#closing.get(channel);
    if (this.#stopping) throw new SwitchboardError("STORE_CLOSED", "the gateway is stopping");
    const adapter = this.#context.adapter(channel);
    if (!adapter) throw new SwitchboardError("ADAPTER_UNKNOWN", `no adapter "${adapterOf(channel)}" is configured`);
    const { store, emit, fresh } = this.#context;
    const acquired = await store.acquire(channel, this.#options.ownership.replica, fresh(channel));
    if (acquired.status === "elsewhere") {
      throw new SwitchboardError("STALE_FENCE", `${channel} belongs to replica ${acquired.owner}`);
    }
    const { lease } = acquired;
    const session = new LiveSession(this.#context, adapter, this, lease);
    this.#live.set(channel, session);
    emit({ type: "session.live", channel, session: session.id });
    session.resume(lease);
    this.#shrink();
    return session;
  }

  /** Evicts the longest idle ones beyond `maxLive`. */
  #shrink(): void {
    let excess = this.#live.size - this.#options.maxLive;
    if (excess <= 0) return;
    for (const session of this.#live.values()) {
      if (excess <= 0) return;
      if (session.busy) continue;
      excess -= 1;
      void this.#close(session, "more than maxLive sessions");
    }
  }

  #close(session: LiveSession, why: string): Promise<void> {
    const { channel } = session;
    if (this.#live.get(channel) !== session) return this.#closing.get(channel) ?? Promise.resolve();
    this.#live.delete(channel);
    const closing = session
      .close()
      .catch((error: unknown) => this.#context.emit({ type: "store.fault", doing: `release ${channel}`, error }))
      .finally(() => {
        this.#closing.delete(channel);
        this.#context.emit({ type: "session.evicted", channel, session: session.id, why });
      });
    this.#closing.set(channel, closing);
    return closing;
  }

  #scheduleSweep(): void {
    this.#cancelSweep = this.#context.clock.after(this.#options.sweepEvery, () => {
      this.#evictIdle();
      this.sweep().finally(() => {
        if (!this.#stopping) this.#scheduleSweep();
      });
    });
  }

  #evictIdle(): void {
    const before = this.#context.clock.now() - this.#options.idleTimeout;
    for (const session of this.#live.values()) {
      if (session.busy) continue;
      if (session.idleSince > before) return;
      void this.#close(session, "idle");
    }
  }

  /**
   * Finds work that no hint told of: of sessions that are live here, and of channels that nobody has. One that belongs
   * to another replica is left to it until the next sweep: then whoever sees it takes it.
   */
  async sweep(): Promise<void> {
    const { store, emit, adapter } = this.#context;
    const { ownership } = this.#options;
    try {
      const unattended = await store.unattended(ownership.replica);
      if (this.#stopping) return;
      const left = new Set<ChannelId>();
      for (const channel of unattended) {
        const live = this.#live.get(channel);
        if (live) live.look();
        else if (!adapter(channel)) continue;
        else if (ownership.prefers(channel) || this.#left.has(channel)) this.#takeUp(channel, "inbox");
        else left.add(channel);
      }
      this.#left = left;
    } catch (error) {
      emit({ type: "store.fault", doing: "look for unfinished work", error });
    }
  }
}

/**
 * Restores the newest sessions of each source before anybody asks for them. It looks at a few of the newest only:
 * the work of a start must not grow with what is stored, and a source that is rare would be sought through all of it.
 */
export async function warm(
  pool: Pool,
  store: Store,
  count: number,
  ours: (channel: ChannelId) => boolean,
): Promise<void> {
  if (count === 0) return;
  const { sessions } = await store.list({ limit: count * LOOKED_AT });
  const warmed = new Map<SessionSource, number>();
  for (const { channel, source } of sessions) {
    const already = warmed.get(source) ?? 0;
    if (already === count || !ours(channel)) continue;
    warmed.set(source, already + 1);
    try {
      await pool.ensure(channel);
    } catch (error) {
      // A replica that runs already keeps what it has.
      if (!hasCode(error, "STALE_FENCE")) throw error;
    }
  }
}
