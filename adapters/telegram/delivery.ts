/** Posts, edits and "typing…", at Telegram's pace. */
import type { Api } from "grammy";
import type { InlineKeyboardMarkup, MessageEntity, ReplyParameters } from "grammy/types";
import { type Action, DeliveryError, type EditOptions, type SendOptions } from "../../src/channel.ts";
import type { Rate } from "../../src/governor.ts";
import { type ChannelId, type MessageRef, nativeOf } from "../../src/model.ts";
import { heal } from "../shared/heal.ts";
import { EditOrder } from "../shared/order.ts";
import type { Pacing } from "../shared/pacing.ts";
import { permitted } from "../shared/permit.ts";
import { isFormattingRefused, isNotModified, retryAfterOf, toDeliveryError } from "./errors.ts";
import { keyboardOf } from "./keyboard.ts";
import type { Log } from "./polling.ts";
import { type Rendered, render } from "./render.ts";
import { forGrammy } from "./transport.ts";

export interface DeliveryOptions {
  readonly api: Api;
  readonly pacing: Pacing;
  readonly rates: { readonly private: Rate; readonly group: Rate };
  readonly log: Log;
}

interface Target {
  readonly chat_id: number;
  readonly message_thread_id?: number;
}

interface Content {
  readonly text: string;
  readonly entities?: MessageEntity[];
  readonly link_preview_options: { readonly is_disabled: true };
  readonly reply_markup?: InlineKeyboardMarkup;
}

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #order = new EditOrder();

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  async send(channel: ChannelId, text: string, options: SendOptions): Promise<MessageRef> {
    const { signal, permit, actions, replyTo } = options;
    const target = targetOf(channel);
    await this.#admit(target, signal, permit);
    try {
      const place = { ...target, ...repliedTo(replyTo) };
      const message = await permitted(permit, () =>
        this.#formatted(text, actions, (content) =>
          this.#options.api.raw.sendMessage({ ...place, ...content }, forGrammy(signal)),
        ),
      );
      return refOf(message);
    } catch (error) {
      throw this.#failed(target, error, "post");
    }
  }

  async edit(channel: ChannelId, ref: MessageRef, text: string, options: EditOptions): Promise<void> {
    const target = targetOf(channel);
    const message = Number(ref);
    if (!Number.isSafeInteger(message)) throw new DeliveryError("gone", `No message of this adapter: ${ref}`);
    const key = `${target.chat_id}/${message}`;
    await this.#order.run(key, options, () =>
      options.urgency === "preview"
        ? this.#preview(target, message, text, options)
        : this.#final(target, message, text, options),
    );
  }

  async typing(channel: ChannelId, signal: AbortSignal): Promise<void> {
    const target = targetOf(channel);
    if (this.#options.pacing.isPaused(String(target.chat_id))) return;
    try {
      await this.#options.api.raw.sendChatAction({ ...target, action: "typing" }, forGrammy(signal));
    } catch (error) {
      throw this.#failed(target, error, "edit");
    }
  }

  async #preview(target: Target, message: number, text: string, options: EditOptions): Promise<void> {
    const { signal, permit, actions } = options;
    if (!(await this.#options.pacing.spare(String(target.chat_id), this.#rate(target), permit)) || signal.aborted)
      return;
    try {
      // Not ended by `signal`: a request given up half-way may still arrive, and after the final text at that.
      await permitted(permit, () => this.#change(target, message, heal(text), actions));
    } catch (error) {
      const failure = this.#failed(target, error, "edit");
      if (failure.kind !== "limited") throw failure;
      this.#options.log("debug", "a preview was left out", { cause: failure.message });
    }
  }

  async #final(target: Target, message: number, text: string, options: EditOptions): Promise<void> {
    const { signal, permit, actions } = options;
    await this.#admit(target, signal, permit);
    try {
      await permitted(permit, () => this.#change(target, message, text, actions, signal));
    } catch (error) {
      throw this.#failed(target, error, "edit");
    }
  }

  /** An edit without a keyboard takes away the one that is there. */
  async #change(
    { chat_id }: Target,
    message_id: number,
    text: string,
    actions: readonly Action[] | undefined,
    signal?: AbortSignal,
  ): Promise<void> {
    try {
      await this.#formatted(text, actions, (content) =>
        this.#options.api.raw.editMessageText({ chat_id, message_id, ...content }, signal && forGrammy(signal)),
      );
    } catch (error) {
      if (!isNotModified(error)) throw error;
    }
  }

  /** With formatting, and where Telegram refuses that, without. */
  async #formatted<T>(
    markdown: string,
    actions: readonly Action[] | undefined,
    call: (content: Content) => Promise<T>,
  ): Promise<T> {
    const { text, entities } = render(markdown);
    const reply_markup = keyboardOf(actions);
    const keyboard = reply_markup === undefined ? {} : { reply_markup };
    const plain: Content = { text, link_preview_options: { is_disabled: true }, ...keyboard };
    if (entities.length === 0) return await call(plain);
    try {
      return await call({ ...plain, entities: entities.map(toWire) });
    } catch (error) {
      if (!isFormattingRefused(error)) throw error;
      this.#options.log("warn", "Telegram refused a text's formatting; it is shown without", { cause: String(error) });
      return await call(plain);
    }
  }

  #admit(target: Target, signal: AbortSignal, permit: EditOptions["permit"]): Promise<void> {
    return this.#options.pacing.admit(String(target.chat_id), this.#rate(target), signal, permit);
  }

  /** Groups have negative ids. */
  #rate({ chat_id }: Target): Rate {
    return chat_id < 0 ? this.#options.rates.group : this.#options.rates.private;
  }

  #failed(target: Target, error: unknown, effect: "post" | "edit"): DeliveryError {
    const pause = retryAfterOf(error);
    if (pause !== undefined) this.#options.pacing.pause(String(target.chat_id), pause);
    return toDeliveryError(error, effect);
  }
}

/** `<chat>` or `<chat>/<topic>`. The general topic of a forum has no number: it is the chat itself. */
function targetOf(channel: ChannelId): Target {
  const [, chat, topic] = /^(-?\d{1,16})(?:\/(\d{1,16}))?$/.exec(nativeOf(channel)) ?? [];
  if (chat === undefined) throw new DeliveryError("refused", `No Telegram chat: ${channel}`);
  return { chat_id: Number(chat), ...(topic === undefined ? {} : { message_thread_id: Number(topic) }) };
}

function repliedTo(ref: MessageRef | undefined): { reply_parameters?: ReplyParameters } {
  const message_id = Number(ref);
  if (!Number.isSafeInteger(message_id) || message_id < 1) return {};
  return { reply_parameters: { message_id, allow_sending_without_reply: true } };
}

function refOf(message: { message_id?: unknown }): MessageRef {
  if (typeof message.message_id === "number") return String(message.message_id);
  throw new DeliveryError("unknown", "Telegram took the message but did not say its id.");
}

function toWire({ type, offset, length, url = "", language }: Rendered["entities"][number]): MessageEntity {
  if (type === "text_link") return { type, offset, length, url };
  if (type === "pre") return { type, offset, length, ...(language === undefined ? {} : { language }) };
  return { type, offset, length };
}
