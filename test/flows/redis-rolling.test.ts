/** Replicas are restarted in order, one after the other, and one more joins: nobody's turn is interrupted. */
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { startRedis } from "../support/redis.ts";
import { Stage } from "./redis-stage.ts";

test("a rolling restart of three replicas, and a fourth that joins, interrupt nobody", async () => {
  const redis = await startRedis();
  const stage = await Stage.open({ url: redis.url });
  const { crowd, replicas } = stage;
  await crowd.talkDuring(120, async () => {
    for (const replica of [...replicas]) {
      await pause(2_000);
      expect((await replica.signal("SIGTERM")).code).toBe(0);
      await replica.start();
    }
    await pause(2_000);
    await stage.join().start();
    await pause(3_000);
  });
  await stage.finish("rolling restart of 3 replicas, and a fourth joined", [redis]);
  expect(crowd.repeated).toBe(0);
  expect(crowd.strays).toBe(0);
}, 180_000);
