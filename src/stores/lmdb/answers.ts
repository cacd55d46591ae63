/** What may happen to an ask: each of these is a method of the store. */
import { SwitchboardError } from "../../errors.ts";
import type { ChannelId } from "../../model.ts";
import type { AskAnswer, AskAnswered, AskDraft, AskEnding, AskOpened, Fence } from "../../store.ts";
import { changeAsk, closeAsk, createAsk, knownAsk, tellOwner, viewAsk } from "./asks.ts";
import { addAudit } from "./audit.ts";
import { readChannel, saveChannel } from "./channels.ts";
import type { Context } from "./context.ts";
import { askKey, dueKey } from "./keys.ts";
import { staleFence } from "./owners.ts";
import { addReplies } from "./replies.ts";
import type { AskRow } from "./rows.ts";
import type { Transaction } from "./transaction.ts";

/** See `Store.openAsk`. */
export function openAsk(
  transaction: Transaction,
  context: Context,
  channel: ChannelId,
  fence: Fence,
  draft: AskDraft,
): AskOpened {
  context.owners.check(channel, fence);
  const row = readChannel(transaction, channel);
  if (row.session === undefined) throw staleFence(channel);
  if (draft.turn !== undefined && draft.turn !== row.turn?.id) throw staleFence(channel);
  const opened = createAsk(transaction, context, channel, row, row.session, draft);
  saveChannel(transaction, channel, row);
  return opened;
}

/** See `Store.answerAsk`. */
export function answerAsk(transaction: Transaction, context: Context, id: string, answer: AskAnswer): AskAnswered {
  const ask = knownAsk(transaction, id);
  if (ask.end !== undefined) return { status: "already", ask: viewAsk(ask) };
  const { by, via, question, value = "", verdict = { kind: "answered" } } = answer;
  const at = context.clock.now();
  let { answers } = ask;
  if (question !== undefined) {
    assertQuestion(ask, question);
    if (Object.hasOwn(answers, question)) return { status: "already", ask: viewAsk(ask) };
    answers = { ...answers, [question]: { value, by, at } };
    addAudit(transaction, ask, { at, what: "answered", by, via, question, value });
  }
  const row = readChannel(transaction, ask.channel);
  const isDecided = question === undefined || questionsOf(ask).every((each) => Object.hasOwn(answers, each));
  const after = isDecided
    ? closeAsk(
        transaction,
        context,
        row,
        ask,
        { answers, end: { state: "decided", verdict, by, via, at } },
        { by, via, verdict },
      )
    : changeAsk(transaction, context, row, ask, { answers });
  if (isDecided) tellOwner(transaction, context, row, after, by);
  saveChannel(transaction, ask.channel, row);
  return { status: isDecided ? "decided" : "accepted", ask: viewAsk(after) };
}

/** See `Store.endAsk`. Where nobody ended it, the command comes from whoever led to the ask. */
export function endAsk(transaction: Transaction, context: Context, id: string, ending: AskEnding): AskAnswered {
  const ask = knownAsk(transaction, id);
  if (ask.end !== undefined) return { status: "already", ask: viewAsk(ask) };
  const row = readChannel(transaction, ask.channel);
  const { state: _, ...reason } = ending;
  const end = { ...ending, at: context.clock.now() };
  const after = closeAsk(transaction, context, row, ask, { end }, reason);
  tellOwner(transaction, context, row, after, ("by" in ending ? ending.by : undefined) ?? ask.requester);
  saveChannel(transaction, ask.channel, row);
  return { status: "decided", ask: viewAsk(after) };
}

/** See `Store.remindAsk`. */
export function remindAsk(
  transaction: Transaction,
  context: Context,
  id: string,
  cooldown: number,
  dueAt: number | undefined,
): boolean {
  const ask = transaction.get(askKey(id));
  if (ask === undefined || ask.end !== undefined) return false;
  const due = lookAgain(transaction, ask, dueAt);
  const row = readChannel(transaction, ask.channel);
  const [first] = ask.shown;
  const now = context.clock.now();
  const isBusy = row.turn !== undefined && row.turn.id !== ask.turn;
  if (first === undefined || isBusy || now - (ask.remindedAt ?? ask.openedAt) < cooldown) {
    transaction.put(askKey(id), due);
    return false;
  }
  transaction.put(askKey(id), { ...due, reminders: ask.reminders + 1, remindedAt: now });
  const card = { kind: "card", text: "", card: { ask: id, reminder: true }, replyTo: first.ref } as const;
  addReplies(transaction, context, ask.channel, row, [card]);
  saveChannel(transaction, ask.channel, row);
  transaction.hint(ask.channel, "outbox");
  transaction.hint(ask.channel, "state");
  return true;
}

/** The ask with its new `dueAt`: its row is the caller's to put. */
function lookAgain(transaction: Transaction, ask: AskRow, dueAt: number | undefined): AskRow {
  const { dueAt: before, ...rest } = ask;
  if (before !== undefined) transaction.remove(dueKey(before, ask.id));
  if (dueAt === undefined) return rest;
  transaction.put(dueKey(dueAt, ask.id), ask.id);
  return { ...rest, dueAt };
}

/** Throws QUESTION_UNKNOWN. */
function assertQuestion(ask: AskRow, question: string): void {
  if (questionsOf(ask).includes(question)) return;
  throw new SwitchboardError("QUESTION_UNKNOWN", `The ask ${ask.id} has no question ${question}.`);
}

function questionsOf({ request }: AskRow): string[] {
  return request.kind === "questions" ? request.questions.map(({ id }) => id) : [];
}
