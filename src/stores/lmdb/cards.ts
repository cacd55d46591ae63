/** The messages that show an ask: replies of the kind `card`, until they are delivered and from then on. */
import type { Card, ChannelId, MessageRef, OutboxDraft } from "../../model.ts";
import type { Context } from "./context.ts";
import { askKey } from "./keys.ts";
import { addReplies } from "./replies.ts";
import type { AskRow, ChannelRow } from "./rows.ts";
import type { Transaction } from "./transaction.ts";

/** Edits every message that shows the ask. `row` is changed, and the caller's to save. */
export function showAgain(transaction: Transaction, context: Context, row: ChannelRow, ask: AskRow): void {
  if (ask.shown.length === 0) return;
  const edits = ask.shown.map(({ ref, ...part }) => edit({ ask: ask.id, ...part }, ref));
  addReplies(transaction, context, ask.channel, row, edits);
  transaction.hint(ask.channel, "outbox");
}

/**
 * The message shows the ask as it was at this version; where that is not how it is any more, it is edited once more: then
 * this is true, and `row` is changed and the caller's to save.
 */
export function noteShown(
  transaction: Transaction,
  context: Context,
  channel: ChannelId,
  row: ChannelRow,
  { ask: id, ...part }: Card,
  { ref, version }: { readonly ref: MessageRef; readonly version: number },
): boolean {
  const ask = transaction.get(askKey(id));
  if (ask === undefined) return false;
  if (!ask.shown.some((card) => card.ref === ref)) {
    transaction.put(askKey(id), { ...ask, shown: [...ask.shown, { ref, ...part }] });
  }
  if (version >= ask.version) return false;
  addReplies(transaction, context, channel, row, [edit({ ask: id, ...part }, ref)]);
  transaction.hint(channel, "outbox");
  return true;
}

/** The message is gone: no change needs to be shown there any more. */
export function forgetShown(transaction: Transaction, id: string, ref: MessageRef): void {
  const ask = transaction.get(askKey(id));
  if (ask === undefined) return;
  transaction.put(askKey(id), { ...ask, shown: ask.shown.filter((card) => card.ref !== ref) });
}

function edit(card: Card, ref: MessageRef): OutboxDraft {
  return { kind: "card", text: "", card, ref };
}
