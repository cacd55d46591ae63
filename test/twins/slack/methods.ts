/** The Web API methods that the app may call: docs.slack.dev/reference/methods. */
import { checkBlocks } from "./blocks.ts";
import type { Conversation, Message } from "./conversation.ts";
import { ApiError, rateLimited } from "./errors.ts";
import type { Files } from "./files.ts";
import type { Interactions } from "./interactions.ts";
import type { Limiter } from "./limits.ts";
import { flag, integer, isRecord, nested, type Params, required, text } from "./params.ts";
import type { Streams } from "./streams.ts";
import type { Uploads } from "./uploads.ts";
import type { Workspace } from "./workspace.ts";

export type Method = (params: Params) => object;

export interface MethodParts {
  readonly workspace: Workspace;
  readonly streams: Streams;
  readonly files: Files;
  readonly uploads: Uploads;
  readonly interactions: Interactions;
  readonly limiter: Limiter | undefined;
  /** Whether the workspace knows `markdown` blocks. */
  readonly markdown: boolean;
  /** The address of a new socket connection. */
  readonly socketUrl: () => string;
  /** `conversations.history` and `.replies` give no more than so many at a time. */
  readonly pageSize: number;
}

const MAX_TEXT = 40_000;
const MAX_UPDATED_TEXT = 4000;

/** The scope that a method needs; those of conversations depend on their kind. */
export const SCOPES: Readonly<Record<string, string>> = {
  "chat.postMessage": "chat:write",
  "chat.postEphemeral": "chat:write",
  "chat.update": "chat:write",
  "chat.delete": "chat:write",
  "chat.startStream": "chat:write",
  "chat.appendStream": "chat:write",
  "chat.stopStream": "chat:write",
  "users.info": "users:read",
  "files.info": "files:read",
  "files.getUploadURLExternal": "files:write",
  "files.completeUploadExternal": "files:write",
  "assistant.threads.setStatus": "assistant:write",
  "assistant.threads.setTitle": "assistant:write",
};

const HISTORY = { channel: "channels:history", group: "groups:history", im: "im:history", mpim: "mpim:history" };

export function methodsOf(parts: MethodParts): ReadonlyMap<string, Method> {
  const { workspace, streams, uploads } = parts;
  const { bot, teamId, scopes } = workspace.parts;
  const conversationOf = (params: Params) => workspace.conversation(required(params, "channel", "channel_not_found"));
  const readable = (params: Params) => {
    const conversation = conversationOf(params);
    const needed = HISTORY[conversation.kind];
    if (!scopes.has(needed)) throw new ApiError("missing_scope", { needed, provided: [...scopes].join(",") });
    if (!conversation.hasBot) throw new ApiError("not_in_channel");
    return conversation;
  };

  return new Map<string, Method>([
    [
      "auth.test",
      () => ({
        url: "https://twin.slack.com/",
        team: "Twin",
        user: "switchboard",
        team_id: teamId,
        user_id: bot.userId,
        bot_id: bot.botId,
        is_enterprise_install: false,
      }),
    ],
    ["apps.connections.open", () => ({ url: parts.socketUrl() })],
    ["chat.postMessage", (params) => post(parts, conversationOf(params), params)],
    ["chat.update", (params) => update(parts, conversationOf(params), params)],
    [
      "chat.delete",
      (params) => {
        const conversation = conversationOf(params);
        const ts = required(params, "ts", "message_not_found");
        if (conversation.messages.get(ts)?.user !== bot.userId) throw new ApiError("cant_delete_message");
        conversation.remove(ts);
        return { channel: conversation.id, ts };
      },
    ],
    [
      "chat.postEphemeral",
      (params) => {
        const conversation = conversationOf(params);
        const user = text(params, "user");
        if (!conversation.hasBot) throw new ApiError("not_in_channel");
        if (!conversation.members.has(user)) throw new ApiError("user_not_in_channel");
        const blocks = checkBlocks(nested(params, "blocks", "invalid_blocks_format"), parts);
        if (text(params, "text") === "" && blocks === undefined) throw new ApiError("no_text");
        const thread = text(params, "thread_ts");
        const { ts } = conversation.whisper(user, {
          text: text(params, "text"),
          ...(blocks === undefined ? {} : { blocks }),
          ...(thread === "" ? {} : { thread }),
        });
        return { message_ts: ts };
      },
    ],
    ["chat.startStream", (params) => streams.start(conversationOf(params), params)],
    ["chat.appendStream", (params) => streams.append(conversationOf(params), params)],
    ["chat.stopStream", (params) => streams.stop(conversationOf(params), params)],
    ["conversations.history", (params) => page(parts, readable(params).topLevel().reverse(), params)],
    [
      "conversations.replies",
      (params) => {
        const ts = required(params, "ts", "thread_not_found");
        return page(parts, readable(params).thread(ts), params, ts);
      },
    ],
    ["conversations.info", (params) => ({ channel: describe(conversationOf(params)) })],
    [
      "conversations.open",
      (params) => {
        const users = required(params, "users", "users_list_not_supplied").split(",");
        if (users.some((user) => !workspace.users.has(user))) throw new ApiError("user_not_found");
        const [user = ""] = users;
        const opened = users.length === 1 ? workspace.dm(user) : workspace.open("mpim", "", [...users, bot.userId]);
        return { channel: { id: opened.id } };
      },
    ],
    ["conversations.list", () => ({ channels: [...workspace.conversations.values()].map(describe) })],
    [
      "users.conversations",
      () => ({ channels: [...workspace.conversations.values()].filter(({ hasBot }) => hasBot).map(describe) }),
    ],
    [
      "users.info",
      (params) => {
        const user = workspace.users.get(text(params, "user"));
        if (user === undefined) throw new ApiError("user_not_found");
        const { id, name } = user;
        const profile = { real_name: name, display_name: name.split(" ")[0] };
        return { user: { id, team_id: teamId, name: name.toLowerCase().replace(/\W+/g, "."), is_bot: false, profile } };
      },
    ],
    ["assistant.threads.setStatus", (params) => assist(parts, params, "status")],
    ["assistant.threads.setTitle", (params) => assist(parts, params, "title")],
    ["views.open", (params) => parts.interactions.open(params)],
    ["files.info", (params) => parts.files.info(params)],
    ["files.getUploadURLExternal", (params) => uploads.begin(params)],
    ["files.completeUploadExternal", (params) => uploads.complete(params)],
  ]);
}

function post(parts: MethodParts, conversation: Conversation, params: Params): object {
  const { workspace, limiter } = parts;
  conversation.assertWritable();
  const blocks = blocksIn(parts, params);
  const said = text(params, "text");
  if (said === "" && (blocks === undefined || blocks.length === 0)) throw new ApiError("no_text");
  if (said.length > MAX_TEXT) throw new ApiError("msg_too_long");
  const metadata = metadataOf(params);
  const wait = limiter?.post(conversation.id) ?? 0;
  if (wait > 0) throw rateLimited(wait);
  const thread = text(params, "thread_ts");
  const files = parts.files.sharedIn(said, workspace.parts.bot.userId).map((id) => parts.files.describe(id));
  const message = conversation.post(workspace.parts.bot.userId, {
    text: said,
    ...(files.length === 0 ? {} : { files }),
    ...(blocks === undefined ? {} : { blocks }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(thread === "" ? {} : { thread }),
  });
  // What was posted ends the status that its thread shows.
  if (thread !== "") workspace.statuses.push({ channel: conversation.id, thread, status: "" });
  return { channel: conversation.id, ts: message.ts, message };
}

function update(parts: MethodParts, conversation: Conversation, params: Params): object {
  const { workspace, limiter } = parts;
  const ts = required(params, "ts", "message_not_found");
  const blocks = blocksIn(parts, params);
  const said = text(params, "text");
  if (said === "" && blocks === undefined) throw new ApiError("no_text");
  if (said.length > MAX_UPDATED_TEXT) throw new ApiError("msg_too_long");
  const metadata = metadataOf(params);
  const wait = limiter?.update() ?? 0;
  if (wait > 0) throw rateLimited(wait);
  // Blocks and metadata that are not named stay.
  const message = conversation.update(ts, workspace.parts.bot.userId, {
    text: said,
    ...(blocks === undefined ? {} : { blocks }),
    ...(metadata === undefined ? {} : { metadata }),
  });
  return { channel: conversation.id, ts, text: said, message };
}

/** Where a block of actions has no id, each version of the message gives it another one. */
function blocksIn(parts: MethodParts, params: Params): readonly unknown[] | undefined {
  const blocks = checkBlocks(nested(params, "blocks", "invalid_blocks_format"), parts);
  return blocks?.map((block) =>
    isRecord(block) && block.type === "actions" ? { block_id: parts.workspace.id("K"), ...block } : block,
  );
}

function metadataOf(params: Params): unknown {
  const metadata = nested(params, "metadata", "invalid_metadata_format");
  if (metadata === undefined) return undefined;
  if (!isRecord(metadata) || typeof metadata.event_type !== "string" || !isRecord(metadata.event_payload)) {
    throw new ApiError("invalid_metadata_schema");
  }
  return metadata;
}

/** A page of what is given, in its order. A thread's first message stands on each first page, however old it is. */
function page(parts: MethodParts, all: readonly Message[], params: Params, thread?: string): object {
  const oldest = text(params, "oldest") || "0";
  const latest = text(params, "latest") || "9999999999.999999";
  const inclusive = flag(params, "inclusive");
  const inside = all.filter(({ ts }) => {
    if (ts === thread) return true;
    return inclusive
      ? compare(ts, oldest) >= 0 && compare(ts, latest) <= 0
      : compare(ts, oldest) > 0 && compare(ts, latest) < 0;
  });
  const limit = Math.min(Math.max(integer(params, "limit", 100), 1), parts.pageSize);
  const cursor = text(params, "cursor");
  const from = cursor === "" ? 0 : Number(Buffer.from(cursor, "base64").toString().split(":")[1]);
  if (!Number.isSafeInteger(from)) throw new ApiError("invalid_cursor");
  const messages = inside
    .slice(from, from + limit)
    .map((message) => withMetadata(message, flag(params, "include_all_metadata")));
  const more = inside.length > from + limit;
  const next = more ? Buffer.from(`next:${from + limit}`).toString("base64") : "";
  return { messages, has_more: more, response_metadata: { next_cursor: next } };
}

function withMetadata({ metadata, ...message }: Message, whole: boolean): object {
  return whole && metadata !== undefined ? { ...message, metadata } : message;
}

function compare(a: string, b: string): number {
  return Number(a) - Number(b);
}

function describe({ id, name, kind, archived, hasBot }: Conversation): object {
  return {
    id,
    name,
    is_im: kind === "im",
    is_mpim: kind === "mpim",
    is_private: kind !== "channel",
    is_archived: archived,
    is_member: hasBot,
  };
}

function assist({ workspace }: MethodParts, params: Params, what: "status" | "title"): object {
  if (!workspace.parts.assistant) throw new ApiError("not_allowed");
  const conversation = workspace.conversation(required(params, "channel_id", "channel_not_found"));
  const thread = required(params, "thread_ts", "invalid_thread_ts");
  if (!conversation.messages.has(thread)) throw new ApiError("thread_not_found");
  if (what === "title") workspace.titles.set(`${conversation.id}/${thread}`, required(params, "title"));
  else workspace.statuses.push({ channel: conversation.id, thread, status: text(params, "status") });
  workspace.parts.changed();
  return {};
}
