import { Access } from "../../src/core/access.ts";
import { systemClock } from "../../src/core/clock.ts";
import { builtinCommands } from "../../src/core/commands/index.ts";
import { Inbox } from "../../src/core/inbox.ts";
import { channelId } from "../../src/model.ts";
import { openLmdbStore } from "../../src/stores/lmdb/store.ts";
import { type Benchmark, type Figures, show } from "./benchmark.ts";
import { temporaryFolder } from "./folders.ts";
import { closedLoop, Latencies, measured } from "./load.ts";
import { DAY, message } from "./nulls.ts";
import { rawPut } from "./raw.ts";
import { CHANNELS, CONCURRENCIES, channelsAt, messagesAt } from "./turns.ts";

/** 2. From the adapter's call to "durable", nobody working on what was taken. */
export const intake: Benchmark = {
  name: "intake",
  title: `Intake: from receive to durable, ${CHANNELS} channels`,
  rounds: 3,
  variants: Object.fromEntries(
    CONCURRENCIES.flatMap((c) => [
      [`raw ${c}`, () => rawPut(messagesAt(c), c)],
      [`take ${c}`, () => take(c)],
    ]),
  ),
  report: (results) => [
    ["in flight", "accepted/s", "of one raw durable put", "CPU µs each", "p50 µs", "p99 µs"],
    ...CONCURRENCIES.map((c) => [
      String(c),
      show(results.median(`take ${c}`, "perSecond")),
      show(results.ratio("perSecond", `take ${c}`, `raw ${c}`)),
      ...["cpu", "p50", "p99"].map((figure) => show(results.median(`take ${c}`, figure))),
    ]),
  ],
};

async function take(concurrency: number): Promise<Figures> {
  const store = await openLmdbStore({ path: temporaryFolder(), clock: systemClock, dedupeFor: DAY });
  const inbox = new Inbox({
    store,
    access: new Access({ default: "allow", allow: [], admins: [] }),
    commands: builtinCommands(),
    asks: { press: async () => ({ text: "", ok: false }) },
    max: 100,
    emit: () => {},
    greet: () => {},
    missed: () => {},
    caughtUp: async () => {},
  });
  const latencies = new Latencies();
  const channels = channelsAt(concurrency);
  const takeOne = async (index: number) => {
    const channel = channelId("web", String(index % channels));
    const began = performance.now();
    const taken = await inbox.take(message(channel, Math.floor(index / channels)));
    latencies.since(began);
    if (taken.status !== "queued") throw new Error(`A message was not queued: ${taken.status}`);
  };
  const total = messagesAt(concurrency);
  const warmUp = 2 * channels;
  await closedLoop(warmUp, concurrency, takeOne);
  latencies.clear();
  const figures = await measured(total, () => closedLoop(total, concurrency, (index) => takeOne(warmUp + index)));
  await store.close();
  return { ...figures, ...latencies.figures() };
}
