/** What an agent wants from people: opened by the owner, answered from anywhere. */
import { randomUUID } from "node:crypto";
import { SwitchboardError } from "../../errors.ts";
import type { Ask, AskEnd, AuditEntry, ChannelId, Control, QuestionAnswer, Sender } from "../../model.ts";
import type { AskAnswer, AskAnswered, AskDraft, AskEnding, AskOpened, Fence } from "../../store.ts";
import { mintAskId } from "../shared/ids.ts";
import { cardsOf, members, readAsk, writeAsk } from "./askrows.ts";
import { type Context, staleFence } from "./context.ts";
import { decode, encode } from "./keys.ts";
import { list, pairs, readHints, text } from "./reply.ts";
import type { Reply } from "./scripts.ts";
import { entriesOf, writeDrafts } from "./turns.ts";

/** See `Store.openAsk`. */
export async function openAsk(context: Context, channel: ChannelId, fence: Fence, draft: AskDraft): Promise<AskOpened> {
  const name = `ask ${JSON.stringify([channel, fence, draft])}`;
  return await context.repeats.run(name, mintAskId(channel), async (id) => {
    const ask = writeAsk(id, channel, draft, context.clock.now());
    const outbox = [...draft.outbox, ...cardsOf(id, draft)];
    const drafts = writeDrafts(outbox);
    const [status, fields, first] = list(
      await context.asOwner("ask-open", channel, fence, ask.length, ...ask, drafts.length, ...drafts),
    );
    if (status === "stale") throw staleFence(channel);
    context.hints.change("state", channel);
    return { ask: askOf(id, fields), outbox: entriesOf(outbox, text(first)) };
  });
}

/** See `Store.answerAsk`. */
export async function answerAsk(
  context: Context,
  id: string,
  { by, via, question, value = "", verdict = { kind: "answered" } }: AskAnswer,
): Promise<AskAnswered> {
  const at = context.clock.now();
  const end: AskEnd = { at, state: "decided", verdict, by, via };
  const told = { by, via, verdict };
  if (question === undefined) return await close(context, id, by, end, told);
  const answer: QuestionAnswer = { value, by, at };
  return await close(context, id, by, end, told, { question, answer, told: { by, via, question, value } });
}

/** See `Store.endAsk`. The command that the owner gets is the requester's where nobody ended it. */
export async function endAsk(context: Context, id: string, ending: AskEnding): Promise<AskAnswered> {
  const { state, ...told } = ending;
  const by = "by" in ending ? ending.by : undefined;
  const sender = by ?? (await findAsk(context, id))?.requester;
  if (sender === undefined) throw unknown(id);
  const end: AskEnd = { at: context.clock.now(), ...ending };
  return await close(context, id, sender, end, told);
}

/** Ends an ask, or answers one of its questions. `told`: what the audit log says of it. */
async function close(
  context: Context,
  id: string,
  sender: Sender,
  end: AskEnd,
  told: Partial<AuditEntry>,
  part?: { readonly question: string; readonly answer: QuestionAnswer; readonly told: Partial<AuditEntry> },
): Promise<AskAnswered> {
  const shard = await context.shardOf("a", id);
  if (shard === undefined) throw unknown(id);
  const control: Control = { id: `ask:${id}`, command: "ask", args: id, sender, at: end.at };
  const [status, home, owner, fields, hints] = list(
    await context.onRow(
      "ask-answer",
      shard,
      "a",
      encode(id),
      encode(id),
      part === undefined ? "" : `?${encode(part.question)}`,
      part === undefined ? "" : JSON.stringify(part.answer),
      end.state,
      JSON.stringify(end),
      part === undefined ? "" : members(part.told),
      members(told),
      encode(control.id),
      JSON.stringify(control),
    ),
  );
  if (status === "unknown") throw unknown(id);
  if (status === "no question") {
    throw new SwitchboardError("QUESTION_UNKNOWN", `The ask ${id} has no question ${part?.question}.`);
  }
  const channel = decode(text(home)) as ChannelId;
  // Also where it had ended: that call's answer, and its hint with it, may have got lost.
  if (status !== "accepted") context.hints.work("control", channel, text(owner));
  for (const kind of readHints(hints)) context.hints.work(kind, channel, text(owner));
  if (status !== "already") context.hints.change("state", channel);
  return { status: status === "accepted" || status === "decided" ? status : "already", ask: askOf(id, fields) };
}

/** See `Store.remindAsk`. */
export async function remindAsk(
  context: Context,
  id: string,
  cooldown: number,
  dueAt: number | undefined,
): Promise<boolean> {
  const shard = await context.shardOf("a", id);
  if (shard === undefined) return false;
  return await context.repeats.run(`remind ${id}`, randomUUID(), async (mark) => {
    const name = encode(id);
    const reply = list(await context.onRow("ask-remind", shard, "a", name, name, cooldown, dueAt ?? "", mark));
    if (reply.length === 0) return false;
    const channel = decode(text(reply[0])) as ChannelId;
    context.hints.work("outbox", channel, text(reply[1]));
    context.hints.change("state", channel);
    return true;
  });
}

/** See `Store.ask`. */
export async function findAsk(context: Context, id: string): Promise<Ask | undefined> {
  const shard = await context.shardOf("a", id);
  if (shard === undefined) return undefined;
  const fields = await context.do(() => context.client.hgetall(`${context.keys.base(shard)}a:${encode(id)}`));
  return readAsk(Object.entries(fields));
}

function askOf(id: string, fields: Reply | undefined): Ask {
  const ask = readAsk(pairs(fields));
  if (ask === undefined) throw new Error(`the ask ${id} has no row`);
  return ask;
}

function unknown(id: string): SwitchboardError {
  return new SwitchboardError("ASK_UNKNOWN", `There is no ask ${id}.`);
}
