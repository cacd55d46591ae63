/** The turn in flight: begun by a claim, ended by a commit or a failure. */
import type { ChannelId, Message, MessageRef, OutboxDraft, SessionPatch, TranscriptEntry, Turn } from "../../model.ts";
import type { AskDraft, Fence, TurnCommit, TurnEnd, TurnFailure } from "../../store.ts";
import { createAsk, withdrawAsks } from "./asks.ts";
import { isSuspended, readChannel, saveChannel, waitingIn } from "./channels.ts";
import type { Context } from "./context.ts";
import { count } from "./counters.ts";
import { parkMessage } from "./deadletters.ts";
import { inboxKey, sessionKey } from "./keys.ts";
import { staleFence } from "./owners.ts";
import { replaceReceipt } from "./receipts.ts";
import { addReplies } from "./replies.ts";
import type { ChannelRow, ReceiptRow, TurnRow } from "./rows.ts";
import { changeSession, currentSession } from "./sessions.ts";
import type { Transaction } from "./transaction.ts";
import { appendTranscript } from "./transcripts.ts";
import type { View } from "./view.ts";

/** See `Store.claim`. A cancelled turn is given as it is, a suspended one not at all. */
export function claim(
  transaction: Transaction,
  context: Context,
  channel: ChannelId,
  fence: Fence,
  take: number,
): Turn | undefined {
  context.owners.check(channel, fence);
  const row = readChannel(transaction, channel);
  const { turn } = row;
  if (isSuspended(row)) return undefined;
  const isClaimed = turn?.fence === fence && !turn.again && !turn.requeued && !turn.suspended;
  if (turn !== undefined && (turn.cancelled !== undefined || isClaimed)) return viewTurn(transaction, channel, turn);
  if (turn === undefined) {
    const begun = begin(transaction, context, channel, row, take, fence);
    if (begun === undefined) return undefined;
    saveChannel(transaction, channel, row);
    transaction.hint(channel, "state");
    return begun;
  }
  const { retryAt: _, requeued, suspended, again: __, ...rest } = turn;
  const attempt = requeued || suspended ? turn.attempt : turn.attempt + 1;
  const again = { ...rest, attempt, startedAt: context.clock.now(), fence };
  row.turn = again;
  saveChannel(transaction, channel, row);
  transaction.hint(channel, "state");
  return viewTurn(transaction, channel, again);
}

/** See `Store.commitTurn`. */
export function commitTurn(
  transaction: Transaction,
  context: Context,
  channel: ChannelId,
  fence: Fence,
  commit: TurnCommit,
): TurnEnd | { status: "cancelled" } {
  const row = readChannel(transaction, channel);
  const turn = turnInFlight(context, channel, fence, row, commit.turn);
  if (turn.cancelled !== undefined) return { status: "cancelled" };
  const now = context.clock.now();
  end(transaction, context, channel, row, turn, (id) => [id, now, "a"]);
  return conclude(transaction, context, channel, row, turn, commit, commit.take, fence, "the turn has ended");
}

const PUT_BACK = {
  retry: { again: true },
  requeue: { requeued: true },
  suspend: { suspended: true },
} as const;

/**
 * See `Store.failTurn`. Parking a cancelled turn cancels it: nothing of it becomes a dead letter, and nothing
 * more is said.
 */
export function failTurn(
  transaction: Transaction,
  context: Context,
  channel: ChannelId,
  fence: Fence,
  failure: TurnFailure,
): TurnEnd {
  const row = readChannel(transaction, channel);
  const turn = turnInFlight(context, channel, fence, row, failure.turn);
  const { cause, outcome, retryAt } = failure;
  const now = context.clock.now();
  if (outcome === "retry" || outcome === "requeue" || outcome === "suspend") {
    const { retryAt: _, requeued: __, again: ___, suspended: ____, ...rest } = turn;
    const next = PUT_BACK[outcome];
    row.turn = { ...rest, ...next, ...(retryAt === undefined ? {} : { retryAt }) };
    return conclude(transaction, context, channel, row, turn, failure, 0, fence);
  }
  if (outcome === "park" && turn.cancelled === undefined) {
    for (const message of viewTurn(transaction, channel, turn).messages) {
      parkMessage(transaction, { channel, message, cause, attempts: turn.attempt, at: now });
    }
    end(transaction, context, channel, row, turn, (id) => [id, now, "f", cause]);
    return conclude(transaction, context, channel, row, turn, failure, failure.take, fence, cause);
  }
  const reason = turn.cancelled?.reason ?? cause;
  end(transaction, context, channel, row, turn, (id) => [id, now, "d", reason]);
  const said = outcome === "park" ? { ...failure, outbox: [] } : failure;
  return conclude(transaction, context, channel, row, turn, said, failure.take, fence, reason);
}

/** See `Store.save`. */
export function save(
  transaction: Transaction,
  context: Context,
  channel: ChannelId,
  fence: Fence,
  { session, preview }: { session?: SessionPatch; preview?: MessageRef },
): void {
  context.owners.check(channel, fence);
  const row = readChannel(transaction, channel);
  const before = currentSession(transaction, channel, row);
  if (session !== undefined && before !== undefined) {
    changeSession(transaction, before, session, context.clock.now());
  }
  if (preview !== undefined && row.turn !== undefined) {
    row.turn = { ...row.turn, preview };
    saveChannel(transaction, channel, row);
  }
  transaction.hint(channel, "state");
}

export function viewTurn(view: View, channel: ChannelId, turn: TurnRow): Turn {
  const { session: _, first, messages, requeued: __, again: ___, suspended: ____, fence: _____, ...rest } = turn;
  return { ...rest, messages: readMessages(view, channel, first, first + messages.length) };
}

/** The messages at the places from `from` up to, without, `to`. */
export function readMessages(view: View, channel: ChannelId, from: number, to: number): Message[] {
  const messages: Message[] = [];
  for (let place = from; place < to; place += 1) {
    const message = view.get(inboxKey(channel, place));
    if (message !== undefined) messages.push(message);
  }
  return messages;
}

function turnInFlight(context: Context, channel: ChannelId, fence: Fence, row: ChannelRow, id: string): TurnRow {
  context.owners.check(channel, fence);
  // Another turn than the caller's is in flight, or none: it lost the channel without noticing.
  if (row.turn?.id !== id) throw staleFence(channel);
  return row.turn;
}

/** Begins a turn over the messages that wait longest. `row` is changed, and the caller's to save. */
function begin(
  transaction: Transaction,
  context: Context,
  channel: ChannelId,
  row: ChannelRow,
  take: number,
  fence: Fence,
): Turn | undefined {
  const taken = Math.min(take, waitingIn(row));
  if (taken < 1 || row.session === undefined) return undefined;
  const messages = readMessages(transaction, channel, row.head, row.head + taken);
  row.turns += 1;
  const turn = { id: `t${row.turns}`, attempt: 1, startedAt: context.clock.now() };
  row.turn = { ...turn, session: row.session, first: row.head, messages: messages.map(({ id }) => id), fence };
  row.head += taken;
  count(transaction, { queued: -taken, inFlight: 1 });
  return { ...turn, messages };
}

/** Takes the turn's messages out of the inbox. `row` is changed, and the caller's to save. */
export function end(
  transaction: Transaction,
  context: Context,
  channel: ChannelId,
  row: ChannelRow,
  turn: TurnRow,
  receipt: (id: string) => ReceiptRow,
): void {
  for (const [index, id] of turn.messages.entries()) {
    transaction.remove(inboxKey(channel, turn.first + index));
    replaceReceipt(transaction, context, channel, row, receipt(id));
  }
  row.turn = undefined;
  count(transaction, { inFlight: -1 });
}

interface Conclusion {
  readonly transcript: readonly TranscriptEntry[];
  readonly session: SessionPatch;
  readonly outbox: readonly OutboxDraft[];
  readonly ask?: AskDraft;
}

/**
 * What an end and a putting back have in common: records what was said, and claims the next turn. `over`: why the turn's
 * asks can't be decided any more; absent where it stays in flight.
 */
function conclude(
  transaction: Transaction,
  context: Context,
  channel: ChannelId,
  row: ChannelRow,
  turn: TurnRow,
  { transcript, session: patch, outbox: drafts, ask }: Conclusion,
  take: number,
  fence: Fence,
  over?: string,
): TurnEnd {
  const now = context.clock.now();
  // An archived session may have been removed while its last turn ran.
  const session = transaction.get(sessionKey(channel, turn.session));
  if (session !== undefined) {
    const newest = appendTranscript(transaction, session.newest, transcript);
    changeSession(transaction, session, patch, now, { lastActivityAt: now, newest });
  }
  const outbox = addReplies(transaction, context, channel, row, drafts);
  if (ask !== undefined && row.session !== undefined) {
    outbox.push(...createAsk(transaction, context, channel, row, row.session, ask).outbox);
  }
  if (over !== undefined && turn.asks !== undefined) withdrawAsks(transaction, context, row, turn.asks, over);
  const next = take > 0 ? begin(transaction, context, channel, row, take, fence) : undefined;
  saveChannel(transaction, channel, row);
  transaction.hint(channel, "state");
  return { status: "ended", outbox, ...(next === undefined ? {} : { next }) };
}
