/**
 * Redis goes away under three gateways and their people: killed and restarted from its append-only file, standing
 * still for 15 s, refusing writes. No gateway ends; each says that it is not ready, and goes on by itself.
 */
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { startRedis } from "../support/redis.ts";
import { Stage } from "./redis-stage.ts";

const PAUSED = 15_000;

test("Redis is killed and restarted from its append-only file under load", async () => {
  // What it answered is on the disk: with `everysec` a kill may take back what it said up to two seconds before.
  const redis = await startRedis({ appendfsync: "always" });
  const stage = await Stage.open({ url: redis.url });
  await stage.crowd.talkDuring(250, async () => {
    for (let kills = 0; kills < 3; kills++) {
      await pause(1_000 + Math.random() * 1_500);
      await redis.kill();
      await pause(Math.random() * 2_000);
      await redis.start();
    }
    await pause(1_000);
  });
  await becomes(stage, "/readyz", 200);
  await stage.finish("Redis killed 3 times", [redis]);
}, 180_000);

test("Redis stands still for 15 s, and then refuses writes", async () => {
  const redis = await startRedis();
  const stage = await Stage.open({ url: redis.url });
  await stage.crowd.talkDuring(250, async () => {
    await pause(1_500);
    redis.pause();
    const over = pause(PAUSED);
    await becomes(stage, "/readyz", 503);
    expect(await stage.probe("/healthz")).toEqual([200, 200, 200]);
    await over;
    redis.resume();
    await becomes(stage, "/readyz", 200);
  });
  await stage.crowd.allAnswered();
  stage.crowd.report(`Redis paused for ${PAUSED / 1_000} s`);

  await stage.crowd.talkDuring(250, async () => {
    // No replica will ever be there: every write is refused, everything can be read.
    await redis.command("CONFIG", "SET", "min-replicas-to-write", 1);
    await becomes(stage, "/readyz", 503);
    expect(await stage.probe("/healthz")).toEqual([200, 200, 200]);
    await redis.command("CONFIG", "SET", "min-replicas-to-write", 0);
    await becomes(stage, "/readyz", 200);
  });
  await stage.finish("and Redis read-only", [redis]);
}, 180_000);

/** All replicas, sooner or later. */
async function becomes(stage: Stage, path: "/readyz", status: number): Promise<void> {
  let last: number[] = [];
  await eventually(
    async () => {
      await pause(50);
      last = await stage.probe(path);
      return last.every((one) => one === status);
    },
    () => `${path} answers ${status} everywhere; it answers ${last}`,
  );
}
