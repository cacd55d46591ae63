/**
 * Every write of the store is cut from Redis once, before it arrives and after it was carried out, and then called
 * again: what it did is done once, its answer is the one that got lost, and all that follows is as ever.
 */
import { expect, test } from "vitest";
import type { Message, NewSession, Schedule } from "../../src/model.ts";
import type { AskAnswered, Store } from "../../src/store.ts";
import { openRedisStore } from "../../src/stores/redis/store.ts";
import { TestClock } from "../support/clock.ts";
import { type CutAt, startCutProxy } from "../support/cut-proxy.ts";
import { eventually } from "../support/eventually.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";

const CHANNEL = "local:1" as const;
const ANN = { id: "local:ann", name: "Ann" };
const FRESH: NewSession = { source: "channel", agent: "demo", title: "" };
const ASKING = { request: { kind: "plan", text: "May I?" }, requester: ANN, approvers: "members", key: "k" } as const;
const SCHEDULE: Omit<Schedule, "nextAt"> = {
  ...{ id: "daily", channel: CHANNEL, cron: "0 9 * * *", timezone: "UTC", prompt: "What is new?", by: ANN },
  ...{ origin: "command", missed: "run", createdAt: 1 },
};
const NOTHING = { transcript: [], session: {}, outbox: [] };

function said(id: string) {
  return { channel: CHANNEL, id, sender: ANN, text: `text ${id}`, sentAt: 1, addressed: true, direct: true };
}

/** What a run has learned so far, for the steps that follow. */
interface Known {
  fence: number;
  turn: string;
  session: string;
  /** The one before. */
  old: string;
  outbox: string[];
  letter: string;
  ask: string;
  said: readonly Message[];
}

type Step = (store: Store, known: Known) => Promise<unknown>;

/** The life of a channel, with every method that writes. */
const STEPS: Record<string, Step> = {
  heartbeat: (store) => store.heartbeat("r").then(({ lost }) => lost),
  accept: (store) => store.accept(said("1"), { max: 10, fullNotice: "full" }),
  "accept a second one": (store) => store.accept(said("2"), { max: 10, fullNotice: "full" }),
  "accept one too many": (store) => store.accept(said("3"), { max: 2, fullNotice: "full" }),
  refuse: (store) => store.refuse(said("4"), "no"),
  acquire: async (store, known) => {
    const acquired = await store.acquire(CHANNEL, "r", FRESH);
    if (acquired.status !== "owned") return acquired;
    const { fence, session, ...rest } = acquired.lease;
    known.fence = fence;
    known.session = session.id;
    return rest;
  },
  claim: claim,
  "note the preview": (store, { fence }) => store.save(CHANNEL, fence, { preview: "p1" }),
  "change the session": (store, { fence }) =>
    store.save(CHANNEL, fence, { session: { title: "A title", agent: "other", agentState: { deep: [1] } } }),
  "commit and claim": async (store, known) => {
    const end = await store.commitTurn(CHANNEL, known.fence, {
      turn: known.turn,
      transcript: [{ role: "user", text: "text 1", at: 1, turn: known.turn }],
      session: { stats: { turns: 1, failed: 0, tokensIn: 3, tokensOut: 4, cost: 0.5, costSource: "agent" } },
      outbox: [
        { kind: "answer", text: "one", ref: "p1" },
        { kind: "answer", text: "two" },
      ],
      take: 1,
    });
    if (end.status !== "ended") return end;
    known.outbox = end.outbox.map(({ id }) => id);
    known.turn = end.next?.id ?? "";
    return end;
  },
  delivered: (store, { fence, outbox }) => settle(store, fence, outbox[0], { status: "delivered" }),
  sending: (store, { fence, outbox }) => settle(store, fence, outbox[1], { status: "sending", at: 7 }),
  placed: (store, { fence, outbox }) => settle(store, fence, outbox[1], { status: "placed", ref: "p2" }),
  pending: (store, { fence }) => store.pending(CHANNEL, fence),
  "delivered, too": (store, { fence, outbox }) => settle(store, fence, outbox[1], { status: "delivered" }),
  "to be tried again": (store, { fence, turn }) =>
    store.failTurn(CHANNEL, fence, { ...NOTHING, turn, outcome: "retry", cause: "bad luck", retryAt: 5, take: 0 }),
  "claim it again": claim,
  "put back": (store, { fence, turn }) =>
    store.failTurn(CHANNEL, fence, { ...NOTHING, turn, outcome: "requeue", cause: "stopped", take: 0 }),
  "claim it once more": claim,
  park: async (store, known) => {
    const { fence, turn } = known;
    const error = { code: "AGENT", message: "broken", at: 1 };
    const failure = { ...NOTHING, turn, outcome: "park", cause: "broken", session: { error }, take: 1 } as const;
    const end = await store.failTurn(CHANNEL, fence, failure);
    const [letter] = await store.deadLetters({ limit: 10 });
    known.letter = letter?.id ?? "";
    return end;
  },
  replay: (store, { letter }) => store.replay(letter),
  "claim what was replayed": claim,
  "signal a stop": (store) =>
    store.signal(said("5"), { command: "stop", args: "", cancel: "all", reason: "Ann said so" }),
  "end what was cancelled": (store, { fence, turn }) =>
    store.failTurn(CHANNEL, fence, { ...NOTHING, turn, outcome: "cancel", cause: "cancelled", take: 1 }),
  "finish the stop": async (store, known) => {
    const end = await store.finishControl(CHANNEL, known.fence, {
      control: "5",
      outbox: [{ kind: "notice", text: "stopped" }],
      renew: FRESH,
    });
    known.old = known.session;
    known.session = end.session.id;
    return { ...end, session: { ...end.session, id: "" } };
  },
  "signal that the old one shall go on": (store) =>
    store.signal(said("8"), { command: "resume", args: "", reason: "" }),
  "make the old one current": async (store, known) => {
    const end = await store.finishControl(CHANNEL, known.fence, {
      control: "8",
      outbox: [{ kind: "notice", text: "resumed" }],
      restore: known.old,
    });
    expect(end.session.id).toBe(known.old);
    known.session = known.old;
    return { ...end, session: { ...end.session, id: "" } };
  },
  "open an ask": async (store, known) => {
    const { ask, outbox } = await store.openAsk(CHANNEL, known.fence, {
      ...ASKING,
      request: { kind: "questions", text: "", questions: ["q1", "q2"].map((id) => ({ id, prompt: id })) },
      dueAt: 0,
      outbox: [{ kind: "answer", text: "Two questions" }],
    });
    known.ask = ask.id;
    known.outbox = outbox.map(({ id }) => id);
    return { version: ask.version, outbox: outbox.map(({ kind, text }) => ({ kind, text })) };
  },
  "show it": (store, { fence, outbox }) =>
    settle(store, fence, outbox[1], { status: "delivered", shown: { ref: "c1", version: 1 } }),
  "show it, too": (store, { fence, outbox }) =>
    settle(store, fence, outbox[2], { status: "delivered", shown: { ref: "c2", version: 0 } }),
  "remind of it": (store, { ask }) => store.remindAsk(ask, 0, undefined),
  "say something": (store) => store.accept(said("6"), { max: 10, fullNotice: "full" }),
  "look at it": async (store, known) => {
    const { controls } = await store.pending(CHANNEL, known.fence);
    known.said = controls.flatMap(({ message }) => message ?? []);
    return known.said;
  },
  "put it into the inbox": async (store, { fence, said: [enqueue] }) => {
    const end = { control: "6", outbox: [], ...(enqueue === undefined ? {} : { enqueue }) };
    return (await store.finishControl(CHANNEL, fence, end)).outbox;
  },
  "answer one question": (store, { ask }) =>
    store.answerAsk(ask, { by: ANN, via: "message", question: "q1", value: "one" }).then(shown),
  "answer the other": (store, { ask }) =>
    store.answerAsk(ask, { by: ANN, via: "message", question: "q2", value: "two" }).then(shown),
  "claim what was said": claim,
  "ask within the turn": async (store, known) => {
    const { ask } = await store.openAsk(CHANNEL, known.fence, { ...ASKING, turn: known.turn, outbox: [] });
    known.ask = ask.id;
    return ask.version;
  },
  suspend: (store, { fence, turn }) =>
    store.failTurn(CHANNEL, fence, { ...NOTHING, turn, outcome: "suspend", cause: "stopped", take: 0 }),
  "expire it": (store, { ask }) => store.endAsk(ask, { state: "expired" }).then(shown),
  "claim what waited": (store, known) => claim(store, known).then(() => known.turn),
  "ask for more": async (store, { fence, turn }) => {
    await store.openAsk(CHANNEL, fence, { ...ASKING, turn, outbox: [] });
  },
  "end with a plan": async (store, known) => {
    const { fence, turn } = known;
    const answer = { kind: "answer", text: "Here is the plan." } as const;
    const commit = { ...NOTHING, turn, outbox: [answer], ask: { ...ASKING, outbox: [] }, take: 0 };
    const end = await store.commitTurn(CHANNEL, fence, commit);
    const { asks } = await store.asks({ limit: 9 });
    known.ask = asks[0]?.id ?? "";
    if (end.status !== "ended") return end;
    // Its card names it.
    expect(end.outbox.at(-1)?.card).toEqual({ ask: known.ask });
    return { count: asks.length, outbox: end.outbox.map(({ kind, text }) => ({ kind, text })) };
  },
  "signal a new plan": (store) => store.signal(said("7"), { command: "plan", args: "", reason: "" }),
  "withdraw the plan": async (store, { fence, ask }) => {
    const withdraw = { asks: [ask], reason: "another one" };
    return (await store.finishControl(CHANNEL, fence, { control: "7", outbox: [], withdraw })).outbox;
  },
  "add a schedule": (store) => store.putSchedule({ ...SCHEDULE, nextAt: 5 }),
  "move it on": (store) => store.moveSchedule("daily", { from: 5, to: 9, lastAt: 6 }),
  "move it too late": (store) => store.moveSchedule("daily", { from: 5, to: 7 }),
  "replace it": (store) => store.putSchedule({ ...SCHEDULE, channel: "local:2", nextAt: 8 }),
  "add another one": (store) => store.putSchedule({ ...SCHEDULE, id: "weekly", nextAt: 7 }),
  "move that on": (store) => store.moveSchedule("weekly", { from: 7, to: 77 }),
  "remove a schedule": (store) => store.removeSchedule("daily"),
  journalPut: (store) => store.journalPut(CHANNEL, "key", { said: "hello" }).then(() => "put"),
  hold: (store) => store.hold("poll", "r"),
  letGo: (store) => store.letGo("poll", "r"),
  release: (store, { fence }) => store.release(CHANNEL, fence),
};

/** These say that they were there before; their answer is told by the receipt. */
const TOLD_BY_RECEIPT = new Set([
  "accept",
  "accept a second one",
  "accept one too many",
  "refuse",
  "signal a stop",
  "say something",
  "signal a new plan",
  "signal that the old one shall go on",
]);

/** Whether it is the first answer or the one of a repetition, the ask is the same. */
function shown({ ask: { version, answers, end } }: AskAnswered) {
  return { version, answers, end };
}

async function claim(store: Store, known: Known): Promise<unknown> {
  const turn = await store.claim(CHANNEL, known.fence, 1);
  known.turn = turn?.id ?? "";
  return turn;
}

function settle(store: Store, fence: number, id = "", outcome: Parameters<Store["settleDelivery"]>[3]) {
  return store.settleDelivery(CHANNEL, fence, id, outcome);
}

async function live(redis: RedisServer, cutStep?: string, at: CutAt = "before"): Promise<Life> {
  const proxy = await startCutProxy(redis.port, { counts: ([name = ""]) => /^eval/i.test(name) });
  const prefix = `${at}-${cutStep}`.replace(/\W+/g, "-");
  const url = `${proxy.url}?prefix=${prefix}&shards=1&beside=yes`;
  const store = await openRedisStore({ url, clock: new TestClock(), dedupeFor: 86_400_000, lease: 60_000, keep: 0 });
  const known: Known = { fence: 0, turn: "", session: "", old: "", outbox: [], letter: "", ask: "", said: [] };
  const answers: Record<string, unknown> = {};
  for (const [name, step] of Object.entries(STEPS)) {
    if (name === cutStep) {
      const cut = proxy.cut(1, at);
      await expect(step(store, known), `${name}, cut ${at}`).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
      await cut;
    }
    answers[name] = await again(() => step(store, known));
  }
  const end = {
    queue: await store.queue(CHANNEL),
    stats: await store.stats(),
    schedules: await store.schedules({ limit: 9 }),
    due: await store.dueSchedules(9),
    audit: (await store.audit({ limit: 99 })).entries.map(({ what, kind, reason }) => ({ what, kind, reason })),
    asks: await store.asks({ limit: 9 }),
    transcript: await store.transcript(known.session, { limit: 10 }),
    pending: await again(async () => {
      const acquired = await store.acquire(CHANNEL, "r", FRESH);
      if (acquired.status !== "owned") return acquired;
      const { controls, outbox } = acquired.lease;
      return { controls, outbox };
    }),
    // A version more does no harm: whoever looks finds the same entry.
    journal: (await store.journalSince(CHANNEL, 0, 10)).map(({ key, body }) => ({ key, body })),
  };
  await store.close();
  await proxy.stop();
  return plain({ answers, end });
}

/** Until Redis can be reached again. */
async function again(call: () => Promise<unknown>): Promise<unknown> {
  let answer: unknown;
  await eventually(async () => {
    try {
      answer = await call();
      return true;
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "STORE_UNAVAILABLE") return false;
      throw error;
    }
  }, "Redis can be reached");
  return answer;
}

/** Without the ids that are made by chance. */
function plain(life: Life): Life {
  return JSON.parse(JSON.stringify(life).replace(/ask_[\w-]{20}_\w+/g, "ask_id"));
}

interface Life {
  readonly answers: Record<string, unknown>;
  readonly end: unknown;
}

test("a write that was cut off and is called again does its work once", async () => {
  const redis = await startRedis({ appendfsync: "off" });
  const whole = await live(redis);
  const faults: string[] = [];
  for (const at of ["before", "after"] as const) {
    for (const name of Object.keys(STEPS)) {
      try {
        const { answers, end } = await live(redis, name, at);
        if (at === "after" && TOLD_BY_RECEIPT.has(name)) answers[name] = whole.answers[name];
        expect(answers).toEqual(whole.answers);
        expect(end).toEqual(whole.end);
      } catch (error) {
        faults.push(`${name}, cut ${at}: ${error instanceof Error ? error.message : error}`);
      }
    }
  }
  expect(faults).toEqual([]);
}, 120_000);
