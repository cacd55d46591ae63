/** Fills a store through its own methods with one of everything that it can keep, in several channels. */
import type {
  AskRequest,
  ChannelId,
  InboundEvent,
  QuestionsRequest,
  Sender,
  SessionSettings,
} from "../../src/model.ts";
import type { AskDraft, Lease, Store, TurnCommit, TurnFailure } from "../../src/store.ts";

export const ANN: Sender = { id: "telegram:42", name: "Ann 🙂" };
export const ROOM = { max: 100, fullNotice: "The queue is full." };
export const BUSY: ChannelId = "telegram:-100/7";
export const STRANGE: ChannelId = "odd:ключ, 50% off; a#b\tc 🙂";
export const LONG: ChannelId = `odd:${"x".repeat(300)}`;
export const QUIET: ChannelId = "web:quiet";
/** Its turn waits for people. */
export const ASKING: ChannelId = "web:asking; 50%";
export const REFUSED: ChannelId = "telegram:nobody";
const SHOWN: ChannelId = "web:journal-only";
/** It has a schedule, and nothing else; its name can't stand in a key. */
const PLANNED: ChannelId = `odd:${"план ".repeat(60)}`;

export function event(channel: ChannelId, id: string, text = `message ${id}`): InboundEvent {
  return { channel, id, sender: ANN, text, sentAt: 1_000, addressed: true, direct: true };
}

export async function own(store: Store, channel: ChannelId): Promise<Lease> {
  const acquired = await store.acquire(channel, "filler", {
    source: "channel",
    agent: "demo",
    title: "Ein Gespräch 🙂",
  });
  if (acquired.status !== "owned") throw new Error(`${channel} is owned by ${acquired.owner}`);
  return acquired.lease;
}

const NOTHING = { transcript: [], session: {}, outbox: [], take: 0 };

/** Accepts and answers one message. */
export async function talk(store: Store, lease: Lease, id: string, commit: Partial<TurnCommit> = {}): Promise<void> {
  const { channel } = lease.session;
  await store.accept(event(channel, id), ROOM);
  const turn = await store.claim(channel, lease.fence, 1);
  await store.commitTurn(channel, lease.fence, { ...NOTHING, turn: turn?.id ?? "", ...commit });
}

/** Accepts one message, and has its turn fail. */
async function fail(store: Store, lease: Lease, id: string, failure: Partial<TurnFailure> = {}): Promise<void> {
  const { channel } = lease.session;
  await store.accept(event(channel, id), ROOM);
  const turn = await store.claim(channel, lease.fence, 1);
  const outcome = { outcome: "park", cause: "it broke; 100%, twice\nover" } as const;
  await store.failTurn(channel, lease.fence, { ...NOTHING, turn: turn?.id ?? "", ...outcome, ...failure });
}

export interface Filled {
  /** The ids of an ask that is open, of one that was decided, and of the one that a suspended turn waits for. */
  readonly openAsk: string;
  readonly decidedAsk: string;
  readonly awaited: string;
}

export const QUESTIONS: QuestionsRequest = {
  kind: "questions",
  text: "",
  questions: [
    { id: "a,b;c%2c#d e", prompt: "Какой цвет?", choices: [{ id: "r;", label: "Red 🙂" }], free: true, grounded: true },
    { id: "größe\n2", prompt: "How large?\n50%", underspecified: true },
  ],
};

const SETTINGS: SessionSettings = {
  mode: "accept-edits",
  grants: [{ tool: "edit", by: ANN, at: 5 }],
  rules: [{ tool: "bash", pattern: "ls *; 50%", by: ANN, at: 6 }],
  note: "no;\n100% no 🙂",
};

function asking(request: AskRequest, draft: Partial<AskDraft> = {}): AskDraft {
  return { request, requester: ANN, approvers: ["telegram:42", "a b;c"], key: "secret\n%", outbox: [], ...draft };
}

export async function fill(store: Store, advance: (ms: number) => void): Promise<Filled> {
  const ids = await fillBusy(store, advance);
  await fillStrange(store, advance);
  await fillOthers(store, advance);
  await fillResumed(store, advance);
  await fillSchedules(store);
  return { ...ids, awaited: await fillAsking(store, advance) };
}

/** Ends with its second attempt under way, three messages waiting, commands, a plan, and replies in every state. */
async function fillBusy(store: Store, advance: (ms: number) => void): Promise<Omit<Filled, "awaited">> {
  const lease = await own(store, BUSY);
  const { fence } = lease;
  for (let index = 0; index < 40; index += 1) {
    advance(1_000);
    const said = { at: index, turn: `t${index + 1}` };
    await talk(store, lease, `said-${index}`, {
      transcript: [
        { role: "user", text: `Frage ${index}`, sender: ANN, ...said },
        { role: "assistant", text: index === 7 ? "🙂".repeat(20_000) : `Antwort ${index}`, ...said },
      ],
      session: { stats: { turns: index + 1, failed: 0, tokensIn: 10, tokensOut: 20, firstTextMs: 1.5, lastTurnMs: 9 } },
    });
  }
  await store.accept(event(BUSY, "old"), ROOM);
  const cancelled = await store.claim(BUSY, fence, 1);
  await store.signal(event(BUSY, "new"), { command: "new", args: "", cancel: "all", reason: "a new session, please" });
  await store.failTurn(BUSY, fence, { ...NOTHING, turn: cancelled?.id ?? "", outcome: "cancel", cause: "" });
  await store.finishControl(BUSY, fence, {
    control: "new",
    session: { pinned: true },
    renew: { source: "manual", agent: "other", title: "" },
    outbox: [{ kind: "notice", text: "A new session." }],
  });
  await fail(store, lease, "dead-1");
  advance(120_000);
  await fail(store, lease, "dead-2", { outbox: [{ kind: "notice", text: "It failed.\n\nReally." }] });

  const notice = { kind: "notice", text: "May I?", replyTo: "msg 1/2" } as const;
  const permission = {
    kind: "permission",
    text: "May I?\nOr not?",
    tool: "bash",
    target: "rm; 5%",
    edits: true,
  } as const;
  const { ask: decided } = await store.openAsk(BUSY, fence, asking(permission, { outbox: [notice], dueAt: 7 }));
  const verdict = { kind: "rejected", reason: "нет;\n100%" } as const;
  await store.answerAsk(decided.id, { by: ANN, via: "command", verdict });
  advance(1);

  const replies = ["sending", "placed", "failed", "pending", "delivered", "parked"] as const;
  await talk(store, lease, "answered", {
    session: { agentState: { deep: [1, { state: "✓" }] }, title: "Renamed" },
    transcript: [{ role: "notice", text: "half a pair: \ud83d", at: 7, turn: "t44" }],
    outbox: replies.map((text) => ({ kind: "answer", text, ref: `ref of ${text}` })),
  });
  const { outbox } = await store.pending(BUSY, fence);
  for (const { id, text } of outbox) {
    if (text === "sending") await store.settleDelivery(BUSY, fence, id, { status: text, at: 4 });
    if (text === "delivered") await store.settleDelivery(BUSY, fence, id, { status: text });
    if (text === "placed") await store.settleDelivery(BUSY, fence, id, { status: text, ref: "msg 1/2" });
    if (text === "failed") await store.settleDelivery(BUSY, fence, id, { status: text, notBefore: 5, forgetRef: true });
    if (text === "parked") await store.settleDelivery(BUSY, fence, id, { status: text, cause: "kicked out" });
  }
  for (let index = 0; index < 4; index += 1) await store.accept(event(BUSY, `waits-${index}`), ROOM);
  const turn = (await store.claim(BUSY, fence, 1))?.id ?? "";
  await store.save(BUSY, fence, { preview: "preview:99" });
  await store.failTurn(BUSY, fence, { ...NOTHING, turn, outcome: "retry", cause: "once more", retryAt: 1 });
  await store.claim(BUSY, fence, 1);
  await store.save(BUSY, fence, { preview: "preview:100" });
  await store.signal(event(BUSY, "status"), { command: "status", args: "all of it", reason: "" });
  const { messages = [] } = (await store.queue(BUSY)).running ?? {};
  const context = { messages, systemPrompt: "Be careful;\n50%", architect: { deep: [1, null, "да"] } };
  const plan = asking({ kind: "plan", text: "1. This\n2. That" }, { brief: true, context, dueAt: 1 });
  const { ask } = await store.openAsk(BUSY, fence, plan);
  return { openAsk: ask.id, decidedAsk: decided.id };
}

/** Ids that need care everywhere, a turn of several messages that was put back and then cancelled, a journal. */
async function fillStrange(store: Store, advance: (ms: number) => void): Promise<void> {
  const lease = await own(store, STRANGE);
  for (const id of ["a,b;c%2c#d e", "ключ\n2", "🙂", "#hash", `${"y".repeat(250)}`]) {
    await store.accept(event(STRANGE, id, `text of ${id}`), ROOM);
  }
  const turn = await store.claim(STRANGE, lease.fence, 3);
  await store.failTurn(STRANGE, lease.fence, { ...NOTHING, turn: turn?.id ?? "", outcome: "requeue", cause: "stop" });
  await store.signal(event(STRANGE, "stop it"), { command: "stop", args: "", cancel: "turn", reason: "50%; or, so" });
  advance(61_000);
  for (let index = 0; index < 30; index += 1) await store.journalPut(STRANGE, `key ${index}%`, { index, 日本: "語" });
  await store.journalPut(STRANGE, "key 3%", ["again", "\n"]);
}

/**
 * A turn that is suspended for questions, one of them answered; messages that came meanwhile; asks that ended in every
 * way. Gives the id of the questions.
 */
async function fillAsking(store: Store, advance: (ms: number) => void): Promise<string> {
  const { fence, session } = await own(store, ASKING);
  await store.save(ASKING, fence, { session: { settings: SETTINGS } });
  for (const id of ["asks", "waits"]) await store.accept(event(ASKING, id), ROOM);
  const turn = (await store.claim(ASKING, fence, 1))?.id ?? "";
  const open = async (request: AskRequest, draft: Partial<AskDraft> = {}) => {
    advance(1);
    return (await store.openAsk(ASKING, fence, asking(request, draft))).ask.id;
  };
  const permission = { kind: "permission", text: "May I?", tool: "edit" } as const;
  const expired = await open(permission, { turn, dueAt: 3, approvers: "admins" });
  const withdrawn = await open(permission);
  const questions = await open(QUESTIONS, { turn });
  const cards = (await store.pending(ASKING, fence)).outbox;
  for (const { id } of cards) {
    const shown = { ref: `msg ${id}; 50%,`, version: 1 };
    await store.settleDelivery(ASKING, fence, id, { status: "delivered", shown });
  }
  await store.endAsk(expired, { state: "expired" });
  await store.endAsk(withdrawn, { state: "withdrawn", reason: "so;\n50%", by: ANN });
  advance(5);
  const [question] = QUESTIONS.questions;
  const value = "рыжий;\n🙂";
  await store.answerAsk(questions, { by: ANN, via: "message", question: question?.id ?? "", value });
  await store.remindAsk(questions, 0, 2);
  const said = { ...event(ASKING, "said; 1,2", "maybe\n50%"), replyTo: "asks", answers: "msg 1; 50%," };
  await store.accept(said, ROOM);
  const plan = await open({ kind: "plan", text: "Later." }, { dueAt: Number.MAX_SAFE_INTEGER, approvers: "members" });
  await store.signal(event(ASKING, "plan"), { command: "plan", args: "", reason: "" });
  const card = { kind: "card", text: "", card: { ask: plan } } as const;
  const message = { id: "plan:1; 5%", sender: ANN, text: "do it", sentAt: 1, acceptedAt: 2 };
  const enqueue = { ...message, plan: { ask: plan, step: "carry out" } } as const;
  await store.finishControl(ASKING, fence, { control: "plan", outbox: [card], enqueue });
  await store.failTurn(ASKING, fence, { ...NOTHING, turn, outcome: "suspend", cause: "it waits" });
  const old = await own(store, "web:renewed");
  await store.openAsk("web:renewed", old.fence, asking(permission));
  await store.signal(event("web:renewed", "new"), { command: "new", args: "", reason: "" });
  const renew = { source: session.source, agent: "other", title: "", settings: SETTINGS };
  await store.finishControl("web:renewed", old.fence, { control: "new", outbox: [], renew });
  advance(1);
  return questions;
}

/** A session that was archived and is current again, with an error; what begins one without a person waits elsewhere. */
async function fillResumed(store: Store, advance: (ms: number) => void): Promise<void> {
  const channel = "web:resumed";
  const { fence, session } = await own(store, channel);
  const stats = { turns: 3, failed: 2, tokensIn: 4, tokensOut: 5, cost: 0.25, costSource: "prices" } as const;
  const error = { code: "AGENT", message: "it broke;\n50%", at: 5 };
  await store.save(channel, fence, { session: { stats, error } });
  const end = { outbox: [], command: "resume", args: "", reason: "" };
  await store.signal(event(channel, "new"), end);
  const settings = { model: "a/b; 50%", effort: "high", scope: "full", stream: "off", continued: "ask_1" } as const;
  const renew = { source: "setup", agent: "other", title: "", project: "web; site/50%", settings } as const;
  await store.finishControl(channel, fence, { control: "new", outbox: [], renew });
  advance(1);
  await store.signal(event(channel, "resume"), end);
  const message = { id: "compact", sender: ANN, text: "shorten it", sentAt: 1, acceptedAt: 2, compact: true } as const;
  const enqueue = { ...message, source: "manual" } as const;
  await store.finishControl(channel, fence, { control: "resume", outbox: [], restore: session.id, enqueue });
  await store.accept({ ...event("web:cron", "1"), source: "cron" }, ROOM);
  await own(store, "web:cron");
}

async function fillSchedules(store: Store): Promise<void> {
  const schedule = {
    ...{ id: "daily", channel: PLANNED, cron: "0 9 * * 1-5", timezone: "Europe/Berlin", by: ANN },
    ...({ prompt: "Что нового?\n50%; 🙂", origin: "configuration", missed: "run", createdAt: 5, nextAt: 7 } as const),
  };
  await store.putSchedule(schedule);
  await store.putSchedule({ ...schedule, id: "a-1", channel: QUIET, origin: "command", lastAt: 6, nextAt: 3 });
  await store.putSchedule({
    ...schedule,
    id: "never",
    channel: QUIET,
    missed: "skip",
    nextAt: Number.MAX_SAFE_INTEGER,
  });
}

async function fillOthers(store: Store, advance: (ms: number) => void): Promise<void> {
  const quiet = await own(store, QUIET);
  await talk(store, quiet, "1", { outbox: [{ kind: "answer", text: "x" }] });
  const [entry] = (await store.pending(QUIET, quiet.fence)).outbox;
  await store.settleDelivery(QUIET, quiet.fence, entry?.id ?? "", { status: "delivered" });
  await fail(store, quiet, "2");
  const long = await own(store, LONG);
  await store.accept(event(LONG, "long"), ROOM);
  const turn = (await store.claim(LONG, long.fence, 1))?.id ?? "";
  await store.failTurn(LONG, long.fence, { ...NOTHING, turn, outcome: "requeue", cause: "stop" });
  advance(5);
  for (let index = 0; index < 20; index += 1) await store.refuse(event(REFUSED, `spam ${index}`), "not allowed here");
  await store.journalPut(SHOWN, "hello", null);
  const gone = await own(store, "web:removed");
  const spent = { turns: 1, failed: 0, tokensIn: 1_000, tokensOut: 2, cost: 1.5, costSource: "agent" } as const;
  await talk(store, gone, "once", { session: { stats: spent } });
  await store.openAsk("web:removed", gone.fence, asking({ kind: "plan", text: "Never." }));
  await store.remove(gone.session.id);
}
