import type { Emit } from "../../events.ts";
import type { ChannelId, Clock } from "../../model.ts";
import type { Asks } from "./asks.ts";

export interface RemindersOptions {
  readonly asks: Asks;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Milliseconds between two looks. */
  readonly every: number;
  /** Which channels this replica looks after now. */
  ours(channel: ChannelId): boolean;
}

/** Looks again and again for asks that want a reminder, or have expired. */
export class Reminders {
  readonly #options: RemindersOptions;
  #cancelTimer: (() => void) | undefined;
  #stopped = false;

  constructor(options: RemindersOptions) {
    this.#options = options;
  }

  start(): void {
    const { clock, every } = this.#options;
    this.#cancelTimer = clock.after(every, () => {
      void this.#look().then(() => {
        if (!this.#stopped) this.start();
      });
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelTimer?.();
  }

  async #look(): Promise<void> {
    const { asks, emit, ours } = this.#options;
    try {
      await asks.sweep(ours);
    } catch (error) {
      emit({ type: "store.fault", doing: "look for asks that are due", error });
    }
  }
}
