/** Whatever happened to a store: its copy, and the copy of its copy, hold the same and go on the same. */

import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { copyStore, digestOf } from "../../src/copy.ts";
import type { Portable } from "../../src/dump.ts";
import type { AskRequest, ChannelId } from "../../src/model.ts";
import type { AskDraft, Lease, Store } from "../../src/store.ts";
import { openLmdbPortable } from "../../src/stores/lmdb/portable.ts";
import { openLmdbStore } from "../../src/stores/lmdb/store.ts";
import { openRedisPortable } from "../../src/stores/redis/portable.ts";
import { TestClock } from "../support/clock.ts";
import { temporaryFolder } from "../support/gateway.ts";
import { startRedis } from "../support/redis.ts";
import { ANN, event } from "./full-store.ts";

const DEDUPE_FOR = 60_000;
const CHANNELS: readonly ChannelId[] = ["web:a", "odd:%2c;b #,\t", `odd:${"ц".repeat(210)}`];
const IDS = ["1", "2", "3", "4", "5", "6", "a,b", "c;d", "e f", "%2c", "#1", "\n", "ключ", "🙂", "x".repeat(220)];
const ROOM = { max: 4, fullNotice: "The queue is full." };
const NOTHING = { transcript: [], session: {}, outbox: [], take: 0 };

interface Step {
  readonly channel: ChannelId;
  readonly id: string;
  readonly what: (typeof STEPS)[number];
  readonly number: number;
  readonly text: string;
}

const STEPS = [
  ...["accept", "accept", "accept", "claim", "claim", "commit", "retry", "requeue", "park", "cancel", "save"],
  ...["stop", "stop all", "refuse", "finish", "renew", "settle", "replay", "discard", "remove"],
  ...["ask", "ask of the turn", "ask", "decide", "answer", "expire", "remind", "suspend", "plan", "settings"],
  ...["restore", "schedule", "schedule", "move", "unschedule", "come by itself"],
  ...["journal", "journal", "advance", "flood"],
] as const;

const step: fc.Arbitrary<Step> = fc.record({
  channel: fc.constantFrom(...CHANNELS),
  id: fc.constantFrom(...IDS),
  what: fc.constantFrom(...STEPS),
  number: fc.nat(5),
  text: fc.string({ unit: "grapheme", maxLength: 40 }),
});

const QUESTIONS = ["a,b", "ключ"];

function askFor(text: string, number: number): AskRequest {
  if (number === 0) return { kind: "permission", text, tool: text };
  if (number < 3) return { kind: "plan", text };
  return { kind: "questions", text, questions: QUESTIONS.map((id) => ({ id, prompt: text })) };
}

/** What there is to act on in one store. */
class Actor {
  readonly #store: Store;
  readonly #clock: TestClock;
  readonly #asks: string[];
  readonly #sessions: string[];

  constructor(store: Store, clock: TestClock, asks: readonly string[] = [], sessions: readonly string[] = []) {
    this.#store = store;
    this.#clock = clock;
    this.#asks = [...asks];
    this.#sessions = [...sessions];
  }

  /** What came of it, without the ids that a store makes up. */
  async do(step: Step): Promise<unknown> {
    const told = JSON.stringify((await this.#do(step)) ?? null);
    return JSON.parse(this.#asks.reduce((text, id, index) => text.replaceAll(id, `ask ${index}`), told));
  }

  async #do(step: Step): Promise<unknown> {
    const { channel, id, what, number, text } = step;
    const store = this.#store;
    switch (what) {
      case "accept":
        return await store.accept(event(channel, id, text || "-"), ROOM);
      case "flood":
        for (let each = 0; each < 30; each += 1) await store.refuse(event(channel, `${id} ${each}`), text);
        return undefined;
      case "refuse":
        return await store.refuse(event(channel, id), text);
      case "stop":
      case "stop all": {
        const cancel = what === "stop" ? "turn" : "all";
        return await store.signal(event(channel, id), { command: "stop", args: text, cancel, reason: `why; ${text}` });
      }
      case "journal":
        return await store.journalPut(channel, id, { text, number });
      case "schedule":
        return await store.putSchedule({
          ...{ id: `s-${number % 3}`, channel, cron: "* * * * *", timezone: "UTC", prompt: text, by: ANN },
          ...({ origin: "command", missed: "skip", createdAt: number } as const),
          nextAt: this.#clock.now() + number * 10_000,
        });
      case "unschedule":
        return await store.removeSchedule(`s-${number % 3}`);
      case "move": {
        const [due] = await store.dueSchedules(1 + number);
        const to = this.#clock.now() + number * 1_000;
        return await store.moveSchedule(due?.id ?? "none", { from: due?.nextAt ?? 0, to, lastAt: number });
      }
      case "come by itself":
        return await store.accept({ ...event(channel, id, text || "-"), source: "cron" }, ROOM);
      case "advance":
        return this.#clock.advance(number * DEDUPE_FOR);
      case "replay":
      case "discard":
        return await settled(store[what](`${channel}#${id}`));
      case "decide": {
        const decision = { by: ANN, via: "api", verdict: { kind: "rejected", reason: text } } as const;
        return await settled(store.answerAsk(this.#ask(number), decision).then(({ status }) => status));
      }
      case "answer": {
        const question = QUESTIONS[number % QUESTIONS.length] ?? "";
        const answer = { by: ANN, via: "button", question, value: text } as const;
        return await settled(store.answerAsk(this.#ask(number), answer).then(({ status }) => status));
      }
      case "expire":
        return await settled(store.endAsk(this.#ask(number), { state: "expired" }).then(({ status }) => status));
      case "remind":
        return await store.remindAsk(this.#ask(number), number * 10, number > 3 ? undefined : number);
      case "remove": {
        const { sessions } = await store.list({ limit: 100, archived: true, channel });
        if (number > 0) return undefined;
        return await Promise.all(sessions.map((session) => store.remove(session.id)));
      }
      default:
        return await this.#asOwner(step, await this.#own(channel));
    }
  }

  #ask(number: number): string {
    return this.#asks.at(-1 - number) ?? "ask_none";
  }

  async #own(channel: ChannelId): Promise<Lease> {
    const acquired = await this.#store.acquire(channel, "actor", { source: "channel", agent: "demo", title: "Chat" });
    if (acquired.status !== "owned") throw new Error("it has another owner");
    const { id } = acquired.lease.session;
    if (!this.#sessions.includes(id)) this.#sessions.push(id);
    return acquired.lease;
  }

  async #asOwner({ channel, what, number, text }: Step, lease: Lease): Promise<unknown> {
    const store = this.#store;
    const { fence, interrupted } = lease;
    const turn = interrupted?.id ?? "";
    const outbox = [
      { kind: "answer", text },
      { kind: "notice", text: `${text}\n2`, ...(number > 2 ? { ref: `ref ${number}` } : {}) },
    ] as const;
    const at = this.#clock.now();
    const transcript = Array.from({ length: number * 20 }, (_, index) => ({
      ...{ role: "user" as const, text: `${text} ${index}`, at, turn },
      ...(index % 2 === 0 ? { sender: ANN } : {}),
    }));
    const state = number > 3 ? { agentState: [text, { number }] } : number > 2 ? { agentState: null } : {};
    const error = number < 2 ? null : { code: "AGENT", message: text, at };
    // Quarters add up exactly, in whatever order.
    const stats = { turns: number, failed: 1, tokensIn: number, tokensOut: 2, cost: number / 4 };
    const session = { title: text, pinned: number === 1, error, stats, ...state };
    switch (what) {
      case "claim":
        return await store.claim(channel, fence, 1 + number);
      case "commit":
        return await settled(
          store.commitTurn(channel, fence, { turn, transcript, session, outbox, take: number }).then(statusOf),
        );
      case "plan": {
        const ask = this.#draft(text, 1);
        return await settled(
          store.commitTurn(channel, fence, { turn, transcript, session, outbox, ask, take: number }).then(statusOf),
        );
      }
      case "settings": {
        const rules = [{ tool: text, by: ANN, at }];
        return await store.save(channel, fence, { session: { settings: { mode: "plan", note: text, rules } } });
      }
      case "retry":
      case "suspend":
      case "requeue":
      case "park":
      case "cancel": {
        const retry = number > 2 ? { retryAt: at + number } : {};
        const failure = { ...NOTHING, turn, outcome: what, cause: text, take: number, transcript, ...retry };
        return await settled(store.failTurn(channel, fence, failure).then(statusOf));
      }
      case "save":
        return await store.save(channel, fence, { session, preview: `preview ${number}` });
      case "finish":
      case "restore":
      case "renew": {
        const control = lease.controls[0]?.id ?? "";
        const renew = what === "renew" ? { renew: { source: "manual" as const, agent: text, title: text } } : {};
        const restore = what === "restore" ? { restore: this.#sessions.at(-1 - number) ?? "" } : {};
        const withdraw = number > 3 ? { withdraw: { asks: this.#asks.slice(-2), reason: text } } : {};
        const message = { id: control, sender: ANN, text, sentAt: 1, acceptedAt: 2 };
        const enqueue = number < 2 && control !== "" ? { enqueue: message } : {};
        const effects = { ...renew, ...restore, ...withdraw, ...enqueue };
        const ended = await store.finishControl(channel, fence, { control, outbox, session, ...effects });
        return ended.outbox.map((entry) => entry.text);
      }
      case "settle": {
        const statuses = ["sending", "placed", "failed", "delivered", "parked"] as const;
        const shown = { shown: { ref: `shown ${number}`, version: number } };
        const status = statuses[number % statuses.length] ?? "sending";
        const outcome = { status, ref: text || "ref", notBefore: number, at: number, cause: text, ...shown };
        for (const { id } of lease.outbox.slice(0, 2)) await store.settleDelivery(channel, fence, id, outcome);
        return lease.outbox.map((entry) => [entry.text, entry.state, entry.attempts]);
      }
      case "ask":
      case "ask of the turn": {
        const draft = this.#draft(text, number);
        const of = what === "ask" || turn === "" ? {} : { turn };
        const { ask } = await store.openAsk(channel, fence, { ...draft, ...of, outbox });
        this.#asks.push(ask.id);
        return undefined;
      }
      default:
        throw new Error(`no step ${what}`);
    }
  }

  #draft(text: string, number: number): AskDraft {
    const request = askFor(text, number);
    const due = number > 2 ? { dueAt: this.#clock.now() + number } : {};
    return { request, requester: ANN, approvers: [text], key: text, outbox: [], ...due };
  }
}

function statusOf({ status, ...rest }: { status: string; next?: unknown }): unknown {
  return [status, rest.next];
}

/** The value, or the code of the error. */
async function settled(work: Promise<unknown>): Promise<unknown> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Error && "code" in error) return error.code;
    throw error;
  }
}

function isDuplicate(answer: unknown): boolean {
  return /^"duplicate"|"status":"duplicate"/.test(JSON.stringify(answer) ?? "");
}

async function digestsOf(portable: Portable): Promise<Map<ChannelId, string>> {
  const digests = new Map<ChannelId, string>();
  for await (const channel of portable.channels()) {
    const dump = await portable.dump(channel);
    if (dump !== undefined) digests.set(channel, digestOf(dump));
  }
  return digests;
}

test("any store, copied to Redis and back", { timeout: 180_000 }, async () => {
  const server = await startRedis({ appendfsync: "off" });
  const folder = temporaryFolder();
  let runs = 0;
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 20, maxLength: 120, size: "max" }),
    fc.array(step, { minLength: 5, maxLength: 40, size: "max" }),
    async (history, future) => {
      runs += 1;
      const clock = new TestClock();
      const options = { clock, dedupeFor: DEDUPE_FOR };
      const at = (name: string) => join(folder, `${runs}-${name}`);
      const url = `${server.url}/0?prefix=run${runs}&beside=yes`;

      const original = await openLmdbStore({ ...options, path: at("original") });
      const actor = new Actor(original, clock);
      for (const each of history) await actor.do(each);
      await original.close();

      const source = await openLmdbPortable({ clock, path: at("original"), create: false });
      const redis = { ...options, url, lease: 1_000, keep: 0, create: true, log: () => {} };
      const middle = await openRedisPortable({ ...redis, signal: AbortSignal.timeout(10_000) });
      const target = await openLmdbPortable({ clock, path: at("copy"), create: true });
      const there = await copyStore(source, middle);
      const back = await copyStore(middle, target);
      expect(back).toEqual(there);
      const digests = await digestsOf(source);
      expect(await digestsOf(middle)).toEqual(digests);
      expect(await digestsOf(target)).toEqual(digests);
      await Promise.all([source.close(), middle.close(), target.close()]);

      const [before, after] = [
        await openLmdbStore({ ...options, path: at("original") }),
        await openLmdbStore({ ...options, path: at("copy") }),
      ];
      try {
        const asks = (await before.asks({ limit: 1_000 })).asks.map(({ id }) => id).sort();
        const { sessions } = await before.list({ limit: 1_000, archived: true });
        const ids = sessions.map(({ id }) => id).sort();
        const [one, two] = [
          new Actor(before, clock, asks, ids),
          new Actor(after, new TestClock(clock.now()), asks, ids),
        ];
        for (const each of future) {
          const [expected, found] = [await one.do(each), await two.do(each)];
          // An id is remembered for `dedupeFor` at least: the copy may still know one that the original has forgotten.
          if (isDuplicate(found) && !isDuplicate(expected)) return;
          expect(found).toEqual(expected);
        }
        expect(await after.stats()).toEqual(await before.stats());
        expect(await after.schedules({ limit: 99 })).toEqual(await before.schedules({ limit: 99 }));
        const log = async (store: Store) =>
          (await store.audit({ limit: 10_000 })).entries.map(({ at, what }) => [at, what]);
        const sorted = async (store: Store) => (await log(store)).map((entry) => entry.join()).sort();
        expect(await sorted(after)).toEqual(await sorted(before));
      } finally {
        await Promise.all([before.close(), after.close()]);
      }
    },
  );
  await fc.assert(property, { numRuns: 25, endOnFailure: true });
});
