/**
 * Waits for what the governor of an account decides. There are no queues and no timers at rest: a place in the future
 * is the governor's to give, and only who was given one waits for it.
 */
import { DeliveryError, type Permitted } from "../../src/channel.ts";
import { describe } from "../../src/errors.ts";
import type { Governor, Held, Rate, Reservation } from "../../src/governor.ts";
import type { Clock } from "../../src/model.ts";
import { insistPermitted } from "./permit.ts";

export interface PacingOptions {
  readonly governor: Governor;
  readonly clock: Clock;
  /**
   * The longest, in ms, that a final text waits for its place in the chat, and then for the one over all, instead of
   * being handed back as `limited`.
   */
  readonly maxWait: number;
  /** Told of what went wrong and could be done without. */
  readonly report: (message: string, error: unknown) => void;
}

/** Milliseconds that a governor may take to decide. One that is silent for longer is as good as away. */
const DECIDED_WITHIN = 2000;

export class Pacing {
  readonly #options: PacingOptions;
  /** Until when which chat pauses, as far as this process knows; "" stands for all. */
  readonly #pauses = new Map<string, number>();

  constructor(options: PacingOptions) {
    this.#options = options;
  }

  /**
   * Waits for the turn of a final text. Rejects with `limited`, at once, where that would take longer than
   * `maxWait` or the platform has asked for a pause; with `unavailable` where `signal` ends the wait, where the
   * governor can't be asked, and where the owner is not sure to be one any more when its turn has come.
   */
  async admit(chat: string, rate: Rate, signal: AbortSignal, permit?: Permitted["permit"]): Promise<void> {
    const { governor, maxWait: within } = this.#options;
    let held: Held = "nothing";
    for (;;) {
      this.#refusePaused(chat);
      const answer: Reservation = await this.#decided(governor.reserve(chat, rate, { held, within }), signal);
      if (answer.status === "paused") {
        this.#remember(answer.where === "all" ? "" : chat, answer.retryAfter);
        throw limited("The chat platform has asked for a pause.", answer.retryAfter);
      }
      if (answer.status === "full") {
        throw limited("The chat platform's pace allows no more for now.", answer.retryAfter);
      }
      held = answer.held;
      if (answer.wait > 0) await this.#sleep(answer.wait, signal);
      else if (held === "all") break;
    }
    insistPermitted(permit);
  }

  /** Whether there is room now for something that can as well be left out. Takes the room where there is. */
  async spare(chat: string, rate: Rate, permit?: Permitted["permit"]): Promise<boolean> {
    if (this.isPaused(chat)) return false;
    try {
      return (await this.#decided(this.#options.governor.spare(chat, rate))) && permit?.() !== false;
    } catch (error) {
      this.#options.report("a preview was left out", error);
      return false;
    }
  }

  /** Whether this process knows that the platform has asked for silence, here or everywhere. */
  isPaused(chat: string): boolean {
    return this.#pauseOf(chat) > 0;
  }

  /** The platform refused: nothing goes to this chat for `ms`. */
  pause(chat: string, ms: number): void {
    this.#remember(chat, ms);
    this.#options.governor.pause(chat, ms).catch((error: unknown) => {
      this.#options.report("a pause that the platform asked for is known to this process only", error);
    });
  }

  #refusePaused(chat: string): void {
    const retryAfter = this.#pauseOf(chat);
    if (retryAfter > 0) throw limited("The chat platform has asked for a pause.", retryAfter);
  }

  #pauseOf(chat: string): number {
    return Math.max(this.#pauses.get(chat) ?? 0, this.#pauses.get("") ?? 0) - this.#options.clock.now();
  }

  #remember(chat: string, ms: number): void {
    const now = this.#options.clock.now();
    for (const [paused, until] of this.#pauses) if (until <= now) this.#pauses.delete(paused);
    this.#pauses.set(chat, Math.max(this.#pauses.get(chat) ?? 0, now + ms));
  }

  /** What was asked may still be decided after this has rejected; see the port. */
  #decided<T>(answer: Promise<T>, signal?: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (end: () => void) => {
        cancel();
        signal?.removeEventListener("abort", stopped);
        end();
      };
      const unavailable = (why: string, cause?: unknown) =>
        settle(() => reject(new DeliveryError("unavailable", why, { cause })));
      const stopped = () => unavailable("Given up before it was sent.");
      const cancel = this.#options.clock.after(DECIDED_WITHIN, () =>
        unavailable(`Whether the pace allows it was not decided within ${DECIDED_WITHIN} ms.`),
      );
      signal?.addEventListener("abort", stopped, { once: true });
      answer.then(
        (decision) => settle(() => resolve(decision)),
        (cause: unknown) => unavailable(`Whether the pace allows it can't be told (${describe(cause)}).`, cause),
      );
      if (signal?.aborted) stopped();
    });
  }

  #sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const stopped = () => {
        cancel();
        reject(new DeliveryError("unavailable", "Given up before it was sent."));
      };
      const cancel = this.#options.clock.after(ms, () => {
        signal.removeEventListener("abort", stopped);
        resolve();
      });
      if (signal.aborted) stopped();
      else signal.addEventListener("abort", stopped, { once: true });
    });
  }
}

function limited(message: string, retryAfter: number): DeliveryError {
  return new DeliveryError("limited", message, { retryAfter });
}
