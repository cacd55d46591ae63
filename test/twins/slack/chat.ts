/** A conversation in the hands of a test: people write in it, change and delete, and what the bot shows can be read. */
import type { Conversation, Message, Shown } from "./conversation.ts";
import type { TwinUser, Workspace } from "./workspace.ts";

export interface SayOptions {
  /** The `ts` of the message that began the thread. */
  readonly thread?: string;
  readonly subtype?: string;
  readonly files?: readonly unknown[];
  /** It happens, and the app is not told: only the history has it. */
  readonly silent?: boolean;
}

export class TwinChat {
  readonly #workspace: Workspace;
  readonly #conversation: Conversation;

  constructor(workspace: Workspace, conversation: Conversation) {
    this.#workspace = workspace;
    this.#conversation = conversation;
  }

  get id(): string {
    return this.#conversation.id;
  }

  /** What this person types; special characters are sent as Slack encodes them. */
  say(user: TwinUser, text: string, options: SayOptions = {}): Message {
    return this.sayRaw(user, escaped(text), options);
  }

  /** The same with a mention of the bot in front. */
  mention(user: TwinUser, text: string, options: SayOptions = {}): Message {
    return this.sayRaw(user, `<@${this.#workspace.parts.bot.userId}> ${escaped(text)}`, options);
  }

  /** In Slack's own encoding. */
  sayRaw(user: TwinUser, text: string, { silent = false, ...options }: SayOptions = {}): Message {
    return this.#conversation.post(user.id, { text, ...options }, silent);
  }

  edit(user: TwinUser, ts: string, text: string): Message {
    return this.#conversation.update(ts, user.id, { text: escaped(text) });
  }

  /** A person deletes a message, of the bot or their own. */
  remove(ts: string): void {
    this.#conversation.remove(ts);
  }

  /** A slash command. They can't be used in threads. Returns its `trigger_id`. */
  command(user: TwinUser, command: string, text: string): string {
    const { teamId, bot, tell } = this.#workspace.parts;
    const trigger = `${this.#workspace.ts()}.${this.#workspace.id("T")}`;
    const payload = {
      token: "verification-token",
      team_id: teamId,
      channel_id: this.id,
      channel_name: this.#conversation.kind === "im" ? "directmessage" : this.#conversation.name,
      user_id: user.id,
      user_name: user.name,
      command,
      text,
      api_app_id: bot.appId,
      trigger_id: trigger,
      response_url: "https://hooks.slack.invalid/commands/1",
    };
    tell({ type: "slash_commands", payload, about: this.id });
    return trigger;
  }

  /** A person opens the assistant: a thread that the bot's own message begins. Gives the thread's `ts`. */
  assistant(user: TwinUser): string {
    const { bot } = this.#workspace.parts;
    const { ts } = this.#conversation.post(bot.userId, {
      text: "New Assistant Thread",
      subtype: "assistant_app_thread",
    });
    const thread = { user_id: user.id, channel_id: this.id, thread_ts: ts, context: {} };
    this.#workspace.event({ type: "assistant_thread_started", assistant_thread: thread, event_ts: ts }, this.id);
    return ts;
  }

  kick(): void {
    this.#conversation.members.delete(this.#workspace.parts.bot.userId);
  }

  invite(): void {
    this.#conversation.members.add(this.#workspace.parts.bot.userId);
  }

  archive(): void {
    this.#conversation.archived = true;
  }

  /** The bot's messages that are visible now, oldest first: all of them, those of a thread, or (`null`) those of none. */
  messages(thread?: string | null): readonly Shown[] {
    const all = this.#conversation.shown();
    return thread === undefined ? all : all.filter((shown) => (shown.thread ?? null) === thread);
  }
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
