/** What comes in from the platforms: messages, commands, and what is refused. */
import type { Amendment, Cancellation, ChannelId, Control, InboundEvent, Message } from "../../model.ts";
import type { Accepted, AcceptOptions, ControlDraft, Signalled } from "../../store.ts";
import { isSuspended, readChannel, saveChannel, waitingIn } from "./channels.ts";
import type { Context } from "./context.ts";
import { count } from "./counters.ts";
import { controlKey, inboxKey } from "./keys.ts";
import { addReceipt, caughtUp, findReceipt, replaceReceipt, viewReceipt } from "./receipts.ts";
import { addReplies, readReplies } from "./replies.ts";
import type { ChannelRow, ReceiptRow } from "./rows.ts";
import type { Transaction } from "./transaction.ts";

/** See `Store.accept`. */
export function accept(
  transaction: Transaction,
  context: Context,
  event: InboundEvent,
  { max, fullNotice }: AcceptOptions,
): Accepted {
  const { channel, id } = event;
  const row = readChannel(transaction, channel);
  const known = findReceipt(transaction, channel, row, id);
  if (known !== undefined) return { status: "duplicate", receipt: viewReceipt(row, known) };
  const now = context.clock.now();
  const isAside = row.asks !== undefined;
  if ((isAside ? row.controls.length : waitingIn(row)) >= max) {
    addReceipt(transaction, context, channel, row, receiptOf(event, [id, now, "d", "the queue is full"]));
    const isTold = readReplies(transaction, row).some(({ text }) => text === fullNotice);
    if (!isTold) addReplies(transaction, context, channel, row, [{ kind: "notice", text: fullNotice }]);
    saveChannel(transaction, channel, row);
    transaction.hint(channel, isTold ? "state" : "outbox");
    return { status: "full" };
  }
  const message = messageOf(event, now);
  if (isAside) {
    addControl(transaction, context, channel, row, sayOf(event, message));
    addReceipt(transaction, context, channel, row, receiptOf(event, [id, now, "q"]));
    saveChannel(transaction, channel, row);
    transaction.hint(channel, "control");
    return { status: "aside" };
  }
  const place = enqueue(transaction, context, channel, row, message);
  addReceipt(transaction, context, channel, row, receiptOf(event, [id, now, "q", place]));
  saveChannel(transaction, channel, row);
  transaction.hint(channel, "inbox");
  return { status: "queued", position: waitingIn(row) };
}

function messageOf({ id, sender, text, sentAt, files, source }: InboundEvent, acceptedAt: number): Message {
  return {
    ...{ id, sender, text, sentAt, acceptedAt },
    ...(files === undefined ? {} : { files }),
    ...(source === undefined ? {} : { source }),
  };
}

/** A message that may be the answer to an ask. */
function sayOf({ replyTo, answers }: InboundEvent, message: Message): Control {
  const { id, sender, acceptedAt: at } = message;
  return {
    ...{ id, command: "say", args: "", sender, at },
    ...(replyTo === undefined ? {} : { replyTo }),
    message,
    ...(answers === undefined ? {} : { answers }),
  };
}

function receiptOf(event: InboundEvent, receipt: ReceiptRow): ReceiptRow {
  return event.caughtUp === true ? caughtUp(receipt) : receipt;
}

/** Puts a message at the end of the inbox. Its receipt and the channel's row are the caller's. */
export function enqueue(
  transaction: Transaction,
  context: Context,
  channel: ChannelId,
  row: ChannelRow,
  message: Message,
): number {
  const place = row.tail;
  row.tail += 1;
  transaction.put(inboxKey(channel, place), message);
  context.pending.mark(transaction, channel);
  count(transaction, { queued: 1 });
  return place;
}

/** See `Store.signal`. */
export function signal(
  transaction: Transaction,
  context: Context,
  event: InboundEvent,
  { command, args, cancel, enqueues, reason }: ControlDraft,
): Signalled {
  const { channel, id, sender, replyTo } = event;
  const row = readChannel(transaction, channel);
  if (findReceipt(transaction, channel, row, id) !== undefined) return { status: "duplicate" };
  const now = context.clock.now();
  const cancellation: Cancellation = { by: sender.id, reason, at: now };
  const wasSuspended = isSuspended(row);
  const cancelledTurn = cancel === undefined ? null : cancelTurn(row, cancellation);
  const dropped =
    cancel === "all"
      ? dropWaiting(transaction, context, channel, row, reason) + dropSaid(transaction, context, channel, row, reason)
      : 0;
  const effect = { cancelledTurn, dropped };
  const control: Control = {
    id,
    command,
    args,
    sender,
    at: now,
    ...(replyTo === undefined ? {} : { replyTo }),
    ...(enqueues ? { enqueues } : {}),
    effect,
  };
  addControl(transaction, context, channel, row, control);
  addReceipt(transaction, context, channel, row, receiptOf(event, [id, now, "q"]));
  saveChannel(transaction, channel, row);
  transaction.hint(channel, "control");
  if (cancelledTurn !== null || dropped > 0) transaction.hint(channel, "state");
  if (cancelledTurn !== null && wasSuspended) transaction.hint(channel, "inbox");
  return { status: "stored", effect };
}

/** Leaves a command for the owner. Its receipt and the channel's row are the caller's. */
export function addControl(
  transaction: Transaction,
  context: Context,
  channel: ChannelId,
  row: ChannelRow,
  control: Control,
): void {
  row.controls = [...row.controls, control.id];
  transaction.put(controlKey(channel, control.id), control);
  context.pending.mark(transaction, channel);
}

/** See `Store.amend`. What waits behind a dropped message moves up. */
export function amend(
  transaction: Transaction,
  context: Context,
  { channel, id, text }: Amendment,
  reason: string,
): boolean {
  const row = readChannel(transaction, channel);
  const [, , state, at] = findReceipt(transaction, channel, row, id) ?? [];
  if (state !== "q" || typeof at !== "number" || at < row.head) return false;
  const message = transaction.get(inboxKey(channel, at));
  if (message === undefined) return false;
  if (text !== null) {
    transaction.put(inboxKey(channel, at), { ...message, text });
    transaction.hint(channel, "state");
    return true;
  }
  for (let place = at; place < row.tail - 1; place += 1) {
    const next = transaction.get(inboxKey(channel, place + 1));
    if (next === undefined) continue;
    transaction.put(inboxKey(channel, place), next);
    replaceReceipt(transaction, context, channel, row, [next.id, next.acceptedAt, "q", place]);
  }
  row.tail -= 1;
  transaction.remove(inboxKey(channel, row.tail));
  replaceReceipt(transaction, context, channel, row, [id, context.clock.now(), "d", reason]);
  count(transaction, { queued: -1 });
  saveChannel(transaction, channel, row);
  transaction.hint(channel, "state");
  return true;
}

/** See `Store.refuse`. */
export function refuse(
  transaction: Transaction,
  context: Context,
  { channel, id }: InboundEvent,
  reason: string,
): "refused" | "duplicate" {
  const row = readChannel(transaction, channel);
  if (findReceipt(transaction, channel, row, id) !== undefined) return "duplicate";
  addReceipt(transaction, context, channel, row, [id, context.clock.now(), "d", reason]);
  saveChannel(transaction, channel, row);
  transaction.hint(channel, "state");
  return "refused";
}

/** The id of the turn that this cancels. The first cancellation of a turn stands. */
function cancelTurn(row: ChannelRow, cancelled: Cancellation): string | null {
  if (row.turn === undefined || row.turn.cancelled !== undefined) return null;
  row.turn = { ...row.turn, cancelled };
  return row.turn.id;
}

/** Empties the inbox, with a receipt for each message. Returns how many there were. */
export function dropWaiting(
  transaction: Transaction,
  context: Context,
  channel: ChannelId,
  row: ChannelRow,
  reason: string,
): number {
  const now = context.clock.now();
  const dropped = waitingIn(row);
  for (let place = row.head; place < row.tail; place += 1) {
    const message = transaction.get(inboxKey(channel, place));
    if (message === undefined) continue;
    transaction.remove(inboxKey(channel, place));
    replaceReceipt(transaction, context, channel, row, [message.id, now, "d", reason]);
  }
  row.head = row.tail;
  count(transaction, { queued: -dropped });
  return dropped;
}

/** Drops the messages that wait to be read as answers, and the commands that would add one. */
function dropSaid(
  transaction: Transaction,
  context: Context,
  channel: ChannelId,
  row: ChannelRow,
  reason: string,
): number {
  const said = row.controls.filter((id) => {
    const control = transaction.get(controlKey(channel, id));
    return control?.command === "say" || control?.enqueues === true;
  });
  if (said.length === 0) return 0;
  for (const id of said) {
    transaction.remove(controlKey(channel, id));
    replaceReceipt(transaction, context, channel, row, [id, context.clock.now(), "d", reason]);
  }
  row.controls = row.controls.filter((id) => !said.includes(id));
  return said.length;
}
