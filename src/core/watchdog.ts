/** Watches an agent at work: one that says nothing for long, and one that works for too long. Waiting for people is neither. */
import type { Clock } from "../model.ts";

/** Milliseconds; undefined: for ever. */
export interface Patience {
  /** Without a sign of life for so long, the channel is told; and again each time that has doubled. */
  readonly silence?: number | undefined;
  /** What a turn may work in all. */
  readonly limit?: number | undefined;
}

export interface WatchdogOptions {
  readonly patience: Patience;
  readonly clock: Clock;
  /** The turn waits for people. */
  isWaiting(): boolean;
  /** The agent has said nothing for `ms`. */
  silent(ms: number): void;
  /** The turn has worked for all that it may. Called once. */
  overdue(): void;
}

const SHORTEST_LOOK = 20;
const LONGEST_LOOK = 15_000;

export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #every: number;
  readonly #silence: number;
  readonly #limit: number;
  #cancel: (() => void) | undefined;
  #looked: number;
  #worked = 0;
  /** Since its last sign of life it has worked for so long, and may for so long until the channel is told. */
  #silent = 0;
  #patience: number;

  constructor(options: WatchdogOptions) {
    const { silence = Number.POSITIVE_INFINITY, limit = Number.POSITIVE_INFINITY } = options.patience;
    this.#options = options;
    this.#silence = silence;
    this.#limit = limit;
    this.#patience = silence;
    this.#looked = options.clock.now();
    const shortest = Math.min(silence, limit);
    this.#every = Math.min(Math.max(shortest / 20, SHORTEST_LOOK), LONGEST_LOOK);
    if (Number.isFinite(shortest)) this.#schedule();
  }

  /** The agent gave a sign of life. */
  heard(): void {
    this.#silent = 0;
    this.#patience = this.#silence;
  }

  dispose(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #schedule(): void {
    this.#cancel = this.#options.clock.after(this.#every, () => {
      this.#look();
      if (this.#cancel) this.#schedule();
    });
  }

  #look(): void {
    const { clock, isWaiting, silent, overdue } = this.#options;
    const passed = Math.max(clock.now() - this.#looked, 0);
    this.#looked = clock.now();
    if (isWaiting()) {
      this.heard();
      return;
    }
    this.#worked += passed;
    this.#silent += passed;
    if (this.#worked >= this.#limit) {
      this.dispose();
      overdue();
      return;
    }
    if (this.#silent < this.#patience) return;
    this.#patience = this.#silent * 2;
    silent(this.#silent);
  }
}
