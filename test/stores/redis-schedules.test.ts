/** Schedules as they stand in Redis, what comes of lost answers, and copies; and the figures that are counted beside. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { copyStore } from "../../src/copy.ts";
import { type ChannelId, channelId, type Schedule } from "../../src/model.ts";
import { openRedisPortable } from "../../src/stores/redis/portable.ts";
import type { RedisStore } from "../../src/stores/redis/store.ts";
import { startCutProxy } from "../support/cut-proxy.ts";
import { eventually } from "../support/eventually.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { ANN, asking, CHANNEL, claim, commit, event, FRESH, own, Place, ROOM } from "./redis-stage.ts";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis({ appendfsync: "off" });
});
afterAll(() => server.stop());

const OTHER = channelId("odd", "ключ, 50% off; a#b\tc");

function schedule(id: string, nextAt: number, changes: Partial<Schedule> = {}): Schedule {
  return {
    ...{ id, channel: CHANNEL, cron: "0 9 * * *", timezone: "UTC", prompt: `prompt ${id}`, by: ANN },
    ...({ origin: "command", missed: "run", createdAt: 1, nextAt } as const),
    ...changes,
  };
}

describe("schedules", () => {
  test("stay for ever, and leave nothing when they are removed", async () => {
    const place = new Place(server);
    const store = await place.open({ dedupeFor: 1_000, keep: 1_000 });
    const ids = Array.from({ length: 12 }, (_, index) => `s-${index}`);
    for (const [index, id] of ids.entries()) {
      await store.putSchedule(schedule(id, 100 + index, index % 2 === 0 ? {} : { channel: OTHER }));
    }
    expect(await place.kept()).toEqual(await place.keys());
    expect(new Set((await place.keys()).map((key) => key.split(":")[1])).size).toBeGreaterThan(1);
    place.clock.advance(1e10);
    await store.unattended("a");
    expect((await store.dueSchedules(99)).map(({ id }) => id)).toEqual(ids);
    expect((await store.dueSchedules(5)).map(({ id }) => id)).toEqual(ids.slice(0, 5));
    expect(await store.dueSchedules(0)).toEqual([]);
    await store.moveSchedule("s-0", { from: 100, to: Number.MAX_SAFE_INTEGER });
    await store.putSchedule(schedule("s-2", 500, { channel: OTHER }));
    expect((await store.schedules({ channel: CHANNEL, limit: 9 })).map(({ id }) => id)).toEqual([
      ...["s-4", "s-6", "s-8", "s-10", "s-0"],
    ]);
    for (const id of ids) expect(await store.removeSchedule(id)).toBe(true);
    expect(await place.keys()).toEqual([]);
  });

  test("are changed once by a call whose answer got lost, and not back by its repetition", async () => {
    const place = new Place(server);
    const proxy = await startCutProxy(server.port, { counts: ([name = ""]) => /^eval/i.test(name) });
    const [store, other] = [await place.open({ url: place.urlAt(proxy.url) }), await place.open()];
    const lost = async <Answer>(call: (by: RedisStore) => Promise<Answer>, between?: () => Promise<unknown>) => {
      const cut = proxy.cut(1, "after");
      await expect(call(store)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
      await cut;
      await between?.();
      await eventually(() => succeeds(store.stats()), "it is connected again");
      return await call(store);
    };
    await lost(
      (by) => by.putSchedule(schedule("a", 5)),
      () => other.moveSchedule("a", { from: 5, to: 9, lastAt: 6 }),
    );
    expect(await store.schedule("a")).toEqual(schedule("a", 9, { lastAt: 6 }));
    // The same once more is another change.
    await store.putSchedule(schedule("a", 5));
    expect(await store.schedule("a")).toEqual(schedule("a", 5));
    expect(await lost((by) => by.moveSchedule("a", { from: 5, to: 9 }))).toBe(true);
    expect(await other.moveSchedule("a", { from: 5, to: 9 })).toBe(false);
    expect(await store.moveSchedule("a", { from: 5, to: 9 })).toBe(false);
    expect(await lost((by) => by.moveSchedule("a", { from: 5, to: 11 }))).toBe(false);
    expect(await store.schedule("a")).toEqual(schedule("a", 9));
    expect(await lost((by) => by.removeSchedule("a"))).toBe(true);
    expect(await store.removeSchedule("a")).toBe(false);
    await store.putSchedule(schedule("a", 20));
    const put = () => other.putSchedule(schedule("a", 30));
    expect(await lost((by) => by.removeSchedule("a"), put)).toBe(true);
    expect(await store.schedule("a")).toEqual(schedule("a", 30));
  });
});

describe("figures", () => {
  test("take no harm from numbers that are odd, nor from a session that is written to when it is gone", async () => {
    const place = new Place(server);
    const store = await place.open();
    const lease = await own(store);
    const stats = { turns: 1, failed: 0, tokensIn: 10.5, tokensOut: 1e-7, cost: 0.1, costSource: "agent" } as const;
    await commit(store, lease, await claim(store, lease, "1"), { session: { stats } });
    expect(await store.current(CHANNEL)).toMatchObject({ stats });
    const other = await own(store, OTHER);
    await store.save(OTHER, other.fence, { session: { stats: { ...stats, cost: 0.2, firstTextMs: 3 } } });
    const cost = expect.closeTo(0.3, 9);
    expect((await store.stats()).totals).toEqual({ turns: 2, failed: 0, tokensIn: 21, tokensOut: 2e-7, cost });
    await store.save(OTHER, other.fence, { session: { stats: { ...stats, cost: Number.NaN, failed: Infinity } } });
    expect((await store.stats()).totals).toMatchObject({ failed: 0, cost });
    const turn = await claim(store, lease, "2");
    await store.signal(event("3"), { command: "new", args: "", reason: "" });
    await store.finishControl(CHANNEL, lease.fence, { control: "3", outbox: [], renew: FRESH });
    await store.remove(lease.session.id);
    await commit(store, lease, turn, { session: { stats: { ...stats, turns: 9 } } });
    expect(await store.stats()).toMatchObject({ bySource: { channel: 2 }, totals: { turns: 2 } });
  });

  test("are counted once in a store that was begun without them", async () => {
    const place = new Place(server);
    const store = await place.open();
    const error = { code: "X", message: "x", at: 1 };
    const stats = { turns: 2, failed: 1, tokensIn: 3, tokensOut: 4, cost: 0.5, costSource: "agent" } as const;
    for (const [index, channel] of [CHANNEL, OTHER, "web:3" as const].entries()) {
      const { fence } = await own(store, channel);
      await store.save(channel, fence, { session: { stats, error, pinned: index === 1 } });
      if (index === 2) continue;
      await store.signal(event("new", { channel }), { command: "new", args: "", reason: "" });
      const renew = { ...FRESH, source: "manual" } as const;
      await store.finishControl(channel, fence, { control: "new", outbox: [], renew });
    }
    const figures = await store.stats();
    expect(figures).toMatchObject({
      bySource: { channel: 1, manual: 2 },
      byStatus: { error: 1 },
      totals: { turns: 6 },
    });
    const counted = (await place.keys()).filter((key) => key.endsWith(":n"));
    const [first = ""] = counted;
    await place.using((client) => client.hset(first, "turns", 100));
    expect((await (await place.open()).stats()).totals.turns).toBeGreaterThanOrEqual(100);
    await place.using(async (client) => {
      for (const key of counted) await client.del(key);
      await client.hdel(`${place.prefix}:{m}:store`, "counted");
    });
    expect(await (await place.open()).stats()).toEqual(figures);
  });

  test("a text that looks like a source is none", async () => {
    const place = new Place(server);
    const store = await place.open();
    const text = '\n{"source":"cron"';
    await store.accept(event(text, { text, sender: { id: text, name: text } }), ROOM);
    expect((await own(store)).session.source).toBe("channel");
    await store.accept(event(text, { channel: OTHER, text, source: "setup" }), ROOM);
    await store.amend({ channel: OTHER, id: text, text: "changed" }, "r");
    await store.accept(event("2", { channel: OTHER, source: "cron" }), ROOM);
    const lease = await own(store, OTHER);
    expect(lease.session.source).toBe("setup");
    expect(await store.claim(OTHER, lease.fence, 2)).toMatchObject({
      messages: [{ text: "changed", source: "setup" }, { source: "cron" }],
    });
  });
});

test("a copy has the schedules, and counts anew what there is", async () => {
  const [from, to] = [new Place(server), new Place(server)];
  const before = await from.open();
  const stats = { turns: 1, failed: 0, tokensIn: 3, tokensOut: 4, cost: 0.7, costSource: "prices" } as const;
  const lease = await own(before);
  await before.save(CHANNEL, lease.fence, { session: { stats, error: { code: "X", message: "x", at: 1 } } });
  const acquired = await before.acquire(OTHER, "a", { ...FRESH, source: "manual", project: "api; 50%" });
  if (acquired.status !== "owned") throw new Error("no other replica is there");
  await before.openAsk(OTHER, acquired.lease.fence, asking());
  const gone = await own(before, "web:gone");
  await before.save("web:gone", gone.fence, { session: { stats } });
  await before.remove(gone.session.id);
  const schedules = [schedule("a", 3, { lastAt: 2 }), schedule("b", 5, { channel: "web:nothing-else" })];
  for (const each of schedules) await before.putSchedule(each);
  const figures = await before.stats();
  await before.close();

  const portable = async (place: Place, create: boolean) => {
    const options = { clock: place.clock, dedupeFor: 3_600_000, keep: 0, lease: 100, log: () => {} };
    const url = place.urlAt(server.url);
    const opened = await openRedisPortable({ ...options, url, create, signal: AbortSignal.timeout(10_000) });
    onTestFinished(() => opened.close());
    return opened;
  };
  const [source, target] = [await portable(from, false), await portable(to, true)];
  // Half a copy of what the source was once: a schedule had another channel, and one has gone since.
  await target.begin(source.name);
  const dump = await source.dump(CHANNEL);
  if (dump === undefined) throw new Error("nothing was dumped");
  const old = [schedule("b", 4), schedule("gone", 4)];
  await target.load({ ...dump, schedules: old });
  expect((await target.dump(CHANNEL))?.schedules).toEqual(old);
  const { figures: copied } = await copyStore(source, target);
  expect(copied).toMatchObject({ schedules: 2, sessions: 2 });

  const after = await to.open();
  expect(await after.stats()).toEqual(figures);
  expect(figures).toMatchObject({ bySource: { channel: 1, manual: 1 }, byStatus: { waiting: 1, error: 1 } });
  expect(await after.schedules({ limit: 9 })).toEqual(schedules);
  expect(await after.schedules({ channel: CHANNEL, limit: 9 })).toEqual([schedules[0]]);
  expect(await after.schedule("gone")).toBeUndefined();
  expect(await after.current(OTHER)).toMatchObject({ project: "api; 50%" });
  expect(await after.moveSchedule("a", { from: 3, to: 8 })).toBe(true);
  expect(await after.removeSchedule("a")).toBe(true);
  expect(await after.removeSchedule("b")).toBe(true);
});

const NOTHING = {
  ...{
    turns: 0,
    newestReply: 0,
    sessions: [],
    waiting: [],
    controls: [],
    outbox: [],
    recent: [],
    older: [],
    deadLetters: [],
  },
  ...{ asks: [], journal: [], audit: [] },
};

test("a schedule that has another channel than in half a copy is kept, whichever of the two is copied first", async () => {
  const place = new Place(server);
  const options = { clock: place.clock, dedupeFor: 3_600_000, keep: 0, lease: 100, log: () => {} };
  const target = await openRedisPortable({
    ...options,
    ...{ url: place.urlAt(server.url), create: true, signal: AbortSignal.timeout(10_000) },
  });
  onTestFinished(() => target.close());
  const holding = (channel: ChannelId, ...schedules: Schedule[]) => target.load({ ...NOTHING, channel, schedules });
  for (let round = 0; round < 40; round++) {
    const [before, after] = round % 2 === 0 ? [CHANNEL, OTHER] : [OTHER, CHANNEL];
    await holding(before, schedule("b", 5, { channel: before }));
    const moved = schedule("b", 5, { channel: after });
    await Promise.all([holding(after, moved), holding(before)]);
    expect((await target.dump(after))?.schedules).toEqual([moved]);
  }
});

async function succeeds(call: Promise<unknown>): Promise<boolean> {
  return await call.then(
    () => true,
    () => false,
  );
}
