/**
 * Shows an answer while it grows: folds the agent's deltas into one text and keeps one message of the channel
 * up to date with it, no more often than the platform bears. A preview never holds up the turn and never
 * fails it: what a preview could not show, the final text will.
 */
import { type ChannelAdapter, canEdit, canLookUp, DeliveryError, type Editing } from "../channel.ts";
import type { ChannelId, Clock, MessageRef } from "../model.ts";
import type { Ownership } from "./ownership.ts";

/**
 * Stands in the channel until there is text. Where a platform can't recognise a repeated send, the first message
 * is always this: a crash before its reference is stored then leaves a stray "…", never a piece of an answer.
 */
export const PLACEHOLDER = "…";

export interface PreviewOptions {
  readonly adapter: ChannelAdapter;
  readonly channel: ChannelId;
  readonly clock: Clock;
  /** The turn's own: unique in the channel and the same for every attempt. */
  readonly key: string;
  readonly ref: MessageRef | undefined;
  readonly signal: AbortSignal;
  /** The session's own: a first send is not cut off with the turn, its reference would be lost. */
  readonly alive: AbortSignal;
  /** Set where an earlier attempt may have left a message whose reference got lost: when that can have been at the earliest. */
  readonly lostSince: number | undefined;
  /** Nothing is shown while another replica may own the channel. */
  readonly ownership: Pick<Ownership, "secure">;
  /** Makes the reference durable. */
  save(ref: MessageRef): Promise<void>;
  /** False while earlier replies of the channel are still to be delivered: they come first. */
  clear(): boolean;
}

export class Preview {
  readonly #options: PreviewOptions;
  readonly #editor: (ChannelAdapter & Editing) | undefined;
  readonly #permit = () => this.#options.ownership.secure;
  #text = "";
  #status = "";
  #ref: MessageRef | undefined;
  #shown = "";
  /** The preview rests: the text has outgrown one message and shows its first part, or the platform is unwilling. */
  #resting = false;
  #notBefore: number;
  #cancelTimer: (() => void) | undefined;
  #update: Promise<void> | undefined;
  /** What kept the reference from being stored: it belongs to the turn, which hears of it at the end. */
  #error: unknown;
  #ended = false;
  #adopted = false;

  constructor(options: PreviewOptions) {
    this.#options = options;
    this.#editor = canEdit(options.adapter) ? options.adapter : undefined;
    this.#ref = options.ref;
    this.#notBefore = options.clock.now() + options.adapter.limits.minEditInterval;
  }

  /** The whole answer so far. */
  get text(): string {
    return this.#text;
  }

  /** What people saw last; empty where they saw nothing of the answer. */
  get shown(): string {
    return this.#shown;
  }

  append(delta: string): void {
    this.#text += delta;
    this.#schedule();
  }

  /** One line beneath the text: what the agent is doing. Empty to take it away. */
  status(line: string): void {
    this.#status = line;
    this.#schedule();
  }

  /** Begins no further update. */
  halt(): void {
    this.#ended = true;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  /** Ends the preview: nothing is shown after this resolves. Gives the message that the final text should edit. */
  async end(): Promise<MessageRef | undefined> {
    this.halt();
    await this.#update;
    if (this.#error !== undefined) throw this.#error;
    await this.#adopt();
    return this.#ref;
  }

  /** Finds the message that an earlier attempt posted and could not remember, where the platform can tell. */
  async #adopt(): Promise<void> {
    const { adapter, channel, key, lostSince, alive } = this.#options;
    if (this.#ref !== undefined || this.#adopted || lostSince === undefined || !canLookUp(adapter)) return;
    this.#adopted = true;
    try {
      this.#ref = await adapter.lookup(channel, key, lostSince, alive);
    } catch (error) {
      // It costs an empty placeholder at worst.
      if (!(error instanceof DeliveryError)) throw error;
    }
  }

  #schedule(): void {
    if (!this.#editor || this.#ended || this.#resting || this.#cancelTimer || this.#update) return;
    const wait = this.#notBefore - this.#options.clock.now();
    this.#cancelTimer = this.#options.clock.after(Math.max(wait, 0), () => {
      this.#cancelTimer = undefined;
      this.#update = this.#show()
        .catch((error: unknown) => {
          this.#error = error;
          this.#ended = true;
        })
        .finally(() => {
          this.#update = undefined;
          if (this.#face() !== this.#shown) this.#schedule();
        });
    });
  }

  /** What the message should show now. */
  #face(): string {
    if (!this.#status) return this.#text;
    return this.#text ? `${this.#text}\n\n_${this.#status}_` : `_${this.#status}_`;
  }

  async #show(): Promise<void> {
    const { adapter, channel, clock, signal, alive } = this.#options;
    this.#notBefore = clock.now() + adapter.limits.minEditInterval;
    if (this.#ended || signal.aborted || !this.#editor || !this.#options.clear()) return;
    if (!this.#options.ownership.secure) return;
    const face = this.#face();
    const parts = adapter.split(face);
    const [first] = parts;
    if (first === undefined) return;
    try {
      await this.#adopt();
      if (this.#ref === undefined) {
        const text = adapter.limits.repeatableSend ? first : PLACEHOLDER;
        const ref = await adapter.send(channel, text, { key: this.#options.key, signal: alive, permit: this.#permit });
        await this.#options.save(ref);
        this.#ref = ref;
        if (text !== first) return;
      } else {
        await this.#editor.edit(channel, this.#ref, first, { urgency: "preview", signal, permit: this.#permit });
      }
      this.#shown = parts.length > 1 ? first : face;
      this.#resting = parts.length > 1 && this.#status === "";
    } catch (error) {
      if (!(error instanceof DeliveryError)) {
        if (signal.aborted) return;
        throw error;
      }
      // Not once more where that can't help, or where a first message may stand already: one stray is enough.
      if (error.kind === "refused" || (error.kind === "unknown" && this.#ref === undefined)) this.#resting = true;
      if (error.kind === "gone") this.#ref = undefined;
      this.#notBefore = clock.now() + (error.retryAfter ?? adapter.limits.minEditInterval * 2);
    }
  }
}
