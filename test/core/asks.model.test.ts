/**
 * Asks, whatever happens: people decide them from everywhere at once, agents die while they wait, processes crash, time
 * jumps. Everything is real but the platform, the agents and the time; the laws are those that people rely on.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openLmdbStore } from "../../src/stores/lmdb/store.ts";
import { openRedisStore } from "../../src/stores/redis/store.ts";
import { JumpClock } from "../support/asks-model/clock.ts";
import { finishAll, reminded, rest } from "../support/asks-model/end.ts";
import { decidedOnce, handedOver, visibleNow } from "../support/asks-model/laws.ts";
import type { Settings } from "../support/asks-model/rules.ts";
import { type Step, step, take } from "../support/asks-model/steps.ts";
import { carriedOut, grantsHold, nothingLost } from "../support/asks-model/work-laws.ts";
import { World, type WorldOptions } from "../support/asks-model/world.ts";
import { TestClock } from "../support/clock.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";

const MINUTE = 60_000;
/** In memory where there is such a folder: the laws are about what happens, not about disks. */
const FOLDER = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
/** Milliseconds after which a process that is gone may be taken over from. */
const LEASE = 600;
const DEDUPE_FOR = 90 * 24 * 60 * MINUTE;
const FINAL = [visibleNow, decidedOnce, handedOver, carriedOut, grantsHold, nothingLost];

const settings: fc.Arbitrary<Settings> = fc.record({
  remindEvery: fc.constantFrom(5 * MINUTE, 5 * MINUTE, 30 * MINUTE, 0, undefined),
  expireAfter: fc.constantFrom(undefined, undefined, undefined, 120 * MINUTE),
});

async function play(options: WorldOptions, steps: readonly Step[]): Promise<void> {
  const world = new World(options);
  try {
    await world.start(0);
    for (const each of steps) await take(world, each);
    await rest(world);
    expect(await visibleNow(world)).toEqual([]);
    await reminded(world);
    await finishAll(world);
    for (const law of FINAL) expect(await law(world)).toEqual([]);
    expect(world.broken).toEqual([]);
  } finally {
    await world.close();
  }
}

test("asks are decided once, by whom they are for, and used once", async () => {
  await fc.assert(
    fc.asyncProperty(settings, fc.array(step, { minLength: 10, maxLength: 40, size: "max" }), async (asks, steps) => {
      const path = mkdtempSync(join(FOLDER, "switchboard-"));
      try {
        const open: WorldOptions["open"] = (clock) => openLmdbStore({ path, clock, dedupeFor: DEDUPE_FOR });
        await play({ clock: new TestClock(), replicas: 1, settings: asks, open }, steps);
      } finally {
        rmSync(path, { recursive: true, force: true });
      }
    }),
    { numRuns: Number(process.env.MODEL_RUNS ?? 60), endOnFailure: process.env.MODEL_SHRINK === undefined },
  );
}, 180_000);

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis({ appendfsync: "no" });
}, 30_000);
afterAll(() => redis.stop());

let scenes = 0;

test("the same where processes share a Redis and take over from each other", async () => {
  await fc.assert(
    fc.asyncProperty(settings, fc.array(step, { minLength: 10, maxLength: 30, size: "max" }), async (asks, steps) => {
      scenes += 1;
      const url = `redis://127.0.0.1:${redis.port}?prefix=scene${scenes}&shards=4&beside=yes`;
      const open: WorldOptions["open"] = (clock) =>
        openRedisStore({ url, clock, dedupeFor: DEDUPE_FOR, lease: LEASE, keep: 0 });
      await play({ clock: new JumpClock(), replicas: 2, settings: asks, open }, steps);
    }),
    { numRuns: Number(process.env.MODEL_RUNS ?? 25), endOnFailure: process.env.MODEL_SHRINK === undefined },
  );
}, 180_000);
