/** Calls whose answer got lost, for the same call when it comes again. */
import { hasCode } from "../../errors.ts";

/** How many are remembered: the newest. */
const MOST = 1_000;

/**
 * Most writes can be told from a repetition by what they left behind: the id of a message, a turn, a fence. One that
 * makes something new, or takes something away, can't: it runs through here.
 */
export class Repeats {
  readonly #lost = new Map<string, string>();

  /**
   * Runs a call that rejects with STORE_UNAVAILABLE where its answer got lost. The next `name` that is the same gets the
   * `mark` of that one, and `isRepeat`, whether it had been carried out or not.
   */
  async run<Result>(
    name: string,
    mark: string,
    call: (mark: string, isRepeat: boolean) => Promise<Result>,
  ): Promise<Result> {
    const before = this.#lost.get(name);
    this.#lost.delete(name);
    try {
      return await call(before ?? mark, before !== undefined);
    } catch (error) {
      if (hasCode(error, "STORE_UNAVAILABLE")) this.#note(name, before ?? mark);
      throw error;
    }
  }

  #note(name: string, mark: string): void {
    this.#lost.set(name, mark);
    const [oldest] = this.#lost.keys();
    if (this.#lost.size > MOST && oldest !== undefined) this.#lost.delete(oldest);
  }
}
