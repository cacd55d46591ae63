/** The entries that this adapter keeps in the store's journal, one for each message on the page. */
import type { ChannelId, Json, MessageRef } from "../../src/model.ts";
import type { Journal, JournalEntry } from "../../src/store.ts";
import { heal } from "../shared/heal.ts";
import type { Renderer } from "./render.ts";
import type { WireMessage } from "./wire.ts";

/** A key with the message's own id: writing it again changes nothing but the time. */
const IN = "in:";
const OUT = "out:";

export type JournalStore = Pick<Journal, "journalPut">;

export async function putInbound(
  store: JournalStore,
  channel: ChannelId,
  message: { id: string; text: string; at: number },
): Promise<void> {
  await store.journalPut(channel, IN + message.id, { role: "user", text: message.text, at: message.at });
}

export function refOf(key: string): MessageRef {
  return OUT + key;
}

/** Whether it can be the handle of a message that was sent. They are never taken away. */
export function isOutbound(ref: MessageRef): boolean {
  return ref.startsWith(OUT);
}

export async function putOutbound(
  store: JournalStore,
  channel: ChannelId,
  ref: MessageRef,
  message: { text: string; at: number; growing: boolean },
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
  const at = typeof time === "number" ? time : 0;
  const id = inboundId({ key });
  if (id !== undefined) return { key, order, at, role: "user", id, text };
  const growing = valueAt(body, "growing") === true;
  return { key, order, at, role: "bot", html: renderer.html(growing ? heal(text) : text), growing };
}

function stringAt(body: Json, name: string): string {
  const value = valueAt(body, name);
  return typeof value === "string" ? value : "";
}

function valueAt(body: Json, name: string): Json | undefined {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return undefined;
  return (body as { readonly [key: string]: Json })[name];
}
