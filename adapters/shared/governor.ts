/** The governor of an account that only this process sends for: it keeps everything in memory. */
import type { Governor, Rate, Reservation, ReserveRequest } from "../../src/governor.ts";
import type { Clock } from "../../src/model.ts";

interface Chat {
  readonly bucket: Bucket;
  pausedAt: number;
  pausedUntil: number;
}

/** So many chats refused within a second mean that the account as a whole is too fast. */
const CHATS_OF_A_STORM = 3;
const STORM = 1000;

export function createLocalGovernor(clock: Clock, overall: Rate): Governor {
  return new LocalGovernor(clock, overall);
}

class LocalGovernor implements Governor {
  readonly #clock: Clock;
  readonly #rate: Rate;
  readonly #overall = new Bucket();
  readonly #chats = new Map<string, Chat>();
  #allPausedUntil = 0;
  #sweepAt = 1024;

  constructor(clock: Clock, overall: Rate) {
    this.#clock = clock;
    this.#rate = overall;
  }

  async reserve(id: string, rate: Rate, { held, within }: ReserveRequest): Promise<Reservation> {
    const now = this.#clock.now();
    const chat = this.#chat(id, now);
    const all = this.#allPausedUntil - now;
    const paused = Math.max(chat.pausedUntil - now, all);
    if (paused > 0) return { status: "paused", where: paused === all ? "all" : "chat", retryAfter: paused };
    if (held === "all") return { status: "held", held, wait: 0 };
    const wait = this.#overall.waitFor(this.#rate, now);
    const own = held === "chat" ? 0 : chat.bucket.waitFor(rate, now);
    if (Math.max(own, wait) > within) return { status: "full", retryAfter: Math.max(own, wait) };
    if (own > wait) {
      chat.bucket.take(rate, now);
      return { status: "held", held: "chat", wait: own };
    }
    // The chat's bucket counts from when it is really sent.
    if (held === "nothing") chat.bucket.take(rate, now + wait);
    this.#overall.take(this.#rate, now);
    return { status: "held", held: "all", wait };
  }

  async spare(id: string, rate: Rate): Promise<boolean> {
    const now = this.#clock.now();
    const chat = this.#chat(id, now);
    if (Math.max(chat.pausedUntil, this.#allPausedUntil) > now) return false;
    const enough =
      chat.bucket.hasRoom(rate, 1 + Math.min(1, rate.burst - 1), now) &&
      this.#overall.hasRoom(this.#rate, 1 + this.#rate.burst / 6, now);
    if (enough) {
      chat.bucket.take(rate, now);
      this.#overall.take(this.#rate, now);
    }
    return enough;
  }

  async pause(id: string, ms: number): Promise<void> {
    const now = this.#clock.now();
    const chat = this.#chat(id, now);
    chat.pausedAt = now;
    chat.pausedUntil = Math.max(chat.pausedUntil, now + ms);
    let storm = 0;
    for (const { pausedAt } of this.#chats.values()) if (pausedAt > now - STORM) storm++;
    if (storm >= CHATS_OF_A_STORM) this.#allPausedUntil = Math.max(this.#allPausedUntil, now + ms);
  }

  #chat(id: string, now: number): Chat {
    const known = this.#chats.get(id);
    if (known !== undefined) return known;
    if (this.#chats.size >= this.#sweepAt) this.#sweep(now);
    const chat = { bucket: new Bucket(), pausedAt: 0, pausedUntil: 0 };
    this.#chats.set(id, chat);
    return chat;
  }

  /** Half of the map at least is new each time. */
  #sweep(now: number): void {
    for (const [id, chat] of this.#chats) {
      if (chat.pausedUntil <= now && chat.bucket.isFull(now)) this.#chats.delete(id);
    }
    this.#sweepAt = Math.max(1024, this.#chats.size * 2);
  }
}

/**
 * One number: when it has all its room back. It lies ahead by `every` for each place taken, also for those whose
 * time has not come.
 */
class Bucket {
  #fullAt = 0;

  isFull(now: number): boolean {
    return this.#fullAt <= now;
  }

  hasRoom({ burst, every }: Rate, places: number, now: number): boolean {
    return this.#ahead(now) <= (burst - places) * every;
  }

  /** Milliseconds until one more could be taken. */
  waitFor({ burst, every }: Rate, now: number): number {
    return Math.max(0, Math.ceil(this.#ahead(now) - (burst - 1) * every));
  }

  take({ every }: Rate, at: number): void {
    this.#fullAt = Math.max(this.#fullAt, at) + every;
  }

  #ahead(now: number): number {
    return Math.max(0, this.#fullAt - now);
  }
}
