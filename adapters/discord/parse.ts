/**
 * Discord's messages and interactions → events. Pure. What comes over the network is looked at field by field; what does
 * not fit is passed over with a reason, never thrown at.
 */
import { type Amendment, type ChannelId, channelId, type InboundEvent, type Sender } from "../../src/model.ts";
import { filesIn, linesIn } from "./attachments.ts";
import { type Fields, fields, list, text } from "./fields.ts";
import { isSnowflake, timeOf } from "./snowflake.ts";

/** Who the bot is. */
export interface Identity {
  readonly id: string;
  /** The roles that Discord made for the bot, one in each server: people mention them and mean the bot. */
  readonly roles: ReadonlySet<string>;
}

export type Parsed = { readonly event: InboundEvent } | { readonly ignored: string };
export type Changed = { readonly changes: readonly Amendment[] } | { readonly ignored: string };
export type Called =
  | { readonly event: InboundEvent; readonly id: string; readonly token: string }
  | { readonly ignored: string };

export interface Invocation {
  readonly id: string;
  readonly token: string;
  readonly type: unknown;
  readonly channel: ChannelId;
  readonly sender: Sender;
  readonly direct: boolean;
  readonly data: Fields;
}

/** What people write: plain, and in reply to another message. */
const SAID = new Set([0, 19]);

/** `direct` where it comes from history, which does not say so itself. */
export function parseMessage(
  raw: unknown,
  name: string,
  me: Identity,
  direct = fields(raw)?.guild_id === undefined,
): Parsed {
  const message = fields(raw);
  const { id, channel_id: channel } = message ?? {};
  if (message === undefined || !isSnowflake(id) || !isSnowflake(channel)) return { ignored: "malformed message" };
  if (!SAID.has(typeof message.type === "number" ? message.type : 0)) return { ignored: "message of Discord's own" };
  const sender = senderOf(message, name);
  if (sender === undefined) return { ignored: "not from a person" };
  const { said, mentioned } = saidIn(message, me);
  if (said === "") return { ignored: "message without text" };

  const files = filesIn(message);
  const reference = fields(message.message_reference);
  // Type 1 is a forward: it answers nothing.
  const repliesTo = reference?.type === 1 ? undefined : reference?.message_id;
  const author = fields(fields(message.referenced_message)?.author);
  const toBot = isSnowflake(repliesTo) && author?.id === me.id;
  const toPerson = isSnowflake(repliesTo) && author !== undefined && author.bot !== true;
  return {
    event: {
      channel: channelId(name, channel),
      id,
      sender,
      text: said,
      sentAt: timeOf(id),
      addressed: direct || mentioned || toBot,
      direct,
      ...(toPerson ? { replyTo: repliesTo } : {}),
      ...(toBot ? { answers: repliesTo } : {}),
      ...(files.length > 0 ? { files } : {}),
    },
  };
}

/** Discord updates messages for its own sake too (link previews): only a person's edit has a time of editing. */
export function parseUpdate(raw: unknown, name: string, me: Identity): Changed {
  const message = fields(raw);
  if (message === undefined || typeof message.edited_timestamp !== "string") return { ignored: "no person's edit" };
  const parsed = parseMessage(raw, name, me);
  if ("ignored" in parsed) return parsed;
  const { channel, id, text } = parsed.event;
  return { changes: [{ channel, id, text }] };
}

/** One message, or many at once. */
export function parseDelete(raw: unknown, name: string): Changed {
  const gone = fields(raw);
  const channel = gone?.channel_id;
  const ids = [gone?.id, ...list(gone?.ids)].filter(isSnowflake);
  if (!isSnowflake(channel) || ids.length === 0) return { ignored: "malformed deletion" };
  return { changes: ids.map((id) => ({ channel: channelId(name, channel), id, text: null })) };
}

/** A slash command. Its words stand as a person would have typed them. */
export function parseInteraction(raw: unknown, name: string): Called {
  const invoked = invocationOf(raw, name);
  if (invoked === undefined) return { ignored: "malformed interaction" };
  const { id, token, type, channel, sender, direct, data } = invoked;
  if (type !== 2 || (data.type ?? 1) !== 1) {
    return { ignored: `interaction of type ${typeof type === "number" ? type : "unknown"}` };
  }
  const command = text(data.name);
  if (!/^[^\s/]{1,32}$/.test(command)) return { ignored: "malformed interaction" };
  const words = list(data.options).map((option) => {
    const value = fields(option)?.value;
    return typeof value === "string" || typeof value === "number" ? String(value) : "";
  });
  const said = [`/${command}`, ...words].join(" ").trim();
  return { event: { channel, id, sender, text: said, sentAt: timeOf(id), addressed: true, direct }, id, token };
}

/** What every interaction says: who did it, where, and how it is answered. */
export function invocationOf(raw: unknown, name: string): Invocation | undefined {
  const interaction = fields(raw);
  const { id, token, channel_id: channel, type } = interaction ?? {};
  if (interaction === undefined || !isSnowflake(id) || !isSnowflake(channel)) return undefined;
  if (typeof token !== "string" || !/^[\w.~-]+$/.test(token)) return undefined;
  const member = fields(interaction.member);
  const sender = personOf(fields(member?.user ?? interaction.user), member, name);
  if (sender === undefined) return undefined;
  const direct = interaction.guild_id === undefined;
  const data = fields(interaction.data) ?? {};
  return { id, token, type, channel: channelId(name, channel), sender, direct, data };
}

function senderOf(message: Fields, name: string): Sender | undefined {
  if (message.webhook_id !== undefined) return undefined;
  return personOf(fields(message.author), fields(message.member), name);
}

function personOf(user: Fields | undefined, member: Fields | undefined, name: string): Sender | undefined {
  const id = user?.id;
  if (user === undefined || !isSnowflake(id) || user.bot === true || user.system === true) return undefined;
  return { id: `${name}:${id}`, name: text(member?.nick) || text(user.global_name) || text(user.username) || id };
}

/** The bot's own mention goes; others read as names. Files are named below. */
function saidIn(message: Fields, me: Identity): { said: string; mentioned: boolean } {
  const names = new Map<string, string>();
  for (const entry of list(message.mentions)) {
    const user = fields(entry);
    if (isSnowflake(user?.id)) names.set(user.id, text(user.global_name) || text(user.username) || user.id);
  }
  let mentioned = false;
  const own = /(?<before>^|\s?)<@(?<kind>[!&]?)(?<id>\d{15,20})>(?<after>\s?)/g;
  const content = text(message.content).replace(
    own,
    (whole, before: string, kind: string, id: string, after: string) => {
      if (kind === "&" ? me.roles.has(id) : id === me.id) {
        mentioned = true;
        // One of the blanks around it stays, where it keeps two words apart.
        return before !== "" && after !== "" ? before : "";
      }
      const called = kind === "&" ? undefined : names.get(id);
      return called === undefined ? whole : `${before}@${called}${after}`;
    },
  );
  return { said: [content.trim(), ...linesIn(message)].filter((line) => line !== "").join("\n"), mentioned };
}
