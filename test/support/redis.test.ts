import { existsSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import { startCutProxy } from "./cut-proxy.ts";
import { eventually } from "./eventually.ts";
import { type RedisServer, startRedis } from "./redis.ts";
import { startRedisCluster } from "./redis-cluster.ts";
import { startSentinel } from "./redis-sentinel.ts";

test("a Redis keeps what it had over kill -9, on the same address", async () => {
  const redis = await startRedis({ appendfsync: "always" });
  await redis.command("SET", "key", "value");
  const { pid, url } = redis;
  await redis.kill();
  await expect(redis.command("PING")).rejects.toThrow();
  await redis.start();
  expect(await redis.command("GET", "key")).toBe("value");
  expect(redis.pid).not.toBe(pid);
  expect(redis.url).toBe(url);
});

test("a paused Redis answers when it is resumed", async () => {
  const redis = await startRedis({ appendfsync: "off" });
  redis.pause();
  let answered = false;
  const answer = redis.command("PING").then(() => {
    answered = true;
  });
  // Another one, started and stopped meanwhile, had all the time that it takes.
  await (await startRedis()).stop();
  expect(answered).toBe(false);
  redis.resume();
  await answer;
});

test("it is gone, with its folder, when the test is over", async () => {
  const started: RedisServer[] = [];
  // What is registered first is called last.
  onTestFinished(() => {
    expect(started.map(({ folder }) => existsSync(folder))).toEqual([false]);
  });
  started.push(await startRedis());
});

test("TLS, and a user of its own", async () => {
  const redis = await startRedis({ tls: true, user: { name: "ann", password: "p@ss/word" } });
  expect(redis.url).toBe(`rediss://ann:p%40ss%2Fword@127.0.0.1:${redis.port}`);
  expect(await redis.command("ACL", "WHOAMI")).toBe("ann");
});

test("a Redis that can't start says why", async () => {
  await expect(startRedis({ config: ["no-such-directive yes"] })).rejects.toThrow(/ended \(1\)/);
});

test("a cluster serves every slot, and a replica takes over from its master", async () => {
  const cluster = await startRedisCluster({ masters: 3, replicasEach: 1 });
  expect(cluster.url).toMatch(/^redis\+cluster:\/\/127\.0\.0\.1:\d+(,127\.0\.0\.1:\d+){2}$/);
  const replica = cluster.nodes[3];
  expect(await replica?.command("ROLE")).toContain("slave");
  const killed = await cluster.killMaster(0);
  await eventually(async () => String(await replica?.command("ROLE")).startsWith("master"), "taken over");
  await killed.start();
  await eventually(async () => String(await killed.command("ROLE")).startsWith("slave"), "back as a replica");
});

test("Sentinels make the replica the master", async () => {
  const set = await startSentinel();
  expect(set.url).toMatch(/^redis\+sentinel:\/\/127\.0\.0\.1:\d+(,127\.0\.0\.1:\d+){2}\/mymaster$/);
  await set.killMaster();
  await set.switched();
  expect(String(await set.replica.command("ROLE"))).toMatch(/^master/);
});

/** A connection through a proxy, and one past it. */
async function stage() {
  const redis = await startRedis({ appendfsync: "off" });
  const proxy = await startCutProxy(redis.port);
  const client = redis.client();
  client.options.port = proxy.port;
  onTestFinished(() => client.disconnect());
  await client.connect();
  return { redis, proxy, client };
}

test.each([
  { at: "before" as const, value: "1" },
  { at: "after" as const, value: "2" },
])("a connection is cut $at the n-th command", async ({ at, value }) => {
  const { redis, proxy, client } = await stage();
  const cut = proxy.cut(3, at);
  const [pong, one, read, two, later] = await Promise.allSettled([
    client.ping(),
    client.incr("n"),
    client.get("n"),
    client.incr("n"),
    client.incr("m"),
  ]);
  expect([pong, one, read]).toMatchObject([{ value: "PONG" }, { value: 1 }, { value: "1" }]);
  expect([two?.status, later?.status]).toEqual(["rejected", "rejected"]);
  expect(await cut).toEqual(["incr", "n"]);
  expect(await redis.command("GET", "n")).toBe(value);
  expect(proxy.commands.slice(0, 3)).toEqual(["INCR", "GET", "INCR"]);
});

test("replies of every shape pass", async () => {
  const { proxy, client } = await stage();
  await client.call("HELLO", "3");
  await client.hset("hash", { a: "1", b: "" });
  await client.sadd("set", "x\r\ny");
  await client.zadd("sorted", 1.5, "z");
  const replies = await Promise.all([
    client.hgetall("hash"),
    client.smembers("set"),
    client.call("ZSCORE", "sorted", "z"),
    client.get("missing"),
    client.eval("return {1, {2, {}}, false, 'end'}", 0),
    client.eval("redis.setresp(3); return redis.call('HGETALL', 'hash')", 0),
  ]);
  expect(replies).toHaveLength(6);
  expect(replies[4]).toEqual([1, [2, []], null, "end"]);
  await expect(client.call("NOSUCHCOMMAND")).rejects.toThrow(/unknown command/);
  expect(await client.ping()).toBe("PONG");
  expect(proxy.commands).toHaveLength(10);
});

test("subscribers get their messages", async () => {
  const { redis, proxy, client } = await stage();
  const message = new Promise((resolve) => client.once("message", (_, text) => resolve(text)));
  await client.subscribe("news");
  await redis.command("PUBLISH", "news", "hello");
  expect(await message).toBe("hello");
  proxy.cutAll();
  await new Promise((resolve) => client.once("end", resolve));
});

test("a stalled proxy holds everything back, a refusing one lets nobody in", async () => {
  const { redis, proxy, client } = await stage();
  proxy.stall();
  const held = client.incr("n");
  expect(await redis.command("GET", "n")).toBeNull();
  proxy.flow();
  expect(await held).toBe(1);

  proxy.refuse();
  const other = redis.client();
  other.options.port = proxy.port;
  onTestFinished(() => other.disconnect());
  await expect(other.connect()).rejects.toThrow();
  expect(await client.incr("n")).toBe(2);
  await proxy.admit();
  await other.connect();
  expect(await other.incr("n")).toBe(3);
});
