/** What an agent wants from people. */
import { SwitchboardError } from "../../errors.ts";
import type { Ask, AskDecision, ChannelId, Json, Sender } from "../../model.ts";
import type { AskDraft, Fence } from "../../store.ts";
import { mintAskId } from "../shared/ids.ts";
import { readChannel, saveChannel } from "./channels.ts";
import type { Context } from "./context.ts";
import { addControl } from "./intake.ts";
import { askKey, askOfKey, asksOf } from "./keys.ts";
import { staleFence } from "./owners.ts";
import { addReplies } from "./replies.ts";
import type { Transaction } from "./transaction.ts";

/** See `Store.openAsk`. */
export function openAsk(
  transaction: Transaction,
  context: Context,
  channel: ChannelId,
  fence: Fence,
  { kind, text, turn, outbox }: AskDraft,
): Ask {
  context.owners.check(channel, fence);
  const row = readChannel(transaction, channel);
  if (row.session === undefined) throw staleFence(channel);
  const ask: Ask = {
    id: mintAskId(channel),
    channel,
    session: row.session,
    ...(turn === undefined ? {} : { turn }),
    kind,
    text,
    openedAt: context.clock.now(),
  };
  transaction.put(askKey(ask.id), ask);
  transaction.put(askOfKey(ask.session, ask.id), ask.id);
  addReplies(transaction, context, channel, row, outbox);
  saveChannel(transaction, channel, row);
  transaction.hint(channel, "state");
  return ask;
}

/** See `Store.decideAsk`. The owner learns of it as a command `ask` whose arguments are the ask's id. */
export function decideAsk(
  transaction: Transaction,
  context: Context,
  id: string,
  answer: Json,
  by: Sender,
): { status: "decided" | "already"; decision: AskDecision } {
  const ask = transaction.get(askKey(id));
  if (ask === undefined) throw new SwitchboardError("ASK_UNKNOWN", `There is no ask ${id}.`);
  if (ask.decision !== undefined) return { status: "already", decision: ask.decision };
  const { channel } = ask;
  const at = context.clock.now();
  const decision: AskDecision = { answer, by, at };
  transaction.put(askKey(id), { ...ask, decision });
  const row = readChannel(transaction, channel);
  addControl(transaction, context, channel, row, { id: `ask:${id}`, command: "ask", args: id, sender: by, at });
  saveChannel(transaction, channel, row);
  transaction.hint(channel, "control");
  return { status: "decided", decision };
}

/** See `Store.askReminded`. */
export function askReminded(transaction: Transaction, { clock }: Context, id: string, cooldown: number): boolean {
  const ask = transaction.get(askKey(id));
  if (ask === undefined || ask.decision !== undefined) return false;
  const now = clock.now();
  if (ask.remindedAt !== undefined && now - ask.remindedAt < cooldown) return false;
  transaction.put(askKey(id), { ...ask, remindedAt: now });
  return true;
}

export function eraseAsks(transaction: Transaction, session: string): void {
  for (const { key, row: id } of transaction.scan(asksOf(session))) {
    transaction.remove(key);
    transaction.remove(askKey(id));
  }
}
