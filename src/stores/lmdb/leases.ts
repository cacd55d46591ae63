/** Taking a channel over, and what its owner has to do besides turns. */
import type { ChannelId, Control, Message, NewSession, OutboxEntry, Session } from "../../model.ts";
import type { Acquired, ControlEnd, Fence, Lease, Pending } from "../../store.ts";
import { openAsks, viewAsk, withdrawAsks } from "./asks.ts";
import { readChannel, saveChannel, waitingIn } from "./channels.ts";
import type { Context } from "./context.ts";
import { replay } from "./deadletters.ts";
import { enqueue } from "./intake.ts";
import { controlKey, deadLetterKey, expiryKey, inboxKey, sessionKey } from "./keys.ts";
import { staleFence } from "./owners.ts";
import { addReceipt, findReceipt, replaceReceipt } from "./receipts.ts";
import { addReplies, readReplies } from "./replies.ts";
import type { ChannelRow, SessionRow } from "./rows.ts";
import { changeSession, createSession, currentSession, viewSession } from "./sessions.ts";
import type { Transaction } from "./transaction.ts";
import { viewTurn } from "./turns.ts";
import type { View } from "./view.ts";

/** See `Store.acquire`. Undefined where a session must be made first: that takes a write. */
export function acquireStored(
  view: View,
  { owners }: Context,
  channel: ChannelId,
  replica: string,
): Acquired | undefined {
  const owner = owners.of(channel);
  if (owner !== undefined && owner.replica !== replica) return { status: "elsewhere", owner: owner.replica };
  const row = readChannel(view, channel);
  const session = currentSession(view, channel, row);
  if (session === undefined) return undefined;
  return { status: "owned", lease: leaseOf(view, channel, row, session, owners.take(channel, replica)) };
}

/** See `Store.acquire`. */
export function acquire(
  transaction: Transaction,
  context: Context,
  channel: ChannelId,
  replica: string,
  fresh: NewSession,
): Acquired {
  transaction.undo(context.owners.restorer(channel));
  const stored = acquireStored(transaction, context, channel, replica);
  if (stored !== undefined) return stored;
  const row = readChannel(transaction, channel);
  const source = transaction.get(inboxKey(channel, row.head))?.source ?? fresh.source;
  const session = createSession(transaction, channel, { ...fresh, source }, context.clock.now());
  row.session = session.id;
  saveChannel(transaction, channel, row);
  transaction.hint(channel, "state");
  const fence = context.owners.take(channel, replica);
  return { status: "owned", lease: leaseOf(transaction, channel, row, session, fence) };
}

/** See `Store.pending`. */
export function readPending(view: View, { owners }: Context, channel: ChannelId, fence: Fence): Pending {
  owners.check(channel, fence);
  return pendingOf(view, channel, readChannel(view, channel));
}

/** See `Store.finishControl`. */
export function finishControl(
  transaction: Transaction,
  context: Context,
  channel: ChannelId,
  fence: Fence,
  end: ControlEnd,
): { session: Session; outbox: OutboxEntry[] } {
  context.owners.check(channel, fence);
  const row = readChannel(transaction, channel);
  let session = currentSession(transaction, channel, row);
  if (session === undefined) throw staleFence(channel);
  if (!row.controls.includes(end.control)) return { session: viewSession(session), outbox: [] };
  const now = context.clock.now();
  row.controls = row.controls.filter((id) => id !== end.control);
  transaction.remove(controlKey(channel, end.control));
  if (end.control !== end.enqueue?.id && findReceipt(transaction, channel, row, end.control) !== undefined) {
    replaceReceipt(transaction, context, channel, row, [end.control, now, "a"]);
  }
  session = changeSession(transaction, session, end.session ?? {}, now, { lastActivityAt: now });
  const outbox = addReplies(transaction, context, channel, row, end.outbox);
  if (end.withdraw !== undefined) withdrawAsks(transaction, context, row, end.withdraw.asks, end.withdraw.reason);
  const restored = end.restore === undefined ? undefined : transaction.get(sessionKey(channel, end.restore));
  if (end.renew !== undefined) {
    archive(transaction, context, row, session, "a new session was begun");
    session = createSession(transaction, channel, end.renew, now);
  } else if (restored?.archivedAt !== undefined) {
    archive(transaction, context, row, session, "an earlier session was taken up again");
    session = changeSession(transaction, restored, {}, now, { archivedAt: null, lastActivityAt: now });
  }
  row.session = session.id;
  if (end.enqueue !== undefined) putBehind(transaction, context, channel, row, end.enqueue, end.control);
  saveChannel(transaction, channel, row);
  if (end.replay !== undefined && transaction.has(deadLetterKey(end.replay))) replay(transaction, context, end.replay);
  transaction.hint(channel, "state");
  return { session: viewSession(session), outbox };
}

/** Archives the current session. `row` is changed, and the caller's to save. */
function archive(
  transaction: Transaction,
  context: Context,
  row: ChannelRow,
  session: SessionRow,
  reason: string,
): void {
  const now = context.clock.now();
  withdrawAsks(transaction, context, row, row.asks ?? [], reason);
  changeSession(transaction, session, {}, now, { archivedAt: now });
  if (context.keep > 0) transaction.put(expiryKey(now + context.keep, session.id), session.id);
}

/** One of the command itself keeps its receipt; another that has one is known already, and not put in twice. */
function putBehind(
  transaction: Transaction,
  context: Context,
  channel: ChannelId,
  row: ChannelRow,
  message: Message,
  control: string,
): void {
  const { id } = message;
  const [, at, , place] = findReceipt(transaction, channel, row, id) ?? [];
  if (at !== undefined && (id !== control || place !== undefined)) return;
  const receipt = [
    id,
    Math.abs(at ?? context.clock.now()),
    "q",
    enqueue(transaction, context, channel, row, message),
  ] as const;
  if (at === undefined) addReceipt(transaction, context, channel, row, receipt);
  else replaceReceipt(transaction, context, channel, row, receipt);
  transaction.hint(channel, "inbox");
}

function leaseOf(view: View, channel: ChannelId, row: ChannelRow, session: SessionRow, fence: Fence): Lease {
  const interrupted = row.turn === undefined ? {} : { interrupted: viewTurn(view, channel, row.turn) };
  const pending = pendingOf(view, channel, row);
  const asks = openAsks(view, row).map(viewAsk);
  return { fence, session: viewSession(session), ...interrupted, waiting: waitingIn(row), asks, ...pending };
}

function pendingOf(view: View, channel: ChannelId, row: ChannelRow): Pending {
  const controls: Control[] = row.controls.flatMap((id) => view.get(controlKey(channel, id)) ?? []);
  return { controls, outbox: readReplies(view, row) };
}
