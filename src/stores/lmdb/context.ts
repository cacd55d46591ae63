/** What the transactions need besides their rows. */
import type { Clock } from "../../model.ts";
import type { Owners } from "./owners.ts";
import type { PendingChannels } from "./pending.ts";

export interface Context {
  readonly clock: Clock;
  /** Milliseconds for which an event's id is remembered at least. */
  readonly dedupeFor: number;
  /** Milliseconds for which an archived session is kept; 0: for ever. */
  readonly keep: number;
  readonly owners: Owners;
  readonly pending: PendingChannels;
}
