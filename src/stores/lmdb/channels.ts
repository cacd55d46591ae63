/** The row of a channel: made when something first comes in, kept from then on. */
import type { ChannelId } from "../../model.ts";
import { countState } from "./figures.ts";
import { channelKey, isLegible, replyKey } from "./keys.ts";
import type { ChannelRow } from "./rows.ts";
import type { Transaction } from "./transaction.ts";
import type { View } from "./view.ts";

/** The caller's own to change, except for the lists in it: those are replaced. */
export function readChannel(view: View, channel: ChannelId): ChannelRow {
  const row = view.get(channelKey(channel));
  if (row !== undefined) return { ...row };
  const fresh = { head: 1, tail: 1, turns: 0, controls: [], outbox: [], recent: "" };
  return isLegible(channel) ? fresh : { channel, ...fresh };
}

export function saveChannel(transaction: Transaction, channel: ChannelId, row: ChannelRow): void {
  const unsettled = row.outbox.findIndex((sequence) => transaction.has(replyKey(sequence)));
  if (unsettled !== 0) row.outbox = unsettled < 0 ? [] : row.outbox.slice(unsettled);
  countState(transaction, transaction.get(channelKey(channel)), row);
  transaction.put(channelKey(channel), row);
}

export function waitingIn(row: ChannelRow): number {
  return row.tail - row.head;
}

/** Does the turn in flight wait for people? Then there is nothing to do about it, nor about what waits behind it. */
export function isSuspended({ turn, asks }: ChannelRow): boolean {
  if (turn?.suspended !== true || turn.cancelled !== undefined) return false;
  return turn.asks?.some((id) => asks?.includes(id)) === true;
}

/** Is there anything that an owner should take up? */
export function hasWork(view: View, row: ChannelRow): boolean {
  return (
    ((row.turn !== undefined || waitingIn(row) > 0) && !isSuspended(row)) ||
    row.controls.length > 0 ||
    row.outbox.some((sequence) => view.has(replyKey(sequence)))
  );
}
