/** The outbox: what is to be said in a channel and not yet proven delivered. */
import type { ChannelId, OutboxDraft, OutboxEntry } from "../../model.ts";
import type { Context } from "./context.ts";
import { count, nextSequence } from "./counters.ts";
import { replyKey } from "./keys.ts";
import type { ChannelRow } from "./rows.ts";
import type { Transaction } from "./transaction.ts";
import type { View } from "./view.ts";

/** Puts the drafts at the end of the outbox. `row` is changed, and the caller's to save. */
export function addReplies(
  transaction: Transaction,
  context: Context,
  channel: ChannelId,
  row: ChannelRow,
  drafts: readonly OutboxDraft[],
): OutboxEntry[] {
  if (drafts.length === 0) return [];
  context.pending.mark(transaction, channel);
  const entries = drafts.map((draft) => {
    const sequence = nextSequence(transaction);
    const entry: OutboxEntry = { ...draft, id: sequence.toString(36), state: "pending", attempts: 0 };
    transaction.put(replyKey(sequence), entry);
    return entry;
  });
  row.outbox = [...row.outbox, ...entries.map(({ id }) => Number.parseInt(id, 36))];
  count(transaction, { undelivered: entries.length });
  return entries;
}

export function readReplies(view: View, row: ChannelRow): OutboxEntry[] {
  return row.outbox.flatMap((sequence) => view.get(replyKey(sequence)) ?? []);
}
