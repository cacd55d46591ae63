/** Several stores on one Redis, as several replicas have them: who owns what, who learns what, and what comes too late. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ChannelId, channelId } from "../../src/model.ts";
import type { Hint, Store } from "../../src/store.ts";
import type { RedisStore } from "../../src/stores/redis/store.ts";
import { startCutProxy } from "../support/cut-proxy.ts";
import { eventually } from "../support/eventually.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { LateProxy } from "./late-proxy.ts";
import { ANN, CHANNEL, claim, commit, event, FRESH, fail, NOTHING, own, Place, ROOM } from "./redis-stage.ts";

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
    cancel: () => store.failTurn(CHANNEL, fence, { ...failure, outcome: "cancel" }),
    save: () => store.save(CHANNEL, fence, { session: { title: "stale" }, preview: "stale" }),
    pending: () => store.pending(CHANNEL, fence),
    finish: () => store.finishControl(CHANNEL, fence, { control: "c", outbox: [], renew: FRESH }),
    delivered: () => store.settleDelivery(CHANNEL, fence, reply, { status: "delivered" }),
    sending: () => store.settleDelivery(CHANNEL, fence, reply, { status: "sending", at: 1 }),
    parked: () => store.settleDelivery(CHANNEL, fence, reply, { status: "parked", cause: "" }),
    ask: () => store.openAsk(CHANNEL, fence, { kind: "plan", text: "?", outbox: [] }),
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
    const ask = await a.openAsk(CHANNEL, lease.fence, { kind: "plan", text: "?", outbox: [] });
    await fail(a, lease, await claim(a, lease, "1"));
    heard.a = [];
    await b.decideAsk(ask.id, true, ANN);
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

describe("a call whose answer got lost", () => {
  test("is answered as the first time, and nothing is written twice", async () => {
    const place = new Place(server);
    const store = await place.open();
    const lease = await own(store);
    const { fence } = lease;
    const twice = async <Answer>(what: string, call: () => Promise<Answer>): Promise<Answer> => {
      const first = await call();
      const before = await place.dump();
      expect(await call(), what).toEqual(first);
      expect(await place.dump(), what).toEqual(before);
      return first;
    };
    const outbox = [
      { kind: "answer", text: "x", ref: "r" },
      { kind: "notice", text: "y" },
    ] as const;
    const change = (turn: string) => ({
      turn,
      session: { title: turn, agentState: { turn } },
      transcript: [{ role: "user", text: turn, at: 1, turn } as const],
      outbox,
    });
    const run = async () => (await twice("claim", () => store.claim(CHANNEL, fence, 1)))?.id ?? "";
    const end = (turn: string, outcome: "retry" | "requeue" | "park" | "cancel", take = 1) =>
      twice(outcome, () => store.failTurn(CHANNEL, fence, { ...change(turn), outcome, cause: "c", retryAt: 9, take }));

    for (const id of ["1", "2", "3", "4"]) await store.accept(event(id), ROOM);
    const first = await run();
    const committed = await twice("commit", () => store.commitTurn(CHANNEL, fence, { ...change(first), take: 1 }));
    const second = committed.status === "ended" ? (committed.next?.id ?? "") : "";
    await twice("preview", () => store.save(CHANNEL, fence, { preview: "p", session: { pinned: true } }));
    for (const outcome of ["retry", "requeue", "requeue", "retry"] as const) {
      await end(second, outcome);
      expect(await run()).toBe(second);
    }
    const third = (await end(second, "park")).next?.id ?? "";
    expect(third).not.toBe("");
    await store.signal(event("stop"), { command: "stop", args: "", cancel: "turn", reason: "r" });
    await end(third, "cancel", 0);
    await twice("finish", () =>
      store.finishControl(CHANNEL, fence, {
        control: "stop",
        session: { title: "Stopped" },
        outbox,
        renew: FRESH,
        replay: `${CHANNEL}#2`,
      }),
    );
    expect(await store.queue(CHANNEL)).toMatchObject({ waiting: [{ id: "4" }, { id: "2" }] });

    const [, ...entries] = (await store.pending(CHANNEL, fence)).outbox;
    const settle = (outcome: Parameters<Store["settleDelivery"]>[3], index = 0) =>
      twice(outcome.status, () => store.settleDelivery(CHANNEL, fence, entries[index]?.id ?? "", outcome));
    await settle({ status: "placed", ref: "p" });
    await settle({ status: "sending", at: 5 });
    await settle({ status: "failed", notBefore: 7 });
    await settle({ status: "failed", notBefore: 8, forgetRef: true });
    await settle({ status: "sending", at: 9 });
    await settle({ status: "failed", notBefore: 8 });
    expect((await store.pending(CHANNEL, fence)).outbox[1]).toMatchObject({ attempts: 3, state: "pending" });
    await settle({ status: "delivered" });
    await settle({ status: "parked", cause: "blocked" }, 1);
    await twice("release", () => store.release(CHANNEL, fence));
  });

  test("what comes in is a duplicate the second time, with the receipt of the first", async () => {
    const place = new Place(server);
    const store = await place.open();
    await store.accept(event("1"), ROOM);
    await store.refuse(event("2"), "no");
    await store.signal(event("3"), { command: "stop", args: "", cancel: "all", reason: "r" });
    await store.accept(event("4"), ROOM);
    await store.accept(event("5"), { ...ROOM, max: 1 });
    const before = await place.dump();
    const states = await Promise.all(["1", "2", "3", "4", "5"].map((id) => store.accept(event(id), ROOM)));
    expect(states).toMatchObject([
      { status: "duplicate", receipt: { receipt: { state: "dropped", reason: "r" } } },
      { status: "duplicate", receipt: { receipt: { state: "dropped", reason: "no" } } },
      { status: "duplicate" },
      { status: "duplicate", receipt: { receipt: { state: "queued" }, position: 1 } },
      { status: "duplicate", receipt: { receipt: { state: "dropped" } } },
    ]);
    expect(await store.signal(event("3"), { command: "stop", args: "", cancel: "all", reason: "r" })).toEqual({
      status: "duplicate",
    });
    expect(await store.refuse(event("4"), "no")).toBe("duplicate");
    expect(await place.dump()).toEqual(before);
  });

  test("what can't be told from a new call by what it left: asks, amendments, dead letters, removals", async () => {
    const place = new Place(server);
    const proxy = await startCutProxy(server.port, { counts: ([name = ""]) => /^eval/i.test(name) });
    const store = await place.open({ url: place.urlAt(proxy.url) });
    const lease = await own(store);
    const { fence, session } = lease;
    for (const id of ["1", "2"]) await fail(store, lease, await claim(store, lease, id));
    for (const id of ["3", "4"]) await store.accept(event(id), ROOM);
    const lost = async <Answer>(what: string, call: () => Promise<Answer>, scripts = 1): Promise<Answer> => {
      const cut = proxy.cut(scripts, "after");
      await expect(call(), what).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
      await cut;
      await eventually(() => succeeds(store.stats()), "it is connected again");
      return await call();
    };
    const draft = { kind: "plan", text: "May I?", outbox: [{ kind: "notice", text: "May I?" }] } as const;
    const ask = await lost("ask", () => store.openAsk(CHANNEL, fence, draft));
    expect(ask).toMatchObject({ session: session.id, channel: CHANNEL, text: "May I?" });
    expect((await store.pending(CHANNEL, fence)).outbox).toHaveLength(1);
    // The same once more is another one.
    expect((await store.openAsk(CHANNEL, fence, draft)).id).not.toBe(ask.id);
    expect(await lost("amend", () => store.amend({ channel: CHANNEL, id: "3", text: "new" }, "r"), 2)).toBe(true);
    expect(await lost("drop", () => store.amend({ channel: CHANNEL, id: "4", text: null }, "r"), 2)).toBe(true);
    expect(await store.amend({ channel: CHANNEL, id: "4", text: null }, "r")).toBe(false);
    await lost("replay", () => store.replay(`${CHANNEL}#1`));
    await expect(store.replay(`${CHANNEL}#1`)).rejects.toMatchObject({ code: "DEAD_LETTER_UNKNOWN" });
    await lost("discard", () => store.discard(`${CHANNEL}#2`));
    await expect(store.discard(`${CHANNEL}#2`)).rejects.toMatchObject({ code: "DEAD_LETTER_UNKNOWN" });
    expect(await store.queue(CHANNEL)).toMatchObject({ waiting: [{ id: "3", text: "new" }, { id: "1" }] });
    await lost("remove", () => store.remove(session.id));
    await expect(store.remove(session.id)).rejects.toMatchObject({ code: "SESSION_UNKNOWN" });
  });
});

describe("a command that comes after newer ones", () => {
  /** `late` is cut off and called again, `newer` follows, and then the first `late` arrives: it must do nothing. */
  async function tooLate(
    late: (store: Store, fence: number, turn: string) => Promise<unknown>,
    newer: (store: Store, fence: number, turn: string) => Promise<unknown>,
  ): Promise<void> {
    const place = new Place(server);
    const proxy = await LateProxy.start(server.port);
    const store = await place.open({ url: place.urlAt(proxy.url) });
    const { fence } = await own(store);
    for (const id of ["1", "2"]) await store.accept(event(id), ROOM);
    const turn = (await store.claim(CHANNEL, fence, 1))?.id ?? "";
    proxy.hold();
    const lost = expect(late(store, fence, turn)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await proxy.breakAfter(CHANNEL);
    await lost;
    await eventually(() => succeeds(store.stats()), "it is connected again");
    await late(store, fence, turn);
    await newer(store, fence, turn);
    const before = await place.dump();
    await proxy.deliver();
    expect(await place.dump()).toEqual(before);
    // The owner itself goes on.
    await store.save(CHANNEL, fence, { preview: "newest" });
    expect(await store.queue(CHANNEL)).toMatchObject({ running: { preview: "newest" } });
  }

  const next = (store: Store, fence: number, turn: string) =>
    store.commitTurn(CHANNEL, fence, { ...NOTHING, turn, take: 1 });

  test("a preview does not become that of the next turn", async () => {
    await tooLate((store, fence) => store.save(CHANNEL, fence, { preview: "old" }), next);
  });

  test("an older preview does not replace a newer one", async () => {
    await tooLate(
      (store, fence) => store.save(CHANNEL, fence, { preview: "old" }),
      (store, fence) => store.save(CHANNEL, fence, { preview: "new" }),
    );
  });

  test("a failure does not put back the attempt that followed it", async () => {
    const transcript = [{ role: "user", text: "once", at: 1, turn: "t" }] as const;
    await tooLate(
      (store, fence, turn) =>
        store.failTurn(CHANNEL, fence, { ...NOTHING, turn, outcome: "retry", cause: "", transcript }),
      (store, fence) => store.claim(CHANNEL, fence, 1),
    );
  });

  test("what ended stays ended; what came in is in once", async () => {
    await tooLate(next, (store, fence) => store.save(CHANNEL, fence, { session: { title: "newer" } }));
    await tooLate(
      (store) => store.accept(event("3"), ROOM),
      (store) => store.accept(event("4"), ROOM),
    );
    await tooLate(
      (store) => store.signal(event("3"), { command: "stop", args: "", reason: "" }),
      (store, fence) => store.finishControl(CHANNEL, fence, { control: "3", outbox: [] }),
    );
  });

  test("nor does it matter to the next owner, whose own time begins anew", async () => {
    const place = new Place(server);
    const proxy = await startCutProxy(server.port, { counts: ([name = ""]) => /^eval/i.test(name) });
    const [a, b] = [await place.open({ url: place.urlAt(proxy.url) }), await place.open()];
    const { fence } = await own(a, CHANNEL, "a");
    const cut = proxy.cut(1, "before");
    await expect(a.save(CHANNEL, fence, { session: { title: "x" } })).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
    });
    await cut;
    await eventually(() => succeeds(a.save(CHANNEL, fence, { session: { title: "x" } })), "it is connected again");
    await a.release(CHANNEL, fence);
    const lease = await own(b, CHANNEL, "b");
    await b.save(CHANNEL, lease.fence, { session: { title: "y" } });
    expect(await b.current(CHANNEL)).toMatchObject({ title: "y" });
  });
});

async function succeeds(call: Promise<unknown>): Promise<boolean> {
  return await call.then(
    () => true,
    () => false,
  );
}
