/** A chat in the hands of a test: people write in it, press buttons, leave; and what the bot shows can be read. */
import type { Chat, Message, MessageEntity, User } from "grammy/types";
import type { Account } from "./account.ts";
import { findEntities } from "./entities.ts";
import type { FileDraft } from "./files.ts";
import { dataBehind } from "./keyboard.ts";
import type { Posted, Room, ShownAction } from "./room.ts";

export interface SayOptions {
  /** The message to reply to. */
  readonly replyTo?: number;
  /** Default: what Telegram finds in the text (mentions, commands, links, hashtags). */
  readonly entities?: readonly MessageEntity[];
  /** The forum topic. */
  readonly threadId?: number;
}

export class TwinChat {
  readonly #account: Account;
  readonly #room: Room;

  constructor(account: Account, room: Room) {
    this.#account = account;
    this.#room = room;
  }

  get id(): number {
    return this.#room.chat.id;
  }

  get type(): Chat["type"] {
    return this.#room.chat.type;
  }

  /** What this person writes; the update is queued where the bot gets to see it. */
  say(user: User, text: string, { entities = findEntities(text), ...options }: SayOptions = {}): Message {
    return this.post(user, { text, ...(entities.length === 0 ? {} : { entities: [...entities] }) }, options);
  }

  /** This person sends a file. */
  send(user: User, file: FileDraft, options: Omit<SayOptions, "entities"> = {}): Message {
    return this.post(user, this.#account.files.take(file), options);
  }

  /** Any other message of a person: an odd one, a service message. */
  post(user: User, content: Partial<Message>, options: Omit<SayOptions, "entities"> = {}): Message {
    const message = this.#room.receive(user, content, options);
    this.#account.deliver(this.type === "channel" ? "channel_post" : "message", message);
    return message;
  }

  /** A person changes what they wrote. */
  edit(messageId: number, text: string): Message {
    const before = this.#room.messages.get(messageId);
    if (before === undefined) throw new Error(`chat ${this.id} has no message ${messageId}`);
    const { entities: _entities, ...rest } = before;
    const entities = findEntities(text);
    const message = {
      ...rest,
      text,
      edit_date: Math.floor(this.#account.clock.now() / 1000),
      ...(entities.length === 0 ? {} : { entities }),
    } as Message;
    this.#room.messages.set(messageId, message);
    this.#account.deliver("edited_message", message);
    return message;
  }

  /** A person presses the button with this label, as it is shown now. Returns the query's id: see `TelegramTwin.told`. */
  press(user: User, messageId: number, label: string): string {
    const message = this.#room.messages.get(messageId);
    return this.click(user, messageId, dataBehind(message?.reply_markup, label));
  }

  /**
   * The same with any data, as a forged client can, below any message: one that is gone comes as Telegram tells of it,
   * without its content.
   */
  click(user: User, messageId: number, data: string): string {
    const id = this.#account.callbacks.open();
    const message = this.#room.messages.get(messageId) ?? { chat: this.#room.chat, message_id: messageId, date: 0 };
    this.#account.updates.add("callback_query", { id, from: user, message, chat_instance: String(this.id), data });
    this.#account.changed();
    return id;
  }

  /** A person forwards a message into another chat, buttons and all. */
  forward(user: User, messageId: number, to: TwinChat): Message {
    const message = this.#room.messages.get(messageId);
    if (message?.text === undefined) throw new Error(`chat ${this.id} has no text ${messageId}`);
    const { text, date, from, reply_markup } = message;
    return to.post(user, {
      text,
      ...(from === undefined ? {} : { forward_origin: { type: "user", date, sender_user: from } }),
      ...(reply_markup === undefined ? {} : { reply_markup }),
    });
  }

  /** Opens a forum topic and returns its thread id. */
  topic(user: User, name: string): number {
    const notice = this.#room.receive(user, {
      forum_topic_created: { name, icon_color: 7_322_096 },
    } as Partial<Message>);
    Object.assign(notice, { message_thread_id: notice.message_id, is_topic_message: true });
    this.#room.topics.set(notice.message_id, notice);
    this.#account.deliver("message", notice);
    return notice.message_id;
  }

  /** A person deletes a message, of the bot or their own. Bots are not told. */
  remove(messageId: number): void {
    this.#room.remove(messageId);
    this.#account.changed();
  }

  /** Removes the bot from a group. */
  kick(by: User): void {
    this.#account.bar(this.#room, by, "kicked");
  }

  /** Lets the bot in again. */
  admit(by: User): void {
    this.#account.bar(this.#room, by, undefined);
  }

  /** A group becomes a supergroup with another id: both say so, and the old one refuses what is sent to it. */
  migrate(by: User): TwinChat {
    const to = -1_000_000_000_000 + this.id;
    const { chat } = this.#room;
    const title = chat.title ?? "";
    const next = this.#account.open({ id: to, type: "supergroup", title } as Chat);
    this.#account.deliver("message", this.#room.receive(by, { migrate_to_chat_id: to }));
    this.#room.barrier = { migratedTo: to };
    this.#account.deliver("message", next.receive(this.#account.bot, { migrate_from_chat_id: this.id }));
    return new TwinChat(this.#account, next);
  }

  /** The bot's messages that are visible now, oldest first. */
  messages(): readonly Posted[] {
    return this.#room.posted;
  }

  /** Typing and the like, as sent. */
  actions(): readonly ShownAction[] {
    return this.#room.actions;
  }
}
