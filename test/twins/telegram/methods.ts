/** The methods of the Bot API that the gateway uses: parameters → result, or `ApiError`. */
import type { Message } from "grammy/types";
import type { Account } from "./account.ts";
import { formattedText } from "./entities.ts";
import { ApiError, badRequest } from "./errors.ts";
import type { FormattedText } from "./html.ts";
import { replyMarkup } from "./keyboard.ts";
import type { Limiter } from "./limits.ts";
import { flag, integer, isRecord, nested, type Params, text } from "./params.ts";
import type { Room } from "./room.ts";

const MAX_TEXT = 4096;
const GENERAL_TOPIC = 1;
const ACTIONS = new Set([
  ...["typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice", "upload_document"],
  ...["choose_sticker", "find_location", "record_video_note", "upload_video_note"],
]);

/** `gone` calls back when the client leaves before its reply. A result may be a promise. */
type Method = (params: Params, gone: (left: () => void) => void) => unknown;

export type Methods = ReadonlyMap<string, Method>;

/** The methods by their names. */
export function methodsOf(account: Account, limiter: Limiter | undefined): Methods {
  const commands = new Map<string, readonly object[]>();
  const { updates } = account;
  const table: Record<string, Method> = {
    getMe: () => account.me,
    getUpdates: (params, gone) => updates.get(params, gone),

    sendMessage: (params) => {
      const content = formattedText(params);
      const room = account.target(params);
      const markup = replyMarkup(params);
      const replyTo = repliedTo(params, room);
      const threadId = thread(params, room);
      if (content.text.length > MAX_TEXT) throw badRequest("message is too long");
      limiter?.spend(room.chat);
      return room.post(content, {
        ...(markup === undefined ? {} : { replyMarkup: markup }),
        ...(replyTo === undefined ? {} : { replyTo }),
        ...(threadId === undefined ? {} : { threadId }),
      });
    },

    editMessageText: (params) => {
      const content = formattedText(params);
      const id = integer(params, "message_id");
      if (id === 0) throw badRequest("message identifier is not specified");
      const room = account.target(params);
      if (!room.messages.has(id)) throw badRequest("message to edit not found");
      const markup = replyMarkup(params);
      assertEditable(content);
      limiter?.spend(room.chat);
      return room.revise(id, content, markup);
    },

    deleteMessage: (params) => {
      const room = account.target(params);
      const id = integer(params, "message_id");
      if (id === 0) throw badRequest("message identifier is not specified");
      if (!room.remove(id)) throw badRequest("message to delete not found");
      return true;
    },

    sendChatAction: (params) => {
      const action = text(params, "action").toLowerCase();
      if (!ACTIONS.has(action)) throw badRequest("wrong parameter action in request");
      const room = account.target(params);
      const threadId = thread(params, room);
      room.actions.push({ action, at: account.clock.now(), ...(threadId === undefined ? {} : { threadId }) });
      return true;
    },

    answerCallbackQuery: (params) => account.callbacks.answer(params),

    setMyCommands: (params) => {
      commands.set(scope(params), parseCommands(nested(params, "commands")));
      return true;
    },
    getMyCommands: (params) => commands.get(scope(params)) ?? [],

    getChat: (params) => {
      const room = account.target(params);
      return { ...room.chat, accent_color_id: 0, max_reaction_count: 11, accepted_gift_types: {} };
    },

    getFile: (params) => {
      const id = text(params, "file_id");
      if (id === "") throw badRequest("file_id not specified");
      const found = account.files.locate(id);
      if (found !== undefined) return found;
      if (!account.rooms.some((room) => mentionsFile(room, id))) throw badRequest("invalid file_id");
      return { file_id: id, file_unique_id: `unique-${id}`, file_path: `documents/${encodeURIComponent(id)}` };
    },

    setWebhook: (params) => {
      const url = text(params, "url");
      if (url !== "") updates.allow(params);
      updates.setWebhook(url, text(params, "secret_token"), flag(params, "drop_pending_updates"));
      return true;
    },
    deleteWebhook: (params) => {
      updates.setWebhook("", "", flag(params, "drop_pending_updates"));
      return true;
    },
    getWebhookInfo: () => ({
      url: updates.webhook?.url ?? "",
      has_custom_certificate: false,
      pending_update_count: updates.size,
      ...(updates.allowed === undefined ? {} : { allowed_updates: updates.allowed }),
    }),
  };
  return new Map(Object.entries(table));
}

export function unknownMethod(): ApiError {
  return new ApiError(404, "Not Found: method not found");
}

/** An over-long edit comes back from Telegram with two wordings: its own check counts characters, not UTF-16 units. */
function assertEditable({ text: shown }: FormattedText): void {
  if ([...shown].length > MAX_TEXT) throw badRequest("message is too long");
  if (shown.length > MAX_TEXT) throw badRequest("MESSAGE_TOO_LONG");
}

function repliedTo(params: Params, room: Room): number | undefined {
  const reply = nested(params, "reply_parameters");
  const wanted: Params = isRecord(reply) ? reply : params;
  const id = isRecord(reply) ? integer(reply, "message_id") : integer(params, "reply_to_message_id");
  if (id === 0) return undefined;
  if (room.messages.has(id)) return id;
  if (flag(wanted, "allow_sending_without_reply")) return undefined;
  throw badRequest("message to be replied not found");
}

/** Chats that are no forum pay no heed to a thread id; a forum's general topic can't be named. */
function thread(params: Params, room: Room): number | undefined {
  const id = integer(params, "message_thread_id");
  if (id === 0 || !("is_forum" in room.chat)) return undefined;
  if (id === GENERAL_TOPIC || !room.topics.has(id)) throw badRequest("message thread not found");
  return id;
}

function scope(params: Params): string {
  return JSON.stringify([nested(params, "scope") ?? { type: "default" }, text(params, "language_code")]);
}

function parseCommands(list: unknown): readonly object[] {
  if (!Array.isArray(list)) throw badRequest("expected an Array of BotCommand");
  if (list.length > 100) throw badRequest("BOT_COMMANDS_TOO_MUCH");
  return list.map((entry) => {
    const command = text(isRecord(entry) ? entry : {}, "command")
      .replace(/^\//, "")
      .toLowerCase();
    const description = text(isRecord(entry) ? entry : {}, "description");
    if (!/^[a-z0-9_]{1,32}$/.test(command)) throw badRequest("BOT_COMMAND_INVALID");
    if (description.length < 1 || description.length > 256) throw badRequest("BOT_COMMAND_DESCRIPTION_INVALID");
    return { command, description };
  });
}

function mentionsFile(room: Room, id: string): boolean {
  const quoted = `"file_id":${JSON.stringify(id)}`;
  return [...room.messages.values()].some((message: Message) => JSON.stringify(message).includes(quoted));
}
