/** Discord's rate limits: a bucket for each route and its major parameter, and one over all routes. */
import type { Clock } from "../../../src/model.ts";
import { tooManyRequests } from "./errors.ts";

export interface RateLimits {
  /** Requests to one route of one channel (or other major parameter) within `per` ms. */
  readonly route?: { readonly limit: number; readonly per: number };
  /** Requests a second over all routes but interaction callbacks. Default 50. */
  readonly global?: number;
}

interface Window {
  used: number;
  resetAt: number;
}

export class Limiter {
  readonly #clock: Clock;
  readonly #limits: RateLimits;
  readonly #windows = new Map<string, Window>();

  constructor(clock: Clock, limits: RateLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Counts a request and gives the headers that tell of its bucket; throws 429. */
  spend(method: string, major: string): Record<string, string> {
    const now = this.#clock.now();
    if (!method.includes("/interactions/")) {
      const global = this.#window("", 1000, now);
      if (global.used >= (this.#limits.global ?? 50)) throw tooManyRequests((global.resetAt - now) / 1000, true);
      global.used++;
    }
    const { route } = this.#limits;
    if (route === undefined) return {};
    const window = this.#window(`${method} ${major}`, route.per, now);
    if (window.used >= route.limit) throw tooManyRequests((window.resetAt - now) / 1000, false);
    window.used++;
    return {
      "x-ratelimit-bucket": Buffer.from(method).toString("hex").slice(0, 32),
      "x-ratelimit-limit": String(route.limit),
      "x-ratelimit-remaining": String(route.limit - window.used),
      "x-ratelimit-reset": String(window.resetAt / 1000),
      "x-ratelimit-reset-after": String((window.resetAt - now) / 1000),
    };
  }

  #window(key: string, span: number, now: number): Window {
    const known = this.#windows.get(key);
    if (known !== undefined && known.resetAt > now) return known;
    const window = { used: 0, resetAt: now + span };
    this.#windows.set(key, window);
    return window;
  }
}
