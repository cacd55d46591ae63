import { createServer } from "node:net";
import type { InlineKeyboardMarkup, User } from "grammy/types";
import type { ChannelId, MessageRef } from "../../src/model.ts";
import { nativeOf } from "../../src/model.ts";
import { type ChannelHarness, describeChannel, type Platform, type PlatformReplies } from "../conformance/channel.ts";
import type { OddPress, PlatformActions } from "../conformance/channel-actions.ts";
import type { FileFault, FilesHarness, SentFile } from "../conformance/channel-files.ts";
import { describeExclusive } from "../conformance/exclusive.ts";
import { type FaultOptions, startTelegramTwin, type TelegramTwin, type TwinChat } from "../twins/telegram/index.ts";
import { adapterOn } from "./telegram-stage.ts";

class TelegramPlatform implements Platform {
  readonly twin: TelegramTwin;
  /** Where the adapter believes the server to be. */
  apiRoot: string;
  token: string;
  readonly #conversations = new Map<number, { person: User; chat: TwinChat }>();

  constructor(twin: TelegramTwin) {
    this.twin = twin;
    this.apiRoot = twin.apiRoot;
    this.token = twin.token;
  }

  open() {
    return adapterOn(this, { timing: { deadline: 1000 } });
  }

  async say(number: number, text: string) {
    const { person, chat } = this.#conversation(number);
    const { message_id } = chat.say(person, text);
    return { channel: `telegram:${chat.id}` as const, id: String(message_id) };
  }

  async attach(number: number, file: SentFile, text?: string) {
    const { person, chat } = this.#conversation(number);
    const caption = text === undefined ? {} : { caption: text };
    const { message_id } = chat.send(person, { ...file, ...caption });
    return { channel: `telegram:${chat.id}` as const, id: String(message_id) };
  }

  async shown(channel: ChannelId) {
    const messages = this.talk(channel)?.chat.messages() ?? [];
    return messages.map(({ id, text }) => ({ ref: String(id), text }));
  }

  readonly actions: PlatformActions = {
    shown: async (channel, ref) => {
      const keyboard = this.#posted(channel, ref)?.replyMarkup as InlineKeyboardMarkup | undefined;
      return (keyboard?.inline_keyboard ?? []).flat().map(({ text }) => ({ label: text }));
    },
    press: async (channel, ref, label) => {
      const talk = this.talk(channel);
      if (talk === undefined) throw new Error(`nobody talks in ${channel}`);
      const query = talk.chat.press(talk.person, Number(ref), label);
      await this.twin.until(() => this.twin.told(query) !== undefined);
      return this.twin.told(query)?.text;
    },
  };

  readonly replies: PlatformReplies = {
    repliedTo: async (channel, ref) => {
      const replyTo = this.#posted(channel, ref)?.replyTo;
      return replyTo === undefined ? undefined : String(replyTo);
    },
    reply: async (number, ref, text) => {
      const { person, chat } = this.#conversation(number);
      const { message_id } = chat.say(person, text, { replyTo: Number(ref) });
      return { channel: `telegram:${chat.id}` as const, id: String(message_id) };
    },
  };

  async stop() {
    await this.twin.stop();
  }

  /** The conversation behind this channel. */
  talk(channel: ChannelId) {
    return [...this.#conversations.values()].find(({ chat }) => String(chat.id) === nativeOf(channel));
  }

  #posted(channel: ChannelId, ref: MessageRef) {
    return this.talk(channel)
      ?.chat.messages()
      .find(({ id }) => String(id) === ref);
  }

  #conversation(number: number) {
    const known = this.#conversations.get(number);
    if (known !== undefined) return known;
    const person = this.twin.user({ first_name: `Ada ${number}` });
    const made = { person, chat: this.twin.privateChat(person) };
    this.#conversations.set(number, made);
    return made;
  }
}

function twinOf(platform: Platform): TelegramTwin {
  return telegram(platform).twin;
}

function telegram(platform: Platform): TelegramPlatform {
  if (!(platform instanceof TelegramPlatform)) throw new Error("another platform");
  return platform;
}

/** The person and the chat behind this channel. */
function telegramAt(platform: Platform, channel: ChannelId) {
  const talk = telegram(platform).talk(channel);
  if (talk === undefined) throw new Error(`nobody talks in ${channel}`);
  return { twin: twinOf(platform), ...talk };
}

const oddPress = (name: string, query: (press: Record<string, unknown>) => Record<string, unknown>): OddPress => ({
  name,
  put: (platform, channel, ref) => {
    const { twin, person, chat } = telegramAt(platform, channel);
    const message = { message_id: Number(ref), date: 1, chat: { id: chat.id, type: "private" } };
    twin.push({ callback_query: query({ id: "odd", from: person, message, data: "approve", chat_instance: "1" }) });
  },
});

const odd = (name: string, ...updates: unknown[]) => ({
  name,
  put: (platform: Platform) => {
    for (const update of updates) twinOf(platform).push(update);
  },
});

const fault = (
  name: string,
  options: FaultOptions,
  to: "send" | "edit",
  kind: "limited" | "unavailable" | "unknown" | "gone" | "refused",
  done = false,
) => ({
  name: `${to} ${name}: ${kind}`,
  arrange: (platform: Platform) => {
    twinOf(platform).fault({ method: to === "send" ? "sendMessage" : "editMessageText", ...options });
  },
  to,
  kind,
  done,
});

const refuse = (code: number, description: string): FaultOptions => ({ kind: "refuse", error: { code, description } });

const ailing = (name: string, options: FaultOptions, state: "degraded" | "failed", detail: RegExp) => ({
  name,
  arrange: (platform: Platform) => void twinOf(platform).fault({ times: 1_000_000, ...options }),
  state,
  detail,
  cure: (platform: Platform) => twinOf(platform).clearFaults(),
});

const message = {
  message_id: 77,
  date: 1_700_000_000,
  chat: { id: 5, type: "private" },
  from: { id: 5, is_bot: false },
};

const fileFault = (name: string, options: FaultOptions, kind: FileFault["kind"]): FileFault => ({
  name: `a file ${name}: ${kind}`,
  arrange: (platform) => void twinOf(platform).fault(options),
  kind,
});

const files: FilesHarness = {
  attach: (platform, conversation, file, text) => telegram(platform).attach(conversation, file, text),
  faults: [
    {
      name: "a file that Telegram has no longer: gone",
      arrange: (platform, _event, { id }) => twinOf(platform).loseFile(id),
      kind: "gone",
    },
    fileFault("too large for bots", { method: "getFile", ...refuse(400, "Bad Request: file is too big") }, "refused"),
    fileFault("with a wrong id", { method: "getFile", ...refuse(400, "Bad Request: invalid file_id") }, "gone"),
    fileFault("asked for too fast", { method: "getFile", kind: "429", retryAfter: 3 }, "limited"),
    fileFault("while the token is refused", { method: "getFile", ...refuse(401, "Unauthorized") }, "unavailable"),
    fileFault("that is not where it was said to be", { method: "file", ...refuse(404, "Not Found") }, "gone"),
    fileFault("that may not be read", { method: "file", ...refuse(403, "Forbidden") }, "refused"),
    fileFault("while the server fails", { method: "file", kind: "5xx" }, "unavailable"),
    fileFault("whose connection is cut", { method: "file", kind: "drop-before" }, "unavailable"),
    fileFault("that ends in its middle", { method: "file", kind: "cut" }, "unavailable"),
    fileFault("that never comes", { method: "file", kind: "hang-before" }, "unavailable"),
  ],
};

const harness: ChannelHarness = {
  start: async () => new TelegramPlatform(await startTelegramTwin()),
  files,
  oddInput: [
    odd("an update that is nothing but its id", {}),
    odd("kinds that it does not know", { from_the_future: { a: 1 } }, { poll: {} }, { callback_query: null }),
    odd(
      "messages of the wrong form",
      ...[null, 7, "x", [], {}, { chat: 7 }, { ...message, chat: { id: "x" } }].map((m) => ({ message: m })),
    ),
    odd(
      "messages without text",
      { message },
      { message: { ...message, text: "" } },
      { message: { ...message, text: 7 } },
    ),
    odd("messages of bots", { message: { ...message, from: { id: 9, is_bot: true }, text: "hi" } }),
    odd("entities of the wrong form", {
      message: {
        ...message,
        text: "hi",
        entities: [null, 7, { offset: -1, length: 9e15, type: "mention" }, { offset: 99, length: 1 }],
      },
    }),
    odd("a huge message", { message: { ...message, text: "x".repeat(2_000_000) } }),
    odd(
      "300 updates at once",
      ...Array.from({ length: 300 }, (_, i) => ({ edited_message: { ...message, message_id: i } })),
    ),
  ],
  oddPresses: [
    {
      name: "beside forged data",
      put: (platform, channel, ref) => {
        const { person, chat } = telegramAt(platform, channel);
        for (const data of ["x", "a:b:c:d", "😀", "\u0000", "approve ".repeat(8)])
          chat.click(person, Number(ref), data);
      },
    },
    {
      name: "beside those of a message that is gone",
      put: (platform, channel, ref) => {
        const { person, chat } = telegramAt(platform, channel);
        chat.remove(Number(ref));
        chat.click(person, Number(ref), "approve");
      },
    },
    {
      name: "beside forwarded ones",
      put: (platform, channel, ref) => {
        const { twin, chat, person } = telegramAt(platform, channel);
        const stranger = twin.user();
        const other = twin.group({ title: "Elsewhere", members: [stranger] });
        const copy = chat.forward(person, Number(ref), other);
        other.press(stranger, copy.message_id, "Approve");
      },
    },
    {
      name: "beside one whose answer comes too late",
      put: (platform, channel, ref) => {
        const { twin, chat, person } = telegramAt(platform, channel);
        chat.press(person, Number(ref), "Approve");
        twin.expireCallbacks();
      },
    },
    oddPress("beside those of an unknown chat", (press) => ({
      ...press,
      message: { chat: { id: -77 }, message_id: 1 },
    })),
    oddPress("beside those of an inline query", ({ message, ...press }) => ({ ...press, inline_message_id: "AAA" })),
    oddPress("beside those of a game", ({ data, ...press }) => ({ ...press, game_short_name: "chess" })),
    oddPress("beside those of nobody", ({ from, ...press }) => press),
    oddPress("beside those that can't be answered", ({ id, ...press }) => press),
    oddPress("beside those with much too much", (press) => ({ ...press, data: "x".repeat(1_000_000) })),
  ],
  faults: [
    fault("while too fast", { kind: "429", retryAfter: 3 }, "send", "limited"),
    fault("refused by a gateway on the way", { kind: "5xx" }, "send", "unknown"),
    fault("cut off before it was done", { kind: "drop-before" }, "send", "unknown"),
    fault("cut off after it was done", { kind: "drop-after" }, "send", "unknown", true),
    fault("whose reply ends in its middle", { kind: "cut" }, "send", "unknown", true),
    fault("whose reply never comes", { kind: "hang-after" }, "send", "unknown", true),
    fault("to a chat that is no more", refuse(400, "Bad Request: chat not found"), "send", "refused"),
    fault(
      "without the right to",
      refuse(400, "Bad Request: not enough rights to send text messages to the chat"),
      "send",
      "refused",
    ),
    fault("with a token that was revoked", refuse(401, "Unauthorized"), "send", "unavailable"),
    {
      name: "send to somebody who blocked the bot: refused",
      arrange: (platform, channel) => {
        const { twin, person } = telegramAt(platform, channel);
        twin.block(person);
      },
      to: "send",
      kind: "refused",
      done: false,
    },
    fault("while too fast", { kind: "429", retryAfter: 3 }, "edit", "limited"),
    fault("refused by a gateway on the way", { kind: "5xx" }, "edit", "unavailable"),
    fault("cut off after it was done", { kind: "drop-after" }, "edit", "unavailable", true),
    fault("of a message that was deleted", refuse(400, "Bad Request: message to edit not found"), "edit", "gone"),
    fault("of a message too old", refuse(400, "Bad Request: message can't be edited"), "edit", "gone"),
  ],
  ailments: [
    ailing("a token that is wrong", refuse(401, "Unauthorized"), "failed", /token.*@BotFather/),
    ailing("a token of no form", refuse(404, "Not Found"), "failed", /token.*@BotFather/),
    ailing(
      "another poller",
      {
        method: "getUpdates",
        ...refuse(
          409,
          "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
        ),
      },
      "failed",
      /Another program polls with this token/,
    ),
    ailing(
      "a webhook",
      {
        method: "getUpdates",
        ...refuse(
          409,
          "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
        ),
      },
      "failed",
      /webhook.*deleteWebhook/,
    ),
    ailing("a platform that fails", { kind: "5xx" }, "degraded", /502/),
    ailing(
      "a platform that asks for a pause",
      { method: "getUpdates", kind: "429", retryAfter: 1 },
      "degraded",
      /less often/,
    ),
    ailing("a connection that breaks", { kind: "drop-before" }, "degraded", /can't be reached/),
    ailing("replies that end in their middle", { kind: "cut" }, "degraded", /can't be reached/),
    ailing(
      "replies that never come",
      { kind: "hang-before", method: "getMe", times: 2 },
      "degraded",
      /can't be reached/,
    ),
    {
      name: "a platform that is not there",
      arrange: async (platform) => {
        telegram(platform).apiRoot = `http://127.0.0.1:${await freePort()}`;
      },
      state: "degraded",
      detail: /can't be reached.*ECONNREFUSED/,
    },
  ],
};

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

describeChannel("telegram", harness);
describeExclusive("telegram", harness);
