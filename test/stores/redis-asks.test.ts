/** Asks over several replicas and shards: decided once, listed in one order, and waking what waits for them. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { copyStore } from "../../src/copy.ts";
import { type ChannelId, channelId } from "../../src/model.ts";
import type { Hint, Store } from "../../src/store.ts";
import { openRedisPortable } from "../../src/stores/redis/portable.ts";
import { eventually } from "../support/eventually.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import {
  ANN,
  asking,
  BOB,
  CHANNEL,
  claim,
  commit,
  deliver,
  event,
  fail,
  own,
  Place,
  questions,
  ROOM,
  YES,
} from "./redis-stage.ts";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis({ appendfsync: "off" });
});
afterAll(() => server.stop());

const CHANNELS = Array.from({ length: 12 }, (_, index) => channelId("local", `${index}`));

function heard(store: Store): string[] {
  const hints: string[] = [];
  onTestFinished(
    store.watch((hint: Hint) => {
      if (hint.kind !== "replicas") hints.push(`${hint.kind} ${hint.channel}`);
    }),
  );
  return hints;
}

describe("two replicas", () => {
  test("decide at once: one of them does, and all are told the same", async () => {
    const place = new Place(server);
    const [a, b] = [await place.open(), await place.open()];
    const lease = await own(a);
    const { ask } = await a.openAsk(CHANNEL, lease.fence, asking());
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        (index % 2 === 0 ? a : b).answerAsk(ask.id, { ...YES, by: { id: `u:${index}`, name: `${index}` } }),
      ),
    );
    expect(answers.filter(({ status }) => status === "decided")).toHaveLength(1);
    expect(new Set(answers.map((answer) => JSON.stringify(answer.ask))).size).toBe(1);
    expect((await a.pending(CHANNEL, lease.fence)).controls).toMatchObject([{ command: "ask", args: ask.id }]);
    const { entries } = await b.audit({ limit: 99 });
    expect(entries.map(({ what }) => what)).toEqual(["opened", "decided"]);
  });

  test("answer the last two questions at once: both count, and one of them decides", async () => {
    const place = new Place(server);
    const [a, b] = [await place.open(), await place.open()];
    const lease = await own(a);
    for (let round = 0; round < 10; round += 1) {
      const { ask } = await a.openAsk(CHANNEL, lease.fence, asking({ request: questions("x", "y") }));
      const answers = await Promise.all([
        a.answerAsk(ask.id, { by: ANN, via: "button", question: "x", value: "1" }),
        b.answerAsk(ask.id, { by: BOB, via: "api", question: "y", value: "2" }),
      ]);
      expect(answers.map(({ status }) => status).sort()).toEqual(["accepted", "decided"]);
      expect(await b.ask(ask.id)).toMatchObject({
        answers: { x: { value: "1", by: ANN }, y: { value: "2", by: BOB } },
        end: { state: "decided", verdict: { kind: "answered" } },
      });
    }
  });

  test("the owner hears at once of what was decided elsewhere, and of the messages to edit", async () => {
    const place = new Place(server);
    const [a, b] = [await place.open(), await place.open()];
    await a.heartbeat("a");
    await b.heartbeat("b");
    const lease = await own(a);
    const { ask } = await a.openAsk(CHANNEL, lease.fence, asking());
    expect(await deliver(a, lease)).toHaveLength(1);
    const hints = heard(a);
    await b.accept(event("1"), ROOM);
    await eventually(() => hints.includes(`control ${CHANNEL}`), "a message came while an ask was open");
    hints.length = 0;
    await b.answerAsk(ask.id, YES);
    await eventually(() => hints.includes(`control ${CHANNEL}`), "it was decided");
    await eventually(() => hints.includes(`outbox ${CHANNEL}`), "a message is to be edited");
    const [card] = await deliver(a, lease);
    expect(card).toMatchObject({ card: { ask: ask.id }, ref: (await a.ask(ask.id))?.shown[0]?.ref });
    await b.accept(event("2"), ROOM);
    expect(await b.queue(CHANNEL)).toMatchObject({ asks: 0, waiting: [{ id: "2" }] });
  });
});

describe("a turn that waits for people", () => {
  test("outlives its owner: nobody takes the channel before it was decided, then it goes on", async () => {
    const place = new Place(server);
    const b = await place.open();
    const a = await place.open();
    const lease = await own(a, CHANNEL, "a");
    const turn = await claim(a, lease, "1");
    await a.accept(event("2"), ROOM);
    const { ask } = await a.openAsk(CHANNEL, lease.fence, asking({ turn }));
    await deliver(a, lease);
    await fail(a, lease, turn, { outcome: "suspend" });
    await a.close();

    expect(await b.unattended("b")).toEqual([]);
    expect(await b.stats()).toMatchObject({ queued: 1, inFlight: 1 });
    // Whoever takes it all the same gets nothing to do.
    const idle = await own(b, CHANNEL, "b");
    expect(idle).toMatchObject({ interrupted: { id: turn, asks: [ask.id] }, asks: [{ id: ask.id }], waiting: 1 });
    expect(await b.claim(CHANNEL, idle.fence, 1)).toBeUndefined();
    const hints = heard(b);
    await b.release(CHANNEL, idle.fence);
    expect(hints).not.toContain(`inbox ${CHANNEL}`);
    expect(await b.unattended("b")).toEqual([]);

    await b.answerAsk(ask.id, YES);
    expect(hints).toEqual(expect.arrayContaining([`control ${CHANNEL}`, `inbox ${CHANNEL}`]));
    expect(await b.unattended("b")).toEqual([CHANNEL]);
    const next = await own(b, CHANNEL, "b");
    expect(next).toMatchObject({ asks: [], controls: [{ id: `ask:${ask.id}` }] });
    expect(await b.claim(CHANNEL, next.fence, 1)).toMatchObject({ id: turn, attempt: 1, asks: [ask.id] });
  });

  test("is suspended by the next owner where the first was killed, its attempt not counted", async () => {
    const place = new Place(server);
    const a = await place.open({ lease: 100 });
    const lease = await own(a, CHANNEL, "a");
    const turn = await claim(a, lease, "1");
    const { ask } = await a.openAsk(CHANNEL, lease.fence, asking({ turn }));
    await deliver(a, lease);
    const b = await place.open({ lease: 100 });
    await eventually(async () => !(await b.heartbeat("b")).replicas.some((name) => name.startsWith("a~")), "a is dead");
    expect(await b.unattended("b")).toEqual([CHANNEL]);
    const next = await own(b, CHANNEL, "b");
    expect(next.interrupted).toMatchObject({ id: turn, attempt: 1 });
    await fail(b, next, turn, { outcome: "suspend" });
    expect(await b.unattended("b")).toEqual([]);
    expect(await b.claim(CHANNEL, next.fence, 1)).toBeUndefined();
    await expect(fail(a, lease, turn, { outcome: "suspend" })).rejects.toMatchObject({ code: "STALE_FENCE" });
    await expect(a.openAsk(CHANNEL, lease.fence, asking())).rejects.toMatchObject({ code: "STALE_FENCE" });
    // The first one lives on as another, and can decide what it opened.
    await a.endAsk(ask.id, { state: "expired" });
    expect(await b.claim(CHANNEL, next.fence, 1)).toMatchObject({ id: turn, attempt: 1 });
  });

  test("is claimed where it was cancelled, with its asks still open, and takes them with it", async () => {
    const place = new Place(server);
    const store = await place.open();
    const lease = await own(store);
    const turn = await claim(store, lease, "1");
    const { ask } = await store.openAsk(CHANNEL, lease.fence, asking({ turn }));
    const other = await store.openAsk(CHANNEL, lease.fence, asking());
    await fail(store, lease, turn, { outcome: "suspend" });
    await store.signal(event("2"), { command: "stop", args: "", cancel: "turn", reason: 'Ann said "stop"\n' });
    expect(await store.unattended("nobody")).toEqual([]);
    expect(await store.claim(CHANNEL, lease.fence, 1)).toMatchObject({ id: turn, cancelled: { by: ANN.id } });
    await fail(store, lease, turn, { outcome: "cancel" });
    expect(await store.ask(ask.id)).toMatchObject({ end: { state: "withdrawn", reason: 'Ann said "stop"\n' } });
    expect(await store.asks({ limit: 9 })).toMatchObject({ asks: [{ id: other.ask.id }] });
    expect(await store.claim(CHANNEL, lease.fence, 1)).toBeUndefined();
  });
});

describe("over all shards", () => {
  /** One ask in each channel, in turn; the clock moves by `step` between them. */
  async function openAll(place: Place, store: Store, step: number, due?: (index: number) => number) {
    const ids: string[] = [];
    for (const [index, channel] of CHANNELS.entries()) {
      const { fence } = await own(store, channel);
      const dueAt = due === undefined ? {} : { dueAt: due(index) };
      ids.push((await store.openAsk(channel, fence, asking(dueAt))).ask.id);
      place.clock.advance(step);
    }
    return ids;
  }

  test.each([0, 10])("open ones come oldest first, page by page, %i ms apart", async (step) => {
    const place = new Place(server);
    const store = await place.open();
    const ids = await openAll(place, store, step);
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.asks({ limit: 5, ...(cursor === undefined ? {} : { cursor }) });
      found.push(...page.asks.map(({ id }) => id));
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(found).toEqual(ids);
    expect((await store.asks({ limit: 12 })).cursor).toBeUndefined();
    const [, , third = ""] = ids;
    await store.endAsk(third, { state: "withdrawn", reason: "no" });
    expect((await store.asks({ limit: 3 })).asks.map(({ id }) => id)).toEqual([ids[0], ids[1], ids[3]]);
    expect((await store.asks({ limit: 3, kind: "questions" })).asks).toEqual([]);
    const [one = "local:" as ChannelId] = CHANNELS;
    expect((await store.asks({ limit: 3, channel: one })).asks.map(({ id }) => id)).toEqual([ids[0]]);
  });

  test("those that want a look come in the order of their times, and no ended one", async () => {
    const place = new Place(server);
    const store = await place.open();
    const start = place.clock.now();
    const ids = await openAll(place, store, 0, (index) => start + 100 - index);
    expect(await store.dueAsks(99)).toEqual([]);
    place.clock.advance(95);
    const due = async (limit: number) => (await store.dueAsks(limit)).map(({ id }) => ids.indexOf(id));
    expect(await due(99)).toEqual([11, 10, 9, 8, 7, 6, 5]);
    expect(await due(2)).toEqual([11, 10]);
    await store.answerAsk(ids[11] ?? "", YES);
    await store.remindAsk(ids[10] ?? "", 0, start + 1_000);
    await store.remindAsk(ids[9] ?? "", 0, undefined);
    expect(await due(3)).toEqual([8, 7, 6]);
    place.clock.advance(10_000);
    expect(await due(1)).toEqual([8]);
    expect((await due(99)).at(-1)).toBe(10);
    expect(await due(99)).not.toContain(9);
  });

  test("the audit log is one, and its cursor stays good while it grows", async () => {
    const place = new Place(server);
    const store = await place.open();
    expect(await store.audit({ limit: 9 })).toEqual({ entries: [] });
    const ids = await openAll(place, store, 0);
    const read = async (limit: number, after?: string) => {
      const page = await store.audit({ limit, ...(after === undefined ? {} : { after }) });
      return { ...page, asks: page.entries.map(({ ask }) => ids.indexOf(ask)) };
    };
    const first = await read(5);
    expect(first.asks).toEqual([0, 1, 2, 3, 4]);
    const second = await read(99, first.after);
    expect(second.asks).toEqual([5, 6, 7, 8, 9, 10, 11]);
    expect(await read(99, second.after)).toMatchObject({ asks: [], after: second.after });
    for (const id of [...ids].reverse()) await store.answerAsk(id, YES);
    expect((await read(99, second.after)).asks).toEqual([11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    expect((await read(9, first.after)).asks).toEqual([5, 6, 7, 8, 9, 10, 11, 11, 10]);
    expect((await store.audit({ limit: 1, after: second.after ?? "" })).entries).toEqual([
      {
        ...{ at: place.clock.now(), what: "decided", ask: ids[11], channel: CHANNELS[11] },
        ...{ session: (await store.ask(ids[11] ?? ""))?.session, kind: "plan", text: "May I?" },
        ...{ by: ANN, via: "button", verdict: YES.verdict },
      },
    ]);
  });
});

describe("in the rows", () => {
  test("nothing of an ask that ended is in an index, and the channel costs what it did before", async () => {
    const place = new Place(server);
    const store = await place.open();
    const lease = await own(store);
    const turn = await claim(store, lease, "1");
    for (const draft of [asking({ turn, dueAt: 5 }), asking({ request: questions("x"), dueAt: 5 })]) {
      await store.openAsk(CHANNEL, lease.fence, draft);
    }
    await deliver(store, lease);
    expect((await place.keys()).map((key) => key.split(":")[2])).toEqual(expect.arrayContaining(["q", "u"]));
    const ended = await commit(store, lease, turn, {
      ask: asking(),
      outbox: [{ kind: "answer", text: "see the plan" }],
    });
    expect(ended).toMatchObject({ outbox: [{ kind: "answer" }, { kind: "card" }] });
    for (const { id } of (await store.asks({ limit: 9 })).asks) await store.endAsk(id, { state: "expired" });
    expect((await place.keys()).filter((key) => /:[qu]$/.test(key))).toEqual([]);
    const [row] = Object.entries(await place.dump()).filter(([key]) => key.includes(":c:"));
    expect(row?.[1]).toMatchObject({ asks: "", asked: "" });
  });

  test("a message that is gone is edited no more; the one that takes its place is", async () => {
    const place = new Place(server);
    const store = await place.open();
    const lease = await own(store);
    const { ask } = await store.openAsk(CHANNEL, lease.fence, asking({ request: questions("x", "y") }));
    await deliver(store, lease);
    await store.answerAsk(ask.id, { by: ANN, via: "api", question: "x", value: "1" });
    const [card] = (await store.pending(CHANNEL, lease.fence)).outbox;
    const gone = { status: "failed", notBefore: 1, forgetRef: true } as const;
    await store.settleDelivery(CHANNEL, lease.fence, card?.id ?? "", gone);
    await deliver(store, lease);
    const shown = (await store.ask(ask.id))?.shown ?? [];
    expect(shown.map(({ question }) => question).sort()).toEqual(["x", "y"]);
    expect(shown.map(({ ref }) => ref)).not.toContain(card?.ref);
    await store.endAsk(ask.id, { state: "expired" });
    expect((await deliver(store, lease)).map(({ ref }) => ref)).toEqual(shown.map(({ ref }) => ref));
  });
});

test("a copy has them all: shown, due, waited for, and in the log", async () => {
  const [from, to] = [new Place(server), new Place(server)];
  const before = await from.open();
  const [one = CHANNEL, two = CHANNEL] = CHANNELS;
  for (const channel of [one, two, one]) {
    const lease = await own(before, channel);
    const request = questions("x", "y; 1,2");
    const { ask } = await before.openAsk(channel, lease.fence, asking({ request, dueAt: 5 }));
    await deliver(before, lease);
    await before.answerAsk(ask.id, { by: ANN, via: "api", question: "x", value: "1" });
    from.clock.advance(1);
  }
  const lease = await own(before);
  await before.save(CHANNEL, lease.fence, { session: { settings: { mode: "plan" } } });
  const turn = await claim(before, lease, "1");
  const { ask } = await before.openAsk(CHANNEL, lease.fence, asking({ turn }));
  await before.accept(event("2", { answers: "m1" }), ROOM);
  await fail(before, lease, turn, { outcome: "suspend" });
  from.clock.advance(1);
  const gone = await own(before, "local:gone");
  await before.openAsk("local:gone", gone.fence, asking());
  await before.remove(gone.session.id);
  const [open, audit, due] = await Promise.all([
    before.asks({ limit: 99 }),
    before.audit({ limit: 99 }),
    before.dueAsks(9),
  ]);
  await before.close();

  const portable = async (place: Place, create: boolean) => {
    const options = { clock: place.clock, dedupeFor: 3_600_000, keep: 0, lease: 100, log: () => {} };
    const url = place.urlAt(server.url);
    const opened = await openRedisPortable({ ...options, url, create, signal: AbortSignal.timeout(10_000) });
    onTestFinished(() => opened.close());
    return opened;
  };
  const [source, target] = [await portable(from, false), await portable(to, true)];
  // What was there is replaced, with all that leads to it.
  await target.begin(source.name);
  for await (const channel of source.channels()) {
    const dump = await source.dump(channel);
    if (dump !== undefined) await target.load(dump);
  }
  for await (const channel of (await portable(to, false)).channels()) await target.drop(channel);
  expect(await to.keys()).toEqual([]);
  await copyStore(source, target);

  to.clock.advance(from.clock.now() - to.clock.now() + 9);
  const after = await to.open();
  expect(await after.asks({ limit: 99 })).toEqual(open);
  expect((await after.audit({ limit: 99 })).entries).toEqual(audit.entries);
  expect(await after.dueAsks(9)).toEqual(due);
  expect(await after.unattended("b")).toContain(CHANNEL);
  const next = await own(after);
  expect(next).toMatchObject({
    asks: [ask],
    interrupted: { id: turn, asks: [ask.id] },
    session: { settings: { mode: "plan" } },
  });
  expect(next.controls).toMatchObject([{ command: "say", answers: "m1", message: { id: "2" } }]);
  expect(await after.claim(CHANNEL, next.fence, 1)).toBeUndefined();
  await after.answerAsk(ask.id, YES);
  expect(await after.claim(CHANNEL, next.fence, 1)).toMatchObject({ id: turn, attempt: 1 });
  const told = (await after.audit({ limit: 99 })).entries.filter((entry) => entry.ask === ask.id);
  expect(told.map(({ what }) => what)).toEqual(["opened", "decided"]);
});
