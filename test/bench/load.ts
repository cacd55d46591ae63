/** Work kept at a fixed number of pieces in flight, and what it cost. */
import { type Figures, percentile } from "./benchmark.ts";

/** Runs `one` for 0 … total-1, each beginning as soon as one of the `concurrency` before it has ended. */
export async function closedLoop(
  total: number,
  concurrency: number,
  one: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < total) await one(next++);
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, total) }, worker));
}

/** Runs the work; gives pieces per second and the whole process's CPU time per piece. */
export async function measured(total: number, work: () => Promise<void>): Promise<Figures> {
  globalThis.gc?.();
  const cpu = process.cpuUsage();
  const began = performance.now();
  await work();
  const ms = performance.now() - began;
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: (total / ms) * 1_000, cpu: (user + system) / total };
}

/** Collects durations. */
export class Latencies {
  readonly #microseconds: number[] = [];

  since(began: number): void {
    this.#microseconds.push((performance.now() - began) * 1_000);
  }

  clear(): void {
    this.#microseconds.length = 0;
  }

  /** In microseconds. */
  all(): readonly number[] {
    return this.#microseconds;
  }

  figures(): { p50: number; p99: number } {
    return { p50: percentile(this.#microseconds, 0.5), p99: percentile(this.#microseconds, 0.99) };
  }
}
