/**
 * Posts, edits and shows that it is at work, at Slack's pace.
 *
 * A growing answer is shown by edits, not by Slack's text streams: a stream is a message of its own that carries no
 * metadata (so it could not be found again after a crash), refuses to be edited until it was stopped, and ends by itself
 * after five minutes or 12,000 characters.
 */
import { DeliveryError, type EditOptions, type SendOptions } from "../../src/channel.ts";
import type { Rate } from "../../src/governor.ts";
import type { ChannelId, MessageRef } from "../../src/model.ts";
import { heal } from "../shared/heal.ts";
import type { Pacing } from "../shared/pacing.ts";
import type { SlackClient } from "./client.ts";
import { areBlocksRefused, codeOf, type Effect, isBlockUnknown, retryAfterOf, toDeliveryError } from "./errors.ts";
import { EditOrder } from "./order.ts";
import { isTs } from "./parse.ts";
import { type Place, placeIn } from "./places.ts";
import { type Block, markdownBlocks, plainText, sectionBlocks } from "./render.ts";

export type Log = (
  level: "debug" | "info" | "warn" | "error",
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;

export interface DeliveryOptions {
  readonly client: SlackClient;
  readonly pacing: Pacing;
  /** Slack counts posts in each conversation, and edits over all of them. */
  readonly rates: { readonly post: Rate; readonly edit: Rate };
  readonly log: Log;
}

/** How every post is marked: `lookup` finds it by its key. */
export const REPLY = "switchboard_reply";

/** The name under which all edits share one pace. */
const EDITS = "edits";

interface Content {
  readonly text: string;
  readonly blocks?: readonly Block[];
}

const FORMS: readonly ((markdown: string) => Content)[] = [
  (markdown) => ({ text: plainText(markdown), blocks: markdownBlocks(markdown) }),
  (markdown) => ({ text: plainText(markdown), blocks: sectionBlocks(markdown) }),
  (markdown) => ({ text: plainText(markdown) }),
];

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #order = new EditOrder();
  /** The first form that the workspace knows. */
  #form = 0;
  /** Threads that show a status. A post ends it; an edit does not. */
  readonly #working = new Set<ChannelId>();
  /** Why this account shows no status. */
  #without: string | undefined;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  async send(id: ChannelId, markdown: string, { key, signal, permit }: SendOptions): Promise<MessageRef> {
    const { channel, thread } = placeIn(id);
    const { client, pacing, rates } = this.#options;
    await pacing.admit(channel, rates.post, signal, permit);
    try {
      const reply = await this.#formatted(markdown, permit, ({ blocks, text }) =>
        client.call(
          "chat.postMessage",
          {
            channel,
            ...(thread === undefined ? {} : { thread_ts: thread }),
            text,
            ...(blocks === undefined ? { mrkdwn: false } : { blocks }),
            metadata: { event_type: REPLY, event_payload: { key } },
            unfurl_links: false,
            unfurl_media: false,
          },
          signal,
        ),
      );
      if (!isTs(reply.ts)) throw new DeliveryError("unknown", "Slack took the message but did not say its id.");
      this.#working.delete(id);
      return reply.ts;
    } catch (error) {
      throw this.#failed(channel, error, "post");
    }
  }

  async edit(id: ChannelId, ref: MessageRef, markdown: string, options: EditOptions): Promise<void> {
    const { urgency, signal } = options;
    const { channel } = placeIn(id);
    if (!isTs(ref)) throw new DeliveryError("gone", `No message of this adapter: ${ref}`);
    const key = `${channel}/${ref}`;
    if (urgency === "preview") {
      return await this.#order.preview(key, signal, () => this.#preview(channel, ref, markdown, options));
    }
    const done = await this.#order.final(key, signal, () => this.#final(channel, ref, markdown, options));
    if (!done) throw new DeliveryError("unavailable", "Given up before it was sent.");
    if (this.#working.delete(id)) await this.#status(placeIn(id), "", signal);
  }

  /** Only threads can show it. Where the workspace has no such thing, nothing is shown. */
  async typing(id: ChannelId, signal: AbortSignal): Promise<void> {
    const place = placeIn(id);
    if (place.thread === undefined || this.#without !== undefined || signal.aborted) return;
    if (await this.#status(place, "is working…", signal)) this.#working.add(id);
  }

  async #preview(channel: string, ts: string, markdown: string, { signal, permit }: EditOptions): Promise<void> {
    const { pacing, rates, log } = this.#options;
    if (!(await pacing.spare(EDITS, rates.edit, permit)) || signal.aborted) return;
    try {
      // Not ended by `signal`: a request given up half-way may still arrive, and after the final text at that.
      await this.#change(channel, ts, heal(markdown), permit);
    } catch (error) {
      const failure = this.#failed(EDITS, error, "edit");
      if (failure.kind !== "limited") throw failure;
      log("debug", "a preview was left out", { cause: failure.message });
    }
  }

  async #final(channel: string, ts: string, markdown: string, { signal, permit }: EditOptions): Promise<void> {
    await this.#options.pacing.admit(EDITS, this.#options.rates.edit, signal, permit);
    try {
      await this.#change(channel, ts, markdown, permit, signal);
    } catch (error) {
      throw this.#failed(EDITS, error, "edit");
    }
  }

  async #change(
    channel: string,
    ts: string,
    markdown: string,
    permit: EditOptions["permit"],
    signal?: AbortSignal,
  ): Promise<void> {
    const { client } = this.#options;
    // Blocks that are not named stay as they are.
    await this.#formatted(markdown, permit, ({ text, blocks = [] }) =>
      client.call("chat.update", { channel, ts, text, blocks }, signal),
    );
  }

  /** In the best form that Slack takes. A refusal is certain: nothing is shown twice. */
  async #formatted<T>(
    markdown: string,
    permit: EditOptions["permit"],
    call: (content: Content) => Promise<T>,
  ): Promise<T> {
    for (let form = this.#form; ; form++) {
      const content = FORMS[form]?.(markdown);
      if (content === undefined) throw new DeliveryError("refused", "Slack takes the text in no form.");
      if (permit?.() === false) throw new DeliveryError("unavailable", "Not permitted any more.");
      try {
        return await call(content);
      } catch (error) {
        if (!areBlocksRefused(error)) throw error;
        if (isBlockUnknown(error)) this.#form = Math.max(this.#form, form + 1);
        this.#options.log("warn", "Slack refused a text's formatting; it is shown in a simpler one", {
          cause: String(error),
        });
      }
    }
  }

  /** Whether it is shown. Work goes on without it. */
  async #status({ channel, thread }: Place, status: string, signal: AbortSignal): Promise<boolean> {
    const { client, log } = this.#options;
    try {
      await client.call("assistant.threads.setStatus", { channel_id: channel, thread_ts: thread, status }, signal);
      return true;
    } catch (error) {
      const code = codeOf(error);
      if (code !== undefined && /^(?:missing_scope|not_allowed|unknown_method|feature_not_)/.test(code))
        this.#without = code;
      log("debug", "no status is shown", { cause: code ?? toDeliveryError(error, "read").message });
      return false;
    }
  }

  #failed(chat: string, error: unknown, effect: Effect): DeliveryError {
    const pause = retryAfterOf(error);
    if (pause !== undefined) this.#options.pacing.pause(chat, pause);
    return toDeliveryError(error, effect);
  }
}
