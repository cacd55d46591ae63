/** Slack's pace: posts per conversation, updates over all. Off unless a test asks for it. */
import type { Clock } from "../../../src/model.ts";

export interface Rate {
  readonly burst: number;
  /** Milliseconds until there is room for one more. */
  readonly every: number;
}

export interface RateLimits {
  /** In one conversation. */
  readonly post: Rate;
  /** Over all. */
  readonly update: Rate;
}

export class Limiter {
  readonly #clock: Clock;
  readonly #limits: RateLimits;
  readonly #fullAt = new Map<string, number>();

  constructor(clock: Clock, limits: RateLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Seconds to wait; 0 where it may pass. */
  post(conversation: string): number {
    return this.#take(conversation, this.#limits.post);
  }

  update(): number {
    return this.#take("", this.#limits.update);
  }

  #take(bucket: string, { burst, every }: Rate): number {
    const now = this.#clock.now();
    const fullAt = Math.max(this.#fullAt.get(bucket) ?? 0, now);
    const wait = fullAt - now - (burst - 1) * every;
    if (wait > 0) return Math.ceil(wait / 1000);
    this.#fullAt.set(bucket, fullAt + every);
    return 0;
  }
}
