import { systemClock } from "../../src/core/clock.ts";
import { channelId } from "../../src/model.ts";
import { openLmdbStore } from "../../src/stores/lmdb/store.ts";
import { type Benchmark, type Figures, type StoredSessions, show } from "./benchmark.ts";
import { FRESH, storedChannel } from "./dataset.ts";
import { temporaryFolder } from "./folders.ts";
import { closedLoop } from "./load.ts";
import { DAY, message, startNullGateway } from "./nulls.ts";
import { idlePool, withStore } from "./restore.ts";

const LIVE = 100_000;
/** Turns take their time: fewer sessions tell as much. */
const TURNED = 20_000;
const AT_ONCE = 1_024;

/** 5. What a live session weighs while nothing happens in it. */
export const heap: Benchmark = {
  name: "heap",
  title: "Heap per live idle session",
  rounds: 1,
  stored: "lmdb",
  variants: {
    "floor: a lean class in a Map": leanSessions,
    "owner of a channel in the store": ownedChannels,
    "live session, restored": restoredSessions,
    "live session, after a turn": turnedSessions,
  },
  report: (results) => [
    ["", "B each", "full GC ms", "RSS MB", "sessions"],
    ...Object.keys(heap.variants).map((variant) => [
      variant,
      ...["bytes", "gc", "rss", "sessions"].map((figure) => show(results.median(variant, figure))),
    ]),
  ],
};

class LeanSession {
  readonly channel: string;
  readonly fence: number;
  readonly id: string;
  readonly shared: object;
  idleSince: number;
  agent: object | undefined;
  work: object | undefined;

  constructor(channel: string, fence: number, id: string, shared: object) {
    this.channel = channel;
    this.fence = fence;
    this.id = id;
    this.shared = shared;
    this.idleSince = Date.now();
  }
}

async function leanSessions({ count }: StoredSessions): Promise<Figures> {
  const sessions = new Map<string, LeanSession>();
  const shared = {};
  const total = Math.min(LIVE, count);
  const figures = await weigh(total, async () => {
    for (let index = 0; index < total; index += 1) {
      const channel = flat(storedChannel(index));
      sessions.set(channel, new LeanSession(channel, 2 ** 31 + index, flat(`ses_${storedChannel(index)}`), shared));
    }
  });
  if (sessions.size < total) throw new Error("Sessions are missing.");
  return figures;
}

/** A string of its own, not a chain of the pieces that it was made of. */
function flat<Text extends string>(text: Text): Text {
  return Buffer.from(text).toString("latin1") as Text;
}

async function ownedChannels(stored: StoredSessions): Promise<Figures> {
  const total = Math.min(LIVE, stored.count);
  return await withStore(stored, (store) =>
    weigh(total, async () => {
      for (let index = 0; index < total; index += 1) await store.acquire(flat(storedChannel(index)), "main", FRESH);
    }),
  );
}

async function restoredSessions(stored: StoredSessions): Promise<Figures> {
  const total = Math.min(LIVE, stored.count);
  return await withStore(stored, async (store) => {
    const pool = idlePool(store);
    const figures = await weigh(total, async () => {
      for (let index = 0; index < total; index += 1) await pool.ensure(flat(storedChannel(index)));
    });
    if (pool.size < total) throw new Error("Sessions were evicted.");
    return figures;
  });
}

async function turnedSessions(): Promise<Figures> {
  const store = await openLmdbStore({ path: temporaryFolder(), clock: systemClock, dedupeFor: DAY });
  const nulls = await startNullGateway({ store, concurrency: AT_ONCE });
  const figures = await weigh(TURNED, async () => {
    await closedLoop(TURNED, AT_ONCE, async (index) => {
      const channel = channelId("web", String(index));
      const settled = nulls.settled(channel);
      await nulls.channel.intake.take(message(channel, 0));
      await settled;
    });
    nulls.channel.forget();
    await nulls.store.heartbeat("main");
  });
  const { live } = await nulls.gateway.operations.stats();
  if (live < TURNED) throw new Error("Sessions were evicted.");
  await nulls.close();
  return figures;
}

/** What is on the heap after `fill` and was not before, per session. */
async function weigh(sessions: number, fill: () => Promise<void>): Promise<Figures> {
  const before = collected();
  await fill();
  const after = collected();
  const began = performance.now();
  collect();
  const gc = performance.now() - began;
  return { bytes: (after - before) / sessions, gc, rss: process.memoryUsage().rss / 1e6, sessions };
}

function collected(): number {
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

function collect(): void {
  if (!globalThis.gc) throw new Error("Run with --expose-gc.");
  globalThis.gc();
}
