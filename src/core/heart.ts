import { describe, SwitchboardError } from "../errors.ts";
import type { Clock } from "../model.ts";
import type { Store } from "../store.ts";

/** Milliseconds that a beat counts as fresh: whoever asks more often gets the last one's answer. */
const FRESH = 1_000;

export type Pulse = { readonly ok: true } | { readonly ok: false; readonly detail: string };

/** Proves again and again that the store takes this process's writes. */
export class Heart {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #replica: string;
  #last: { readonly at: number; readonly pulse: Promise<Pulse> } | undefined;

  constructor(store: Store, clock: Clock, replica: string) {
    this.#store = store;
    this.#clock = clock;
    this.#replica = replica;
  }

  beat(): Promise<Pulse> {
    const now = this.#clock.now();
    if (!this.#last || now - this.#last.at >= FRESH) this.#last = { at: now, pulse: this.#beat() };
    return this.#last.pulse;
  }

  async #beat(): Promise<Pulse> {
    try {
      await this.#store.heartbeat(this.#replica);
      return { ok: true };
    } catch (error) {
      const remedy = error instanceof SwitchboardError ? ` ${error.remedy}` : "";
      return { ok: false, detail: `${describe(error)}.${remedy}` };
    }
  }
}
