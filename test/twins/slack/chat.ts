/** A conversation in the hands of a test: people write in it, change and delete, and what the bot shows can be read. */
import type { Conversation, Message, Shown, Whisper } from "./conversation.ts";
import type { FileContent, Files } from "./files.ts";
import { type Interaction, type Interactions, type ShownElement, shownElements } from "./interactions.ts";
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
  readonly #interactions: Interactions;
  readonly #files: Files;

  constructor(workspace: Workspace, conversation: Conversation, interactions: Interactions, files: Files) {
    this.#workspace = workspace;
    this.#conversation = conversation;
    this.#interactions = interactions;
    this.#files = files;
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

  /** What this person says with files. */
  share(user: TwinUser, text: string, contents: readonly FileContent[], options: SayOptions = {}): Message {
    const ids = contents.map((content) => this.#files.add(user.id, content));
    for (const id of ids) this.#files.share(id);
    return this.say(user, text, {
      subtype: "file_share",
      files: ids.map((id) => this.#files.describe(id)),
      ...options,
    });
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
    const trigger = this.#interactions.trigger(user);
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

  /** What can be done below a message of the bot. */
  actions(ts: string): readonly ShownElement[] {
    return shownElements(this.#conversation.messages.get(ts));
  }

  /** A person uses the button of this label; throws where there is none. */
  click(user: TwinUser, ts: string, label: string): Interaction {
    return this.#interactions.use(user, this.#conversation, ts, label);
  }

  /** A person chooses the option with this value in the select of this label. */
  choose(user: TwinUser, ts: string, label: string, value: string): Interaction {
    return this.#interactions.use(user, this.#conversation, ts, label, value);
  }

  /** An interaction of any form below a message: `instead` stands in the payload in place of what belongs there. */
  act(user: TwinUser, ts: string, action: unknown, instead: Record<string, unknown> = {}): Interaction {
    const message = this.#conversation.messages.get(ts);
    if (message === undefined) throw new Error(`no message ${ts}`);
    return this.#interactions.act(user, this.#conversation, message, action, instead);
  }

  /** What the bot said to this person alone, oldest first. */
  whispers(user: TwinUser): readonly Whisper[] {
    return this.#conversation.whispers.filter((whisper) => whisper.user === user.id);
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
