import PQueue from "p-queue";

/** The run slots: how many turns the whole process works on at a time. First come, first served. */
export class RunSlots {
  readonly #queue: PQueue;

  constructor(maxRunning: number) {
    this.#queue = new PQueue({ concurrency: maxRunning });
  }

  /**
   * Runs the task as soon as a slot is free. Undefined, without running it, where the signal aborts before that:
   * a person who stops a turn does not wait for others' turns.
   */
  async run<T>(task: (slot: Slot) => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    const slot = new Slot((aborted) => this.#take(aborted));
    if (!(await slot.take(signal))) return undefined;
    try {
      return await task(slot);
    } finally {
      slot.end();
    }
  }

  get running(): number {
    return this.#queue.pending;
  }

  /** Gives the function that gives it back; undefined where the signal aborted before it was free. */
  #take(signal: AbortSignal): Promise<(() => void) | undefined> {
    return new Promise((resolve) => {
      const giveUp = () => resolve(undefined);
      signal.addEventListener("abort", giveUp, { once: true });
      void this.#queue.add(() => {
        signal.removeEventListener("abort", giveUp);
        if (signal.aborted) return giveUp();
        return new Promise<void>((give) => resolve(give));
      });
    });
  }
}

/** A turn's run slot, which it gives back while it waits for people. */
export class Slot {
  readonly #take: (signal: AbortSignal) => Promise<(() => void) | undefined>;
  #give: (() => void) | undefined;
  #isOver = false;

  constructor(take: (signal: AbortSignal) => Promise<(() => void) | undefined>) {
    this.#take = take;
  }

  /** False where the signal aborted before one was free, or the turn is over. Where it is held already, nothing happens. */
  async take(signal: AbortSignal): Promise<boolean> {
    if (this.#give) return true;
    if (this.#isOver) return false;
    const give = await this.#take(signal);
    // Two who wait for it at once need one; and the turn may have ended meanwhile.
    if (this.#give || this.#isOver) give?.();
    else this.#give = give;
    return this.#give !== undefined;
  }

  /** For good: nobody would give back what is taken after it. */
  end(): void {
    this.#isOver = true;
    this.give();
  }

  give(): void {
    this.#give?.();
    this.#give = undefined;
  }
}
