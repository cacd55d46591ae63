/** Forgetting a session. */
import type { ChannelId } from "../../model.ts";
import { eraseAsks } from "./asks.ts";
import { readChannel, saveChannel } from "./channels.ts";
import type { Context } from "./context.ts";
import { count } from "./counters.ts";
import { dropWaiting } from "./intake.ts";
import { controlKey, expiredBy, expiryKey, replyKey } from "./keys.ts";
import { findReceipt, replaceReceipt } from "./receipts.ts";
import type { ChannelRow } from "./rows.ts";
import { eraseSession, knownSession, readSession } from "./sessions.ts";
import type { Transaction } from "./transaction.ts";
import { eraseTranscript } from "./transcripts.ts";
import { end } from "./turns.ts";

const REASON = "the session was removed";
const EXPIRED_AT_ONCE = 100;

/**
 * See `Store.remove`. The channel's row stays: the receipts in it keep a redelivery from being answered, and its
 * counters keep ids from being used again. Dead letters stay too: they are an operator's to replay or drop.
 */
export function remove(transaction: Transaction, context: Context, id: string): void {
  const session = knownSession(transaction, id);
  const { channel } = session;
  eraseTranscript(transaction, session);
  eraseAsks(transaction, id);
  eraseSession(transaction, session);
  const row = readChannel(transaction, channel);
  if (row.session === id) {
    transaction.undo(context.owners.restorer(channel));
    context.owners.drop(channel);
    empty(transaction, context, channel, row);
    saveChannel(transaction, channel, row);
  }
  transaction.hint(channel, "state");
}

/**
 * Removes archived sessions whose time is over, some at a time. One that was restored may be current again; or archived
 * again, and its time is another one then.
 */
export function expireSessions(transaction: Transaction, context: Context): void {
  let left = EXPIRED_AT_ONCE;
  const now = context.clock.now();
  for (const { key, row: id } of transaction.scan(expiredBy(now))) {
    if (left === 0) return;
    left -= 1;
    transaction.remove(key);
    const { archivedAt } = readSession(transaction, id) ?? {};
    if (archivedAt === undefined) continue;
    const due = archivedAt + context.keep;
    if (due > now) transaction.put(expiryKey(due, id), id);
    else remove(transaction, context, id);
  }
}

function empty(transaction: Transaction, context: Context, channel: ChannelId, row: ChannelRow): void {
  const now = context.clock.now();
  row.session = undefined;
  row.asks = undefined;
  if (row.turn !== undefined) end(transaction, context, channel, row, row.turn, (id) => [id, now, "d", REASON]);
  dropWaiting(transaction, context, channel, row, REASON);
  for (const control of row.controls) {
    transaction.remove(controlKey(channel, control));
    if (findReceipt(transaction, channel, row, control) === undefined) continue;
    replaceReceipt(transaction, context, channel, row, [control, now, "d", REASON]);
  }
  row.controls = [];
  const undelivered = row.outbox.filter((sequence) => transaction.has(replyKey(sequence)));
  for (const sequence of undelivered) transaction.remove(replyKey(sequence));
  row.outbox = [];
  count(transaction, { undelivered: -undelivered.length });
}
