/**
 * Hands things over one after the other within a channel, channels side by side. What core can't take stays first in its
 * channel and is offered again until it is taken.
 */
import { describe } from "../../src/errors.ts";
import type { ChannelId, Clock } from "../../src/model.ts";

export interface InletOptions {
  readonly clock: Clock;
  /** The first and the longest pause, in ms, before something is offered again. */
  readonly backoff: number;
  readonly maxBackoff: number;
  /** What can't be stored now, and then that all can be again. */
  readonly onTrouble: (cause: string | undefined) => void;
}

export interface Task {
  /** Rejects where it is to be done again. */
  run(): Promise<void>;
  /** It has run. */
  done(): void;
}

export class Inlet {
  readonly #options: InletOptions;
  readonly #stopping = new AbortController();
  readonly #waiting = new Map<ChannelId, Task[]>();
  readonly #lanes = new Set<Promise<void>>();
  readonly #failing = new Set<ChannelId>();

  constructor(options: InletOptions) {
    this.#options = options;
  }

  add(channel: ChannelId, task: Task): void {
    if (this.#stopping.signal.aborted) return;
    const waiting = this.#waiting.get(channel);
    if (waiting !== undefined) {
      waiting.push(task);
      return;
    }
    const tasks = [task];
    this.#waiting.set(channel, tasks);
    const lane = this.#run(channel, tasks).finally(() => this.#lanes.delete(lane));
    this.#lanes.add(lane);
  }

  /** What keeps no order and is not offered again: it is only waited for. Must not reject. */
  beside(work: Promise<void>): void {
    const lane = work.finally(() => this.#lanes.delete(lane));
    this.#lanes.add(lane);
  }

  /** Waits for what is in hand, and lets go of the rest. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#lanes);
  }

  abandon(): void {
    this.#stopping.abort();
  }

  async #run(channel: ChannelId, tasks: Task[]): Promise<void> {
    const { signal } = this.#stopping;
    for (let failures = 0, task = tasks[0]; task !== undefined && !signal.aborted; task = tasks[0]) {
      try {
        await task.run();
        task.done();
        tasks.shift();
        failures = 0;
        if (this.#failing.delete(channel) && this.#failing.size === 0) this.#options.onTrouble(undefined);
      } catch (error) {
        this.#failing.add(channel);
        this.#options.onTrouble(describe(error));
        await this.#sleep(Math.min(this.#options.maxBackoff, this.#options.backoff * 2 ** Math.min(failures++, 20)));
      }
    }
    this.#waiting.delete(channel);
  }

  #sleep(ms: number): Promise<void> {
    return sleep(this.#options.clock, ms, this.#stopping.signal);
  }
}

/** Resolves after `ms`, or when it is given up. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const wake = () => {
      cancel();
      signal.removeEventListener("abort", wake);
      resolve();
    };
    const cancel = clock.after(ms, wake);
    signal.addEventListener("abort", wake, { once: true });
  });
}
