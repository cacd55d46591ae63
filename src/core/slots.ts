import PQueue from "p-queue";

/** The run slots: how many turns the whole process works on at a time. First come, first served. */
export class RunSlots {
  readonly #queue: PQueue;

  constructor(maxRunning: number) {
    this.#queue = new PQueue({ concurrency: maxRunning });
  }

  /**
   * Runs the task as soon as a slot is free. Undefined, without running it, where the signal aborts before that:
   * a person who stops a turn does not wait for others' turns. (p-queue's own signal would also abandon a
   * running task, whose end must be known here.)
   */
  run<T>(task: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    let started = false;
    const outcome = this.#queue.add(async () => {
      if (signal.aborted) return undefined;
      started = true;
      return await task();
    });
    if (started) return outcome;
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        if (!started) resolve(undefined);
      };
      signal.addEventListener("abort", giveUp, { once: true });
      outcome.then(resolve, reject).finally(() => signal.removeEventListener("abort", giveUp));
    });
  }

  get running(): number {
    return this.#queue.pending;
  }
}
