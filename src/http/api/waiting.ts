/** Waiting for something that can only be looked at: at a modest pace, for a bounded time, and for nobody who has gone. */
import { setTimeout as sleep } from "node:timers/promises";

/** Milliseconds between two looks. */
const PACE = 500;

/** The first value that `isDone`, or the last one that was seen within `ms` and before one of the signals aborted. */
export async function waitFor<Value>(
  look: () => Promise<Value>,
  isDone: (value: Value) => boolean,
  ms: number,
  signals: readonly AbortSignal[],
): Promise<Value> {
  const deadline = performance.now() + ms;
  for (;;) {
    const value = await look();
    const left = deadline - performance.now();
    if (isDone(value) || left <= 0 || signals.some(({ aborted }) => aborted)) return value;
    await sleep(Math.min(PACE, left));
  }
}
