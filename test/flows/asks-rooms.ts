/** Conversations of several people with the bot, as far as asks need them: what is shown, and who presses what. */
import type { DiscordTwin } from "../twins/discord/index.ts";
import type { SlackTwin } from "../twins/slack/index.ts";
import type { TelegramTwin } from "../twins/telegram/index.ts";
import { isRecord } from "../twins/telegram/params.ts";

export interface Room {
  readonly name: string;
  /** What one of its people writes to the bot; the first one where nobody is named. */
  say(text: string, person?: number): void;
  /** The bot's messages that everybody sees, oldest first. */
  posts(): readonly Post[];
}

export interface Post {
  /** Without formatting. */
  readonly text: string;
  /** The labels of what can be done below it. */
  readonly buttons: readonly string[];
  /**
   * A person presses the button with this label, as it was when the message was looked at: it may be gone by now. The
   * first one where nobody is named.
   */
  press(label: string, person?: number): Click;
}

/** What the one who pressed was told, and nobody else; undefined as long as nothing was. */
export type Click = () => string | undefined;

/** What people are called, in every room. */
export function nameOf(person: number): string {
  return `Person${person}`;
}

let rooms = 0;

/** One person in a private chat, several in a group. */
export function telegramRoom(twin: TelegramTwin, size: number): Room {
  const people = everybody(size, (first_name) => twin.user({ first_name }));
  const [first] = people;
  const chat = size === 1 && first ? twin.privateChat(first) : twin.group({ title: `Group ${rooms++}` });
  const mention = size === 1 ? "" : `@${twin.bot.username} `;
  return {
    name: `telegram chat ${chat.id}`,
    say: (text, person = 0) => void chat.say(at(people, person), `${mention}${text}`),
    posts: () =>
      chat.messages().map(({ id, text, replyMarkup }) => ({
        text,
        buttons: keysOf(replyMarkup).map((key) => String(key.text)),
        press: (label, person = 0) => {
          const key = keysOf(replyMarkup).find(({ text: shown }) => shown === label);
          const query = chat.click(at(people, person), id, String(key?.callback_data));
          return () => twin.told(query)?.text;
        },
      })),
  };
}

/** A thread in a channel. */
export function slackRoom(twin: SlackTwin, size: number): Room {
  const people = everybody(size, (name) => twin.user(name));
  const chat = twin.channel({ name: `room-${rooms++}`, members: people });
  let thread: string | undefined;
  return {
    name: `slack thread in ${chat.id}`,
    say: (text, person = 0) => {
      const { ts } = chat.mention(at(people, person), text, thread === undefined ? {} : { thread });
      thread ??= ts;
    },
    posts: () =>
      chat.messages(thread).map(({ ts, text, message }) => ({
        text,
        buttons: chat.actions(ts).map(({ label }) => label),
        press: (label, person = 0) => {
          const user = at(people, person);
          const before = chat.whispers(user).length;
          const { told } = chat.act(user, ts, actionOf(message.blocks, label));
          return () => told[0] ?? chat.whispers(user)[before]?.text;
        },
      })),
  };
}

/** A channel where the bot is named each time. */
export function discordRoom(twin: DiscordTwin, size: number): Room {
  const people = everybody(size, (global_name) => twin.user({ global_name }));
  const channel = twin.guild("Rooms").text(`room-${rooms++}`);
  return {
    name: `discord channel ${channel.id}`,
    say: (text, person = 0) => void channel.mention(at(people, person), text),
    posts: () =>
      channel.messages().map(({ id, text, components }) => ({
        text,
        buttons: components.map(({ label }) => label),
        press: (label, person = 0) => {
          const customId = components.find((component) => component.label === label)?.customId;
          const interaction = channel.use(at(people, person), id, String(customId));
          return () => interaction().replies.find(({ ephemeral }) => ephemeral)?.message.content;
        },
      })),
  };
}

function everybody<T>(size: number, make: (name: string) => T): T[] {
  return Array.from({ length: size }, (_, person) => make(nameOf(person)));
}

function at<T>(people: readonly T[], person: number): T {
  const found = people[person];
  if (found === undefined) throw new Error(`there are ${people.length} people, none of them is number ${person}`);
  return found;
}

function keysOf(markup: unknown): Record<string, unknown>[] {
  return isRecord(markup) && Array.isArray(markup.inline_keyboard)
    ? markup.inline_keyboard.flat().filter(isRecord)
    : [];
}

/** What Slack tells of the button with this label. */
function actionOf(blocks: readonly unknown[] | undefined, label: string): Record<string, unknown> {
  for (const block of (blocks ?? []).filter(isRecord)) {
    const elements: unknown[] = Array.isArray(block.elements) ? block.elements : [];
    const found = elements.filter(isRecord).find(({ text }) => isRecord(text) && text.text === label);
    if (found) return { ...found, block_id: block.block_id, action_ts: "1.000001" };
  }
  throw new Error(`no button ${label}`);
}
