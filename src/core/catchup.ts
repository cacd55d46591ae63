/**
 * Reads from a platform's history what was missed while nobody listened: at a start, and after each gap that an adapter
 * tells of. What is found goes the way of every event, so what is known already is told apart by its id. It looks at
 * the channels with a session that somebody used within `within`, and never farther back: it can't answer old talk.
 */
import { type ChannelAdapter, DeliveryError, type History, hasHistory, type Intake } from "../channel.ts";
import { describe } from "../errors.ts";
import type { Emit } from "../events.ts";
import type { ChannelId, Clock } from "../model.ts";
import type { Store } from "../store.ts";

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
/** How much is read of one channel at most. */
const MOST = 500;
/** Milliseconds for one page. */
const PATIENCE = 30_000;

export class CatchUp {
  readonly #options: CatchUpOptions;
  readonly #running = new Map<string, Promise<void>>();
  readonly #again = new Set<string>();
  #stopped = false;

  constructor(options: CatchUpOptions) {
    this.#options = options;
  }

  /** One run for each adapter at a time; what is asked for during one leads to another. */
  request(name: string): void {
    const adapter = this.#options.adapter(name);
    if (!adapter || !hasHistory(adapter) || this.#options.within === 0 || this.#stopped) return;
    this.#again.add(name);
    if (this.#running.has(name)) return;
    const running = this.#run(name, adapter).finally(() => this.#running.delete(name));
    this.#running.set(name, running);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running.values());
  }

  async #run(name: string, adapter: ChannelAdapter & History): Promise<void> {
    const { store, clock, emit, within } = this.#options;
    while (this.#again.delete(name) && !this.#stopped) {
      try {
        const from = clock.now() - within;
        const since = new Map<ChannelId, number>();
        let cursor: string | undefined;
        do {
          const page = await store.list({
            adapter: name,
            from,
            limit: PAGE,
            ...(cursor === undefined ? {} : { cursor }),
          });
          for (const { channel, lastActivityAt } of page.sessions) {
            since.set(channel, Math.max(from, lastActivityAt - OVERLAP));
          }
          cursor = page.cursor;
        } while (cursor !== undefined);
        const known = [...since.keys()];
        const oldest = Math.min(...since.values());
        for (const channel of adapter.sources?.(known) ?? known) {
          await this.#read(adapter, channel, since.get(channel) ?? oldest);
        }
      } catch (error) {
        // The next gap, or the next start, reads it again.
        emit({ type: "store.fault", doing: `catch up on ${name}`, error });
      }
    }
  }

  async #read(adapter: ChannelAdapter & History, channel: ChannelId, since: number): Promise<void> {
    const { intake, emit } = this.#options;
    let after = since;
    for (let seen = 0; seen < MOST && !this.#stopped; ) {
      try {
        const events = await adapter.history(channel, after, PAGE, AbortSignal.timeout(PATIENCE));
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
      } catch (error) {
        if (!(error instanceof DeliveryError)) throw error;
        emit({ type: "fault", doing: `read what was missed in ${channel}`, error: new Error(describe(error)) });
        return;
      }
    }
  }
}
