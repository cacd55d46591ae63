/**
 * What an agent wants from people: its row, its places among the open and the due ones, and its id among the open ones in
 * the row of its channel, so that a channel without an open ask reads nothing here.
 */
import { SwitchboardError } from "../../errors.ts";
import type { Ask, AskEnd, AuditEntry, ChannelId, Control, QuestionAnswer, Sender } from "../../model.ts";
import type { AskDraft, AskOpened } from "../../store.ts";
import { cardsOf } from "../shared/asks.ts";
import { mintAskId } from "../shared/ids.ts";
import { addAudit } from "./audit.ts";
import { showAgain } from "./cards.ts";
import { isSuspended } from "./channels.ts";
import type { Context } from "./context.ts";
import { nextSequence } from "./counters.ts";
import { addControl } from "./intake.ts";
import { askKey, askOfKey, asksOf, dueKey, openAskKey } from "./keys.ts";
import { addReplies } from "./replies.ts";
import type { AskRow, ChannelRow } from "./rows.ts";
import type { Transaction } from "./transaction.ts";
import type { View } from "./view.ts";

/** The ask without what only the store needs. */
export function viewAsk({ place: _, ...ask }: AskRow): Ask {
  return ask;
}

/** Throws ASK_UNKNOWN. */
export function knownAsk(view: View, id: string): AskRow {
  const ask = view.get(askKey(id));
  if (ask === undefined) throw new SwitchboardError("ASK_UNKNOWN", `There is no ask ${id}.`);
  return ask;
}

/** The open ones of the channel, in the order in which they were opened. */
export function openAsks(view: View, row: ChannelRow): AskRow[] {
  return (row.asks ?? []).flatMap((id) => view.get(askKey(id)) ?? []);
}

/** Opens an ask with what shows it. `row` is changed, and the caller's to save. */
export function createAsk(
  transaction: Transaction,
  context: Context,
  channel: ChannelId,
  row: ChannelRow,
  session: string,
  { outbox: texts, ...draft }: AskDraft,
): AskOpened {
  const now = context.clock.now();
  const ask: AskRow = {
    id: mintAskId(channel),
    channel,
    session,
    ...draft,
    openedAt: now,
    version: 1,
    shown: [],
    reminders: 0,
    answers: {},
    place: nextSequence(transaction),
  };
  addAsk(transaction, ask);
  row.asks = [...(row.asks ?? []), ask.id];
  const { turn } = row;
  if (turn !== undefined && turn.id === ask.turn) row.turn = { ...turn, asks: [...(turn.asks ?? []), ask.id] };
  addAudit(transaction, ask, { at: now, what: "opened" });
  const outbox = addReplies(transaction, context, channel, row, [...texts, ...cardsOf(ask.id, ask.request)]);
  transaction.hint(channel, "state");
  return { ask: viewAsk(ask), outbox };
}

/** The row of an ask, and its places. That it is open stands in the channel's row too, which is the caller's. */
export function addAsk(transaction: Transaction, ask: AskRow): void {
  transaction.put(askKey(ask.id), ask);
  transaction.put(askOfKey(ask.session, ask.id), ask.id);
  if (ask.end !== undefined) return;
  transaction.put(openKeyOf(ask), ask.id);
  if (ask.dueAt !== undefined) transaction.put(dueKey(ask.dueAt, ask.id), ask.id);
}

interface AskChange {
  readonly answers?: Readonly<Record<string, QuestionAnswer>>;
  readonly end?: AskEnd;
}

/** Changes what people see of an ask. `row` is changed, and the caller's to save. */
export function changeAsk(
  transaction: Transaction,
  context: Context,
  row: ChannelRow,
  ask: AskRow,
  change: AskChange,
): AskRow {
  const after: AskRow = { ...ask, ...change, version: ask.version + 1 };
  transaction.put(askKey(ask.id), after);
  showAgain(transaction, context, row, after);
  transaction.hint(ask.channel, "state");
  return after;
}

/** Why, and by whom, as the audit log has it. */
type Reason = Omit<AuditEntry, "at" | "what" | "ask" | "channel" | "session" | "kind" | "text">;

/** Ends an ask that is open. A suspended turn that waited for nothing else is pending again. `row` is the caller's to save. */
export function closeAsk(
  transaction: Transaction,
  context: Context,
  row: ChannelRow,
  ask: AskRow,
  change: AskChange & { readonly end: AskEnd },
  reason: Reason,
): AskRow {
  const { channel } = ask;
  const { end } = change;
  const after = changeAsk(transaction, context, row, ask, change);
  forgetPlaces(transaction, ask);
  const left = row.asks?.filter((id) => id !== ask.id) ?? [];
  row.asks = left.length === 0 ? undefined : left;
  addAudit(transaction, ask, { at: end.at, what: end.state, ...reason });
  if (row.turn?.suspended && !isSuspended(row)) {
    context.pending.mark(transaction, channel);
    transaction.hint(channel, "inbox");
  }
  return after;
}

/** Leaves the command that tells the owner of an end. `row` is the caller's to save. */
export function tellOwner(
  transaction: Transaction,
  context: Context,
  row: ChannelRow,
  { id, channel }: AskRow,
  sender: Sender,
): void {
  const control: Control = { id: `ask:${id}`, command: "ask", args: id, sender, at: context.clock.now() };
  addControl(transaction, context, channel, row, control);
  transaction.hint(channel, "control");
}

/** Withdraws those that are open. The owner does this himself: he gets no command for it. `row` is his to save. */
export function withdrawAsks(
  transaction: Transaction,
  context: Context,
  row: ChannelRow,
  ids: readonly string[],
  reason: string,
): void {
  for (const ask of openAsks(transaction, row).filter(({ id }) => ids.includes(id))) {
    const end = { state: "withdrawn", reason, at: context.clock.now() } as const;
    closeAsk(transaction, context, row, ask, { end }, { reason });
  }
}

/** Leaves nothing of a session's asks but what the audit log tells. The channel's row is the caller's. */
export function eraseAsks(transaction: Transaction, session: string): void {
  for (const { key, row: id } of transaction.scan(asksOf(session))) {
    const ask = transaction.get(askKey(id));
    if (ask !== undefined) forgetPlaces(transaction, ask);
    transaction.remove(key);
    transaction.remove(askKey(id));
  }
}

function forgetPlaces(transaction: Transaction, ask: AskRow): void {
  transaction.remove(openKeyOf(ask));
  if (ask.dueAt !== undefined) transaction.remove(dueKey(ask.dueAt, ask.id));
}

function openKeyOf({ request, openedAt, place }: AskRow) {
  return openAskKey(request.kind, openedAt, place);
}
