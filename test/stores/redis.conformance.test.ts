import { afterAll, beforeAll } from "vitest";
import type { Clock } from "../../src/model.ts";
import { openRedisStore } from "../../src/stores/redis/store.ts";
import { DEDUPE_FOR, describeStore, KEEP, type StoreHarness } from "../conformance/store.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { type RedisCluster, startRedisCluster } from "../support/redis-cluster.ts";

let server: RedisServer;
let cluster: RedisCluster;
beforeAll(async () => {
  [server, cluster] = await Promise.all([startRedis(), startRedisCluster({ masters: 3 })]);
}, 60_000);
afterAll(async () => {
  await Promise.all([server.stop(), cluster.stop()]);
});

describeStore("redis", () => openHarness(server.url, () => server.command("FLUSHALL")));
describeStore("redis cluster", () =>
  openHarness(cluster.url, () => Promise.all(cluster.nodes.map((node) => node.command("FLUSHALL")))),
);

async function openHarness(url: string, wipe: () => Promise<unknown>): Promise<StoreHarness> {
  let time = Date.UTC(2026, 10, 21);
  const clock: Clock = { now: () => time, after: () => () => {} };
  const open = () => openRedisStore({ url, clock, dedupeFor: DEDUPE_FOR, lease: 60_000, keep: KEEP });
  let store = await open();
  return {
    get store() {
      return store;
    },
    now: () => time,
    advance: (ms) => {
      time += ms;
    },
    async reopen() {
      await store.close();
      store = await open();
    },
    async dispose() {
      await store.close();
      await wipe();
    },
  };
}
