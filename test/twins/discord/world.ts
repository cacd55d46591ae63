/** What the server keeps: guilds, channels and their messages, and what has become of the bot's posts. */
import type { Clock } from "../../../src/model.ts";
import {
  type ApiError,
  closedToUser,
  missingAccess,
  missingPermissions,
  threadLocked,
  unknownChannel,
} from "./errors.ts";
import { Links } from "./links.ts";
import { type Attachment, type Channel, ChannelType, type Message, Snowflakes, type User } from "./wire.ts";

/** Why the bot can't write: it was removed, may not post, the person takes no messages, the thread was locked. */
export type Barrier = "removed" | "muted" | "closed" | "locked";

const REFUSALS: Record<Barrier, () => ApiError> = {
  removed: missingAccess,
  muted: missingPermissions,
  closed: closedToUser,
  locked: threadLocked,
};

export interface Guild {
  readonly id: string;
  readonly name: string;
  readonly ownerId: string;
  /** The role that Discord made for the bot when it was added. */
  readonly botRole: string;
}

/** One channel, thread or direct conversation. */
export interface Room {
  readonly channel: Channel;
  readonly messages: Map<string, Message>;
  /** What each message of the bot said, from its posting on. */
  readonly versions: Map<string, string[]>;
  readonly nonces: Map<string, string>;
  readonly typings: number[];
  barrier?: Barrier | undefined;
  /** The bot may not read what was said before: it sees an empty history. */
  unreadable?: boolean;
  /** The bot may not attach files. */
  fileless?: boolean;
}

export interface Draft {
  readonly content: string;
  readonly mentions?: readonly User[];
  readonly replyTo?: string;
  readonly type?: number;
  readonly flags?: number;
  readonly files?: readonly FileDraft[];
  readonly embeds?: readonly unknown[];
  readonly components?: readonly unknown[];
}

export interface FileDraft {
  readonly name: string;
  readonly type?: string;
  /** Default: as many bytes as there are. */
  readonly size?: number;
  /** One of these. */
  readonly text?: string;
  readonly bytes?: Uint8Array;
}

export class World {
  readonly clock: Clock;
  readonly bot: User;
  readonly applicationId: string;
  readonly guilds = new Map<string, Guild>();
  readonly rooms = new Map<string, Room>();
  readonly users = new Map<string, User>();
  /** Registered for all guilds and direct conversations. */
  commands: readonly Record<string, unknown>[] = [];
  contentGranted = true;
  /** Bytes of one file. */
  uploadLimit = 10 * 1024 * 1024;
  /** What is in each attachment, by its id. */
  readonly contents = new Map<string, Uint8Array>();
  readonly links: Links;
  readonly #snowflakes = new Snowflakes();
  readonly #nonceWindow: number;
  readonly #byNonce = new Map<string, { readonly channel: string; readonly id: string; readonly until: number }>();

  constructor(clock: Clock, bot: User, nonceWindow: number) {
    this.clock = clock;
    this.bot = bot;
    this.applicationId = bot.id;
    this.#nonceWindow = nonceWindow;
    this.links = new Links(clock);
    this.users.set(bot.id, bot);
  }

  id(): string {
    return this.#snowflakes.next(this.clock.now());
  }

  open(fields: Omit<Channel, "id" | "last_message_id"> & { readonly id?: string }): Room {
    const channel: Channel = { id: this.id(), ...fields, last_message_id: null };
    const room: Room = { channel, messages: new Map(), versions: new Map(), nonces: new Map(), typings: [] };
    this.rooms.set(channel.id, room);
    return room;
  }

  /** As the bot sees it: refuses as Discord does where there is none, or where the bot was removed. */
  room(id: string): Room {
    const room = this.rooms.get(id);
    if (room === undefined) throw unknownChannel();
    if (room.barrier === "removed") throw missingAccess();
    return room;
  }

  assertWritable(room: Room): void {
    const refusal = room.barrier === undefined ? undefined : REFUSALS[room.barrier];
    if (refusal !== undefined) throw refusal();
  }

  /** Puts a message into a room. */
  keep(room: Room, author: User, draft: Draft): Message {
    const { channel } = room;
    const replied = draft.replyTo === undefined ? undefined : (room.messages.get(draft.replyTo) ?? null);
    const id = this.id();
    const place = { channel_id: channel.id, ...(channel.guild_id === undefined ? {} : { guild_id: channel.guild_id }) };
    const message: Message = {
      id,
      channel_id: channel.id,
      author,
      content: draft.content,
      timestamp: new Date(this.clock.now()).toISOString().replace("Z", "000+00:00"),
      edited_timestamp: null,
      tts: false,
      mention_everyone: false,
      mentions: draft.mentions ?? [],
      mention_roles: [...draft.content.matchAll(/<@&(\d+)>/g)].map(([, role = ""]) => role),
      attachments: this.attach(room, draft.files ?? []),
      embeds: draft.embeds ?? [],
      components: draft.components ?? [],
      pinned: false,
      type: draft.type ?? (draft.replyTo === undefined ? 0 : 19),
      flags: draft.flags ?? 0,
      ...(draft.replyTo === undefined
        ? {}
        : { message_reference: { message_id: draft.replyTo, ...place }, referenced_message: bare(replied) }),
    };
    room.messages.set(id, message);
    channel.last_message_id = id;
    if (author.id === this.bot.id) room.versions.set(id, [message.content]);
    return message;
  }

  /** Takes files for a message. */
  attach({ channel }: Room, files: readonly FileDraft[]): Attachment[] {
    return files.map(({ name, type, text = "", bytes = Buffer.from(text), size = bytes.length }) => {
      const id = this.id();
      this.contents.set(id, bytes);
      // Discord makes names of letters, digits, dots, dashes and underscores.
      const filename = name.replace(/ +/g, "_");
      const path = `/attachments/${channel.id}/${id}/${filename}`;
      return {
        id,
        filename,
        size,
        url: path,
        proxy_url: `http://media.invalid${path}`,
        ...(type === undefined ? {} : { content_type: type }),
      };
    });
  }

  revise(
    room: Room,
    id: string,
    changes: Partial<Pick<Message, "content" | "embeds" | "components" | "mentions" | "attachments">>,
  ): Message {
    const before = room.messages.get(id);
    if (before === undefined) throw new Error(`channel ${room.channel.id} has no message ${id}`);
    const edited = new Date(this.clock.now()).toISOString().replace("Z", "000+00:00");
    const message = { ...before, ...changes, edited_timestamp: edited };
    room.messages.set(id, message);
    if (changes.content !== undefined) room.versions.get(id)?.push(changes.content);
    return message;
  }

  /** What was posted under this nonce lately: `undefined` where nothing was, null where it was deleted since. */
  posted(nonce: string): Message | null | undefined {
    const known = this.#byNonce.get(nonce);
    if (known === undefined || known.until <= this.clock.now()) return undefined;
    return this.rooms.get(known.channel)?.messages.get(known.id) ?? null;
  }

  rememberNonce(nonce: string, { channel_id: channel, id }: Message): void {
    this.#byNonce.set(nonce, { channel, id, until: this.clock.now() + this.#nonceWindow });
  }

  /**
   * What the bot gets to see of a message: without the privilege, content only of direct messages, of what mentions the
   * bot, and of its own.
   */
  seen(message: Message, privileged: boolean): Message {
    const direct = this.rooms.get(message.channel_id)?.channel.type === ChannelType.dm;
    const own = message.author.id === this.bot.id || message.mentions.some(({ id }) => id === this.bot.id);
    if (privileged || direct || own) return this.signed(message);
    return { ...message, content: "", attachments: [], embeds: [], components: [] };
  }

  /** With links as they are made each time that a message is shown. */
  signed(message: Message): Message {
    const attachments = message.attachments.map((file) => ({ ...file, url: this.links.sign(file.url) }));
    return { ...message, attachments };
  }

  /** What the CDN has at this path: the file of a message that still stands. */
  fileAt(path: string): { readonly bytes: Uint8Array; readonly type: string } | undefined {
    const room = this.rooms.get(path.split("/")[2] ?? "");
    const files = [...(room?.messages.values() ?? [])].flatMap(({ attachments }) => attachments);
    const file = files.find(({ url }) => url === path);
    const bytes = file === undefined ? undefined : this.contents.get(file.id);
    return bytes === undefined ? undefined : { bytes, type: file?.content_type ?? "application/octet-stream" };
  }
}

/** A message in a message: what it replies to itself is left out. */
function bare(message: Message | null | undefined): Message | null {
  if (message === null || message === undefined) return null;
  const { referenced_message: _replied, ...rest } = message;
  return rest;
}
