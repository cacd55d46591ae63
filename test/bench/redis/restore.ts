import { Redis } from "ioredis";
import type { ChannelId } from "../../../src/model.ts";
import type { Fence, Store } from "../../../src/store.ts";
import { type Benchmark, type Figures, type StoredSessions, show } from "../benchmark.ts";
import { FRESH, storedChannel } from "../dataset.ts";
import { closedLoop } from "../load.ts";
import { ensureEach, timeEach } from "../restore.ts";
import { openStore } from "./work.ts";

const CONCURRENCIES = [1, 64] as const;
/** Records that one command writes. */
const AT_ONCE = 1_000;

export const redisRestore: Benchmark = {
  name: "redis-restore",
  title: "Redis: restore of a stored session",
  rounds: 2,
  stored: "redis",
  variants: {
    ...Object.fromEntries(
      CONCURRENCIES.flatMap((c) => [
        [`raw GET + decode of an equal record, ${c} in flight`, (stored) => getRecords(stored, c)],
        [`store.acquire, ${c} in flight`, (stored) => withStore(stored, (store) => acquireEach(store, stored, c))],
      ]),
    ),
    "live session ready (Pool.ensure), 1 in flight": (stored) =>
      withStore(stored, (store) => ensureEach(store, stored)),
  },
  report: (results) => [
    ["", "p50 µs", "p99 µs", "per second", "p50 of the raw GET", "p99 of it", "per second of it", "stored sessions"],
    ...Object.keys(redisRestore.variants).map((variant) => {
      const raw = `raw GET + decode of an equal record, ${/\d+(?= in flight$)/.exec(variant)?.[0]} in flight`;
      return [
        variant,
        ...["p50", "p99", "perSecond"].map((figure) => show(results.median(variant, figure))),
        ...["p50", "p99", "perSecond"].map((figure) => show(results.ratio(figure, variant, raw))),
        show(results.median(variant, "stored")),
      ];
    }),
  ],
};

async function withStore({ place }: StoredSessions, use: (store: Store) => Promise<Figures>): Promise<Figures> {
  const store = await openStore(place);
  const figures = await use(store);
  await store.close();
  return figures;
}

async function acquireEach(store: Store, stored: StoredSessions, concurrency: number): Promise<Figures> {
  const fences: [ChannelId, Fence][] = [];
  const acquire = async (channel: ChannelId) => {
    const acquired = await store.acquire(channel, "main", FRESH);
    if (acquired.status !== "owned") throw new Error(`${channel} was not free.`);
    fences.push([channel, acquired.lease.fence]);
  };
  const figures = await timeEach(stored, acquire, concurrency);
  // The next process must find them free.
  await closedLoop(fences.length, AT_ONCE, async (index) => {
    const [channel, fence] = fences[index] ?? [];
    if (channel !== undefined && fence !== undefined) await store.release(channel, fence);
  });
  return figures;
}

/** As many records of the size of a session, under keys of 32 characters, in the same Redis. */
async function getRecords(stored: StoredSessions, concurrency: number): Promise<Figures> {
  const client = new Redis(stored.place);
  if ((await client.get(keyOf(storedChannel(stored.count - 1)))) === null) await writeRecords(client, stored);
  const get = async (channel: ChannelId) => {
    const record = await client.get(keyOf(channel));
    if (record === null) throw new Error(`There is no record for ${channel}.`);
    JSON.parse(record);
  };
  const figures = await timeEach(stored, get, concurrency);
  client.disconnect();
  return figures;
}

async function writeRecords(client: Redis, stored: StoredSessions): Promise<void> {
  let record = "";
  await withStore(stored, async (store) => {
    record = JSON.stringify(await store.current(storedChannel(0)));
    return {};
  });
  for (let index = 0; index < stored.count; index += AT_ONCE) {
    const more = Math.min(AT_ONCE, stored.count - index);
    await client.mset(Array.from({ length: more }, (_, i) => [keyOf(storedChannel(index + i)), record]).flat());
  }
}

function keyOf(channel: ChannelId): string {
  return channel.padEnd(32, "x");
}
