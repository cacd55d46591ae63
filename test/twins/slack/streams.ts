/** Answers that the app streams: `chat.startStream`, `.appendStream`, `.stopStream`. */
import type { Conversation } from "./conversation.ts";
import { ApiError } from "./errors.ts";
import { type Params, required, text } from "./params.ts";
import type { Workspace } from "./workspace.ts";

const MAX_LENGTH = 12_000;
const MAX_AGE = 5 * 60_000;

export class Streams {
  readonly #workspace: Workspace;
  /** By `ts`: when it began. */
  readonly #open = new Map<string, number>();

  constructor(workspace: Workspace) {
    this.#workspace = workspace;
  }

  start(conversation: Conversation, params: Params): object {
    conversation.assertWritable();
    const thread = required(params, "thread_ts", "invalid_thread_ts");
    const { bot, clock } = this.#workspace.parts;
    const { ts } = conversation.post(bot.userId, { text: limited(text(params, "markdown_text")), thread });
    this.#open.set(ts, clock.now());
    return { channel: conversation.id, ts };
  }

  append(conversation: Conversation, params: Params): object {
    const ts = this.#streaming(params);
    const before = conversation.messages.get(ts)?.text ?? "";
    const whole = limited(before + required(params, "markdown_text", "no_text"));
    conversation.update(ts, this.#workspace.parts.bot.userId, { text: whole });
    return { channel: conversation.id, ts };
  }

  stop(conversation: Conversation, params: Params): object {
    const ts = this.#streaming(params);
    const added = text(params, "markdown_text");
    if (added !== "") this.append(conversation, params);
    this.#open.delete(ts);
    return { channel: conversation.id, ts, message: conversation.messages.get(ts) };
  }

  #streaming(params: Params): string {
    const ts = required(params, "ts", "message_not_found");
    const since = this.#open.get(ts);
    if (since === undefined || this.#workspace.parts.clock.now() - since > MAX_AGE) {
      throw new ApiError("message_not_in_streaming_state");
    }
    return ts;
  }
}

function limited(whole: string): string {
  if (whole.length > MAX_LENGTH) throw new ApiError("msg_too_long");
  return whole;
}
