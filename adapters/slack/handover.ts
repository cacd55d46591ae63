/**
 * Hands what arrived to core, in order within a channel, channels side by side. What core can't take now is tried
 * again, and holds back what came behind it in its channel. Nothing is acknowledged before it was taken, so whatever
 * is given up here comes again from Slack, or is read from the history.
 */
import { describe } from "../../src/errors.ts";
import type { ChannelId, Clock } from "../../src/model.ts";

export interface HandoverOptions {
  readonly clock: Clock;
  /** Milliseconds of the first and the longest pause after a failure; doubled in between. */
  readonly backoff: number;
  readonly maxBackoff: number;
  /** Told of what keeps core from taking, and with undefined when nothing does any more. */
  readonly onTrouble: (cause: string | undefined) => void;
}

interface Piece {
  readonly key: string;
  readonly work: () => Promise<void>;
  readonly done: Promise<void>;
  readonly settle: (error?: Error) => void;
}

/** So much waits while core can't take anything; what exceeds it is left to Slack. */
const MOST_WAITING = 10_000;

export class Handover {
  readonly #options: HandoverOptions;
  readonly #waiting = new Map<ChannelId, Piece[]>();
  readonly #running = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #troubled = new Set<ChannelId>();
  #count = 0;

  constructor(options: HandoverOptions) {
    this.#options = options;
  }

  /**
   * Resolves when it was taken. Rejects where that will not happen any more, or too much waits already. The same key
   * again, while it still waits, is the same piece.
   */
  give(channel: ChannelId, key: string, work: () => Promise<void>): Promise<void> {
    if (this.#stopping.signal.aborted) return Promise.reject(new Error("It is stopping."));
    const pieces = this.#waiting.get(channel) ?? [];
    const known = pieces.find((piece) => piece.key === key);
    if (known !== undefined) return known.done;
    if (this.#count >= MOST_WAITING) return Promise.reject(new Error("Too much waits already."));
    this.#count++;
    const piece = pieceOf(key, work);
    pieces.push(piece);
    if (pieces.length === 1) {
      this.#waiting.set(channel, pieces);
      const run = this.#run(channel, pieces).finally(() => this.#running.delete(run));
      this.#running.add(run);
    }
    return piece.done;
  }

  /** Waits for what core has in hand; what is behind it is not handed over any more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#running);
  }

  async #run(channel: ChannelId, pieces: Piece[]): Promise<void> {
    const { signal } = this.#stopping;
    let failures = 0;
    for (let piece = pieces[0]; piece !== undefined; piece = pieces[0]) {
      if (signal.aborted) break;
      try {
        await piece.work();
        failures = 0;
        this.#settle(pieces);
        this.#eased(channel);
      } catch (error) {
        this.#troubled.add(channel);
        this.#options.onTrouble(describe(error));
        await this.#pause(failures++);
      }
    }
    this.#waiting.delete(channel);
    while (pieces.length > 0) this.#settle(pieces, new Error("It has stopped."));
  }

  #settle(pieces: Piece[], error?: Error): void {
    this.#count--;
    pieces.shift()?.settle(error);
  }

  #eased(channel: ChannelId): void {
    if (this.#troubled.delete(channel) && this.#troubled.size === 0) this.#options.onTrouble(undefined);
  }

  #pause(failures: number): Promise<void> {
    const { clock, backoff, maxBackoff } = this.#options;
    const { signal } = this.#stopping;
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const wake = () => {
        cancel();
        signal.removeEventListener("abort", wake);
        resolve();
      };
      const cancel = clock.after(Math.min(maxBackoff, backoff * 2 ** Math.min(failures, 20)), wake);
      signal.addEventListener("abort", wake, { once: true });
    });
  }
}

function pieceOf(key: string, work: () => Promise<void>): Piece {
  let settle: Piece["settle"] = () => {};
  const done = new Promise<void>((resolve, reject) => {
    settle = (error) => (error === undefined ? resolve() : reject(error));
  });
  // Whoever gave it hears of it; a second look at it is nobody's to handle.
  done.catch(() => {});
  return { key, work, done, settle };
}
