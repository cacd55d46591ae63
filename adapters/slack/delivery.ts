/**
 * Posts, edits and shows that it is at work, at Slack's pace.
 *
 * A growing answer is shown by edits, not by Slack's text streams: a stream is a message of its own that carries no
 * metadata (so it could not be found again after a crash), refuses to be edited until it was stopped, and ends by itself
 * after five minutes or 12,000 characters.
 */
import { type Action, DeliveryError, type EditOptions, type SendOptions } from "../../src/channel.ts";
import type { Rate } from "../../src/governor.ts";
import type { ChannelId, Clock, MessageRef } from "../../src/model.ts";
import { heal } from "../shared/heal.ts";
import { EditOrder } from "../shared/order.ts";
import type { Pacing } from "../shared/pacing.ts";
import { permitted } from "../shared/permit.ts";
import { actionBlocks } from "./actions.ts";
import type { SlackClient } from "./client.ts";
import { areBlocksRefused, codeOf, type Effect, isBlockUnknown, retryAfterOf, toDeliveryError } from "./errors.ts";
import type { Fields } from "./fields.ts";
import { type Filed, filed } from "./files.ts";
import { isTs } from "./parse.ts";
import { unfiled } from "./parts.ts";
import { type Place, placeIn } from "./places.ts";
import { type Block, markdownBlocks, plainBlocks, plainText, sectionBlocks } from "./render.ts";
import { Uploads } from "./uploads.ts";

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
  readonly clock: Clock;
  readonly log: Log;
  /** The bot's own posts in a channel since then, by their keys. */
  readonly posted: (id: ChannelId, since: number, signal: AbortSignal) => Promise<ReadonlyMap<string, MessageRef>>;
}

/** A send that broke off goes on within so many milliseconds, where it takes several messages. */
const GOES_ON = 12 * 3_600_000;

/** How every post is marked: `lookup` finds it by its key. */
export const REPLY = "switchboard_reply";

/** The name under which all edits share one pace. */
const EDITS = "edits";

interface Content {
  readonly text: string;
  readonly blocks?: readonly Block[];
}

type Form = (markdown: string) => readonly Block[];

const FORMS: readonly Form[] = [markdownBlocks, sectionBlocks];
/** Actions can only stand below a text that stands in blocks itself. */
const FORMS_WITH_ACTIONS: readonly Form[] = [...FORMS, plainBlocks];

/** From the best form on. The last shows the text, whatever there is about its blocks. */
function* contentsOf(markdown: string, actions: readonly Action[] | undefined, from: number): Generator<Content> {
  const text = plainText(markdown);
  const below = actionBlocks(actions);
  const forms = below.length === 0 ? FORMS : FORMS_WITH_ACTIONS;
  for (const form of forms.slice(from)) yield { text, blocks: [...form(markdown), ...below] };
  yield { text };
}

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #order = new EditOrder();
  readonly #uploads: Uploads;
  /** The first of the forms that the workspace knows. */
  #form = 0;
  /** Threads that show a status. A post ends it; an edit does not. */
  readonly #working = new Set<ChannelId>();
  /** Why this account shows no status. */
  #without: string | undefined;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#uploads = new Uploads(options.client, options.log);
  }

  /** What replies to a message stands where its session does: Slack has no replies but threads. */
  send(id: ChannelId, markdown: string, options: SendOptions): Promise<MessageRef> {
    return permitted(options.permit, () => this.#send(id, markdown, options));
  }

  async #send(id: ChannelId, markdown: string, options: SendOptions): Promise<MessageRef> {
    const file = filed(markdown);
    if (file === undefined) return await this.#sendText(id, markdown, options);
    const { actions = [], signal } = options;
    // Actions can only stand below blocks, and whether a file is shared by those, Slack does not say.
    const link = actions.length > 0 ? undefined : await this.#uploads.upload(file, signal);
    if (link !== undefined) return await this.#sendLink(id, link, file, options);
    return await this.#sendUnfiled(id, unfiled(markdown), options);
  }

  #sendText(id: ChannelId, markdown: string, options: SendOptions): Promise<MessageRef> {
    return this.#post(id, options, (post) =>
      this.#formatted(markdown, options, ({ blocks, text }) =>
        post({
          text,
          ...(blocks === undefined ? { mrkdwn: false } : { blocks }),
          unfurl_links: false,
          unfurl_media: false,
        }),
      ),
    );
  }

  #sendLink(id: ChannelId, link: string, { name, label }: Filed, options: SendOptions): Promise<MessageRef> {
    return this.#post(id, options, (post) =>
      post({ text: `${label}: <${link}|${name}>`, unfurl_links: true, unfurl_media: true }),
    );
  }

  /**
   * Several messages for one send. The last has its key, so that it is found only where all of them stand; the others are
   * passed over where an earlier attempt, which did not come so far, has posted them.
   */
  async #sendUnfiled(id: ChannelId, parts: readonly string[], options: SendOptions): Promise<MessageRef> {
    const { actions, ...rest } = options;
    const { clock, posted } = this.#options;
    const before = await posted(id, clock.now() - GOES_ON, options.signal);
    let ref: MessageRef | undefined;
    for (const [i, part] of parts.entries()) {
      const isLast = i === parts.length - 1;
      const key = isLast ? options.key : `${options.key} ${i}`;
      ref = before.get(key);
      ref ??= await this.#sendText(id, part, isLast ? options : { ...rest, key });
    }
    if (ref === undefined) throw new DeliveryError("refused", "There is nothing to say.");
    return ref;
  }

  /** `call` is given what posts into this channel, marked with the send's key. */
  async #post(
    id: ChannelId,
    { key, signal, permit }: SendOptions,
    call: (post: (said: Record<string, unknown>) => Promise<Fields>) => Promise<Fields>,
  ): Promise<MessageRef> {
    const { channel, thread } = placeIn(id);
    const { client, pacing, rates } = this.#options;
    await pacing.admit(channel, rates.post, signal, permit);
    try {
      const reply = await call((said) =>
        client.call(
          "chat.postMessage",
          {
            channel,
            ...(thread === undefined ? {} : { thread_ts: thread }),
            ...said,
            metadata: { event_type: REPLY, event_payload: { key } },
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
    const { urgency, signal, permit } = options;
    const { channel } = placeIn(id);
    if (!isTs(ref)) throw new DeliveryError("gone", `No message of this adapter: ${ref}`);
    const key = `${channel}/${ref}`;
    await this.#order.run(key, options, () =>
      permitted(permit, () =>
        urgency === "preview"
          ? this.#preview(channel, ref, markdown, options)
          : this.#final(channel, ref, markdown, options),
      ),
    );
    if (urgency === "final" && this.#working.delete(id)) await this.#status(placeIn(id), "", signal);
  }

  /** Only threads can show it. Where the workspace has no such thing, nothing is shown. */
  async typing(id: ChannelId, signal: AbortSignal): Promise<void> {
    const place = placeIn(id);
    if (place.thread === undefined || this.#without !== undefined || signal.aborted) return;
    if (await this.#status(place, "is working…", signal)) this.#working.add(id);
  }

  async #preview(channel: string, ts: string, markdown: string, options: EditOptions): Promise<void> {
    const { signal, permit } = options;
    const { pacing, rates, log } = this.#options;
    if (!(await pacing.spare(EDITS, rates.edit, permit)) || signal.aborted) return;
    try {
      // Not ended by `signal`: a request given up half-way may still arrive, and after the final text at that.
      await this.#change(channel, ts, heal(markdown), options);
    } catch (error) {
      const failure = this.#failed(EDITS, error, "edit");
      if (failure.kind !== "limited") throw failure;
      log("debug", "a preview was left out", { cause: failure.message });
    }
  }

  async #final(channel: string, ts: string, markdown: string, options: EditOptions): Promise<void> {
    const { signal, permit } = options;
    await this.#options.pacing.admit(EDITS, this.#options.rates.edit, signal, permit);
    try {
      await this.#change(channel, ts, markdown, options, signal);
    } catch (error) {
      throw this.#failed(EDITS, error, "edit");
    }
  }

  async #change(
    channel: string,
    ts: string,
    markdown: string,
    options: EditOptions,
    signal?: AbortSignal,
  ): Promise<void> {
    const { client } = this.#options;
    // Blocks that are not named stay as they are, and buttons with them.
    await this.#formatted(markdown, options, ({ text, blocks = [] }) =>
      client.call("chat.update", { channel, ts, text, blocks }, signal),
    );
  }

  /** In the best form that Slack takes. A refusal is certain: nothing is shown twice. */
  async #formatted<T>(
    markdown: string,
    { actions }: SendOptions | EditOptions,
    call: (content: Content) => Promise<T>,
  ): Promise<T> {
    let form = this.#form;
    for (const content of contentsOf(markdown, actions, form)) {
      try {
        return await call(content);
      } catch (error) {
        if (!areBlocksRefused(error)) throw error;
        form = Math.min(form + 1, FORMS.length);
        if (isBlockUnknown(error)) this.#form = Math.max(this.#form, form);
        this.#options.log("warn", "Slack refused a text's formatting; it is shown in a simpler one", {
          cause: String(error),
        });
      }
    }
    throw new DeliveryError("refused", "Slack takes the text in no form.");
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
