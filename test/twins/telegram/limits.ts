/** Telegram's flood limits as sliding windows. What is refused does not count. */
import type { Clock } from "../../../src/model.ts";
import { tooManyRequests } from "./errors.ts";

export interface RateLimits {
  readonly perChatPerSecond?: number;
  /** Groups and supergroups only. */
  readonly perGroupPerMinute?: number;
  readonly overallPerSecond?: number;
}

export class Limiter {
  readonly #clock: Clock;
  readonly #limits: RateLimits;
  readonly #seen = new Map<string, number[]>();

  constructor(clock: Clock, limits: RateLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Counts a message or an edit; throws 429 with the seconds until there is room again. */
  spend(chat: { readonly id: number; readonly type: string }): void {
    const windows: [key: string, span: number, limit: number | undefined][] = [
      ["overall", 1000, this.#limits.overallPerSecond],
      [`chat ${chat.id}`, 1000, this.#limits.perChatPerSecond],
      [`group ${chat.id}`, 60_000, chat.type === "private" ? undefined : this.#limits.perGroupPerMinute],
    ];
    const now = this.#clock.now();
    const counted: number[][] = [];
    let wait = 0;
    for (const [key, span, limit] of windows) {
      if (limit === undefined) continue;
      const times = (this.#seen.get(key) ?? []).filter((time) => time > now - span);
      this.#seen.set(key, times);
      counted.push(times);
      const oldest = times.at(-limit);
      if (oldest !== undefined) wait = Math.max(wait, oldest + span - now);
    }
    if (wait > 0) throw tooManyRequests(Math.ceil(wait / 1000));
    for (const times of counted) times.push(now);
  }
}
