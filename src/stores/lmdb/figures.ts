/** What a change adds to the figures of the whole store, so that asking for them reads one row. */

import type { SessionStats } from "../../model.ts";
import type { StoreStats, Totals } from "../../store.ts";
import { count } from "./counters.ts";
import type { ChannelRow, Counters, Figures, SessionRow } from "./rows.ts";
import type { Transaction } from "./transaction.ts";

type Spent = Pick<SessionStats, "turns" | "failed" | "tokensIn" | "tokensOut" | "cost">;

/** The row as it was and as it is; undefined where there is none. */
export function countSession(transaction: Transaction, before?: SessionRow, after?: SessionRow): void {
  const [was, is] = [currentOf(before), currentOf(after)];
  const error = errors(is) - errors(was);
  if (error !== 0) count(transaction, { error });
  if (was?.source === is?.source) return;
  if (was !== undefined) count(transaction, { [was.source]: -1 });
  if (is !== undefined) count(transaction, { [is.source]: 1 });
}

/** As `countSession`, of what its channel does. */
export function countState(transaction: Transaction, before?: ChannelRow, after?: ChannelRow): void {
  const waiting = asking(after) - asking(before);
  const paused = pausing(after) - pausing(before);
  if (waiting !== 0 || paused !== 0) count(transaction, { waiting, paused });
}

export function countSpent(transaction: Transaction, before: Spent, after: Spent): void {
  count(transaction, {
    turns: after.turns - before.turns,
    failed: after.failed - before.failed,
    tokensIn: after.tokensIn - before.tokensIn,
    tokensOut: after.tokensOut - before.tokensOut,
    cost: (after.cost ?? 0) - (before.cost ?? 0),
  });
}

/** What the session and, of a current one, its channel's row come to in the figures that the other methods here keep. */
export function figuresOf(session: SessionRow, row: ChannelRow | undefined): Partial<Figures> {
  const { turns, failed, tokensIn, tokensOut, cost = 0 } = session.stats;
  const spent = { turns, failed, tokensIn, tokensOut, cost };
  if (session.archivedAt !== undefined) return spent;
  return { ...spent, [session.source]: 1, error: errors(session), waiting: asking(row), paused: pausing(row) };
}

/** See `StoreStats`. */
export function statsOf(counters: Counters): StoreStats {
  const { sessions, queued, inFlight, undelivered, deadLetters } = counters;
  const { channel, manual, cron, setup, error, waiting, paused } = counters;
  return {
    ...{ sessions, queued, inFlight, undelivered, deadLetters },
    bySource: { channel, manual, cron, setup },
    byStatus: { running: inFlight - paused, waiting, error },
    totals: totalsOf(counters),
  };
}

export function totalsOf({ turns, failed, tokensIn, tokensOut, cost }: Counters): Totals {
  return { turns, failed, tokensIn, tokensOut, cost };
}

function currentOf(session: SessionRow | undefined): SessionRow | undefined {
  return session?.archivedAt === undefined ? session : undefined;
}

function errors(session: SessionRow | undefined): number {
  return session?.error === undefined ? 0 : 1;
}

function asking(row: ChannelRow | undefined): number {
  return row?.asks === undefined ? 0 : 1;
}

function pausing(row: ChannelRow | undefined): number {
  return row?.turn === undefined ? 0 : asking(row);
}
