/**
 * What became of each message and command, and so the memory against duplicates.
 *
 * The newest stand in the channel's row. What leaves it, a few at a time, goes to rows of its own in buckets: a
 * new bucket is begun when the newest has been written to for `dedupeFor`, and of the buckets only the newest two
 * are kept. So whatever is there is remembered for `dedupeFor` at least, across restarts and whatever the clock
 * or the setting was before, and no message needs a timer or a write to be forgotten. What is still queued is
 * carried over.
 */
import type { ChannelId, Receipt, ReceiptView } from "../../model.ts";
import type { Context } from "./context.ts";
import { receiptKey, receiptsIn } from "./keys.ts";
import { countRecent, findRecent, recentReceipts, replaceRecent, startOfNewest, withRecent } from "./recents.ts";
import type { BucketsRow, ChannelRow, ReceiptRow } from "./rows.ts";
import type { Transaction } from "./transaction.ts";
import type { View } from "./view.ts";

/** `QueueView.recent` promises 10. */
const RECENT_LEAST = 10;
const RECENT_MOST = 16;
/** How many forgotten rows one spill takes away at most: more than it adds. */
const CLEARED_AT_ONCE = 64;

export function findReceipt(view: View, channel: ChannelId, row: ChannelRow, id: string): ReceiptRow | undefined {
  const recent = findRecent(row.recent, id);
  if (recent !== undefined || row.buckets === undefined) return recent;
  for (let bucket = row.buckets.newest; bucket >= row.buckets.oldest; bucket -= 1) {
    const receipt = view.get(receiptKey(channel, bucket, id));
    if (receipt !== undefined) return receipt;
  }
  return undefined;
}

/** The receipt of something new. */
export function addReceipt(
  transaction: Transaction,
  context: Context,
  channel: ChannelId,
  row: ChannelRow,
  receipt: ReceiptRow,
): void {
  row.recent = withRecent(row.recent, receipt);
  if (countRecent(row.recent) <= RECENT_MOST) return;
  const start = startOfNewest(row.recent, RECENT_LEAST);
  const spilled = recentReceipts(row.recent.slice(0, start));
  row.recent = row.recent.slice(start);
  row.buckets = turned(row.buckets, context);
  for (const each of spilled) transaction.put(receiptKey(channel, row.buckets.newest, each[0]), each);
  row.buckets = cleared(transaction, channel, row, row.buckets);
}

/** Puts the new receipt in the place of the one with the same id. */
export function replaceReceipt(
  transaction: Transaction,
  context: Context,
  channel: ChannelId,
  row: ChannelRow,
  receipt: ReceiptRow,
): void {
  const [id] = receipt;
  const [, before = 0] = findReceipt(transaction, channel, row, id) ?? [];
  const next = before < 0 ? caughtUp(receipt) : receipt;
  const recent = replaceRecent(row.recent, next);
  if (recent !== undefined) {
    row.recent = recent;
    return;
  }
  if (row.buckets === undefined) {
    addReceipt(transaction, context, channel, row, next);
    return;
  }
  for (let bucket = row.buckets.oldest; bucket < row.buckets.newest; bucket += 1) {
    const key = receiptKey(channel, bucket, id);
    if (transaction.has(key)) transaction.remove(key);
  }
  transaction.put(receiptKey(channel, row.buckets.newest, id), next);
}

/** The receipt of what was read from a platform's history: its time is below zero. */
export function caughtUp(receipt: ReceiptRow): ReceiptRow {
  const [id, at, state, detail] = receipt;
  if (state === "a") return [id, -at, state];
  if (state === "q") return detail === undefined ? [id, -at, state] : [id, -at, state, detail];
  return [id, -at, state, detail];
}

export function viewReceipt(row: ChannelRow, stored: ReceiptRow): ReceiptView {
  return stored[1] < 0 ? { ...view(row, caughtUp(stored)), caughtUp: true } : view(row, stored);
}

function view(row: ChannelRow, stored: ReceiptRow): ReceiptView {
  const [id, at, state, detail] = stored;
  if (state === "a") return { id, receipt: { at, state: "answered" } };
  if (state === "d") return { id, receipt: { at, state: "dropped", reason: detail } };
  if (state === "f") return { id, receipt: { at, state: "failed", cause: detail } };
  if (detail === undefined) return { id, receipt: { at, state: "queued" } };
  if (detail >= row.head) return { id, receipt: { at, state: "queued" }, position: detail - row.head + 1 };
  const receipt: Receipt = { at: row.turn?.startedAt ?? at, state: "running", attempt: row.turn?.attempt ?? 1 };
  return { id, receipt };
}

function turned(buckets: BucketsRow | undefined, { clock, dedupeFor }: Context): BucketsRow {
  const now = clock.now();
  if (buckets === undefined) return { newest: 1, since: now, oldest: 1 };
  if (now < buckets.since + dedupeFor) return buckets;
  return { newest: buckets.newest + 1, since: now, oldest: buckets.oldest };
}

function cleared(
  transaction: Transaction,
  channel: ChannelId,
  row: ChannelRow,
  { newest, since, oldest }: BucketsRow,
): BucketsRow {
  if (oldest >= newest - 1) return { newest, since, oldest };
  let left = CLEARED_AT_ONCE;
  for (const { key, row: receipt } of transaction.scan(receiptsIn(channel, oldest))) {
    if (left === 0) return { newest, since, oldest };
    left -= 1;
    transaction.remove(key);
    if (isOpen(row, receipt)) transaction.put(receiptKey(channel, newest, receipt[0]), receipt);
  }
  return { newest, since, oldest: oldest + 1 };
}

function isOpen(row: ChannelRow, [id, , state, place]: ReceiptRow): boolean {
  if (state !== "q") return false;
  return place === undefined ? row.controls.includes(id) : place >= (row.turn?.first ?? row.head);
}
