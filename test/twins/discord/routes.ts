/** The REST routes that the gateway uses, and what each does. */
import { isRecord, type Params } from "../telegram/params.ts";
import { validRows } from "./components.ts";
import * as errors from "./errors.ts";
import type { Gateway } from "./gateway.ts";
import type { Interactions } from "./interactions.ts";
import { namedIn, uploadsOf } from "./uploads.ts";
import { ChannelType, CONTENT_GRANTED, Intent, isThread, type Message } from "./wire.ts";
import type { Draft, Room, World } from "./world.ts";

export interface Twin {
  readonly world: World;
  readonly gateway: Gateway;
  readonly interactions: Interactions;
  readonly sessionsLeft: () => number;
}

export type Handler = (twin: Twin, params: Params) => unknown;

const MAX_CONTENT = 2000;
const COMMAND_NAME = /^[-_'\p{L}\p{N}]{1,32}$/u;

/** By method and path; what a ":name" stands for is among the parameters. */
export const ROUTES: Readonly<Record<string, Handler>> = {
  "GET /gateway/bot": ({ gateway, sessionsLeft }) => ({
    url: gateway.url,
    shards: 1,
    session_start_limit: { total: 1000, remaining: sessionsLeft(), reset_after: 86_400_000, max_concurrency: 1 },
  }),
  "GET /users/@me": ({ world }) => world.bot,
  "GET /applications/@me": ({ world }) => ({
    id: world.applicationId,
    name: world.bot.username,
    bot: world.bot,
    flags: world.contentGranted ? CONTENT_GRANTED : 0,
  }),
  "GET /applications/:application/commands": ({ world }, params) => {
    ownApplication(world, params);
    return world.commands;
  },
  "PUT /applications/:application/commands": ({ world }, params) => {
    ownApplication(world, params);
    world.commands = list(params.body).map((command) => toCommand(world, command));
    return world.commands;
  },
  "GET /channels/:channel": ({ world }, params) => world.room(text(params.channel)).channel,
  "GET /channels/:channel/messages": ({ world }, params) => history(world, params),
  "GET /channels/:channel/messages/:message": ({ world }, params) => {
    const room = world.room(text(params.channel));
    return world.seen(messageIn(room, params), world.contentGranted);
  },
  "POST /channels/:channel/messages": (twin, params) => post(twin, params),
  "PATCH /channels/:channel/messages/:message": ({ world, gateway }, params) => {
    const room = world.room(text(params.channel));
    const before = messageIn(room, params);
    if (before.author.id !== world.bot.id) throw errors.anothersMessage();
    if (room.barrier === "locked") throw errors.threadLocked();
    const { kept, uploads } = namedIn(params, uploadsOf(world, room, params), before.attachments);
    const content = contentOf(params, before, kept.length + uploads.length);
    const components = params.components === undefined ? before.components : validRows(params.components, "components");
    const attachments = [...kept, ...world.attach(room, uploads)];
    const message = world.revise(room, before.id, { content, components, attachments });
    announce(world, gateway, "MESSAGE_UPDATE", message);
    return world.signed(message);
  },
  "DELETE /channels/:channel/messages/:message": ({ world, gateway }, params) => {
    const room = world.room(text(params.channel));
    const { id } = messageIn(room, params);
    room.messages.delete(id);
    forget(gateway, room, [id]);
  },
  "POST /channels/:channel/typing": ({ world }, params) => {
    const room = world.room(text(params.channel));
    world.assertWritable(room);
    room.typings.push(world.clock.now());
  },
  "POST /users/@me/channels": ({ world }, params) => {
    const recipient = world.users.get(text(params.recipient_id));
    if (recipient === undefined) throw errors.invalidForm("recipient_id", "INVALID_USER", "Unknown user");
    const known = [...world.rooms.values()].find(
      ({ channel }) => channel.type === ChannelType.dm && channel.recipients?.some(({ id }) => id === recipient.id),
    );
    return (known ?? world.open({ type: ChannelType.dm, recipients: [recipient] })).channel;
  },
  "POST /interactions/:interaction/:token/callback": ({ interactions }, params) => {
    const data = isRecord(params.data) ? params.data : {};
    interactions.acknowledge(text(params.interaction), text(params.token), Number(params.type), data, (draft) =>
      written(draftOf(draft, "data.components")),
    );
  },
  "POST /webhooks/:application/:token": ({ interactions }, params) =>
    interactions.follow(text(params.token), written(draftOf(params))),
  "GET /webhooks/:application/:token/messages/@original": ({ interactions }, params) =>
    interactions.original(text(params.token)),
  "PATCH /webhooks/:application/:token/messages/@original": ({ interactions }, params) =>
    interactions.revise(text(params.token), written(draftOf(params))),
  "DELETE /webhooks/:application/:token/messages/@original": ({ interactions }, params) =>
    interactions.remove(text(params.token)),
};

/** Tells the sessions of a message, new or changed. */
export function announce(world: World, gateway: Gateway, type: string, message: Message, nonce?: string): void {
  const channel = world.rooms.get(message.channel_id)?.channel;
  const place =
    channel?.guild_id === undefined ? {} : { guild_id: channel.guild_id, member: { nick: null, roles: [] } };
  gateway.dispatch(type, intentOf(channel?.guild_id), (privileged) => ({
    ...world.seen(message, privileged),
    ...place,
    ...(nonce === undefined ? {} : { nonce }),
  }));
}

/** Tells the sessions that messages are no more. */
export function forget(gateway: Gateway, room: Room, ids: readonly string[]): void {
  const { id: channel_id, guild_id } = room.channel;
  const place = { channel_id, ...(guild_id === undefined ? {} : { guild_id }) };
  const data = ids.length === 1 ? { id: ids[0], ...place } : { ids, ...place };
  gateway.dispatch(ids.length === 1 ? "MESSAGE_DELETE" : "MESSAGE_DELETE_BULK", intentOf(guild_id), () => data);
}

function intentOf(guild: string | undefined): number {
  return guild === undefined ? Intent.directMessages : Intent.guildMessages;
}

/** Newest first. `after` gives those that follow it most closely. Without the right to read history: nothing at all. */
function history(world: World, params: Params): readonly Message[] {
  const room = world.room(text(params.channel));
  const limit = params.limit === undefined ? 50 : Number(params.limit);
  if (!(limit >= 1 && limit <= 100)) {
    throw errors.invalidForm("limit", "NUMBER_TYPE_MAX", "int value should be less than or equal to 100.");
  }
  for (const name of ["after", "before", "around"]) {
    const value = params[name];
    if (value !== undefined && !/^\d{1,20}$/.test(text(value))) {
      throw errors.invalidForm(name, "NUMBER_TYPE_COERCE", `Value "${text(value)}" is not snowflake.`);
    }
  }
  if (room.unreadable) return [];
  const all = [...room.messages.values()].sort((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1));
  const beyond = (name: string) => (params[name] === undefined ? undefined : BigInt(text(params[name])));
  const [after, before, around] = [beyond("after"), beyond("before"), beyond("around")];
  let found = all.slice(-limit);
  if (around !== undefined) {
    const middle = all.findIndex(({ id }) => BigInt(id) >= around);
    const start = Math.max(0, (middle < 0 ? all.length : middle) - Math.floor(limit / 2));
    found = all.slice(start, start + limit);
  } else if (before !== undefined) {
    found = all.filter(({ id }) => BigInt(id) < before).slice(-limit);
  } else if (after !== undefined) {
    found = all.filter(({ id }) => BigInt(id) > after).slice(0, limit);
  }
  return found.reverse().map((message) => world.seen(message, world.contentGranted));
}

function post({ world, gateway }: Twin, params: Params): unknown {
  const room = world.room(text(params.channel));
  if (room.channel.type === ChannelType.forum) throw errors.wrongChannelType();
  world.assertWritable(room);
  const { uploads } = namedIn(params, uploadsOf(world, room, params));
  const draft = written({ ...draftOf(params), files: uploads });
  const nonce = params.nonce === undefined ? undefined : text(params.nonce);
  if (nonce !== undefined && nonce.length > 25) {
    throw errors.invalidForm("nonce", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.");
  }
  if (nonce !== undefined && params.enforce_nonce === true) {
    const earlier = world.posted(nonce);
    if (earlier === null) throw errors.unknownMessage();
    if (earlier !== undefined) return { ...world.signed(earlier), nonce };
  }
  const reference = referenceOf(params, room);
  const message = world.keep(room, world.bot, reference === undefined ? draft : { ...draft, replyTo: reference });
  if (nonce !== undefined) {
    room.nonces.set(message.id, nonce);
    world.rememberNonce(nonce, message);
  }
  announce(world, gateway, "MESSAGE_CREATE", message, nonce);
  const shown = world.signed(message);
  return nonce === undefined ? shown : { ...shown, nonce };
}

/** The message to reply to, where there is to be one. */
function referenceOf({ message_reference: given }: Params, room: Room): string | undefined {
  if (!isRecord(given)) return undefined;
  const id = text(given.message_id);
  if (!/^\d{1,20}$/.test(id)) {
    const path = "message_reference.message_id";
    throw errors.invalidForm(path, "NUMBER_TYPE_COERCE", `Value "${id}" is not snowflake.`);
  }
  if (room.unreadable) throw errors.unrepliable();
  if (room.messages.has(id)) return id;
  if (given.fail_if_not_exists === false) return undefined;
  throw errors.invalidForm("message_reference", "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", "Unknown message");
}

/** Discord cuts blanks off the ends, and counts what is left. */
function draftOf(params: Params, at = "components"): Draft & { readonly flags: number } {
  const components = params.components === undefined ? {} : { components: validRows(params.components, at) };
  return { content: text(params.content).trim(), flags: Number(params.flags ?? 0), ...components };
}

function written<T extends Draft>(draft: T): T {
  if (draft.content.length > MAX_CONTENT) {
    throw errors.invalidForm("content", "BASE_TYPE_MAX_LENGTH", `Must be ${MAX_CONTENT} or fewer in length.`);
  }
  if (draft.content === "" && (draft.files ?? []).length === 0) throw errors.emptyMessage();
  return draft;
}

function contentOf(params: Params, before: Message, files: number): string {
  if (params.content === undefined) return before.content;
  const draft = draftOf(params);
  return draft.content === "" && files > 0 ? "" : written(draft).content;
}

function messageIn(room: Room, params: Params): Message {
  const message = room.messages.get(text(params.message));
  if (message === undefined) throw errors.unknownMessage();
  return message;
}

function ownApplication(world: World, params: Params): void {
  if (params.application !== world.applicationId) throw errors.missingAccess();
}

/** With what Discord adds to a command, as the list of them shows it. */
function toCommand(world: World, command: unknown): Record<string, unknown> {
  const given = isRecord(command) ? command : {};
  const name = text(given.name);
  const description = text(given.description);
  if (!COMMAND_NAME.test(name) || name !== name.toLowerCase()) {
    throw errors.invalidForm("name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid");
  }
  if (description === "" || description.length > 100) {
    throw errors.invalidForm("description", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.");
  }
  return {
    id: world.id(),
    application_id: world.applicationId,
    version: world.id(),
    default_member_permissions: null,
    type: 1,
    nsfw: false,
    dm_permission: true,
    contexts: null,
    integration_types: [0],
    ...given,
    name,
    description,
  };
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
}

export function threadsOf(world: World, guild: string): readonly Room[] {
  return [...world.rooms.values()].filter(({ channel }) => channel.guild_id === guild && isThread(channel));
}
