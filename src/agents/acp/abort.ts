/** What `begin` promises; rejects as soon as the signal aborts. What it promises later goes nowhere. */
export function unlessAborted<Value>(signal: AbortSignal, begin: () => Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    begin()
      .finally(() => signal.removeEventListener("abort", abort))
      .then(resolve, reject);
  });
}
