import { type Benchmark, show } from "./benchmark.ts";
import { appendAndSync, byChannel, rawPair, rawPut } from "./raw.ts";
import { CHANNELS, CONCURRENCIES, messagesAt } from "./turns.ts";

/** 1. The limits of this run. */
export const limits: Benchmark = {
  name: "limits",
  title: "Raw limits of this run",
  rounds: 3,
  variants: {
    "append of 256 B + fdatasync": () => appendAndSync(2_000),
    ...Object.fromEntries(
      CONCURRENCIES.flatMap((c) => [
        [`lmdb-js, one durable put, ${c} in flight`, () => rawPut(messagesAt(c), c)],
        [`lmdb-js, accept + ack pair, ${c} in flight`, () => rawPair(messagesAt(c), c)],
        [
          `the pair, keys of ${CHANNELS} channels, ${c} in flight`,
          () => rawPair(messagesAt(c), c, byChannel(CHANNELS)),
        ],
      ]),
    ),
  },
  report: (results) => [
    ["", "per second", "p50 µs", "p99 µs"],
    ...Object.keys(limits.variants).map((variant) => [
      variant,
      ...["perSecond", "p50", "p99"].map((figure) => show(results.median(variant, figure))),
    ]),
  ],
};
