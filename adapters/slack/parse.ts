/**
 * Slack's payloads → events. Pure. A payload is whatever came over the network: every field is looked at before it is
 * used, and what does not fit is passed over with a reason, never thrown at.
 */
import { type Amendment, type ChannelId, channelId, type InboundEvent } from "../../src/model.ts";
import { attachmentsOf, fileLines } from "./attachments.ts";
import { type Fields, fields, list, text } from "./fields.ts";
import { decode } from "./text.ts";

/** Who the bot is. */
export interface Identity {
  readonly team: string;
  readonly user: string;
}

export interface Context {
  /** The adapter's name. */
  readonly name: string;
  readonly me: Identity;
  readonly sessionPer: "thread" | "channel";
  readonly nameOf: (user: string) => string;
}

export type Parsed =
  | { readonly event: InboundEvent }
  | { readonly amendment: Amendment }
  | { readonly ignored: string };

/** Seconds with six decimals: what Slack tells a conversation's messages by. */
const TS = /^\d{1,12}\.\d{6}$/;

/** Messages that a person wrote; the others tell what happened. */
const SAID: ReadonlySet<string | undefined> = new Set([undefined, "file_share", "thread_broadcast", "me_message"]);

export function isTs(value: unknown): value is string {
  return typeof value === "string" && TS.test(value);
}

function timeOf(ts: string): number {
  return Math.floor(Number(ts) * 1000);
}

/** The body of the Events API. */
export function parseCallback(body: unknown, context: Context): Parsed {
  const whole = fields(body);
  const event = fields(whole?.event);
  if (whole === undefined || event === undefined) return { ignored: "malformed event" };
  if (!isForTeam(whole, context.me.team)) return { ignored: "event of another workspace" };
  const kind = text(event.type) ?? "nameless";
  if (kind !== "message" && kind !== "app_mention") return { ignored: `event ${kind.slice(0, 40)}` };
  const channel = text(event.channel);
  if (channel === undefined) return { ignored: "malformed message" };
  const direct = event.channel_type === "im" || channel.startsWith("D");
  if (event.subtype === "message_changed") return parseChange(event, channel, direct, context);
  if (event.subtype === "message_deleted") return parseDeletion(event, channel, direct, context);
  return parseMessage(event, channel, direct, context);
}

/** A message, from an event or from the history. A mention comes as two events with one `ts`: that is its id. */
export function parseMessage(message: Fields, channel: string, direct: boolean, context: Context): Parsed {
  const { ts } = message;
  const user = text(message.user);
  if (!isTs(ts)) return { ignored: "malformed message" };
  const subtype = message.subtype;
  if (subtype !== undefined && !(typeof subtype === "string" && SAID.has(subtype))) {
    return { ignored: `message ${String(subtype).slice(0, 40)}` };
  }
  if (user === undefined || user === context.me.user || message.bot_id !== undefined) {
    return { ignored: "not from a person" };
  }
  const said = saidIn(message, context);
  if (said.text === "") return { ignored: "message without text" };
  const files = attachmentsOf(message);
  const thread = threadOf(message);
  const addressed = direct || said.mentioned;
  return {
    event: {
      channel: placeOf(channel, direct, ts, thread, context),
      id: ts,
      sender: { id: `${context.name}:${user}`, name: context.nameOf(user) },
      text: said.text,
      sentAt: timeOf(ts),
      addressed,
      direct,
      ...(thread !== undefined && !addressed ? { follows: true as const } : {}),
      ...(files.length === 0 ? {} : { files }),
    },
  };
}

/**
 * A slash command. `/switchboard <text>` says what `<text>` says: a command where it begins with the name of one, else a
 * message. Any other command of the app stands for the one of the same name, `/switchboard-stop` for `/stop`.
 */
export function parseCommand(body: unknown, context: Context, commands: ReadonlySet<string>, now: number): Parsed {
  const whole = fields(body);
  const [channel, user, id] = [text(whole?.channel_id), text(whole?.user_id), text(whole?.trigger_id)];
  const command = text(whole?.command);
  if (whole === undefined || channel === undefined || user === undefined || id === undefined || command === undefined) {
    return { ignored: "malformed slash command" };
  }
  if (!isForTeam(whole, context.me.team)) return { ignored: "event of another workspace" };
  const args = decode(text(whole.text) ?? "", context.me.user, context.nameOf).text;
  const direct = channel.startsWith("D");
  return {
    event: {
      channel: channelId(context.name, `${context.me.team}/${channel}`),
      id,
      sender: { id: `${context.name}:${user}`, name: context.nameOf(user) },
      text: commandText(command, args, commands),
      sentAt: now,
      addressed: true,
      direct,
    },
  };
}

function commandText(command: string, args: string, commands: ReadonlySet<string>): string {
  const own = command.replace(/^\/+/, "").toLowerCase();
  if (own !== "switchboard") return `/${own.replace(/^switchboard[-_]/, "")} ${args}`.trim();
  if (args === "") return "/help";
  const [first = ""] = args.replace(/^\//, "").split(/\s/, 1);
  return commands.has(first.toLowerCase()) ? `/${args.replace(/^\//, "")}` : args;
}

function parseChange(event: Fields, channel: string, direct: boolean, context: Context): Parsed {
  const message = fields(event.message);
  if (message === undefined || !isTs(message.ts)) return { ignored: "malformed message" };
  // A deleted message with replies below it stays as a stone.
  if (message.subtype === "tombstone") return amended(message, message.ts, null, channel, direct, context);
  if (isOwn(message, context)) return { ignored: "not from a person" };
  // A link's preview changes a message too.
  if (fields(event.previous_message)?.text === message.text) return { ignored: "message that says the same" };
  const said = saidIn(message, context);
  if (said.text === "") return { ignored: "message without text" };
  return amended(message, message.ts, said.text, channel, direct, context);
}

function parseDeletion(event: Fields, channel: string, direct: boolean, context: Context): Parsed {
  const before = fields(event.previous_message) ?? {};
  const ts = event.deleted_ts ?? before.ts;
  if (!isTs(ts)) return { ignored: "malformed message" };
  if (isOwn(before, context)) return { ignored: "not from a person" };
  return amended(before, ts, null, channel, direct, context);
}

function amended(
  message: Fields,
  ts: string,
  to: string | null,
  channel: string,
  direct: boolean,
  context: Context,
): Parsed {
  return {
    amendment: { channel: placeOf(channel, direct, ts, threadOf({ ...message, ts }), context), id: ts, text: to },
  };
}

function isOwn(message: Fields, { me }: Context): boolean {
  return message.user === me.user || message.bot_id !== undefined;
}

/** Where the answer belongs: a thread, or the conversation as a whole. */
function placeOf(
  channel: string,
  direct: boolean,
  ts: string,
  thread: string | undefined,
  { name, me, sessionPer }: Context,
): ChannelId {
  const whole = direct || sessionPer === "channel";
  const of = thread ?? (whole ? undefined : ts);
  return channelId(name, of === undefined ? `${me.team}/${channel}` : `${me.team}/${channel}/${of}`);
}

/** The message that began a thread names itself as soon as there are replies. */
export function threadOf({ ts, thread_ts: thread }: Fields): string | undefined {
  return isTs(thread) && thread !== ts ? thread : undefined;
}

function saidIn(message: Fields, { me, nameOf }: Context): { text: string; mentioned: boolean } {
  const said = decode(text(message.text) ?? "", me.user, nameOf);
  const lines = [...(said.text === "" ? [] : [said.text]), ...fileLines(message)];
  return { text: lines.join("\n"), mentioned: said.mentioned };
}

/** An app that several workspaces have installed gets the events of all of them. */
function isForTeam(body: Fields, team: string): boolean {
  const named = [body.team_id, ...list(body.authorizations).map((each) => fields(each)?.team_id)];
  const teams = named.filter((id) => typeof id === "string");
  return teams.length === 0 || teams.includes(team);
}
