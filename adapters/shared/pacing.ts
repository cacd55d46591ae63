/**
 * How fast one bot account may write. Platforms count messages and edits alike, per chat and over all; who writes
 * faster is refused for seconds to minutes. So the room there is goes to final texts first, and previews make do
 * with what is left over.
 *
 * There are no queues and no timers at rest: a place in the future is reserved by taking a bucket below zero.
 */
import { DeliveryError } from "../../src/channel.ts";
import type { Clock } from "../../src/model.ts";

/** `burst` at once, then one every `every` ms. */
export interface Rate {
  readonly burst: number;
  readonly every: number;
}

/** The room that an account has. One in a process; one that several processes share can stand behind it. */
export interface Governor {
  /**
   * Waits for the turn of a final text. Rejects with `limited`, at once, where that would take longer than
   * `maxWait` or the platform has asked for a pause; with `unavailable` where `signal` ends the wait.
   */
  admit(chat: string, rate: Rate, signal: AbortSignal): Promise<void>;
  /** Whether there is room now for something that can as well be left out. Takes the room where there is. */
  spare(chat: string, rate: Rate): boolean;
  /** Whether the platform has asked for silence, here or everywhere. */
  isPaused(chat: string): boolean;
  /** The platform refused: nothing goes to this chat for `ms`. */
  pause(chat: string, ms: number): void;
}

export interface PaceOptions {
  /** Over all chats. */
  readonly overall: Rate;
  /** The longest that a final text is held back here instead of being handed back as `limited`. */
  readonly maxWait: number;
}

interface Chat {
  readonly bucket: Bucket;
  pausedAt: number;
  pausedUntil: number;
}

/** So many chats refused within a second mean that the account as a whole is too fast. */
const CHATS_OF_A_STORM = 3;
const STORM = 1000;

export function createGovernor(clock: Clock, options: PaceOptions): Governor {
  return new LocalGovernor(clock, options);
}

class LocalGovernor implements Governor {
  readonly #clock: Clock;
  readonly #options: PaceOptions;
  readonly #overall: Bucket;
  readonly #chats = new Map<string, Chat>();
  #allPausedUntil = 0;
  #sweepAt = 1024;

  constructor(clock: Clock, options: PaceOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#overall = new Bucket(options.overall, clock.now());
  }

  async admit(chatId: string, rate: Rate, signal: AbortSignal): Promise<void> {
    const chat = this.#chat(chatId, rate);
    const now = this.#clock.now();
    this.#refusePaused(chat, now);
    const wait = Math.max(chat.bucket.waitFor(now), this.#overall.waitFor(now));
    if (wait > this.#options.maxWait) {
      throw new DeliveryError("limited", "The chat platform's pace allows no more for now.", { retryAfter: wait });
    }
    chat.bucket.take(now);
    this.#overall.take(now);
    if (wait <= 0) return;
    await this.#sleep(wait, signal);
    this.#refusePaused(chat, this.#clock.now());
  }

  spare(chatId: string, rate: Rate): boolean {
    const chat = this.#chat(chatId, rate);
    const now = this.#clock.now();
    if (Math.max(chat.pausedUntil, this.#allPausedUntil) > now) return false;
    // What previews leave: room for one final text in the chat, and for a sixth of all there is over the account.
    const reserve = Math.min(1, rate.burst - 1);
    if (chat.bucket.level(now) < 1 + reserve || this.#overall.level(now) < 1 + this.#options.overall.burst / 6)
      return false;
    chat.bucket.take(now);
    this.#overall.take(now);
    return true;
  }

  isPaused(chatId: string): boolean {
    return Math.max(this.#chats.get(chatId)?.pausedUntil ?? 0, this.#allPausedUntil) > this.#clock.now();
  }

  pause(chatId: string, ms: number): void {
    const now = this.#clock.now();
    const chat = this.#chats.get(chatId);
    if (chat === undefined) return;
    chat.pausedAt = now;
    chat.pausedUntil = Math.max(chat.pausedUntil, now + ms);
    let storm = 0;
    for (const other of this.#chats.values()) {
      if (other.pausedUntil > now && other.pausedAt > now - STORM) storm++;
    }
    if (storm >= CHATS_OF_A_STORM) this.#allPausedUntil = Math.max(this.#allPausedUntil, now + ms);
  }

  #refusePaused(chat: Chat, now: number): void {
    const retryAfter = Math.max(chat.pausedUntil, this.#allPausedUntil) - now;
    if (retryAfter > 0) throw new DeliveryError("limited", "The chat platform has asked for a pause.", { retryAfter });
  }

  #sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const stopped = () => {
        cancel();
        reject(new DeliveryError("unavailable", "Given up before it was sent."));
      };
      const cancel = this.#clock.after(ms, () => {
        signal.removeEventListener("abort", stopped);
        resolve();
      });
      if (signal.aborted) stopped();
      else signal.addEventListener("abort", stopped, { once: true });
    });
  }

  #chat(id: string, rate: Rate): Chat {
    const known = this.#chats.get(id);
    if (known !== undefined) return known;
    const now = this.#clock.now();
    if (this.#chats.size >= this.#sweepAt) this.#sweep(now);
    const chat = { bucket: new Bucket(rate, now), pausedAt: 0, pausedUntil: 0 };
    this.#chats.set(id, chat);
    return chat;
  }

  /** A chat that has its whole room back needs no memory. Half of the map at least is new each time. */
  #sweep(now: number): void {
    for (const [id, chat] of this.#chats) {
      if (chat.pausedUntil <= now && chat.bucket.isFull(now)) this.#chats.delete(id);
    }
    this.#sweepAt = Math.max(1024, this.#chats.size * 2);
  }
}

/** Fills up by one every `every` ms; below zero it tells how long those who took more have to wait. */
class Bucket {
  readonly #rate: Rate;
  #level: number;
  #at: number;

  constructor(rate: Rate, now: number) {
    this.#rate = rate;
    this.#level = rate.burst;
    this.#at = now;
  }

  level(now: number): number {
    const { burst, every } = this.#rate;
    const gained = every > 0 ? Math.max(0, now - this.#at) / every : burst;
    this.#level = Math.min(burst, this.#level + gained);
    this.#at = now;
    return this.#level;
  }

  isFull(now: number): boolean {
    return this.level(now) >= this.#rate.burst;
  }

  /** Milliseconds until one more could be taken. */
  waitFor(now: number): number {
    return Math.max(0, Math.ceil((1 - this.level(now)) * this.#rate.every));
  }

  take(now: number): void {
    this.#level = this.level(now) - 1;
  }
}
