/** How the delivery of a reply stands. */
import type { ChannelId, OutboxEntry } from "../../model.ts";
import type { DeliveryOutcome, Fence } from "../../store.ts";
import { forgetShown, noteShown } from "./cards.ts";
import { readChannel, saveChannel } from "./channels.ts";
import type { Context } from "./context.ts";
import { count } from "./counters.ts";
import { parkReply } from "./deadletters.ts";
import { type Key, replyKey } from "./keys.ts";
import type { ChannelRow, ReplyRow } from "./rows.ts";
import { changeSession, currentSession } from "./sessions.ts";
import type { Transaction } from "./transaction.ts";
import type { View } from "./view.ts";

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
  const row = readChannel(transaction, channel);
  const key = placeOf(transaction, row, id);
  if (key === undefined) return;
  const reply = transaction.get(key);
  if (reply === undefined) return;
  if (outcome.status !== "delivered" && outcome.status !== "parked") {
    transaction.put(key, tried(reply, outcome));
    const isGone = outcome.status === "failed" && outcome.forgetRef === true;
    if (isGone && reply.card !== undefined && reply.ref !== undefined) {
      forgetShown(transaction, reply.card.ask, reply.ref);
    }
    return;
  }
  transaction.remove(key);
  count(transaction, { undelivered: -1 });
  if (outcome.status === "parked") {
    parkReply(transaction, channel, reply, outcome.cause, context.clock.now());
    noteParked(transaction, context, channel, outcome.cause);
  } else if (outcome.shown !== undefined && reply.card !== undefined) {
    if (noteShown(transaction, context, channel, row, reply.card, outcome.shown)) {
      saveChannel(transaction, channel, row);
    }
  }
  transaction.hint(channel, "state");
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
