/**
 * Telegram's updates → events and presses. Pure. An update is whatever came over the network: every field is looked at before it
 * is used, and what does not fit is passed over with a reason, never thrown at.
 */
import type { Press } from "../../src/channel.ts";
import { channelId, type InboundEvent, type Sender } from "../../src/model.ts";
import { attachedTo } from "./attachments.ts";
import { type Fields, fields, integer, text } from "./fields.ts";

/** Who the bot is. */
export interface Identity {
  readonly id: number;
  readonly username: string;
}

/** `query`: a person waits to be told what came of a button. */
export type Parsed =
  | { readonly event: InboundEvent }
  | { readonly press: Press; readonly query: string }
  | { readonly ignored: string; readonly query?: string };

const COMMAND = /^\/[a-z0-9_]{1,64}(?:@([a-z0-9_]+))?(?=\s|$)/i;

/** `undefined` where there is none that an offset could be made of. */
export function updateId(update: unknown): number | undefined {
  const id = fields(update)?.update_id;
  return typeof id === "number" && Number.isSafeInteger(id) && id >= 0 ? id : undefined;
}

export function parseUpdate(update: unknown, name: string, me: Identity): Parsed {
  const whole = fields(update);
  if (whole === undefined) return { ignored: "malformed update" };
  if (whole.message !== undefined) return parseMessage(whole.message, name, me);
  if (whole.callback_query !== undefined) return parsePress(whole.callback_query, name);
  const kind = Object.keys(whole).find((key) => key !== "update_id");
  return { ignored: kind === undefined ? "empty update" : `update kind ${kind.slice(0, 40)}` };
}

function parseMessage(raw: unknown, name: string, me: Identity): Parsed {
  const message = fields(raw);
  const chat = fields(message?.chat);
  const id = integer(message?.message_id);
  const chatId = integer(chat?.id);
  if (message === undefined || chat === undefined || id === undefined || chatId === undefined) {
    return { ignored: "malformed message" };
  }
  if (message.is_automatic_forward === true) return { ignored: "forward from a linked channel" };
  const sender = senderOf(message, chatId, name);
  if (sender === undefined) return { ignored: "not from a person" };

  const attached = attachedTo(message);
  const said = saidIn(message);
  if (said === undefined && attached === undefined) return { ignored: "message without text" };
  const { text: written, mentioned } = withoutMention(said?.text ?? "", said?.entities, me);
  const text = [written, attached?.line ?? ""].filter((line) => line !== "").join("\n");
  if (text === "") return { ignored: "message without text" };
  const command = COMMAND.exec(text);
  const commandFor = command?.[1];
  if (commandFor !== undefined && commandFor.toLowerCase() !== me.username.toLowerCase()) {
    return { ignored: "command for another bot" };
  }

  const direct = chat.type === "private";
  const thread = threadOf(message);
  const reply = repliedTo(message, thread);
  const repliedSender = fields(reply?.from);
  const toBot = repliedSender?.id === me.id;
  const replied = integer(reply?.message_id);
  return {
    event: {
      channel: channelIn(name, chatId, thread),
      id: String(id),
      sender,
      text: commandFor === undefined ? text : text.replace(`@${commandFor}`, ""),
      sentAt: (integer(message.date) ?? 0) * 1000,
      addressed: direct || mentioned || toBot || command !== null,
      direct,
      ...(replied === undefined || repliedSender?.is_bot === true ? {} : { replyTo: String(replied) }),
      ...(replied === undefined || !toBot ? {} : { answers: String(replied) }),
      ...(attached === undefined ? {} : { files: [attached.file] }),
    },
  };
}

/**
 * Of a message that is old or deleted, Telegram tells no more than its chat and number, and a date of 0: it may have stood
 * in any topic of the chat.
 */
function parsePress(raw: unknown, name: string): Parsed {
  const press = fields(raw);
  const query = press?.id;
  if (press === undefined || typeof query !== "string" || query === "") return { ignored: "malformed callback query" };
  const person = fields(press.from);
  const sender = person === undefined || person.is_bot === true ? undefined : personIn(person, name);
  if (sender === undefined) return { ignored: "callback query not from a person", query };
  const { data } = press;
  if (typeof data !== "string" || data === "") return { ignored: "callback query without data", query };
  const message = fields(press.message);
  const chatId = integer(fields(message?.chat)?.id);
  // A message that was sent by way of a person's inline query is in no chat that the bot knows.
  if (message === undefined || chatId === undefined) return { ignored: "callback query without message", query };
  const inexact = message.date === 0 ? ({ inexact: true } as const) : {};
  return { press: { channel: channelIn(name, chatId, threadOf(message)), sender, data, ...inexact }, query };
}

/** The topic of a forum; a thread of replies is none. */
function threadOf(message: Fields): number | undefined {
  return message.is_topic_message === true ? integer(message.message_thread_id) : undefined;
}

function channelIn(name: string, chat: number, thread: number | undefined) {
  return channelId(name, thread === undefined ? `${chat}` : `${chat}/${thread}`);
}

/** An administrator who writes anonymously has the group itself as sender. */
function senderOf(message: Fields, chatId: number, name: string): Sender | undefined {
  const from = fields(message.from);
  if (from === undefined || integer(from.id) === undefined) return undefined;
  const behalf = fields(message.sender_chat);
  if (behalf !== undefined && integer(behalf.id) === chatId) {
    return { id: `${name}:${chatId}`, name: text(behalf.title) || "Anonymous administrator" };
  }
  return from.is_bot === true ? undefined : personIn(from, name);
}

function personIn(from: Fields, name: string): Sender | undefined {
  const id = integer(from.id);
  if (id === undefined) return undefined;
  const full = [text(from.first_name), text(from.last_name)].filter((part) => part !== "").join(" ");
  return { id: `${name}:${id}`, name: full || text(from.username) || String(id) };
}

function saidIn(message: Fields): { text: string; entities: unknown } | undefined {
  if (typeof message.text === "string") return { text: message.text, entities: message.entities };
  if (typeof message.caption === "string") return { text: message.caption, entities: message.caption_entities };
  return undefined;
}

/** In a topic, what replies to nothing replies to the notice that opened the topic. */
function repliedTo(message: Fields, thread: number | undefined): Fields | undefined {
  const reply = fields(message.reply_to_message);
  if (reply === undefined || reply.forum_topic_created !== undefined) return undefined;
  return thread !== undefined && reply.message_id === thread ? undefined : reply;
}

/** Entities count in UTF-16 units, as strings here do. Those that don't fit the text are no mentions. */
function withoutMention(said: string, entities: unknown, me: Identity): { text: string; mentioned: boolean } {
  const own: { from: number; to: number }[] = [];
  for (const raw of Array.isArray(entities) ? entities : []) {
    const entity = fields(raw);
    const from = integer(entity?.offset);
    const length = integer(entity?.length);
    if (entity === undefined || from === undefined || length === undefined || from < 0 || length < 1) continue;
    const to = Math.min(from + length, said.length);
    const isOwn =
      (entity.type === "mention" && said.slice(from, to).toLowerCase() === `@${me.username.toLowerCase()}`) ||
      (entity.type === "text_mention" && fields(entity.user)?.id === me.id);
    if (isOwn && from < said.length) own.push({ from, to });
  }
  own.sort((a, b) => a.from - b.from);
  let rest = "";
  let at = 0;
  for (const { from, to } of own) {
    rest += said.slice(at, Math.max(at, from));
    at = Math.max(at, to);
    // The space behind a mention goes with it, unless it is what keeps two words apart.
    if (rest === "" || /\s$/.test(rest)) while (/^\s$/.test(said.charAt(at))) at++;
  }
  return { text: (rest + said.slice(at)).trim(), mentioned: own.length > 0 };
}
