/**
 * `npm run bench [-- <name> …]`: measures and prints Markdown tables. Each variant of a benchmark is run in a
 * fresh process, in turn with the others, as often as the benchmark says; the tables show medians. `redis` stands for
 * all that is measured on Redis.
 * `BENCH_SESSIONS` is how many sessions the store of the restore and start-up benchmarks holds. `BENCH_PEERS` is a
 * folder that BullMQ was installed in (`npm install bullmq`), where turns shall be compared with it. `BENCH_ROUNDS` is
 * how often each variant is measured, where it shall not be as often as its benchmark says.
 */
import { fork } from "node:child_process";
import { cpSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Benchmark, type Figures, Results, type StoredSessions, toMarkdown } from "./benchmark.ts";
import { storeSessions } from "./dataset.ts";
import { heap } from "./heap.ts";
import { intake } from "./intake.ts";
import { limits } from "./limits.ts";
import { machine } from "./machine.ts";
import { REPLICA } from "./redis/crew.ts";
import { storeRedisSessions } from "./redis/dataset.ts";
import { REDIS } from "./redis/index.ts";
import { runReplica } from "./redis/replica.ts";
import { startBenchRedis } from "./redis/server.ts";
import { restore } from "./restore.ts";
import { startUp } from "./start-up.ts";
import { turns } from "./turns.ts";

const BENCHMARKS: readonly Benchmark[] = [limits, intake, turns, restore, heap, startUp, ...REDIS];
const CHILD = "--variant";
/** The compiler leaves out what is no TypeScript. */
const SCRIPTS = "src/stores/redis/scripts/";

const [first, ...rest] = process.argv.slice(2);
if (first === CHILD) await runVariant(rest);
else if (first === REPLICA) await runReplica(JSON.parse(rest[0] ?? ""));
else await runBenchmarks(first === undefined ? BENCHMARKS : [first, ...rest].flatMap(named));

async function runBenchmarks(benchmarks: readonly Benchmark[]): Promise<void> {
  process.once("SIGINT", () => process.exit(130));
  process.once("SIGTERM", () => process.exit(143));
  cpSync(new URL(`../../../../${SCRIPTS}`, import.meta.url), new URL(`../../${SCRIPTS}`, import.meta.url), {
    recursive: true,
  });
  console.log(machine());
  const places = new Map<Benchmark["stored"], StoredSessions>([[undefined, { count: 0, place: "" }]]);
  for (const benchmark of benchmarks) {
    const stored = places.get(benchmark.stored) ?? (await storedIn(benchmark.stored));
    places.set(benchmark.stored, stored);
    const rounds: Record<string, Figures>[] = [];
    for (let round = 0; round < Number(process.env.BENCH_ROUNDS ?? benchmark.rounds); round += 1) {
      const figures: Record<string, Figures> = {};
      for (const variant of Object.keys(benchmark.variants)) {
        figures[variant] = await inFreshProcess(benchmark, variant, stored);
      }
      rounds.push(figures);
    }
    console.log(`\n## ${benchmark.title}\n\n${toMarkdown(benchmark.report(new Results(rounds)))}`);
  }
  // A Redis with the stored sessions, where there is one, ends with the process.
  process.exit();
}

async function storedIn(kind: Benchmark["stored"]): Promise<StoredSessions> {
  const count = Number(process.env.BENCH_SESSIONS ?? 100_000);
  return kind === "redis" ? await storeRedisSessions(await startBenchRedis(), count) : await storeSessions(count);
}

function named(name: string): readonly Benchmark[] {
  if (name === "redis") return REDIS;
  const found = BENCHMARKS.find((benchmark) => benchmark.name === name);
  if (found) return [found];
  const known = [...BENCHMARKS.map((benchmark) => benchmark.name), "redis"].join(", ");
  console.error(`There is no benchmark "${name}". There are: ${known}.`);
  process.exit(2);
}

function inFreshProcess({ name }: Benchmark, variant: string, stored: StoredSessions): Promise<Figures> {
  return new Promise((resolve, reject) => {
    const args = [CHILD, name, variant, String(stored.count), stored.place];
    const child = fork(fileURLToPath(import.meta.url), args, { execArgv: ["--expose-gc"] });
    let figures: Figures | undefined;
    child.once("message", (sent) => {
      figures = sent as Figures;
    });
    child.once("error", reject);
    child.once("exit", (code) => {
      if (code === 0 && figures) resolve(figures);
      else reject(new Error(`${name}, "${variant}" ended with code ${code}.`));
    });
  });
}

async function runVariant([name = "", variant = "", count = "0", place = ""]: readonly string[]): Promise<void> {
  const measure = named(name)[0]?.variants[variant];
  if (!measure) throw new Error(`${name} has no variant "${variant}".`);
  const figures = await measure({ count: Number(count), place });
  if (process.send) process.send(figures, () => process.exit());
  else console.log(figures);
}
