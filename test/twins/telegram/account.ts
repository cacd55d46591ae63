/** The bot account behind the server: who it is, and the chats that it knows. */
import type { Chat, Message, Update, User, UserFromGetMe } from "grammy/types";
import type { Clock } from "../../../src/model.ts";
import { Callbacks } from "./callbacks.ts";
import { badRequest } from "./errors.ts";
import { Files } from "./files.ts";
import { type Params, text as textOf } from "./params.ts";
import type { UpdateQueue } from "./polling.ts";
import { type Barrier, Room } from "./room.ts";

export interface AccountOptions {
  readonly bot: User & { readonly username: string };
  readonly clock: Clock;
  readonly updates: UpdateQueue;
  readonly privacyMode: boolean;
  readonly changed: () => void;
}

export class Account {
  readonly bot: User & { readonly username: string };
  readonly clock: Clock;
  readonly updates: UpdateQueue;
  readonly changed: () => void;
  /** On: a group's messages reach the bot only where they are commands, replies to it, or mention it. */
  privacyMode: boolean;
  readonly callbacks = new Callbacks();
  readonly files = new Files();
  readonly #rooms = new Map<number, Room>();
  #lastMessageId = 0;

  constructor({ bot, clock, updates, privacyMode, changed }: AccountOptions) {
    this.bot = bot;
    this.clock = clock;
    this.updates = updates;
    this.privacyMode = privacyMode;
    this.changed = changed;
  }

  get me(): UserFromGetMe {
    return {
      ...this.bot,
      is_bot: true,
      can_join_groups: true,
      can_read_all_group_messages: !this.privacyMode,
      supports_inline_queries: false,
      can_connect_to_business: false,
      has_main_web_app: false,
      has_topics_enabled: false,
      allows_users_to_create_topics: false,
    } as UserFromGetMe;
  }

  /** The room of this chat, made on first use. */
  open(chat: Chat): Room {
    const known = this.#rooms.get(chat.id);
    if (known !== undefined) return known;
    // In a forum, 1 is the general topic.
    let last = "is_forum" in chat ? 1 : 0;
    const ownCounter = chat.type === "supergroup" || chat.type === "channel";
    const room = new Room(chat, {
      bot: this.bot,
      now: () => this.clock.now(),
      nextMessageId: () => (ownCounter ? ++last : ++this.#lastMessageId),
    });
    this.#rooms.set(chat.id, room);
    return room;
  }

  room(id: number): Room | undefined {
    return this.#rooms.get(id);
  }

  get rooms(): readonly Room[] {
    return [...this.#rooms.values()];
  }

  /** The chat that a call names; refuses as Telegram does where there is none, or where the bot can't write. */
  target(params: Params): Room {
    const id = textOf(params, "chat_id");
    if (id === "") throw badRequest("chat_id is empty");
    const room = this.#rooms.get(Number(id));
    if (room === undefined) throw badRequest("chat not found");
    room.assertWritable();
    return room;
  }

  /** Queues the update of a message where the bot gets to see it. */
  deliver(kind: "message" | "edited_message" | "channel_post", message: Message): void {
    if (this.#sees(message)) this.updates.add(kind, message);
    this.changed();
  }

  /** Puts up or takes away a barrier, and tells the bot by a `my_chat_member` update. */
  bar(room: Room, by: User, barrier: Barrier | undefined): void {
    const status = (of: Barrier | undefined) =>
      of === undefined ? "member" : of === "left" ? ("left" as const) : ("kicked" as const);
    const member = (of: Barrier | undefined) => ({
      user: this.bot,
      status: status(of),
      ...(status(of) === "kicked" ? { until_date: 0 } : {}),
    });
    const change: object = {
      chat: room.chat,
      from: by,
      date: Math.floor(this.clock.now() / 1000),
      old_chat_member: member(room.barrier),
      new_chat_member: member(barrier),
    };
    room.barrier = barrier;
    this.updates.add("my_chat_member" satisfies keyof Update, change);
    this.changed();
  }

  #sees(message: Message): boolean {
    const room = this.#rooms.get(message.chat.id);
    if (room?.barrier !== undefined) return false;
    if (!this.privacyMode || message.chat.type === "private" || message.chat.type === "channel") return true;
    const text = message.text ?? message.caption;
    if (message.reply_to_message?.from?.id === this.bot.id && !isTopicNotice(message)) return true;
    // Service messages reach every bot.
    if (text === undefined) return !isMedia(message);
    return (message.entities ?? message.caption_entities ?? []).some((entity) => {
      const part = text.slice(entity.offset, entity.offset + entity.length).toLowerCase();
      const own = `@${this.bot.username.toLowerCase()}`;
      if (entity.type === "text_mention") return entity.user.id === this.bot.id;
      if (entity.type === "mention") return part === own;
      return entity.type === "bot_command" && (!part.includes("@") || part.endsWith(own));
    });
  }
}

function isTopicNotice({ reply_to_message: replied }: Message): boolean {
  return replied !== undefined && "forum_topic_created" in replied;
}

function isMedia(message: Message): boolean {
  const kinds = ["photo", "sticker", "document", "voice", "audio", "video", "video_note", "animation", "location"];
  return kinds.some((kind) => kind in message);
}
