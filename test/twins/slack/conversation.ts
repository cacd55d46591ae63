/** One channel, private channel, DM or group DM: its messages, and the events that they give rise to. */
import { ApiError } from "./errors.ts";
import { textOf, withoutMarks } from "./shown.ts";
import type { Workspace } from "./workspace.ts";

export type ConversationKind = "channel" | "group" | "im" | "mpim";

/** As it goes over the wire. */
export interface Message {
  readonly type: "message";
  readonly ts: string;
  readonly user: string;
  text: string;
  readonly bot_id?: string;
  readonly app_id?: string;
  readonly subtype?: string;
  readonly thread_ts?: string;
  readonly reply_count?: number;
  readonly files?: readonly unknown[];
  blocks?: readonly unknown[];
  metadata?: unknown;
  edited?: { readonly user: string; readonly ts: string };
}

export interface Content {
  readonly text: string;
  readonly blocks?: readonly unknown[];
  readonly metadata?: unknown;
  readonly thread?: string;
  readonly subtype?: string;
  readonly files?: readonly unknown[];
}

/** A message of the bot, as people see it now. */
export interface Shown {
  readonly ts: string;
  readonly text: string;
  readonly thread?: string;
  /** As Slack keeps it, with its metadata. */
  readonly message: Message;
}

/** What the app said to one person alone. */
export interface Whisper {
  readonly ts: string;
  readonly user: string;
  /** As it is shown. */
  readonly text: string;
  readonly thread?: string;
}

export class Conversation {
  readonly id: string;
  readonly kind: ConversationKind;
  readonly name: string;
  readonly members: Set<string>;
  readonly messages = new Map<string, Message>();
  /** What one person alone sees, until they load it anew: there is no history of it. */
  readonly whispers: Whisper[] = [];
  archived = false;
  readonly #workspace: Workspace;

  constructor(workspace: Workspace, id: string, kind: ConversationKind, name: string, members: Set<string>) {
    this.#workspace = workspace;
    this.id = id;
    this.kind = kind;
    this.name = name;
    this.members = members;
  }

  get hasBot(): boolean {
    return this.members.has(this.#workspace.parts.bot.userId);
  }

  /** Throws what Slack answers where the bot can't write here. */
  assertWritable(): void {
    if (this.archived) throw new ApiError("is_archived");
    if (!this.hasBot) throw new ApiError("not_in_channel");
  }

  /** Whoever wrote it: the bot hears of its own messages too. */
  post(user: string, { thread, files, subtype, ...content }: Content, silent = false): Message {
    const { bot } = this.#workspace.parts;
    const ts = this.#workspace.ts();
    const message: Message = {
      type: "message",
      ts,
      user,
      text: content.text,
      ...(user === bot.userId ? { bot_id: bot.botId, app_id: bot.appId } : {}),
      ...(content.blocks === undefined ? {} : { blocks: content.blocks }),
      ...(content.metadata === undefined ? {} : { metadata: content.metadata }),
      ...(thread === undefined ? {} : { thread_ts: thread }),
      ...(subtype === undefined ? {} : { subtype }),
      ...(files === undefined ? {} : { files }),
    };
    this.messages.set(ts, message);
    if (!silent) this.tell(message);
    this.#workspace.parts.changed();
    return message;
  }

  whisper(user: string, { text, blocks, thread }: Content): Whisper {
    const shown = blocks === undefined ? withoutMarks(text) : textOf({ text, blocks });
    const ts = this.#workspace.ts();
    const whisper: Whisper = { ts, user, text: shown, ...(thread === undefined ? {} : { thread }) };
    this.whispers.push(whisper);
    this.#workspace.parts.changed();
    return whisper;
  }

  /** A mention in a channel comes twice: as `message` and as `app_mention`, with one `ts`. */
  tell(message: Message): void {
    const { bot, teamId } = this.#workspace.parts;
    if (!this.hasBot) return;
    const { metadata: _, ...visible } = message;
    const event = { ...visible, team: teamId, channel: this.id, event_ts: message.ts };
    this.#workspace.event({ ...event, channel_type: this.kind }, this.id);
    const mentioned = message.user !== bot.userId && message.text.includes(`<@${bot.userId}>`);
    if (mentioned && this.kind !== "im") this.#workspace.event({ ...event, type: "app_mention" }, this.id);
  }

  update(ts: string, by: string, change: Partial<Pick<Message, "text" | "blocks" | "metadata">>): Message {
    const before = this.messages.get(ts);
    if (before === undefined) throw new ApiError("message_not_found");
    if (before.user !== by) throw new ApiError("cant_update_message");
    const after: Message = { ...before, ...change, edited: { user: by, ts: this.#workspace.ts() } };
    this.messages.set(ts, after);
    this.#changed({ subtype: "message_changed", message: after, previous_message: before });
    return after;
  }

  remove(ts: string): void {
    const before = this.messages.get(ts);
    if (before === undefined) throw new ApiError("message_not_found");
    this.messages.delete(ts);
    this.#changed({ subtype: "message_deleted", deleted_ts: ts, previous_message: before });
  }

  /** Top-level messages, as `conversations.history` has them. Oldest first. */
  topLevel(): Message[] {
    const all = [...this.messages.values()];
    return all
      .filter(({ thread_ts: thread, subtype }) => thread === undefined || subtype === "thread_broadcast")
      .map((message) => {
        const replies = all.filter(({ thread_ts: thread }) => thread === message.ts);
        return replies.length === 0 ? message : { ...message, thread_ts: message.ts, reply_count: replies.length };
      });
  }

  /** The message that began the thread, if it is still there, and what was replied. */
  thread(ts: string): Message[] {
    const all = [...this.messages.values()].filter((message) => message.ts === ts || message.thread_ts === ts);
    if (all.length === 0) throw new ApiError("thread_not_found");
    return all;
  }

  shown(): Shown[] {
    const { bot } = this.#workspace.parts;
    return [...this.messages.values()]
      .filter(({ user }) => user === bot.userId)
      .map((message) => ({
        ts: message.ts,
        text: textOf(message),
        ...(message.thread_ts === undefined ? {} : { thread: message.thread_ts }),
        message,
      }));
  }

  #changed(event: Record<string, unknown>): void {
    const ts = this.#workspace.ts();
    if (this.hasBot) {
      this.#workspace.event(
        { type: "message", ...event, channel: this.id, hidden: true, channel_type: this.kind, ts, event_ts: ts },
        this.id,
      );
    }
    this.#workspace.parts.changed();
  }
}
