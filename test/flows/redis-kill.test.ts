/**
 * Three gateways on one Redis and one bot while people write to it, and one gateway after the other is killed with
 * SIGKILL in the middle of its turns.
 */
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { startRedis } from "../support/redis.ts";
import { Stage } from "./redis-stage.ts";

const KILLS = 5;

test("replicas are killed in the middle of turns: every message answered once, in order", async () => {
  const redis = await startRedis();
  const stage = await Stage.open({ url: redis.url, turn: 0.8 });
  const { crowd, replicas } = stage;

  await crowd.talkDuring(120, async () => {
    for (let kills = 0; kills < KILLS; kills++) {
      await pause(1_000 + Math.random() * 1_500);
      const victim = replicas[Math.floor(Math.random() * replicas.length)];
      await victim?.kill();
      // Long enough for the others to take over what it had.
      await pause(Math.random() * 4_000);
      await victim?.start();
      // What the one that received had not confirmed comes again; here all comes again.
      stage.twin.redeliverAll();
    }
  });
  await stage.finish(`${KILLS} times kill -9`, [redis]);
  // Otherwise no kill ever hit a turn.
  expect(crowd.repeated).toBeGreaterThan(0);
}, 240_000);

test("what replicas had in hand that never come back is taken over, with no word from anybody", async () => {
  const redis = await startRedis();
  const stage = await Stage.open({ url: redis.url, chats: 12, turn: 2 });
  const { crowd, twin } = stage;
  // Everyone has a session, each replica its share of them.
  crowd.sayAll();
  await crowd.allAnswered();

  crowd.sayAll();
  await twin.until(() => crowd.growing >= crowd.chats / 2, { timeoutMs: 20_000, label: "turns under way" });
  const victims = stage.replicas.slice(1);
  await Promise.all(victims.map((victim) => victim.kill()));
  const killed = Date.now();
  await crowd.allAnswered();
  console.log(`all answered ${Date.now() - killed} ms after kill -9 of two, by turns of 2 s`);
  expect(crowd.repeated).toBeGreaterThan(0);
  await Promise.all(victims.map((victim) => victim.start()));
  await stage.finish("two of three killed without a return", [redis]);
}, 120_000);
