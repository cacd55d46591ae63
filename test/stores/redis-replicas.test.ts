/** Several stores on one Redis, as several replicas have them: who owns what, and who learns what. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ChannelId, channelId } from "../../src/model.ts";
import type { Hint, Store } from "../../src/store.ts";
import type { RedisStore } from "../../src/stores/redis/store.ts";
import { startCutProxy } from "../support/cut-proxy.ts";
import { eventually } from "../support/eventually.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { asking, CHANNEL, claim, commit, event, FRESH, fail, NOTHING, own, Place, ROOM, YES } from "./redis-stage.ts";

/** Milliseconds. Nothing here has to happen within it. */
const LEASE = 300;

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis({ appendfsync: "off" });
});
afterAll(() => server.stop());

/** Every write of an owner. */
function writesOf(store: Store, fence: number, turn: string, reply: string): Record<string, () => Promise<unknown>> {
  const failure = { ...NOTHING, turn, cause: "" };
  return {
    claim: () => store.claim(CHANNEL, fence, 1),
    commit: () => store.commitTurn(CHANNEL, fence, { ...NOTHING, turn, take: 1 }),
    retry: () => store.failTurn(CHANNEL, fence, { ...failure, outcome: "retry", retryAt: 1 }),
    requeue: () => store.failTurn(CHANNEL, fence, { ...failure, outcome: "requeue" }),
    park: () => store.failTurn(CHANNEL, fence, { ...failure, outcome: "park" }),
    suspend: () => store.failTurn(CHANNEL, fence, { ...failure, outcome: "suspend" }),
    cancel: () => store.failTurn(CHANNEL, fence, { ...failure, outcome: "cancel" }),
    save: () => store.save(CHANNEL, fence, { session: { title: "stale" }, preview: "stale" }),
    pending: () => store.pending(CHANNEL, fence),
    finish: () => store.finishControl(CHANNEL, fence, { control: "c", outbox: [], renew: FRESH }),
    delivered: () => store.settleDelivery(CHANNEL, fence, reply, { status: "delivered" }),
    sending: () => store.settleDelivery(CHANNEL, fence, reply, { status: "sending", at: 1 }),
    parked: () => store.settleDelivery(CHANNEL, fence, reply, { status: "parked", cause: "" }),
    ask: () => store.openAsk(CHANNEL, fence, asking()),
  };
}

/** Resolves when the replica has been silent for longer than a lease, by the clock of Redis. */
async function silent(place: Place, member: string): Promise<void> {
  await eventually(async () => {
    const time = await server.command("TIME");
    const beat = await server.command("ZSCORE", `${place.prefix}:{m}:live`, member);
    return Array.isArray(time) && Number(time[0]) * 1_000 + Number(time[1]) / 1_000 > Number(beat) + LEASE + 5;
  }, "it has been silent for a lease");
}

describe("ownership", () => {
  test("a living replica keeps its channels; one that is dead loses them, and can write nothing more", async () => {
    const place = new Place(server);
    const [a, b] = [await place.open({ lease: LEASE }), await place.open({ lease: LEASE })];
    const lease = await own(a, CHANNEL, "a");
    await commit(a, lease, await claim(a, lease, "1"), { outbox: [{ kind: "answer", text: "x" }] });
    const turn = await claim(a, lease, "2");
    await a.signal(event("c"), { command: "new", args: "", reason: "" });
    const reply = (await a.pending(CHANNEL, lease.fence)).outbox[0]?.id ?? "";

    let acquired = await b.acquire(CHANNEL, "b", FRESH);
    await eventually(async () => {
      if (acquired.status === "owned") return true;
      expect(acquired).toEqual({ status: "elsewhere", owner: "a" });
      await b.heartbeat("b");
      acquired = await b.acquire(CHANNEL, "b", FRESH);
      return false;
    }, "it is taken over");
    if (acquired.status !== "owned") throw new Error("it was not");
    expect(acquired.lease).toMatchObject({
      session: { id: lease.session.id },
      interrupted: { id: turn, attempt: 1 },
      controls: [{ id: "c" }],
      outbox: [{ id: reply }],
    });
    expect(acquired.lease.fence).toBeGreaterThan(lease.fence);

    const before = await place.dump();
    for (const [name, write] of Object.entries(writesOf(a, lease.fence, turn, reply))) {
      await expect(write(), name).rejects.toMatchObject({ code: "STALE_FENCE" });
    }
    await a.release(CHANNEL, lease.fence);
    // Nor under the fence of the one that has it.
    for (const [name, write] of Object.entries(writesOf(a, acquired.lease.fence, turn, reply))) {
      await expect(write(), name).rejects.toMatchObject({ code: "STALE_FENCE" });
    }
    expect(await place.dump()).toEqual(before);
    const claimed = await b.claim(CHANNEL, acquired.lease.fence, 1);
    expect(claimed).toMatchObject({ id: turn, attempt: 2 });
  });

  test("only one that has itself beaten for a lease counts another as dead", async () => {
    const place = new Place(server);
    const [a, b] = [await place.open({ lease: LEASE }), await place.open({ lease: LEASE })];
    const member = (await a.heartbeat("a")).self;
    await own(a, CHANNEL, "a");
    await silent(place, member);
    // It has only come.
    const self = (await b.heartbeat("b")).self;
    expect(await b.acquire(CHANNEL, "b", FRESH)).toEqual({ status: "elsewhere", owner: "a" });
    await silent(place, self);
    // It has been silent itself.
    expect((await b.heartbeat("b")).replicas).toContain(member);
    expect(await b.acquire(CHANNEL, "b", FRESH)).toEqual({ status: "elsewhere", owner: "a" });
    expect(await b.unattended("b")).toEqual([]);
    // All were cut off and have come back: nobody lost anything.
    expect(await a.heartbeat("a")).toMatchObject({ lost: false, self: member });
  });

  test("one that was counted as dead is told so once, whatever gets lost on the way, and goes on under a new name", async () => {
    const place = new Place(server);
    const proxy = await startCutProxy(server.port, { counts: ([name = ""]) => /^eval/i.test(name) });
    const a = await place.open({ lease: LEASE, url: place.urlAt(proxy.url) });
    const b = await place.open({ lease: LEASE });
    const first = await a.heartbeat("a");
    await own(a, CHANNEL, "a");
    await eventually(async () => !(await b.heartbeat("b")).replicas.includes(first.self), "it is counted as dead");
    // It learns that it is dead, and then nothing of its new life.
    const cut = proxy.cut(2, "after");
    await expect(a.heartbeat("a")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await cut;
    // Something else beats for it in between.
    await eventually(() => succeeds(a.unattended("a")), "it is connected again");
    const second = await a.heartbeat("a");
    expect(second.lost).toBe(true);
    expect(second.self).not.toBe(first.self);
    expect(await a.heartbeat("a")).toMatchObject({ lost: false, self: second.self });
    expect(await b.acquire(CHANNEL, "b", FRESH)).toMatchObject({ status: "owned" });
  });

  test("one that closes frees all at once; one that leaves takes nothing new, and lives", async () => {
    const place = new Place(server);
    const [a, b] = [await place.open(), await place.open()];
    await own(a, CHANNEL, "a");
    await a.accept(event("1"), ROOM);
    expect(await a.hold("poll", "a")).toBe(true);
    const leaving = await a.heartbeat("a", true);
    expect(leaving.replicas).not.toContain(leaving.self);
    expect((await b.heartbeat("b")).replicas).toEqual([expect.stringMatching(/^b~/)]);
    expect(await b.acquire(CHANNEL, "b", FRESH)).toEqual({ status: "elsewhere", owner: "a" });
    expect(await b.unattended("b")).toEqual([]);
    expect(await a.unattended("a")).toEqual([CHANNEL]);
    await a.close();
    await b.heartbeat("b");
    expect(await b.unattended("b")).toEqual([CHANNEL]);
    expect(await b.hold("poll", "b")).toBe(true);
    expect(await b.acquire(CHANNEL, "b", FRESH)).toMatchObject({ status: "owned", lease: { waiting: 1 } });
  });

  test("what one holds, nobody else has until it lets go or is dead", async () => {
    const place = new Place(server);
    const [a, b] = [await place.open({ lease: LEASE }), await place.open({ lease: LEASE })];
    expect(await a.hold("poll", "a")).toBe(true);
    expect(await a.hold("poll", "a")).toBe(true);
    expect(await b.hold("poll", "b")).toBe(false);
    expect(await b.hold("other", "b")).toBe(true);
    await b.letGo("poll", "b");
    await b.letGo("never held", "b");
    expect(await b.hold("poll", "b")).toBe(false);
    await a.letGo("poll", "a");
    expect(await b.hold("poll", "b")).toBe(true);
    expect(await a.hold("poll", "a")).toBe(false);
    // And now b falls silent.
    await eventually(async () => {
      await a.heartbeat("a");
      return await a.hold("poll", "a");
    }, "it is free");
    expect((await b.heartbeat("b")).lost).toBe(true);
    expect(await b.hold("poll", "b")).toBe(false);
  });
});

describe("hints", () => {
  async function pair(): Promise<{ a: RedisStore; b: RedisStore; heard: Record<"a" | "b", string[]> }> {
    const place = new Place(server);
    const [a, b] = [await place.open(), await place.open()];
    const heard: Record<"a" | "b", string[]> = { a: [], b: [] };
    for (const [name, store] of [
      ["a", a],
      ["b", b],
    ] as const) {
      await store.heartbeat(name);
      store.watch((hint) => heard[name].push(shown(hint)));
    }
    await a.heartbeat("a");
    await eventually(() => heard.a.includes("replicas"), "the first hears of the second");
    heard.a = [];
    return { a, b, heard };
  }

  const shown = (hint: Hint) => (hint.kind === "replicas" ? hint.kind : `${hint.kind} ${hint.channel}`);
  /** Sent after all else from the one to the other: what came before it is there. */
  async function settled(from: Store, heard: string[]): Promise<void> {
    const last: ChannelId = channelId("last", String(Math.random()));
    await from.journalPut(last, "key", 1);
    await eventually(() => heard.includes(`journal ${last}`), "the last hint arrives");
    heard.splice(heard.indexOf(`journal ${last}`), 1);
  }

  test("work goes to the owner, and to all where there is none", async () => {
    const { a, b, heard } = await pair();
    await b.accept(event("1"), ROOM);
    await settled(b, heard.a);
    expect(heard.a).toEqual([`inbox ${CHANNEL}`]);
    expect(heard.b).toContain(`inbox ${CHANNEL}`);

    await own(a, CHANNEL, "a");
    heard.a = [];
    heard.b = [];
    await b.accept(event("2"), ROOM);
    await b.signal(event("3"), { command: "stop", args: "", reason: "" });
    await settled(b, heard.a);
    expect(heard.a).toEqual([`inbox ${CHANNEL}`, `control ${CHANNEL}`]);
    expect(heard.b.filter((hint) => !hint.startsWith("journal"))).toEqual([]);

    // Its own work is its own affair.
    heard.a = [];
    heard.b = [];
    await a.accept(event("4"), ROOM);
    await settled(a, heard.b);
    expect(heard.a).toContain(`inbox ${CHANNEL}`);
    expect(heard.b).toEqual([]);
  });

  test("a repeated message wakes its owner again: the first hint may have got lost", async () => {
    const { a, b, heard } = await pair();
    await own(a, CHANNEL, "a");
    await b.accept(event("1"), ROOM);
    await settled(b, heard.a);
    heard.a = [];
    expect(await b.accept(event("1"), ROOM)).toMatchObject({ status: "duplicate" });
    await settled(b, heard.a);
    expect(heard.a).toEqual([`inbox ${CHANNEL}`]);
  });

  test("who decides an ask, replays or removes tells the owner", async () => {
    const { a, b, heard } = await pair();
    const lease = await own(a, CHANNEL, "a");
    await fail(a, lease, await claim(a, lease, "1"));
    const { ask } = await a.openAsk(CHANNEL, lease.fence, asking());
    heard.a = [];
    await b.answerAsk(ask.id, YES);
    await b.replay(`${CHANNEL}#1`);
    await settled(b, heard.a);
    expect(heard.a).toEqual([`control ${CHANNEL}`, `inbox ${CHANNEL}`]);
    heard.a = [];
    await b.remove(lease.session.id);
    await settled(b, heard.a);
    expect(heard.a).toEqual([`control ${CHANNEL}`]);
  });

  test("what is shown is told to all where an adapter is looked at through its log", async () => {
    const { a, heard } = await pair();
    const web = channelId("web", "1");
    const lease = await own(a, web, "a");
    await a.journalPut(web, "key", 1);
    await a.save(web, lease.fence, { session: { title: "x" } });
    const telegram = await own(a, CHANNEL, "a");
    await a.save(CHANNEL, telegram.fence, { session: { title: "x" } });
    await settled(a, heard.b);
    expect(heard.b).toEqual([`journal ${web}`, `state ${web}`]);
  });

  test("are heard again after a reconnect, however often it breaks", async () => {
    const place = new Place(server);
    const proxy = await startCutProxy(server.port, { counts: ([name = ""]) => /^subscribe/i.test(name) });
    const [a, b] = [await place.open({ url: place.urlAt(proxy.url) }), await place.open()];
    const heard: string[] = [];
    a.watch((hint) => heard.push(shown(hint)));
    await a.heartbeat("a");
    await b.heartbeat("b");
    let cut = proxy.cut(1, "before");
    proxy.cutAll();
    await cut;
    // And in the very moment in which it listens again.
    cut = proxy.cut(1, "before");
    await cut;
    await eventually(async () => {
      await b.journalPut(CHANNEL, "key", 1);
      return heard.includes(`journal ${CHANNEL}`);
    }, "it hears");
  });

  test("who comes, lets go or leaves is told", async () => {
    const { a, heard } = await pair();
    await a.hold("poll", "a");
    await a.letGo("poll", "a");
    await eventually(() => heard.b.includes("replicas"), "it hears that it can have it");
    heard.b = [];
    await a.heartbeat("a", true);
    await eventually(() => heard.b.includes("replicas"), "it hears that the other leaves");
    heard.b = [];
    await a.close();
    await eventually(() => heard.b.includes("replicas"), "it hears that the other has left");
    expect(heard.b).toEqual(["replicas"]);
  });
});

async function succeeds(call: Promise<unknown>): Promise<boolean> {
  return await call.then(
    () => true,
    () => false,
  );
}
