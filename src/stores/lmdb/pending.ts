/**
 * The channels with something to do, as rows, so that a start needn't look at the others. A row is written when
 * a channel gets work and has none; it goes with a later heartbeat, not with the last of the work, so that a
 * channel in steady use costs nothing here. A row too many does no harm: whoever asks looks at the channel.
 */
import type { ChannelId } from "../../model.ts";
import { hasWork, readChannel } from "./channels.ts";
import { allPending, pendingKey } from "./keys.ts";
import type { Owners } from "./owners.ts";
import type { Transaction } from "./transaction.ts";
import type { View } from "./view.ts";

export class PendingChannels {
  /** Those that have a row, the longest pending first. */
  readonly #marked = new Set<ChannelId>();

  constructor(view: View) {
    for (const { row } of view.scan(allPending)) this.#marked.add(row);
  }

  mark(transaction: Transaction, channel: ChannelId): void {
    if (this.#marked.has(channel)) return;
    transaction.put(pendingKey(channel), channel);
    this.#marked.add(channel);
    transaction.undo(() => this.#marked.delete(channel));
  }

  /** Lets go of the rows of channels that have nothing to do any more. */
  sweep(transaction: Transaction): void {
    for (const channel of [...this.#marked]) {
      if (hasWork(transaction, readChannel(transaction, channel))) continue;
      transaction.remove(pendingKey(channel));
      this.#marked.delete(channel);
      transaction.undo(() => this.#marked.add(channel));
    }
  }

  unattended(view: View, owners: Owners, replica: string): ChannelId[] {
    return [...this.#marked].filter((channel) => {
      const owner = owners.of(channel);
      return (owner === undefined || owner.replica === replica) && hasWork(view, readChannel(view, channel));
    });
  }
}
