/** Copying a store, between LMDB and Redis and back: nothing is lost on the way, and what arrives goes on. */
import { cpSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { copyStore, digestOf } from "../../src/copy.ts";
import type { ChannelDump, Portable } from "../../src/dump.ts";
import type { ChannelId } from "../../src/model.ts";
import type { Store } from "../../src/store.ts";
import { openLmdbPortable } from "../../src/stores/lmdb/portable.ts";
import { openLmdbStore } from "../../src/stores/lmdb/store.ts";
import { openRedisPortable } from "../../src/stores/redis/portable.ts";
import { openRedisStore } from "../../src/stores/redis/store.ts";
import { TestClock } from "../support/clock.ts";
import { temporaryFolder } from "../support/gateway.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { type RedisCluster, startRedisCluster } from "../support/redis-cluster.ts";
import {
  ANN,
  ASKING,
  BUSY,
  event,
  type Filled,
  fill,
  LONG,
  own,
  QUESTIONS,
  QUIET,
  REFUSED,
  ROOM,
  STRANGE,
  talk,
} from "./full-store.ts";

const DEDUPE_FOR = 60_000;
const LEASE = 500;

let server: RedisServer;
let cluster: RedisCluster;
beforeAll(async () => {
  [server, cluster] = await Promise.all([startRedis(), startRedisCluster({ masters: 3 })]);
}, 60_000);
afterAll(async () => {
  await Promise.all([server.stop(), cluster.stop()]);
});

/** A place for a store; what is opened there is closed with the test. */
interface Site {
  open(): Promise<Store>;
  portable(create?: boolean): Promise<Portable>;
}

let sites = 0;
const clock = new TestClock();

function closing<T extends { close(): Promise<void> }>(opened: T): T {
  onTestFinished(() => opened.close());
  return opened;
}

function lmdb(path = join(temporaryFolder(), "store")): Site & { readonly path: string } {
  return {
    path,
    open: async () => closing(await openLmdbStore({ path, clock, dedupeFor: DEDUPE_FOR })),
    portable: async (create = true) => closing(await openLmdbPortable({ path, clock, create })),
  };
}

function redisAt(address: string, parameters = ""): Site {
  sites += 1;
  const url = `${address}/0?prefix=copy${sites}&beside=yes${parameters}`;
  const options = { url, clock, dedupeFor: DEDUPE_FOR, lease: LEASE, keep: 0 };
  return {
    open: async () => closing(await openRedisStore(options)),
    portable: async (create = true) =>
      closing(await openRedisPortable({ ...options, create, signal: AbortSignal.timeout(10_000), log: () => {} })),
  };
}

const redis = () => redisAt(server.url);
const others = () => redisAt(server.url, "&shards=3");
const clustered = () => redisAt(cluster.url);

async function filled(site: Site): Promise<Filled> {
  const store = await site.open();
  const ids = await fill(store, (ms) => clock.advance(ms));
  await store.close();
  return ids;
}

async function copy(from: Site, to: Site) {
  const source = await from.portable(false);
  try {
    const target = await to.portable();
    try {
      return await copyStore(source, target);
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

async function dumpsOf(site: Site): Promise<Map<ChannelId, ChannelDump>> {
  const portable = await site.portable(false);
  const dumps = new Map<ChannelId, ChannelDump>();
  for await (const channel of portable.channels()) {
    const dump = await portable.dump(channel);
    if (dump !== undefined) dumps.set(channel, { ...dump, newestReply: 0 });
  }
  await portable.close();
  return dumps;
}

/** What a gateway would see, through the port. */
async function viewOf(site: Site) {
  const store = await site.open();
  const { sessions } = await store.list({ limit: 100, archived: true });
  const channels = [...new Set([...sessions.map(({ channel }) => channel), REFUSED])].sort();
  const view = {
    stats: await store.stats(),
    sessions,
    transcripts: await Promise.all(
      sessions.map(async ({ id }) => (await store.transcript(id, { limit: 30 })).entries.slice(0, -1)),
    ),
    queues: await Promise.all(
      channels.map(async (channel) => {
        const queue = await store.queue(channel);
        return { ...queue, recent: queue.recent.slice(0, 10) };
      }),
    ),
    letters: await store.deadLetters({ limit: 100 }),
    unattended: (await store.unattended("looker")).sort(),
    asks: await store.asks({ limit: 100 }),
    due: await store.dueAsks(100),
    schedules: await store.schedules({ limit: 100 }),
    dueSchedules: await store.dueSchedules(100),
    // Of one and the same millisecond the order of several channels is not kept.
    audit: (await store.audit({ limit: 100 })).entries.sort(
      (a, b) => a.at - b.at || a.channel.localeCompare(b.channel),
    ),
    journal: await store.journalSince(STRANGE, 4, 100),
    page: await store.journalPage(STRANGE, 10, 20),
  };
  await store.close();
  return view;
}

describe.each([
  ["lmdb", "lmdb", lmdb, lmdb],
  ["lmdb", "redis", lmdb, redis],
  ["redis", "lmdb", redis, lmdb],
  ["redis", "redis with other shards", redis, others],
  ["lmdb", "a cluster", lmdb, clustered],
  ["a cluster", "lmdb", clustered, lmdb],
])("%s → %s", (_, __, makeSource, makeTarget) => {
  test("gives equal dumps, and looks the same", async () => {
    const [source, target] = [makeSource(), makeTarget()];
    await filled(source);
    const before = await viewOf(source);
    const report = await copy(source, target);
    expect(report.written).toBe(report.figures.channels);
    expect(report.figures).toMatchObject({ channels: 12, sessions: 11, inFlight: 4, asks: 7, deadLetters: 4 });
    expect(report.figures.schedules).toBe(3);
    expect(before.stats.totals).toMatchObject({ turns: 44, tokensIn: 1_014, cost: 1.75 });
    expect(Object.values(report.figures).every((figure) => figure > 0)).toBe(true);
    const [original, copied] = [await dumpsOf(source), await dumpsOf(target)];
    for (const [channel, dump] of original) expect(wellFormed(copied.get(channel))).toEqual(wellFormed(dump));
    expect(copied.size).toBe(original.size);
    expect(wellFormed(await viewOf(target))).toEqual(wellFormed(before));
  });

  test("goes on: attempts, duplicates, replies, asks, dead letters, ids that are new", async () => {
    const [source, target] = [makeSource(), makeTarget()];
    const { openAsk, decidedAsk, awaited } = await filled(source);
    const before = await dumpsOf(source);
    await copy(source, target);
    const store = await target.open();

    const lease = await own(store, BUSY);
    const was = before.get(BUSY);
    expect(lease).toMatchObject({
      session: was?.sessions.find(({ session }) => session.id === was.current)?.session,
      interrupted: { id: was?.turn?.id, attempt: 2, preview: "preview:100", messages: [{ id: "waits-0" }] },
      waiting: 3,
      controls: [
        { command: "ask", args: decidedAsk },
        { command: "status", effect: { cancelledTurn: null, dropped: 0 } },
      ],
    });
    expect(lease.outbox).toEqual(was?.outbox);
    expect(await store.claim(BUSY, lease.fence, 1)).toMatchObject({ id: was?.turn?.id, attempt: 3 });
    for (const id of ["waits-0", "waits-3", "said-0", "said-39", "dead-1", "old", "new", "status"]) {
      expect(await store.accept(event(BUSY, id), ROOM), id).toMatchObject({ status: "duplicate" });
    }
    const ended = await store.commitTurn(BUSY, lease.fence, {
      ...{ turn: was?.turn?.id ?? "", transcript: [], session: {}, take: 1 },
      outbox: [{ kind: "answer", text: "done" }],
    });
    expect(ended).toMatchObject({
      next: { id: `t${(was?.turns ?? 0) + 1}`, attempt: 1, messages: [{ id: "waits-1" }] },
    });
    const ids = [...(was?.outbox ?? []), ...(ended.status === "ended" ? ended.outbox : [])].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) await store.settleDelivery(BUSY, lease.fence, id, { status: "delivered" });
    expect((await store.pending(BUSY, lease.fence)).outbox).toEqual([]);
    await store.finishControl(BUSY, lease.fence, { control: "status", outbox: [{ kind: "notice", text: "fine" }] });
    expect((await store.receipt(BUSY, "status"))?.receipt.state).toBe("answered");
    const verdict = { kind: "approved", scope: "once" } as const;
    const approval = { by: ANN, via: "api", verdict } as const;
    expect(await store.answerAsk(decidedAsk, approval)).toMatchObject({ status: "already" });
    expect(await store.answerAsk(openAsk, approval)).toMatchObject({ status: "decided" });
    await store.replay(`${BUSY}#dead-1`);
    await store.discard(`${BUSY}#dead-2`);
    expect(await store.receipt(BUSY, "dead-1")).toMatchObject({ receipt: { state: "queued" }, position: 3 });
    for (const { session } of was?.sessions ?? []) await store.remove(session.id);
    expect(await store.queue(BUSY)).toMatchObject({ waiting: [] });

    const asking = await own(store, ASKING);
    expect(asking.asks).toMatchObject([{ id: awaited, version: 2, reminders: 1 }, { request: { kind: "plan" } }]);
    expect(asking.session.settings).toMatchObject({ mode: "accept-edits" });
    expect(await store.claim(ASKING, asking.fence, 1)).toBeUndefined();
    expect(await store.accept(event(ASKING, "more"), ROOM)).toEqual({ status: "aside" });
    const [answered, open] = QUESTIONS.questions.map(({ id }) => id);
    const answer = { by: ANN, via: "api", value: "2" } as const;
    const twice = await store.answerAsk(awaited, { ...answer, question: answered ?? "" });
    expect(twice).toMatchObject({ status: "already", ask: { shown: asking.asks[0]?.shown } });
    const { after = "" } = await store.audit({ limit: 100 });
    expect(await store.answerAsk(awaited, { ...answer, question: open ?? "" })).toMatchObject({ status: "decided" });
    const { entries } = await store.audit({ limit: 100, after });
    expect(entries).toMatchObject([{ what: "answered" }, { what: "decided", ask: awaited }]);
    expect(await store.claim(ASKING, asking.fence, 1)).toMatchObject({
      attempt: 1,
      asks: expect.arrayContaining([awaited]),
    });
    expect((await store.queue(ASKING)).waiting.map(({ plan }) => plan?.step)).toEqual([undefined, "carry out"]);

    const strange = await own(store, STRANGE);
    expect(strange.interrupted).toMatchObject({ attempt: 1, cancelled: { by: ANN.id, reason: "50%; or, so" } });
    expect(strange.interrupted?.messages.map(({ id }) => id)).toEqual(["a,b;c%2c#d e", "ключ\n2", "🙂"]);
    const version = await store.journalPut(STRANGE, "key 31%", "new");
    expect(version).toBe(32);
    const long = await own(store, LONG);
    expect(await store.claim(LONG, long.fence, 1)).toMatchObject({ attempt: 1, messages: [{ id: "long" }] });
    expect(await store.refuse(event(REFUSED, "spam 0"), "again")).toBe("duplicate");
    const quiet = await own(store, QUIET);
    await talk(store, quiet, "3");
    expect((await store.queue(QUIET)).recent[0]).toMatchObject({ id: "3", receipt: { state: "answered" } });
    const [first] = await store.dueSchedules(9);
    const to = clock.now() + 9;
    expect(await store.moveSchedule(first?.id ?? "", { from: first?.nextAt ?? 0, to })).toBe(true);
    expect((await store.dueSchedules(9)).map(({ id }) => id)).toEqual(["daily"]);
    expect(await store.removeSchedule("daily")).toBe(true);
    expect((await store.schedules({ limit: 9 })).map(({ id }) => id)).toEqual(["a-1", "never"]);
    await store.close();
  });
});

test("LMDB → Redis → LMDB → Redis: equal all the way, and no reply's id is given out twice", async () => {
  const way: Site[] = [lmdb(), redis(), lmdb(), others()];
  const [first] = way;
  if (first === undefined) return;
  await filled(first);
  const ids: string[] = [];
  for (const [index, site] of way.entries()) {
    const before = way[index - 1];
    if (before !== undefined) await copy(before, site);
    const store = await site.open();
    const lease = await own(store, QUIET);
    await store.accept(event(QUIET, `on ${index}`), ROOM);
    const turn = await store.claim(QUIET, lease.fence, 1);
    const outbox = [{ kind: "answer", text: `answer ${index}` } as const];
    await store.commitTurn(QUIET, lease.fence, { turn: turn?.id ?? "", transcript: [], session: {}, outbox, take: 0 });
    const { outbox: unsettled } = await store.pending(QUIET, lease.fence);
    expect(unsettled.map(({ text }) => text)).toEqual(Array.from({ length: index + 1 }, (_, n) => `answer ${n}`));
    ids.push(unsettled.at(-1)?.id ?? "");
    expect(unsettled.map(({ id }) => id)).toEqual(ids);
    await store.close();
  }
  expect(new Set(ids).size).toBe(way.length);
});

describe.each([
  ["lmdb", () => lmdb()],
  ["redis", () => redis()],
])("into %s", (_, makeTarget) => {
  test("goes on where it was stopped, and passes over what is there", async () => {
    const [source, target] = [lmdb(), makeTarget()];
    await filled(source);
    const [from, to] = [await source.portable(), await target.portable()];
    const loads: Promise<void>[] = [];
    const dying = but(to, {
      load: async (dump) => {
        if (loads.length === 3) await Promise.all(loads).then(() => Promise.reject(new Error("killed")));
        const load = to.load(dump);
        loads.push(load);
        await load;
      },
    });
    await expect(copyStore(from, dying)).rejects.toThrow("killed");
    await Promise.all([from.close(), to.close()]);
    await expect(target.open()).rejects.toMatchObject({ code: "STORE_HALF_COPIED" });

    const { written, figures } = await copy(source, target);
    expect(written).toBe(figures.channels - 3);
    expect(await dumpsOf(target)).toHaveProperty("size", figures.channels);
    await (await target.open()).close();
  });

  test("follows a source that was used in between, and what went from it goes", async () => {
    const [source, target] = [redis(), makeTarget()];
    await filled(source);
    const [from, to] = [await source.portable(), await target.portable()];
    const never = but(to, { finish: () => Promise.reject(new Error("killed")) });
    await expect(copyStore(from, never)).rejects.toThrow("killed");
    await from.drop(QUIET);
    await from.close();
    await to.close();
    const store = await source.open();
    await store.accept(event(BUSY, "later"), ROOM);
    await store.close();
    expect((await copy(source, target)).written).toBe(1);
    const [original, copied] = [await dumpsOf(source), await dumpsOf(target)];
    expect([...copied.keys()].sort()).toEqual([...original.keys()].sort());
    for (const [channel, dump] of original) expect(digestOf(copied.get(channel) ?? dump)).toBe(digestOf(dump));
    expect(copied.get(BUSY)?.controls.map(({ id }) => id)).toContain("later");
  });

  test("refuses a target that has something of its own, and leaves it as it is", async () => {
    const [source, another, target] = [lmdb(), lmdb(), makeTarget()];
    await Promise.all([filled(source), filled(another)]);
    await copy(source, target);
    const before = await dumpsOf(target);
    await expect(copy(source, target)).rejects.toMatchObject({ code: "STORE_NOT_EMPTY" });
    await expect(copy(another, target)).rejects.toMatchObject({ code: "STORE_NOT_EMPTY" });
    expect(await dumpsOf(target)).toEqual(before);
  });

  test("does not call a copy good that isn't: one that lost something is found, and mended by the next run", async () => {
    const [source, target] = [lmdb(), makeTarget()];
    await filled(source);
    const [from, to] = [await source.portable(), await target.portable()];
    const forgetful = but(to, {
      load: (dump) => to.load(dump.channel === BUSY ? { ...dump, older: dump.older.slice(1) } : dump),
    });
    await expect(copyStore(from, forgetful)).rejects.toMatchObject({ code: "COPY_DIFFERS" });
    const lossy = but(to, { load: async (dump) => void (await to.drop(dump.channel)) });
    await expect(copyStore(from, lossy)).rejects.toMatchObject({ code: "COPY_DIFFERS" });
    expect((await copyStore(from, to)).written).toBe(1);
  });

  test("a store that is not there can't be copied, and is not made", async () => {
    const [source, target] = [makeTarget(), lmdb()];
    await expect(copy(source, target)).rejects.toMatchObject({ code: "STORE_UNKNOWN" });
    await expect(source.portable(false)).rejects.toMatchObject({ code: "STORE_UNKNOWN" });
  });
});

test("neither is copied while a gateway uses it; a replica that was killed doesn't count for long", async () => {
  const [embedded, shared, target] = [lmdb(), redis(), lmdb()];
  const running = await embedded.open();
  await expect(copy(embedded, target)).rejects.toMatchObject({ code: "STORE_LOCKED" });
  await running.close();
  const store = await shared.open();
  await talk(store, await own(store, QUIET), "1");
  await store.heartbeat("gateway");
  const beating = setInterval(() => void store.heartbeat("gateway"), LEASE / 4);
  onTestFinished(() => clearInterval(beating));
  await expect(copy(shared, lmdb())).rejects.toMatchObject({ code: "STORE_IN_USE" });
  await expect(copy(embedded, shared)).rejects.toMatchObject({ code: "STORE_IN_USE" });
  clearInterval(beating);
  expect(await copy(shared, lmdb())).toMatchObject({ figures: { channels: 1 } });
});

test("a store that was copied as files is copied as well", async () => {
  const source = lmdb();
  await filled(source);
  const backup = lmdb(join(temporaryFolder(), "backup"));
  cpSync(source.path, backup.path, { recursive: true });
  expect((await copy(backup, redis())).checksum).toBe((await copy(source, lmdb())).checksum);
});

function wellFormed<T>(value: T): T {
  return JSON.parse(JSON.stringify(value ?? null), (_, item) =>
    typeof item === "string" ? item.toWellFormed() : item,
  );
}

/** The same store, some of its methods replaced. */
function but(portable: Portable, replaced: Partial<Portable>): Portable {
  return new Proxy(portable, {
    get(_, name) {
      const own: unknown = Reflect.get(replaced, name) ?? Reflect.get(portable, name);
      return typeof own === "function" ? own.bind(portable) : own;
    },
  });
}
