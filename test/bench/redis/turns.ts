import { type Benchmark, type Figures, show } from "../benchmark.ts";
import { CHANNELS } from "../turns.ts";
import { type Crew, measureCrew } from "./crew.ts";

interface Setup {
  readonly replicas: number;
  readonly inFlight: number;
}

const SETUPS: readonly Setup[] = [
  { replicas: 1, inFlight: 1 },
  { replicas: 1, inFlight: 64 },
  { replicas: 1, inFlight: 1_024 },
  { replicas: 3, inFlight: 64 },
  { replicas: 3, inFlight: 1_024 },
];

export const redisAccepts: Benchmark = {
  name: "redis-accepts",
  title: `Redis: from receive to durable, ${CHANNELS} channels`,
  rounds: 1,
  variants: Object.fromEntries(SETUPS.map((setup) => [nameOf(setup), () => accepts(setup)])),
  report: (results) => [
    ["replicas, in flight", "accepted/s", "of the raw script", "CPU µs, node", "Redis", "p50 µs", "p99 µs"],
    ...SETUPS.map(nameOf).map((setup) => [
      setup,
      ...["perSecond", "ofRaw", "node", "redis", "p50", "p99"].map((figure) => show(results.median(setup, figure))),
    ]),
  ],
};

async function accepts(setup: Setup): Promise<Figures> {
  const raw = await measureCrew({ ...setup, mode: "raw accept" });
  const ours = await measureCrew({ ...setup, mode: "accepts" });
  return { ...ours, ofRaw: of(ours, raw, "perSecond") };
}

/** Accept → claim → agent → commit → deliver → settled, the next message of a worker only then. */
export const redisTurns: Benchmark = {
  name: "redis-turns",
  title: `Redis: complete turns, null agent and adapter, ${CHANNELS} channels x 20 messages`,
  rounds: 1,
  variants: Object.fromEntries(SETUPS.map((setup) => [nameOf(setup), () => turns(setup)])),
  report: (results) => [
    [
      "replicas, in flight",
      "turns/s",
      "of the raw pair",
      "of as many calls",
      "of BullMQ",
      "p50 µs",
      "p99 µs",
      "CPU µs, node",
      "Redis",
      "of the raw pair's",
      "of BullMQ's",
    ],
    ...SETUPS.map((setup) => {
      const name = nameOf(setup);
      const cell = (figure: string) => show(results.median(name, figure));
      const besidePeer = (figure: string) => (hasPeer(setup) ? cell(figure) : "–");
      return [
        name,
        ...["perSecond", "ofPair", "ofCalls"].map(cell),
        besidePeer("ofPeer"),
        ...["p50", "p99", "node", "redis", "cpuOfPair"].map(cell),
        besidePeer("cpuOfPeer"),
      ];
    }),
  ],
};

/** One directly after the other, so that the machine is as fast for all of them as it can be. */
async function turns(setup: Setup): Promise<Figures> {
  const pair = await measureCrew({ ...setup, mode: "raw pair" });
  const turn = await measureCrew({ ...setup, mode: "turns" });
  const { scripts = 1, bytesIn = 0, bytesOut = 0 } = turn;
  const size = { calls: Math.round(scripts), bytesIn: bytesIn / scripts, bytesOut: bytesOut / scripts };
  const calls = await measureCrew({ ...setup, mode: "calls", size });
  const figures = {
    ...turn,
    ofPair: of(turn, pair, "perSecond"),
    ofCalls: of(turn, calls, "perSecond"),
    cpuOfPair: of(turn, pair, "cpu"),
  };
  if (!hasPeer(setup)) return figures;
  const peer = await measureCrew({ ...setup, mode: "bullmq" });
  return { ...figures, ofPeer: of(turn, peer, "perSecond"), cpuOfPeer: of(turn, peer, "cpu") };
}

function of(ours: Figures, base: Figures, figure: string): number {
  return (ours[figure] ?? Number.NaN) / (base[figure] ?? Number.NaN);
}

const COUNTED: Readonly<Record<string, Crew>> = {
  "a turn alone": { mode: "turns", replicas: 1, inFlight: 1 },
  "64 in flight": { mode: "turns", replicas: 1, inFlight: 64, each: 5 },
  "64 in flight, 8 in each channel": { mode: "turns", replicas: 1, inFlight: 64, channels: 8, each: 500 },
  "64 in flight, 3 replicas": { mode: "turns", replicas: 3, inFlight: 64, each: 5 },
  "floor: the raw pair": { mode: "raw pair", replicas: 1, inFlight: 64, each: 5 },
};

export const redisCalls: Benchmark = {
  name: "redis-calls",
  title: "Redis: what a turn asks of it, per message",
  rounds: 1,
  variants: Object.fromEntries(Object.entries(COUNTED).map(([name, crew]) => [name, () => measureCrew(crew)])),
  report: (results) => [
    ["", "script calls", "hints", "commands in all", "bytes in", "bytes out", "CPU µs, Redis"],
    ...Object.keys(COUNTED).map((variant) => [
      variant,
      ...["scripts", "published", "commands", "bytesIn", "bytesOut", "redis"].map((figure) =>
        show(results.median(variant, figure)),
      ),
    ]),
  ],
};

function nameOf({ replicas, inFlight }: Setup): string {
  return `${replicas}, ${inFlight.toLocaleString("en-US")}`;
}

/** Where BullMQ is there: one process that works on as many jobs at a time as are in flight. */
function hasPeer({ replicas, inFlight }: Setup): boolean {
  return Boolean(process.env.BENCH_PEERS) && replicas === 1 && inFlight > 1;
}
