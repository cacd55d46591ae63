/**
 * `npm run bench [-- <name> …]`: measures and prints Markdown tables. Each variant of a benchmark is run in a
 * fresh process, in turn with the others, as often as the benchmark says; the tables show medians.
 * `BENCH_SESSIONS` is how many sessions the store of the restore and start-up benchmarks holds.
 */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Benchmark, type Figures, Results, type StoredSessions, toMarkdown } from "./benchmark.ts";
import { storeSessions } from "./dataset.ts";
import { heap } from "./heap.ts";
import { intake } from "./intake.ts";
import { limits } from "./limits.ts";
import { machine } from "./machine.ts";
import { restore } from "./restore.ts";
import { startUp } from "./start-up.ts";
import { turns } from "./turns.ts";

const BENCHMARKS: readonly Benchmark[] = [limits, intake, turns, restore, heap, startUp];
const CHILD = "--variant";

const [first, ...rest] = process.argv.slice(2);
if (first === CHILD) await runVariant(rest);
else await runBenchmarks(first === undefined ? BENCHMARKS : [first, ...rest].map(named));

async function runBenchmarks(benchmarks: readonly Benchmark[]): Promise<void> {
  process.once("SIGINT", () => process.exit(130));
  process.once("SIGTERM", () => process.exit(143));
  const isStored = benchmarks.some(({ stored }) => stored);
  const stored = await storeSessions(isStored ? Number(process.env.BENCH_SESSIONS ?? 100_000) : 0);
  console.log(machine());
  for (const benchmark of benchmarks) {
    const rounds: Record<string, Figures>[] = [];
    for (let round = 0; round < benchmark.rounds; round += 1) {
      const figures: Record<string, Figures> = {};
      for (const variant of Object.keys(benchmark.variants)) {
        figures[variant] = await inFreshProcess(benchmark, variant, stored);
      }
      rounds.push(figures);
    }
    console.log(`\n## ${benchmark.title}\n\n${toMarkdown(benchmark.report(new Results(rounds)))}`);
  }
}

function named(name: string): Benchmark {
  const found = BENCHMARKS.find((benchmark) => benchmark.name === name);
  if (found) return found;
  const known = BENCHMARKS.map((benchmark) => benchmark.name).join(", ");
  console.error(`There is no benchmark "${name}". There are: ${known}.`);
  process.exit(2);
}

function inFreshProcess({ name }: Benchmark, variant: string, stored: StoredSessions): Promise<Figures> {
  return new Promise((resolve, reject) => {
    const args = [CHILD, name, variant, String(stored.count), stored.folder];
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

async function runVariant([name = "", variant = "", count = "0", folder = ""]: readonly string[]): Promise<void> {
  const measure = named(name).variants[variant];
  if (!measure) throw new Error(`${name} has no variant "${variant}".`);
  const figures = await measure({ count: Number(count), folder });
  if (process.send) process.send(figures, () => process.exit());
  else console.log(figures);
}
