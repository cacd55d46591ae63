/** What failed for good: messages whose turn did, and replies that can't be delivered. */
import { SwitchboardError } from "../../errors.ts";
import type { ChannelId, DeadLetter, Message, OutboxEntry } from "../../model.ts";
import { readChannel, saveChannel } from "./channels.ts";
import type { Context } from "./context.ts";
import { count } from "./counters.ts";
import { enqueue } from "./intake.ts";
import { allDead, deadLetterKey, deadSinceKey } from "./keys.ts";
import { replaceReceipt } from "./receipts.ts";
import { addReplies } from "./replies.ts";
import type { Transaction } from "./transaction.ts";
import type { View } from "./view.ts";

export function parkMessage(transaction: Transaction, letter: Omit<DeadLetter, "id"> & { message: Message }): void {
  const { channel, message } = letter;
  addLetter(transaction, { id: `${channel}#${message.id}`, ...letter });
}

export function parkReply(
  transaction: Transaction,
  channel: ChannelId,
  { id, kind, text, card, replyTo, attempts }: OutboxEntry,
  cause: string,
  at: number,
): void {
  const reply = {
    ...{ kind, text },
    ...(card === undefined ? {} : { card }),
    ...(replyTo === undefined ? {} : { replyTo }),
  };
  addLetter(transaction, { id: `${channel}#reply:${id}`, channel, reply, cause, attempts: attempts + 1, at });
}

export function addLetter(transaction: Transaction, letter: DeadLetter): void {
  const { id, at, channel } = letter;
  transaction.put(deadLetterKey(id), letter);
  transaction.put(deadSinceKey(at, id), [id, channel]);
  count(transaction, { deadLetters: 1 });
}

/** The newest first. */
export function readDeadLetters(view: View, { channel, limit }: { channel?: ChannelId; limit: number }): DeadLetter[] {
  const letters: DeadLetter[] = [];
  for (const { row } of view.scan(allDead, "backward")) {
    if (letters.length >= limit) break;
    const [id, home] = row;
    const letter = channel === undefined || channel === home ? view.get(deadLetterKey(id)) : undefined;
    if (letter !== undefined) letters.push(letter);
  }
  return letters;
}

/** See `Store.discard`. */
export function discard(transaction: Transaction, id: string): void {
  forgetLetter(transaction, known(transaction, id));
}

/** See `Store.replay`. */
export function replay(transaction: Transaction, context: Context, id: string): void {
  const letter = known(transaction, id);
  const { channel, message, reply } = letter;
  const row = readChannel(transaction, channel);
  forgetLetter(transaction, letter);
  if (message !== undefined) {
    const place = enqueue(transaction, context, channel, row, message);
    replaceReceipt(transaction, context, channel, row, [message.id, context.clock.now(), "q", place]);
    transaction.hint(channel, "inbox");
  }
  if (reply !== undefined) {
    addReplies(transaction, context, channel, row, [reply]);
    transaction.hint(channel, "outbox");
  }
  saveChannel(transaction, channel, row);
}

function known(transaction: Transaction, id: string): DeadLetter {
  const letter = transaction.get(deadLetterKey(id));
  if (letter === undefined) throw new SwitchboardError("DEAD_LETTER_UNKNOWN", `There is no dead letter ${id}.`);
  return letter;
}

export function forgetLetter(transaction: Transaction, { id, at }: DeadLetter): void {
  transaction.remove(deadLetterKey(id));
  transaction.remove(deadSinceKey(at, id));
  count(transaction, { deadLetters: -1 });
}
