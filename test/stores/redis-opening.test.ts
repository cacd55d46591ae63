/** Finding a Redis, and what stands in the way of using it. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { openRedisStore, type RedisStore, type RedisStoreOptions } from "../../src/stores/redis/store.ts";
import { TestClock } from "../support/clock.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/lifetime.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { startSentinel } from "../support/redis-sentinel.ts";
import { asking, CHANNEL, claim, commit, event, FRESH, NOTHING, own, ROOM, YES } from "./redis-stage.ts";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

async function open(url: string, options: Partial<RedisStoreOptions> = {}): Promise<RedisStore> {
  const store = await openRedisStore({
    ...{ url, clock: new TestClock(), dedupeFor: 60_000, lease: 60_000, keep: 0 },
    ...options,
  });
  onTestFinished(() => store.close());
  return store;
}

async function transact(store: RedisStore): Promise<void> {
  const lease = await own(store);
  const turn = await claim(store, lease, "1");
  const end = await commit(store, lease, turn, { outbox: [{ kind: "answer", text: "done" }] });
  expect(end).toMatchObject({ status: "ended", outbox: [{ text: "done" }] });
  expect(await store.receipt(CHANNEL, "1")).toMatchObject({ receipt: { state: "answered" } });
}

describe("what a store is begun with", () => {
  test("another prefix or number of shards is refused, and changes nothing", async () => {
    const redis = await startRedis();
    await transact(await open(`${redis.url}?prefix=one&shards=8`));
    const before = await redis.command("DBSIZE");
    await expect(open(redis.url)).rejects.toMatchObject({
      code: "STORE_FORMAT",
      message: expect.stringContaining('prefix "one"'),
    });
    await expect(open(`${redis.url}?prefix=one&shards=9`)).rejects.toMatchObject({
      code: "STORE_FORMAT",
      message: expect.stringContaining("shards=8"),
    });
    expect(await redis.command("DBSIZE")).toBe(before);
    await redis.command("HSET", "one:{m}:store", "format", "99");
    await expect(open(`${redis.url}?prefix=one&shards=8`)).rejects.toMatchObject({ code: "STORE_FORMAT" });
  });

  test("a second store beside the first is one of its own, and both are found again", async () => {
    const redis = await startRedis();
    await transact(await open(`${redis.url}?prefix=one`));
    const second = await open(`${redis.url}?prefix=two&beside=yes`);
    expect(await second.stats()).toMatchObject({ sessions: 0 });
    await transact(second);
    await open(`${redis.url}?prefix=one`);
    await open(`${redis.url}?prefix=two`);
    await expect(open(`${redis.url}?prefix=three`)).rejects.toMatchObject({ code: "STORE_FORMAT" });
  });

  test("another database of the same server is another store, and hears nothing of it", async () => {
    const heard: string[] = [];
    const pair = async (db: number) => {
      const url = `${server.url}/${db}`;
      const [store, peer] = [await open(url), await open(url)];
      for (const [each, name] of [
        [store, "a"],
        [peer, "b"],
        [store, "a"],
      ] as const)
        await each.heartbeat(name);
      peer.watch((hint) => heard.push(`${db} ${hint.kind}`));
      return store;
    };
    const [first, second] = [await pair(1), await pair(2)];
    await first.accept(event("1"), ROOM);
    expect(await second.queue(CHANNEL)).toMatchObject({ waiting: [] });
    await transact(second);
    await first.journalPut(CHANNEL, "key", 1);
    await eventually(() => heard.includes("1 journal"), "the first one's peer hears of it");
    await second.journalPut(CHANNEL, "key", 1);
    await eventually(() => heard.includes("2 journal"), "the second one's peer hears of it");
    expect(heard.filter((hint) => hint.endsWith("journal"))).toEqual(["1 journal", "2 journal"]);
  });
});

describe("who may use it", () => {
  test("TLS with an authority's file, and a user by name", async () => {
    const redis = await startRedis({ tls: true, user: { name: "board:1", password: "p@ss/w%rd" } });
    await transact(await open(`${redis.url}?ca=${encodeURIComponent(redis.ca)}`));
    await expect(open(`${redis.url}?ca=/nowhere.crt`)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    const said: string[] = [];
    const signal = abortWhen(() => said.some((line) => line.includes("certificate")));
    await expect(open(redis.url, { log: (line) => said.push(line), signal })).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
    });
  });

  test("a wrong password, or none, is refused at once", async () => {
    const redis = await startRedis({ user: { name: "u", password: "right" } });
    for (const url of [
      redis.url.replace("right", "wrong"),
      redis.url.replace("u:right@", ""),
      redis.url.replace("redis://u:right", "redis+cluster://u:wrong"),
    ]) {
      await expect(open(url), url).rejects.toMatchObject({ code: "STORE_REFUSED" });
    }
  });

  test("a user without the right to write is refused; one without the right to look around is not", async () => {
    const redis = await startRedis();
    await redis.command("ACL", "SETUSER", "reader", "on", ">p", "~*", "&*", "+@all", "-@write");
    await redis.command("ACL", "SETUSER", "writer", "on", ">p", "~*", "&*", "+@all", "-info", "-config");
    await expect(open(redis.url.replace("//", "//reader:p@"))).rejects.toMatchObject({ code: "STORE_REFUSED" });
    const store = await open(redis.url.replace("//", "//writer:p@"));
    expect(store.warnings()).toEqual([expect.stringContaining("INFO")]);
    await transact(store);
  });
});

describe("what can't become right by waiting", () => {
  test("a database that isn't there: nothing is written elsewhere instead", async () => {
    const redis = await startRedis();
    await expect(open(`${redis.url}/16`)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    expect(await redis.command("DBSIZE")).toBe(0);
  });

  test("a server by itself that is called a cluster, or a Sentinel", async () => {
    for (const kind of ["cluster", "sentinel"]) {
      const url = `${server.url.replace("redis", `redis+${kind}`)}${kind === "sentinel" ? "/mymaster" : ""}`;
      await expect(open(url), kind).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    }
  });
});

describe("waiting for it", () => {
  test("says so, and goes on when it comes", async () => {
    const redis = await startRedis();
    await redis.kill();
    const said: string[] = [];
    const opening = open(redis.url, { log: (line) => said.push(line) });
    await eventually(() => said.some((line) => line.includes("ECONNREFUSED")), "it says what is wrong");
    await redis.start();
    await transact(await opening);
    expect(said).toContain("Redis (commands): connected again");
    // However many attempts failed.
    expect(said.filter((line) => line.includes("(commands)") && line.includes("ECONNREFUSED"))).toHaveLength(1);
  });

  test("says so of Sentinels once, and ends when it is told to", async () => {
    const said: string[] = [];
    const url = `redis+sentinel://127.0.0.1:${await freePort()}/mymaster`;
    const ending = new AbortController();
    const opening = open(url, { log: (line) => said.push(line), signal: ending.signal });
    await eventually(() => said.length > 0, "it says what is wrong");
    ending.abort();
    await expect(opening).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect(new Set(said).size).toBe(said.length);
    await expect(open(url, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  });

  test("a replica takes no writes: it waits until there is a master", async () => {
    const redis = await startRedis();
    await redis.command("REPLICAOF", "127.0.0.1", await freePort());
    const said: string[] = [];
    const opening = open(redis.url, { log: (line) => said.push(line) });
    await eventually(() => said.some((line) => line.includes("READONLY")), "it says what is wrong");
    await redis.command("REPLICAOF", "NO", "ONE");
    await transact(await opening);
  });

  test("through Sentinels to the master", async () => {
    const set = await startSentinel();
    const store = await open(`${set.url}?shards=3`);
    await transact(store);
    expect(Number(await set.master.command("DBSIZE"))).toBeGreaterThan(3);
    await store.close();
    const again = await open(`${set.url}?shards=3`);
    const lease = await own(again);
    await again.accept(event("2"), ROOM);
    expect(lease.outbox).toMatchObject([{ text: "done" }]);
    expect(await again.claim(CHANNEL, lease.fence, 1)).toMatchObject({ messages: [{ id: "2" }] });
  });
});

describe("what endangers data", () => {
  async function warningsWith(options: Parameters<typeof startRedis>[0], user?: string): Promise<readonly string[]> {
    const redis = await startRedis(options);
    if (user !== undefined) await redis.command("ACL", "SETUSER", "u", "on", ">p", "~*", "&*", "+@all", user);
    return (await open(user === undefined ? redis.url : redis.url.replace("//", "//u:p@"))).warnings();
  }

  test("no append-only file, and one that is written late", async () => {
    expect(await warningsWith({ appendfsync: "off" })).toEqual([expect.stringContaining("appendonly yes")]);
    expect(await warningsWith({ appendfsync: "everysec" })).toEqual([expect.stringContaining("once a second")]);
    expect(await warningsWith({ appendfsync: "no" })).toEqual([expect.stringContaining("operating system")]);
    expect(await warningsWith({ appendfsync: "always" })).toEqual([]);
  });

  test("eviction; and what may not be asked is not warned of", async () => {
    const config = ["maxmemory-policy allkeys-lru"];
    expect(await warningsWith({ appendfsync: "always", config })).toEqual([expect.stringContaining("allkeys-lru")]);
    expect(await warningsWith({ appendfsync: "everysec" }, "-config")).toEqual([]);
  });
});

describe("trouble later on", () => {
  test("no memory left: STORE_FULL, nothing is left behind, and it goes on when there is room", async () => {
    const redis = await startRedis();
    const store = await open(redis.url);
    const lease = await own(store);
    await store.accept(event("waits"), ROOM);
    const { ask } = await store.openAsk(CHANNEL, lease.fence, asking());
    await redis.command("CONFIG", "SET", "maxmemory", "1");
    const writes = {
      accept: () => store.accept(event("1"), ROOM),
      signal: () => store.signal(event("2"), { command: "stop", args: "", reason: "" }),
      refuse: () => store.refuse(event("3"), "no"),
      heartbeat: () => store.heartbeat("a"),
      claim: () => store.claim(CHANNEL, lease.fence, 1),
      acquire: () => store.acquire("telegram:2", "a", FRESH),
      ask: () => store.openAsk(CHANNEL, lease.fence, asking()),
      answer: () => store.answerAsk(ask.id, YES),
      expire: () => store.endAsk(ask.id, { state: "expired" }),
      remind: () => store.remindAsk(ask.id, 0, 5),
      journal: () => store.journalPut(CHANNEL, "key", 1),
      hold: () => store.hold("poll", "a"),
    };
    for (const [name, write] of Object.entries(writes)) {
      await expect(write(), name).rejects.toMatchObject({ code: "STORE_FULL" });
    }
    expect(await store.queue(CHANNEL)).toMatchObject({ waiting: [{ id: "waits" }], recent: [{ id: "waits" }] });
    expect(await store.stats()).toMatchObject({ sessions: 1, queued: 1, inFlight: 0 });
    expect(await store.ask(ask.id)).toEqual(ask);
    await redis.command("CONFIG", "SET", "maxmemory", "0");
    for (const [name, write] of Object.entries(writes)) await expect(write(), name).resolves.toBeDefined();
  });

  test("a turn that runs when memory is out can still end", async () => {
    const redis = await startRedis();
    const store = await open(redis.url);
    const lease = await own(store);
    const turn = await claim(store, lease, "1");
    await redis.command("CONFIG", "SET", "maxmemory", "1");
    await commit(store, lease, turn, { outbox: [{ kind: "answer", text: "done" }] });
    expect(await store.queue(CHANNEL)).toMatchObject({ waiting: [], recent: [{ receipt: { state: "answered" } }] });
    const { outbox } = await store.pending(CHANNEL, lease.fence);
    expect(outbox).toMatchObject([{ text: "done" }]);
    await store.settleDelivery(CHANNEL, lease.fence, outbox[0]?.id ?? "", { status: "delivered" });
    await store.remove(lease.session.id);
    expect(await store.stats()).toMatchObject({ sessions: 0, undelivered: 0 });
  });

  test("the master became a replica: STORE_UNAVAILABLE, it can still be read, and it goes on", async () => {
    const redis = await startRedis();
    const store = await open(redis.url);
    const lease = await own(store);
    const turn = await claim(store, lease, "1");
    await redis.command("REPLICAOF", "127.0.0.1", await freePort());
    await expect(commit(store, lease, turn)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await redis.command("REPLICAOF", "NO", "ONE");
    await eventually(async () => {
      return await commit(store, lease, turn).then(
        () => true,
        () => false,
      );
    }, "it writes again");
  });

  test("the server forgot the scripts", async () => {
    const redis = await startRedis();
    const store = await open(redis.url);
    const forget = () => redis.command("SCRIPT", "FLUSH");
    await forget();
    const lease = await own(store);
    await forget();
    await store.accept(event("1"), ROOM);
    await forget();
    const turn = await claim(store, lease);
    await forget();
    const ends = [commit(store, lease, turn), store.queue(CHANNEL), store.heartbeat("a"), store.unattended("a")];
    expect((await Promise.all(ends))[0]).toEqual({ status: "ended", outbox: [] });
  });

  test("a server that is gone fails what is asked of it, and a stale turn stays refused after it is back", async () => {
    const redis = await startRedis({ appendfsync: "always" });
    const store = await open(redis.url);
    const lease = await own(store);
    await redis.kill();
    await expect(store.accept(event("1"), ROOM)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await redis.start();
    await eventually(async () => {
      return await store.accept(event("1"), ROOM).then(
        () => true,
        () => false,
      );
    }, "it is there again");
    await claim(store, lease);
    await expect(store.commitTurn(CHANNEL, lease.fence, { ...NOTHING, turn: "t0" })).rejects.toMatchObject({
      code: "STALE_FENCE",
    });
  });

  test("what anybody else publishes to its channels is no hint", async () => {
    const store = await open(`${server.url}/3`);
    const { self } = await store.heartbeat("a");
    const heard: unknown[] = [];
    store.watch((hint) => heard.push(hint));
    const good = JSON.stringify({ from: ["other"], hints: ["x", 7, "nothing y", "journal telegram:1"] });
    for (const message of ["", "{", "null", "7", "[]", "{}", '{"from":1,"hints":[]}', good]) {
      await server.command("PUBLISH", `sb:hints:3:${self}`, message);
    }
    await eventually(() => heard.length > 0, "the last one is heard");
    expect(heard).toEqual([{ kind: "journal", channel: "telegram:1" }]);
  });
});

function abortWhen(condition: () => boolean): AbortSignal {
  const ending = new AbortController();
  eventually(condition, "the reason to give up").then(
    () => ending.abort(),
    (error: unknown) => ending.abort(error),
  );
  return ending.signal;
}
