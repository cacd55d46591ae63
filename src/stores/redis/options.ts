/** What a store in Redis is opened with. */
import type { Clock } from "../../model.ts";

export interface RedisStoreOptions {
  /** See `parseRedisAddress`. */
  readonly url: string;
  readonly clock: Clock;
  /** Milliseconds for which an event's id is remembered at least. */
  readonly dedupeFor: number;
  /** Milliseconds without a heartbeat after which a replica counts as dead. */
  readonly lease: number;
  /** Milliseconds for which an archived session is kept; 0: for ever. */
  readonly keep: number;
  /** Gives up waiting for Redis. */
  readonly signal?: AbortSignal;
  /** Called with what went wrong where no caller can be told. */
  readonly log?: (problem: string) => void;
}
