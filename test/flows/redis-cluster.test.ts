/** The Redis that the gateways write to dies and its replica takes over, under load: in a Cluster, and with Sentinels. */
import { setTimeout as pause } from "node:timers/promises";
import { test } from "vitest";
import { eventually } from "../support/eventually.ts";
import type { RedisServer } from "../support/redis.ts";
import { startRedisCluster } from "../support/redis-cluster.ts";
import { startSentinel } from "../support/redis-sentinel.ts";
import { Stage } from "./redis-stage.ts";

test("a master of a Cluster dies, then another", async () => {
  const cluster = await startRedisCluster({ masters: 3, replicasEach: 1 });
  const stage = await Stage.open({ url: cluster.url, replicas: 2 });
  // The first one has the part that the store has in common for all.
  const slot = Number(await cluster.nodes[0]?.command("CLUSTER", "KEYSLOT", "sb:{m}:"));
  const common = Math.floor((slot / 16_384) * 3);
  await stage.crowd.talkDuring(150, async () => {
    for (const i of [common, (common + 1) % 3]) {
      await pause(2_000);
      const master = await cluster.killMaster(i);
      await rules(cluster.nodes[3 + i]);
      await master.start();
    }
    await pause(2_000);
  });
  await stage.finish("two masters of a Cluster killed", cluster.nodes);
}, 180_000);

test("the master that Sentinels watch dies", async () => {
  const set = await startSentinel();
  const stage = await Stage.open({ url: set.url, replicas: 2 });
  await stage.crowd.talkDuring(150, async () => {
    await pause(2_000);
    const master = await set.killMaster();
    // Back before the Sentinels agree on its successor it would be taken for the master still, and what it takes then is
    // lost: no store can help that (min-replicas-to-write can).
    await set.switched();
    await master.start();
    await pause(2_000);
  });
  await stage.finish("the master of a Sentinel set killed", [set.replica]);
}, 180_000);

async function rules(replica: RedisServer | undefined): Promise<void> {
  await eventually(async () => String(await replica?.command("ROLE")).startsWith("master"), "taken over", 30_000);
}
