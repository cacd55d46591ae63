/** Fills a store through its own methods with one of everything that it can keep, in several channels. */
import type { ChannelId, InboundEvent, Sender } from "../../src/model.ts";
import type { Lease, Store, TurnCommit, TurnFailure } from "../../src/store.ts";

export const ANN: Sender = { id: "telegram:42", name: "Ann 🙂" };
export const ROOM = { max: 100, fullNotice: "The queue is full." };
export const BUSY: ChannelId = "telegram:-100/7";
export const STRANGE: ChannelId = "odd:ключ, 50% off; a#b\tc 🙂";
export const LONG: ChannelId = `odd:${"x".repeat(300)}`;
export const QUIET: ChannelId = "web:quiet";
export const REFUSED: ChannelId = "telegram:nobody";
const SHOWN: ChannelId = "web:journal-only";

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
  /** The ids of an ask that is open, and of one that was decided. */
  readonly openAsk: string;
  readonly decidedAsk: string;
}

export async function fill(store: Store, advance: (ms: number) => void): Promise<Filled> {
  const ids = await fillBusy(store, advance);
  await fillStrange(store, advance);
  await fillOthers(store, advance);
  return ids;
}

/** Ends with its second attempt under way, three messages waiting, a command and replies in every state. */
async function fillBusy(store: Store, advance: (ms: number) => void): Promise<Filled> {
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

  const ask = { kind: "permission", text: "May I?\nOr not?", outbox: [] } as const;
  const openAsk = await store.openAsk(BUSY, fence, { ...ask, turn: "t43" });
  await store.askReminded(openAsk.id, 0);
  const decided = await store.openAsk(BUSY, fence, { ...ask, outbox: [{ kind: "notice", text: "May I?" }] });
  await store.decideAsk(decided.id, { yes: [1, null, "да"] }, ANN);

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
  return { openAsk: openAsk.id, decidedAsk: decided.id };
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
  await talk(store, gone, "once");
  await store.remove(gone.session.id);
}
