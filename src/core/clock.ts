import type { Clock } from "../model.ts";

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, callback) {
    // A delay above 2^31-1 ms would fire at once.
    const timer = setTimeout(callback, Math.min(ms, 2_147_483_647));
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms`, or as soon as the signal aborts: the caller looks at the signal. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (ms <= 0 || signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const wake = () => {
      cancel();
      signal?.removeEventListener("abort", wake);
      resolve();
    };
    const cancel = clock.after(ms, wake);
    signal?.addEventListener("abort", wake, { once: true });
  });
}

/** Resolves with the promise, or as soon as the signal aborts. */
export function unless(signal: AbortSignal, promise: Promise<unknown>): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const listener = () => resolve();
    signal.addEventListener("abort", listener, { once: true });
    promise.then(() => resolve(), reject).finally(() => signal.removeEventListener("abort", listener));
  });
}

/** False where the promise has not settled within `ms`. Rejects as it does. */
export async function within(clock: Clock, ms: number, promise: Promise<unknown>): Promise<boolean> {
  if (ms <= 0) return false;
  let late = () => {};
  const deadline = new Promise<false>((resolve) => {
    late = clock.after(ms, () => resolve(false));
  });
  try {
    return await Promise.race([promise.then(() => true as const), deadline]);
  } finally {
    late();
  }
}

/** Doubling from `first` to `most`, spread over its upper half so that many who wait don't come back at once. */
export function backoff(attempt: number, first: number, most: number): number {
  const full = Math.min(most, first * 2 ** Math.min(attempt, 20));
  return full / 2 + Math.random() * (full / 2);
}
