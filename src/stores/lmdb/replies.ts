/** The outbox: what is to be said in a channel and not yet proven delivered. */
import type { ChannelId, OutboxDraft, OutboxEntry } from "../../model.ts";
import type { DeliveryOutcome, Fence } from "../../store.ts";
import { readChannel } from "./channels.ts";
import type { Context } from "./context.ts";
import { count, nextSequence } from "./counters.ts";
import { parkReply } from "./deadletters.ts";
import { type Key, replyKey } from "./keys.ts";
import type { ChannelRow, ReplyRow } from "./rows.ts";
import { changeSession, currentSession } from "./sessions.ts";
import type { Transaction } from "./transaction.ts";
import type { View } from "./view.ts";

/** Puts the drafts at the end of the outbox. `row` is changed, and the caller's to save. */
export function addReplies(
  transaction: Transaction,
  context: Context,
  channel: ChannelId,
  row: ChannelRow,
  drafts: readonly OutboxDraft[],
): OutboxEntry[] {
  if (drafts.length === 0) return [];
  context.pending.mark(transaction, channel);
  const entries = drafts.map((draft) => {
    const sequence = nextSequence(transaction);
    const entry: OutboxEntry = { ...draft, id: sequence.toString(36), state: "pending", attempts: 0 };
    transaction.put(replyKey(sequence), entry);
    return entry;
  });
  row.outbox = [...row.outbox, ...entries.map(({ id }) => Number.parseInt(id, 36))];
  count(transaction, { undelivered: entries.length });
  return entries;
}

export function readReplies(view: View, row: ChannelRow): OutboxEntry[] {
  return row.outbox.flatMap((sequence) => view.get(replyKey(sequence)) ?? []);
}

/** See `Store.settleDelivery`. */
export function settleDelivery(
  transaction: Transaction,
  context: Context,
  channel: ChannelId,
  fence: Fence,
  id: string,
  outcome: DeliveryOutcome,
): void {
  context.owners.check(channel, fence);
  const key = placeOf(transaction, readChannel(transaction, channel), id);
  if (key === undefined) return;
  if (outcome.status === "delivered" || outcome.status === "parked") {
    const reply = transaction.get(key);
    transaction.remove(key);
    count(transaction, { undelivered: -1 });
    if (outcome.status === "parked" && reply !== undefined) {
      parkReply(transaction, channel, reply, outcome.cause, context.clock.now());
      noteParked(transaction, context, channel, outcome.cause);
    }
    transaction.hint(channel, "state");
    return;
  }
  const reply = transaction.get(key);
  if (reply !== undefined) transaction.put(key, tried(reply, outcome));
}

/** A reply that came with a copied store has kept its id, and stands under another number. */
function placeOf(view: View, { outbox }: ChannelRow, id: string): Key<ReplyRow> | undefined {
  const sequence = [Number.parseInt(id, 36), ...outbox].find(
    (each) => outbox.includes(each) && view.get(replyKey(each))?.id === id,
  );
  return sequence === undefined ? undefined : replyKey(sequence);
}

type Tried = Exclude<DeliveryOutcome, { status: "delivered" | "parked" }>;

/** How the reply stands after an outcome that doesn't settle it. */
function tried({ notBefore: _, since: __, ...due }: OutboxEntry, outcome: Tried): OutboxEntry {
  switch (outcome.status) {
    case "sending":
      return { ...due, state: "sending", since: outcome.at };
    case "placed":
      return { ...due, state: "pending", ref: outcome.ref };
    case "failed": {
      const { ref, ...rest } = due;
      const kept = ref === undefined || outcome.forgetRef === true ? {} : { ref };
      const attempts = due.attempts + (outcome.uncounted === true ? 0 : 1);
      return { ...rest, ...kept, state: "pending", attempts, notBefore: outcome.notBefore };
    }
  }
}

function noteParked(transaction: Transaction, { clock }: Context, channel: ChannelId, cause: string): void {
  const session = currentSession(transaction, channel, readChannel(transaction, channel));
  if (session === undefined) return;
  const now = clock.now();
  changeSession(transaction, session, { error: { code: "DELIVERY_FAILED", message: cause, at: now } }, now);
}
