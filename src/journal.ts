/** The part of `src/store.ts` that shows: a log for adapters whose platform is the gateway itself. */
import type { ChannelId, Json } from "./model.ts";

/**
 * A channel's display log, for adapters whose platform is the gateway itself (the web page).
 * `put` with a key that exists replaces that entry's body in place: so it is idempotent.
 */
export interface Journal {
  /** Resolves with the entry's version. The oldest entries beyond a bound of at least 1,000 are forgotten. */
  journalPut(channel: ChannelId, key: string, body: Json): Promise<number>;
  /** Entries whose version is above `version`, by version. Each key once, with its newest body. */
  journalSince(channel: ChannelId, version: number, limit: number): Promise<JournalEntry[]>;
  /** The newest `limit` entries whose order is below `before` (default: all), by order. */
  journalPage(channel: ChannelId, limit: number, before?: number): Promise<JournalEntry[]>;
}

export interface JournalEntry {
  readonly key: string;
  /** Its place on the page: the version of its first `put`. */
  readonly order: number;
  /** Grows with every `put` in the channel. */
  readonly version: number;
  readonly body: Json;
}
