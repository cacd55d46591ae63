/** One chat as the server keeps it: its messages, its topics, and what the bot may do there. */
import type { Chat, Message, MessageEntity, User } from "grammy/types";
import { type ApiError, badRequest, forbidden, migrated } from "./errors.ts";
import type { FormattedText } from "./html.ts";

export interface Version extends FormattedText {
  /** Milliseconds. */
  readonly at: number;
  readonly replyMarkup?: unknown;
}

/** A message of the bot, as people see it now. */
export interface Posted {
  readonly id: number;
  readonly chatId: number;
  readonly text: string;
  readonly entities: readonly MessageEntity[];
  readonly replyMarkup?: unknown;
  readonly threadId?: number;
  readonly replyTo?: number;
  /** What it said from the first posting on; the last is what it says now. */
  readonly versions: readonly Version[];
}

export interface ShownAction {
  readonly action: string;
  readonly threadId?: number;
  readonly at: number;
}

/** Why the bot can't write: the user blocked it, it was removed, it never was a member, or the group moved. */
export type Barrier = "blocked" | "kicked" | "left" | { readonly migratedTo: number };

export interface RoomContext {
  readonly bot: User;
  readonly now: () => number;
  /** Private chats and basic groups of one account share a counter; a supergroup has its own. */
  readonly nextMessageId: () => number;
}

export interface PostOptions {
  readonly threadId?: number;
  readonly replyTo?: number;
  readonly replyMarkup?: unknown;
}

export class Room {
  readonly chat: Chat;
  readonly messages = new Map<number, Message>();
  readonly topics = new Map<number, Message>();
  readonly actions: ShownAction[] = [];
  barrier: Barrier | undefined;
  readonly #context: RoomContext;
  readonly #posted = new Map<number, Posted>();

  constructor(chat: Chat, context: RoomContext) {
    this.chat = chat;
    this.#context = context;
  }

  get posted(): readonly Posted[] {
    return [...this.#posted.values()];
  }

  /** Throws what Telegram answers where the bot can't write here. */
  assertWritable(): void {
    const refusal = this.#refusal();
    if (refusal !== undefined) throw refusal;
  }

  /** Makes a message of a person (or a service message) with the next id. */
  receive(from: User, content: Partial<Message>, options: PostOptions = {}): Message {
    return this.#keep({ ...this.#head(from, options), ...content } as Message);
  }

  post(content: FormattedText, options: PostOptions): Message {
    const message = this.#keep({ ...this.#head(this.#context.bot, options), ...wireText(content, options) } as Message);
    const { replyMarkup } = options;
    const version = { ...content, at: this.#context.now(), ...(replyMarkup === undefined ? {} : { replyMarkup }) };
    this.#posted.set(message.message_id, {
      id: message.message_id,
      chatId: this.chat.id,
      ...content,
      ...(replyMarkup === undefined ? {} : { replyMarkup }),
      ...(options.threadId === undefined ? {} : { threadId: options.threadId }),
      ...(options.replyTo === undefined ? {} : { replyTo: options.replyTo }),
      versions: [version],
    });
    return message;
  }

  /** Changes a message of the bot. An edit without buttons takes them away. */
  revise(id: number, content: FormattedText, replyMarkup: unknown): Message {
    const before = this.messages.get(id);
    if (before === undefined) throw badRequest("message to edit not found");
    const posted = this.#posted.get(id);
    if (posted === undefined) throw badRequest("message can't be edited");
    if (sameContent(posted, content, replyMarkup)) {
      throw badRequest(
        "message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message",
      );
    }
    const { text: _text, entities: _entities, reply_markup: _markup, ...rest } = before;
    const at = this.#context.now();
    const message = {
      ...rest,
      edit_date: Math.floor(at / 1000),
      ...wireText(content, { replyMarkup }),
    } as Message;
    this.messages.set(id, message);
    const { replyMarkup: _before, ...kept } = posted;
    const marked = { ...content, ...(replyMarkup === undefined ? {} : { replyMarkup }) };
    this.#posted.set(id, { ...kept, ...marked, versions: [...posted.versions, { ...marked, at }] });
    return message;
  }

  /** Whether there was such a message. */
  remove(id: number): boolean {
    this.#posted.delete(id);
    return this.messages.delete(id);
  }

  #keep(message: Message): Message {
    this.messages.set(message.message_id, message);
    return message;
  }

  #head(from: User, { threadId, replyTo }: PostOptions): object {
    const topic = threadId === undefined ? undefined : this.topics.get(threadId);
    const replied = (replyTo === undefined ? undefined : this.messages.get(replyTo)) ?? topic;
    return {
      message_id: this.#context.nextMessageId(),
      from,
      chat: this.chat,
      date: Math.floor(this.#context.now() / 1000),
      ...(topic === undefined ? {} : { message_thread_id: threadId, is_topic_message: true }),
      // In a topic, a message that replies to nothing replies to the notice that opened the topic.
      ...(replied === undefined ? {} : { reply_to_message: withoutReply(replied) }),
    };
  }

  #refusal(): ApiError | undefined {
    const kind = this.chat.type === "group" ? "group chat" : `${this.chat.type} chat`;
    switch (this.barrier) {
      case undefined:
        return undefined;
      case "blocked":
        return forbidden("bot was blocked by the user");
      case "kicked":
        return forbidden(`bot was kicked from the ${kind}`);
      case "left":
        return forbidden(`bot is not a member of the ${kind}`);
      default:
        return migrated(this.barrier.migratedTo);
    }
  }
}

function withoutReply({ reply_to_message: _reply, ...message }: Message): object {
  return message;
}

function wireText({ text, entities }: FormattedText, { replyMarkup }: PostOptions): object {
  return {
    text,
    ...(entities.length === 0 ? {} : { entities }),
    ...(replyMarkup === undefined ? {} : { reply_markup: replyMarkup }),
  };
}

function sameContent(posted: Posted, { text, entities }: FormattedText, replyMarkup: unknown): boolean {
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
  const canonical = (list: readonly MessageEntity[]) => list.map((entity) => Object.entries(entity).sort());
  return (
    posted.text === text &&
    same(canonical(posted.entities), canonical(entities)) &&
    same(posted.replyMarkup, replyMarkup)
  );
}
