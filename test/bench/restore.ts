import { open } from "lmdb";
import { Access } from "../../src/core/access.ts";
import { Asks } from "../../src/core/asks/asks.ts";
import { systemClock } from "../../src/core/clock.ts";
import { builtinCommands } from "../../src/core/commands/index.ts";
import { Ownership } from "../../src/core/ownership.ts";
import { Pool } from "../../src/core/pool.ts";
import { RunSlots } from "../../src/core/slots.ts";
import type { ChannelId } from "../../src/model.ts";
import type { Store } from "../../src/store.ts";
import { openLmdbStore } from "../../src/stores/lmdb/store.ts";
import { type Benchmark, type Figures, type StoredSessions, show } from "./benchmark.ts";
import { FRESH, scattered, storedChannel } from "./dataset.ts";
import { temporaryFolder } from "./folders.ts";
import { closedLoop, Latencies, measured } from "./load.ts";
import { DAY, NullChannel, nullAgent } from "./nulls.ts";

const WARM_UP = 2_000;
const RESTORES = 20_000;

/** 4. One stored session after the other, from anywhere in the store. */
export const restore: Benchmark = {
  name: "restore",
  title: "Restore of a stored session, one at a time",
  rounds: 3,
  stored: "lmdb",
  variants: {
    "raw lmdb-js get + decode of an equal record": getRecords,
    "store.acquire": (stored) => withStore(stored, (store) => acquireEach(store, stored)),
    "live session ready (Pool.ensure)": (stored) => withStore(stored, (store) => ensureEach(store, stored)),
  },
  report: (results) => [
    ["", "p50 µs", "p99 µs", "stored sessions"],
    ...Object.keys(restore.variants).map((variant) => [
      variant,
      ...["p50", "p99", "stored"].map((figure) => show(results.median(variant, figure))),
    ]),
  ],
};

/** A pool without a gateway: nothing wakes its sessions but the caller. */
export function idlePool(store: Store): Pool {
  const channel = new NullChannel();
  const ownership = new Ownership({ store, clock: systemClock, emit: () => {}, replica: "main" });
  const emit = () => {};
  const asks = new Asks({
    ...{ store, clock: systemClock, emit, access: new Access({ default: "deny", allow: [], admins: [] }) },
    settings: { remindEvery: undefined, expireAfter: undefined },
    approvers: () => "requester",
  });
  const context = {
    store,
    ownership,
    asks,
    clock: systemClock,
    emit,
    slots: new RunSlots(8),
    commands: builtinCommands(),
    attempts: 3,
    take: 1,
    ...{ patience: {}, projects: {}, workspace: undefined, agents: ["null"], timetable: undefined },
    latency: () => undefined,
    onCrash: () => "retry" as const,
    agent: () => nullAgent,
    adapter: () => channel,
    route: () => ({ agent: "null" }),
    fresh: () => FRESH,
  };
  return new Pool(context, {
    ownership,
    maxLive: 1_000_000,
    idleTimeout: DAY,
    sweepEvery: DAY,
  });
}

export async function withStore({ place }: StoredSessions, use: (store: Store) => Promise<Figures>): Promise<Figures> {
  const store = await openLmdbStore({ path: place, clock: systemClock, dedupeFor: DAY });
  const figures = await use(store);
  await store.close();
  return figures;
}

async function acquireEach(store: Store, stored: StoredSessions): Promise<Figures> {
  return await timeEach(stored, async (channel) => {
    const { status } = await store.acquire(channel, "main", FRESH);
    if (status !== "owned") throw new Error(`${channel} was not free.`);
  });
}

export async function ensureEach(store: Store, stored: StoredSessions): Promise<Figures> {
  const pool = idlePool(store);
  const figures = await timeEach(stored, async (channel) => {
    await pool.ensure(channel);
  });
  await pool.stop(0);
  return figures;
}

/** As many records of the size of a session, under keys of 32 characters. */
async function getRecords(stored: StoredSessions): Promise<Figures> {
  let record: unknown;
  await withStore(stored, async (store) => {
    record = await store.current(storedChannel(0));
    return {};
  });
  const database = open<unknown, string>({ path: temporaryFolder(), encoding: "json", noSync: true });
  let written: Promise<unknown> = Promise.resolve();
  for (let index = 0; index < stored.count; index += 1) {
    written = database.put(storedChannel(index).padEnd(32, "x"), record);
    if (index % 10_000 === 0) await written;
  }
  await written;
  const figures = await timeEach(stored, async (channel) => {
    if (database.get(channel.padEnd(32, "x")) === undefined) throw new Error(`There is no record for ${channel}.`);
  });
  await database.close();
  return figures;
}

/** Works on sessions from anywhere in the store, so many at a time. */
export async function timeEach(
  stored: StoredSessions,
  one: (channel: ChannelId) => Promise<void>,
  concurrency = 1,
): Promise<Figures> {
  const latencies = new Latencies();
  const channels = scattered(WARM_UP + RESTORES, stored);
  const timed = async (channel: ChannelId) => {
    const began = performance.now();
    await one(channel);
    latencies.since(began);
  };
  for (const channel of channels.splice(0, WARM_UP)) await one(channel);
  const figures = await measured(channels.length, () =>
    closedLoop(channels.length, concurrency, async (index) => {
      const channel = channels[index];
      if (channel !== undefined) await timed(channel);
    }),
  );
  return { ...figures, ...latencies.figures(), stored: stored.count };
}
