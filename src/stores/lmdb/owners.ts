/**
 * Who owns which channel. Only one process can have the folder open, so this is memory: an owner lives as long as
 * the process, and taking over a stored session writes nothing. Fences still grow over restarts, because each
 * opening of the folder has an epoch of its own.
 */
import { SwitchboardError } from "../../errors.ts";
import type { ChannelId } from "../../model.ts";
import type { Fence } from "../../store.ts";

const FENCES_PER_EPOCH = 2 ** 31;

interface Owner {
  readonly replica: string;
  readonly fence: Fence;
}

export class Owners {
  readonly #owners = new Map<ChannelId, Owner>();
  #last: Fence;

  constructor(epoch: number) {
    this.#last = epoch * FENCES_PER_EPOCH;
  }

  of(channel: ChannelId): Owner | undefined {
    return this.#owners.get(channel);
  }

  take(channel: ChannelId, replica: string): Fence {
    this.#last += 1;
    this.#owners.set(channel, { replica, fence: this.#last });
    return this.#last;
  }

  drop(channel: ChannelId): void {
    this.#owners.delete(channel);
  }

  /** Returns what puts back the owner that there is now. */
  restorer(channel: ChannelId): () => void {
    const owner = this.#owners.get(channel);
    return () => {
      if (owner === undefined) this.#owners.delete(channel);
      else this.#owners.set(channel, owner);
    };
  }

  /** Throws STALE_FENCE. */
  check(channel: ChannelId, fence: Fence): void {
    if (this.#owners.get(channel)?.fence !== fence) throw staleFence(channel);
  }
}

export function staleFence(channel: ChannelId): SwitchboardError {
  return new SwitchboardError(
    "STALE_FENCE",
    `Channel ${channel} was given up or has a new owner; nothing was written.`,
  );
}
