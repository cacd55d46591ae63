/**
 * Reads from a platform's history what was missed while nobody listened: at a start, and after each gap that an adapter
 * tells of. What is found goes the way of every event, so what is known already is told apart by its id. It looks at
 * the channels with a session that somebody used within `within`, and never farther back: it can't answer old talk.
 * What comes in a channel meanwhile waits until the older has been read, so that the order holds.
 */
import { type ChannelAdapter, DeliveryError, type History, hasHistory, type Intake } from "../channel.ts";
import type { Emit } from "../events.ts";
import { adapterOf, type ChannelId, type Clock, type InboundEvent } from "../model.ts";
import type { Store } from "../store.ts";
import { backoff, sleep } from "./clock.ts";

export interface CatchUpOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly intake: Intake;
  /** Milliseconds; 0 reads nothing. */
  readonly within: number;
  adapter(name: string): ChannelAdapter | undefined;
}

/** Platform and gateway may disagree about the time, and events of one moment come in any order. */
const OVERLAP = 60_000;
const PAGE = 100;
/** Entries of a transcript in which the last word of a person is sought. */
const LOOKED_AT = 20;
/** How often a page is asked for again. */
const TRIES = 5;
/** How much is read of one channel at most. */
const MOST = 500;
/** Milliseconds for one page. */
const PATIENCE = 30_000;

/** One reading of what an account missed. */
interface Run {
  /** Where there is something to read, and since when; known once `listed` has resolved. */
  readonly since: Map<ChannelId, number>;
  readonly listed: Promise<void>;
  readonly reads: Map<ChannelId, Promise<void>>;
}

export class CatchUp {
  readonly #options: CatchUpOptions;
  /** The newest run of each account, while it is under way. */
  readonly #runs = new Map<string, Run>();
  readonly #running = new Set<Promise<void>>();
  readonly #stopping = new AbortController();

  constructor(options: CatchUpOptions) {
    this.#options = options;
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Begins to read at once: what comes from now on waits for it, see `before`. */
  request(name: string): void {
    const adapter = this.#options.adapter(name);
    if (!adapter || !hasHistory(adapter) || this.#options.within === 0 || this.#stopped) return;
    const since = new Map<ChannelId, number>();
    const run: Run = { since, listed: this.#list(name, adapter, since), reads: new Map() };
    this.#runs.set(name, run);
    const running = this.#readAll(run, adapter).finally(() => {
      if (this.#runs.get(name) === run) this.#runs.delete(name);
      this.#running.delete(running);
    });
    this.#running.add(running);
  }

  /** Resolves when nothing older is to be read that belongs before an event of this channel. */
  async before(channel: ChannelId): Promise<void> {
    const name = adapterOf(channel);
    const run = this.#runs.get(name);
    const adapter = this.#options.adapter(name);
    if (!run || !adapter || !hasHistory(adapter)) return;
    await run.listed;
    const sources = (adapter.sources?.([channel]) ?? [channel]).filter((source) => run.since.has(source));
    await Promise.all(sources.map((source) => this.#readOnce(run, adapter, source)));
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#running);
  }

  /** Where it fails, nothing is read: the next gap, or the next start, leads to another look. */
  async #list(name: string, adapter: History, since: Map<ChannelId, number>): Promise<void> {
    const { store, clock, emit, within } = this.#options;
    const from = clock.now() - within;
    const known = new Map<ChannelId, number>();
    try {
      let cursor: string | undefined;
      do {
        const page = await store.list({
          adapter: name,
          from,
          limit: PAGE,
          ...(cursor === undefined ? {} : { cursor }),
        });
        for (const { channel, lastActivityAt } of page.sessions) {
          known.set(channel, lastActivityAt);
        }
        cursor = page.cursor;
      } while (cursor !== undefined);
    } catch (error) {
      emit({ type: "store.fault", doing: `catch up on ${name}`, error });
      return;
    }
    const channels = [...known.keys()];
    const oldest = Math.min(clock.now(), ...known.values());
    for (const source of adapter.sources?.(channels) ?? channels) since.set(source, known.get(source) ?? oldest);
  }

  async #readAll(run: Run, adapter: ChannelAdapter & History): Promise<void> {
    await run.listed;
    for (const channel of run.since.keys()) {
      if (this.#stopped) return;
      await this.#readOnce(run, adapter, channel);
    }
  }

  #readOnce(run: Run, adapter: ChannelAdapter & History, channel: ChannelId): Promise<void> {
    const under = run.reads.get(channel);
    if (under) return under;
    const read = this.#read(adapter, channel, run.since.get(channel) ?? 0).catch((error: unknown) => {
      this.#options.emit({ type: "store.fault", doing: `catch up on ${channel}`, error });
    });
    run.reads.set(channel, read);
    return read;
  }

  async #read(adapter: ChannelAdapter & History, channel: ChannelId, from: number): Promise<void> {
    const { intake, emit, clock, within } = this.#options;
    let after = Math.max(await this.#lastHeard(channel, from), clock.now() - within) - OVERLAP;
    for (let seen = 0; seen < MOST && !this.#stopped; ) {
      const events = await this.#page(adapter, channel, Math.max(after, clock.now() - within));
      let caught = 0;
      for (const event of events) {
        const taken = await intake.take({ ...event, caughtUp: true });
        if (taken.status !== "duplicate") caught += 1;
      }
      if (caught > 0) emit({ type: "caught.up", channel, events: caught });
      const newest = events.at(-1)?.sentAt;
      if (events.length < PAGE || newest === undefined || newest <= after) return;
      seen += events.length;
      after = newest;
    }
  }

  /**
   * When the newest message that core took was sent: whatever was sent before it was read before it. The end of a turn
   * is no measure: it may come long after a message that was missed meanwhile. Nor is what came by a schedule.
   */
  async #lastHeard(channel: ChannelId, otherwise: number): Promise<number> {
    const { store } = this.#options;
    const { running, waiting } = await store.queue(channel);
    const newest = [...(running?.messages ?? []), ...waiting].findLast(({ source }) => source === undefined);
    if (newest) return newest.sentAt;
    const session = await store.current(channel);
    if (!session) return otherwise;
    const { entries } = await store.transcript(session.id, { limit: LOOKED_AT });
    const heard = entries.findLast(({ role, source }) => role === "user" && source === undefined);
    if (heard) return heard.at;
    return entries.some(({ source }) => source !== undefined) ? 0 : otherwise;
  }

  /** One page of history, asked for again where that can help. Empty where there is nothing to read any more. */
  async #page(adapter: History, channel: ChannelId, after: number): Promise<InboundEvent[]> {
    const { clock, emit } = this.#options;
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await adapter.history(
          channel,
          after,
          PAGE,
          AbortSignal.any([AbortSignal.timeout(PATIENCE), this.#stopping.signal]),
        );
      } catch (error) {
        if (!(error instanceof DeliveryError)) throw error;
        const isFinal = error.kind === "refused" || error.kind === "gone";
        if (isFinal || attempt >= TRIES || this.#stopped) {
          emit({ type: "fault", doing: `read what was missed in ${channel}`, error });
          return [];
        }
        await sleep(clock, error.retryAfter ?? backoff(attempt, 1_000, 30_000), this.#stopping.signal);
      }
    }
  }
}
