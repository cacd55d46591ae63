import { Cluster, Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { Pacing } from "../../adapters/shared/pacing.ts";
import { systemClock } from "../../src/core/clock.ts";
import type { Governor, Rate } from "../../src/governor.ts";
import { createRedisGovernor } from "../../src/stores/redis/governor.ts";
import { describeGovernor } from "../conformance/governor.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/lifetime.ts";
import { RedisServer, startRedis } from "../support/redis.ts";
import { startRedisCluster } from "../support/redis-cluster.ts";

const WIDE = { burst: 1000, every: 100_000 };
const rate = { burst: 2, every: 100_000 };
const never = new AbortController().signal;
const at = (held: "nothing" | "chat" | "all" = "nothing") => ({ held, within: 1e9 });

/** One process: its own connection, its own governor. */
async function replica(server: RedisServer, account: string, overall: Rate = WIDE): Promise<Governor> {
  const redis = server.client();
  await redis.connect();
  onTestFinished(() => redis.disconnect());
  return createRedisGovernor({ redis, prefix: "sb", account, overall });
}

async function keysOf(server: RedisServer, account: string): Promise<string[]> {
  const keys = await server.command("KEYS", `sb:{g:${account}}:*`);
  if (!Array.isArray(keys)) throw new Error("KEYS answers no list");
  return keys.map(String);
}

function pacing(governor: Governor, maxWait = 60_000): Pacing {
  return new Pacing({ governor, clock: systemClock, maxWait, report: () => {} });
}

describe("a server for all", () => {
  let server: RedisServer;
  let accounts = 0;
  const account = () => `telegram:${++accounts}`;

  beforeAll(async () => {
    server = new RedisServer(await freePort(), {});
    await server.start();
  });
  afterAll(() => server.stop());

  describeGovernor("redis", (overall) => replica(server, account(), overall));

  test("two replicas get the places of one", async () => {
    const bot = account();
    const replicas = [await replica(server, bot), await replica(server, bot)];
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => replicas[n % 2]?.reserve("a", rate, at())));
    const waits = answers.map((answer) => (answer?.status === "held" ? Math.round(answer.wait / rate.every) : -1));
    expect(waits.sort((a, b) => a - b)).toEqual([0, 0, ...Array.from({ length: 18 }, (_, n) => n + 1)]);
  });

  test("two replicas together send no faster than the account may", async () => {
    const bot = account();
    const overall = { burst: 5, every: 20 };
    const own = { burst: 2, every: 50 };
    const both = [pacing(await replica(server, bot, overall)), pacing(await replica(server, bot, overall))];
    const start = Date.now();
    const sent: { chat: string; at: number }[] = [];
    await Promise.all(
      Array.from({ length: 60 }, async (_, n) => {
        const chat = `chat ${n % 4}`;
        await both[n % 2]?.admit(chat, own, new AbortController().signal);
        sent.push({ chat, at: Date.now() - start });
      }),
    );
    // What is late is only slower. A timer may be early by a millisecond, and each time is cut to whole ones.
    const expectPaced = (times: readonly number[], { burst, every }: Rate) => {
      for (const [n, time] of times.entries()) expect(time).toBeGreaterThanOrEqual((n + 1 - burst) * every - 4);
    };
    expect(sent).toHaveLength(60);
    expectPaced(
      sent.map(({ at }) => at),
      overall,
    );
    for (const chat of ["chat 0", "chat 1", "chat 2", "chat 3"]) {
      expectPaced(
        sent.filter((entry) => entry.chat === chat).map(({ at }) => at),
        own,
      );
    }
  });

  test("previews of one replica leave room for the final text of another", async () => {
    const bot = account();
    const [one, other] = [await replica(server, bot), await replica(server, bot)];
    expect(await one.spare("a", rate)).toBe(true);
    expect(await other.spare("a", rate)).toBe(false);
    expect(await other.reserve("a", rate, at())).toEqual({ status: "held", held: "all", wait: 0 });
  });

  test("a pause holds for all replicas, who wait too, and for those who start later", async () => {
    const bot = account();
    const one = await replica(server, bot);
    const other = pacing(await replica(server, bot));
    for (let n = 0; n < 2; n++) await other.admit("a", { burst: 2, every: 300 }, never);
    const waiting = other.admit("a", { burst: 2, every: 300 }, never);
    await one.pause("a", 500_000);
    await expect(waiting).rejects.toMatchObject({ kind: "limited" });
    expect(other.isPaused("a")).toBe(true);
    const restarted = await replica(server, bot);
    expect(await restarted.reserve("a", rate, at())).toMatchObject({ status: "paused", where: "chat" });
  });

  test("three replicas that are refused in three chats pause the account", async () => {
    const bot = account();
    const replicas = await Promise.all(["a", "b", "c"].map(() => replica(server, bot)));
    await Promise.all(replicas.map((governor, n) => governor.pause(`chat ${n}`, 500_000)));
    expect(await replicas[0]?.reserve("d", rate, at())).toMatchObject({ status: "paused", where: "all" });
  });

  test("accounts know nothing of one another", async () => {
    const [one, other] = [await replica(server, account()), await replica(server, account())];
    for (let n = 0; n < 3; n++) {
      await one.reserve("a", rate, at());
      await one.pause(`chat ${n}`, 500_000);
    }
    expect(await other.reserve("a", rate, at())).toEqual({ status: "held", held: "all", wait: 0 });
  });

  test("every key expires, and none outlives what it says", async () => {
    const bot = account();
    const governor = await replica(server, bot);
    for (let n = 0; n < 4; n++) await governor.reserve("a", rate, at());
    await governor.spare("b", rate);
    for (const chat of ["a", "b", "c"]) await governor.pause(chat, 500_000);
    const keys = await keysOf(server, bot);
    expect(keys).toHaveLength(8);
    for (const key of keys) {
      const left = Number(await server.command("PTTL", key));
      expect([key, left > 0 && left <= 500_000]).toEqual([key, true]);
    }

    const brief = account();
    const quick = await replica(server, brief, { burst: 5, every: 1 });
    for (let n = 0; n < 3; n++) await quick.reserve("a", { burst: 2, every: 2 }, at());
    await quick.spare("b", { burst: 9, every: 0 });
    for (const chat of ["a", "b", "c"]) await quick.pause(chat, 5);
    await eventually(async () => (await keysOf(server, brief)).length === 0, "nothing is left");
  });

  test("goes on where the server has forgotten its scripts", async () => {
    const governor = await replica(server, account());
    await governor.reserve("a", rate, at());
    await server.command("SCRIPT", "FLUSH");
    expect(await governor.spare("b", rate)).toBe(true);
    await governor.pause("a", 500_000);
    expect(await governor.reserve("a", rate, at())).toMatchObject({ status: "paused" });
  });
});

test("on a cluster each decision is of one node", async () => {
  const cluster = await startRedisCluster({ masters: 3 });
  const redis = new Cluster(cluster.nodes.map(({ port }) => ({ host: "127.0.0.1", port })));
  onTestFinished(() => redis.disconnect());
  const governors = Array.from({ length: 6 }, (_, n) =>
    createRedisGovernor({ redis, prefix: "sb", account: `telegram:${n}`, overall: WIDE }),
  );
  for (const governor of governors) {
    for (const wait of [0, 0]) {
      expect(await governor.reserve("a", rate, at())).toEqual({ status: "held", held: "all", wait });
    }
    expect(await governor.spare("a", rate)).toBe(false);
    await governor.pause("a", 500_000);
    expect(await governor.reserve("a", rate, at())).toMatchObject({ status: "paused" });
  }
});

test("while Redis is away nothing is sent and no preview shown, and then it goes on, pauses included", async () => {
  const server = await startRedis({ appendfsync: "always" });
  const redis = new Redis(server.port, "127.0.0.1", { maxRetriesPerRequest: 0, retryStrategy: () => 20 });
  redis.on("error", () => {});
  onTestFinished(() => redis.disconnect());
  const governor = createRedisGovernor({ redis, prefix: "sb", account: "telegram:1", overall: WIDE });
  const paced = pacing(governor);
  await governor.pause("paused", 500_000);
  await paced.admit("a", rate, never);

  server.pause();
  await expect(paced.admit("a", rate, never)).rejects.toMatchObject({ name: "DeliveryError", kind: "unavailable" });
  expect(await paced.spare("b", rate)).toBe(false);
  server.resume();
  await server.kill();
  await expect(governor.reserve("a", rate, at())).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  await expect(paced.admit("a", rate, never)).rejects.toMatchObject({ name: "DeliveryError", kind: "unavailable" });
  expect(await paced.spare("b", rate)).toBe(false);

  await server.start();
  if (redis.status !== "ready") await new Promise((resolve) => redis.once("ready", resolve));
  await paced.admit("c", rate, never);
  expect(await governor.reserve("paused", rate, at())).toMatchObject({ status: "paused", where: "chat" });
});
