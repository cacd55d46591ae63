/**
 * The rows of the channels that were written last, decoded: a channel in use is read with each of its messages.
 * Only this process writes the folder, so they are what is committed.
 */
import { isChannelKey } from "./keys.ts";
import type { Changes } from "./transaction.ts";

/** About a kilobyte each. */
const MOST = 2_048;

export class HotRows {
  readonly #rows = new Map<string, unknown>();

  get(key: string): unknown {
    return this.#rows.get(key);
  }

  /** Lets go of what is about to change. */
  forget(changes: Changes): void {
    for (const key of changes.keys()) this.#rows.delete(key);
  }

  /** Notes what has been committed. */
  note(changes: Changes): void {
    for (const [key, { row }] of changes) {
      if (isChannelKey(key) && row !== undefined) this.#rows.set(key, row);
    }
    for (const key of this.#rows.keys()) {
      if (this.#rows.size <= MOST) return;
      this.#rows.delete(key);
    }
  }
}
