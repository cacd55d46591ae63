import { DeliveryError, type EditOptions } from "../../src/channel.ts";

/** The edits of each message, one at a time: a platform may carry out two at once in either order. */
export class EditOrder {
  readonly #under = new Map<string, Promise<void>>();

  /**
   * A preview is left out where another edit of the message is under way, and goes on when the caller no longer waits for
   * it. A final edit comes after whatever is under way; rejects with `unavailable` where `signal` ends that wait.
   */
  async run(key: string, { urgency, signal }: EditOptions, edit: () => Promise<void>): Promise<void> {
    if (urgency === "preview") {
      if (signal.aborted || this.#under.has(key)) return;
      await untilAborted(this.#track(key, edit()), signal);
      return;
    }
    for (let before = this.#under.get(key); before !== undefined; before = this.#under.get(key)) {
      await untilAborted(before, signal);
      if (signal.aborted) throw new DeliveryError("unavailable", "Given up before it was sent.");
    }
    await this.#track(key, edit());
  }

  #track(key: string, work: Promise<void>): Promise<void> {
    const settled = work.then(noop, noop).then(() => {
      if (this.#under.get(key) === settled) this.#under.delete(key);
    });
    this.#under.set(key, settled);
    return work;
  }
}

/** For the order of edits alone: how one ended is for its own caller to know. */
function noop(): void {}

/** Resolves when the work is done or no longer waited for; rejects as the work does. */
async function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  let stop = noop;
  const aborted = new Promise<void>((resolve) => {
    stop = resolve;
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
