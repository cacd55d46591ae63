import { systemClock } from "../../src/core/clock.ts";
import { channelId } from "../../src/model.ts";
import { openLmdbStore } from "../../src/stores/lmdb/store.ts";
import { type Benchmark, type Figures, show } from "./benchmark.ts";
import { temporaryFolder } from "./folders.ts";
import { closedLoop, Latencies, measured } from "./load.ts";
import { DAY, message, startNullGateway } from "./nulls.ts";
import { rawPair } from "./raw.ts";

export const CONCURRENCIES = [1, 64, 1_024] as const;
export const CHANNELS = 1_000;
const MESSAGES_EACH = 20;
/** Before what is measured, so that sessions exist and the code is compiled. */
const WARM_UP_EACH = 2;

/** One at a time is slow: fewer channels tell as much. */
export function channelsAt(concurrency: number): number {
  return concurrency === 1 ? CHANNELS / 10 : CHANNELS;
}

export function messagesAt(concurrency: number): number {
  return channelsAt(concurrency) * MESSAGES_EACH;
}

/** 3. Accept → claim → agent → commit → deliver → settled, the next message of a worker only then. */
export const turns: Benchmark = {
  name: "turns",
  title: `Complete turns, null agent and adapter: ${CHANNELS} channels x ${MESSAGES_EACH} messages`,
  rounds: 3,
  variants: Object.fromEntries(
    CONCURRENCIES.flatMap((c) => [
      [`raw ${c}`, () => rawPair(messagesAt(c), c)],
      [`turn ${c}`, () => turn(c)],
    ]),
  ),
  report: (results) => [
    [
      "in flight",
      "turns/s",
      "of the raw pair",
      "CPU µs each",
      "of the raw pair",
      "p50 µs",
      "p99 µs",
      "durable p50 µs",
      "durable p99 µs",
    ],
    ...CONCURRENCIES.map((c) => [
      String(c),
      show(results.median(`turn ${c}`, "perSecond")),
      show(results.ratio("perSecond", `turn ${c}`, `raw ${c}`)),
      show(results.median(`turn ${c}`, "cpu")),
      show(results.ratio("cpu", `turn ${c}`, `raw ${c}`)),
      ...["p50", "p99", "durable50", "durable99"].map((figure) => show(results.median(`turn ${c}`, figure))),
    ]),
  ],
};

async function turn(concurrency: number): Promise<Figures> {
  const store = await openLmdbStore({ path: temporaryFolder(), clock: systemClock, dedupeFor: DAY });
  const nulls = await startNullGateway({ store, concurrency });
  const channels = channelsAt(concurrency);
  const durable = new Latencies();
  const whole = new Latencies();
  const turnOne = async (index: number) => {
    const channel = channelId("web", String(index % channels));
    const settled = nulls.settled(channel);
    const began = performance.now();
    const taken = await nulls.channel.intake.take(message(channel, Math.floor(index / channels)));
    durable.since(began);
    if (taken.status !== "queued") throw new Error(`A message was not queued: ${taken.status}`);
    await settled;
    whole.since(began);
  };
  const warmUp = WARM_UP_EACH * channels;
  await closedLoop(warmUp, concurrency, turnOne);
  durable.clear();
  whole.clear();
  const total = messagesAt(concurrency);
  const figures = await measured(total, () => closedLoop(total, concurrency, (index) => turnOne(warmUp + index)));
  await nulls.close();
  const { p50: durable50, p99: durable99 } = durable.figures();
  return { ...figures, ...whole.figures(), durable50, durable99 };
}
