/**
 * This process among the replicas that share the store: it beats, so that the others know that it lives; it knows who
 * else does; and it knows for how long nobody can have taken over what it owns.
 *
 * A channel that nobody has goes to the replica that scores highest for it (rendezvous hashing): each replica comes to
 * the same result by itself, and one that joins or leaves moves only the channels that are its own.
 */
import { describe, SwitchboardError } from "../errors.ts";
import type { Emit } from "../events.ts";
import type { ChannelId, Clock } from "../model.ts";
import type { Membership, Store } from "../store.ts";

export interface OwnershipOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly replica: string;
  readonly emit: Emit;
}

/** What the gateway does about it. Called in this order where several apply. */
export interface OwnershipListener {
  /** The others have counted this replica as dead: what it owned may be another's by now. */
  lost(): void;
  /** It could not beat for so long that the others may count it as dead; or it can again. */
  secured(secure: boolean): void;
  /** The replicas are others than before. */
  changed(): void;
  /** A beat succeeded. */
  beaten(): void;
}

export type Pulse = { readonly ok: true } | { readonly ok: false; readonly detail: string };

/** Milliseconds between two beats where nobody else can use the store. */
const ALONE = 5_000;
/** The same before the first beat has succeeded. */
const UNKNOWN = 500;
/** In one lease so many beats. */
const BEATS = 4;
/** Milliseconds that a beat counts as fresh. */
const FRESH = 1_000;
/** Milliseconds that whoever asks for the pulse waits for it. */
const PATIENCE = 1_000;

export class Ownership {
  readonly replica: string;
  readonly #options: OwnershipOptions;
  #listener: OwnershipListener | undefined;
  #membership: Membership | undefined;
  /** When the last beat that succeeded began: on the clock that may be set back, and on the one that a sleeping machine stops. */
  #since = { wall: Number.NEGATIVE_INFINITY, steady: Number.NEGATIVE_INFINITY };
  #beating: Promise<Pulse> | undefined;
  #pulse: Pulse = { ok: false, detail: "The store has not been asked yet." };
  #wasSecure = false;
  #leaving = false;
  #cancelTimer: (() => void) | undefined;
  #stopped = false;
  #waiting: (() => void)[] = [];

  constructor(options: OwnershipOptions) {
    this.#options = options;
    this.replica = options.replica;
  }

  /** Whether nobody else can own what this replica owns. Ask at once before doing what only an owner may. */
  get secure(): boolean {
    if (!this.#membership) return false;
    const { lasts } = this.#membership;
    if (lasts === Number.POSITIVE_INFINITY) return true;
    const wall = this.#options.clock.now() - this.#since.wall;
    return Math.max(wall, performance.now() - this.#since.steady) < lasts;
  }

  get replicas(): readonly string[] {
    return this.#membership?.replicas ?? [];
  }

  /** Resolves when this replica is secure, or as soon as the signal aborts: the caller looks at the signal. */
  async secured(signal: AbortSignal): Promise<void> {
    while (!this.secure && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
  }

  /** Whether this replica is the one to run a channel that nobody has. */
  prefers(channel: ChannelId): boolean {
    if (!this.#membership || this.#leaving) return false;
    const { self, replicas } = this.#membership;
    let best = self;
    let highest = -1;
    for (const candidate of replicas) {
      const score = scoreOf(candidate, channel);
      if (score > highest) [best, highest] = [candidate, score];
    }
    return best === self;
  }

  /** Beats from now on. Resolves with the first. */
  async start(listener: OwnershipListener): Promise<void> {
    this.#listener = listener;
    await this.beat();
  }

  /** Takes nothing new from now on, and says so to the others; still beats. */
  async leave(): Promise<void> {
    this.#leaving = true;
    await this.beat();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelTimer?.();
    this.#wake();
  }

  /** One beat at a time: whoever comes meanwhile gets the one under way. */
  beat(): Promise<Pulse> {
    this.#beating ??= this.#beat().finally(() => {
      this.#beating = undefined;
    });
    return this.#beating;
  }

  /** How the last beat went; a beat that hangs is none. */
  async pulse(): Promise<Pulse> {
    const silence: Pulse = { ok: false, detail: "The store does not answer. Nothing is acknowledged meanwhile." };
    let late = () => {};
    const patience = new Promise<Pulse>((resolve) => {
      late = this.#options.clock.after(PATIENCE, () => resolve(silence));
    });
    try {
      const isFresh = this.#options.clock.now() - this.#since.wall < FRESH;
      return await Promise.race([isFresh ? this.#pulse : this.beat(), patience]);
    } finally {
      late();
    }
  }

  async #beat(): Promise<Pulse> {
    const { store, clock, replica } = this.#options;
    this.#cancelTimer?.();
    const began = { wall: clock.now(), steady: performance.now() };
    try {
      const membership = await store.heartbeat(replica, this.#leaving);
      this.#since = began;
      this.#pulse = { ok: true };
      this.#note(membership);
    } catch (error) {
      const remedy = error instanceof SwitchboardError ? ` ${error.remedy}` : "";
      this.#pulse = { ok: false, detail: `${describe(error)}.${remedy}` };
      this.#look();
    }
    this.#schedule();
    return this.#pulse;
  }

  #note(membership: Membership): void {
    const before = this.#membership?.replicas.join();
    this.#membership = membership;
    if (membership.lost) this.#listener?.lost();
    this.#look();
    if (before !== undefined && before !== membership.replicas.join()) this.#listener?.changed();
    this.#listener?.beaten();
  }

  /** Says when it has become secure, or no longer is. */
  #look(): void {
    const { secure } = this;
    if (secure) this.#wake();
    if (secure === this.#wasSecure) return;
    this.#wasSecure = secure;
    this.#listener?.secured(secure);
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #schedule(): void {
    if (this.#stopped) return;
    const every = this.#membership ? Math.min(ALONE, this.#membership.lasts / BEATS) : UNKNOWN;
    this.#cancelTimer = this.#options.clock.after(every, () => void this.beat());
  }
}

/** 32 bits of both names, well mixed (FNV-1a, then murmur's finish). */
function scoreOf(replica: string, channel: string): number {
  let hash = 0x811c9dc5;
  for (const text of [replica, channel]) {
    for (let index = 0; index < text.length; index += 1) {
      hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
    }
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
