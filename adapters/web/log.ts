/** The entries that this adapter keeps in the store's journal, one for each message on the page. */
import type { Action } from "../../src/channel.ts";
import type { ChannelId, MessageRef } from "../../src/model.ts";
import type { Journal, JournalEntry } from "../../src/store.ts";
import { heal } from "../shared/heal.ts";
import { actionsAt } from "./actions.ts";
import { stringAt, valueAt } from "./json.ts";
import type { Renderer } from "./render.ts";
import type { WireMessage } from "./wire.ts";

/** A key with the message's own id: writing it again changes nothing but the time. */
const IN = "in:";
const OUT = "out:";
/** Stands between a message's key and the handle of what it replies to. No key of core's has it. */
const REPLY = "<";
/** A chain of replies to replies ends here, so that keys stay short. */
const MAX_REPLY = 200;

export type JournalStore = Pick<Journal, "journalPut">;

export async function putInbound(
  store: JournalStore,
  channel: ChannelId,
  { id, ...message }: { id: string; text: string; at: number; answers?: MessageRef },
): Promise<void> {
  await store.journalPut(channel, IN + id, { role: "user", ...message });
}

/** The handle holds what the message replies to: an edit, which only has the handle, must not take that away. */
export function refOf(key: string, replyTo?: MessageRef): MessageRef {
  const reply = replyTo !== undefined && isOutbound(replyTo) && replyTo.length <= MAX_REPLY;
  return OUT + key + (reply ? REPLY + replyTo : "");
}

/** Whether it can be the handle of a message that was sent. They are never taken away. */
export function isOutbound(ref: MessageRef): boolean {
  return ref.startsWith(OUT);
}

export async function putOutbound(
  store: JournalStore,
  channel: ChannelId,
  ref: MessageRef,
  message: { text: string; at: number; growing: boolean; actions?: readonly Action[] },
): Promise<void> {
  await store.journalPut(channel, ref, { role: "bot", ...message });
}

/** The id of a person's message, where the entry is one. */
export function inboundId(entry: Pick<JournalEntry, "key">): string | undefined {
  return entry.key.startsWith(IN) ? entry.key.slice(IN.length) : undefined;
}

export function toWire({ key, order, body }: JournalEntry, renderer: Renderer): WireMessage {
  const text = stringAt(body, "text");
  const time = valueAt(body, "at");
  const id = inboundId({ key });
  const replyTo = id === undefined ? repliedTo(key) : stringAt(body, "answers");
  const message = { key, order, at: typeof time === "number" ? time : 0, ...(replyTo === "" ? {} : { replyTo }) };
  if (id !== undefined) return { ...message, role: "user", id, text };
  const growing = valueAt(body, "growing") === true;
  const actions = actionsAt(body);
  const html = renderer.html(growing ? heal(text) : text);
  return { ...message, role: "bot", html, growing, ...(actions.length === 0 ? {} : { actions }) };
}

function repliedTo(ref: MessageRef): MessageRef {
  const at = ref.indexOf(REPLY);
  return at < 0 ? "" : ref.slice(at + 1);
}
