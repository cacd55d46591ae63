/**
 * Shows an answer while it grows: folds what the agent says and does into one message of the channel, and keeps that up
 * to date no more often than the platform bears. A preview never holds up the turn and never fails it: what a preview
 * could not show, the final text will.
 *
 * What is shown is the level's: `off` nothing, `compact` one line of what the agent does, `full` each of its tools and
 * its list of what is to be done, with the text beneath. They stand above it, so that what is still open at the text's
 * end is nobody's but the text's, and so that they are seen when the text has outgrown the message.
 */
import { type ChannelAdapter, canEdit, canLookUp, DeliveryError, type Editing } from "../channel.ts";
import type { ChannelId, Clock, MessageRef, StreamLevel, TodoItem } from "../model.ts";
import { Activity, type Tool } from "./activity.ts";
import { headOf, statusLine } from "./face.ts";
import type { Ownership } from "./ownership.ts";

/**
 * Stands in the channel until there is something to show. Where a platform can't recognise a repeated send, the first
 * message is always this: a crash before its reference is stored then leaves a stray "…", never a piece of an answer.
 */
export const PLACEHOLDER = "…";

/** Milliseconds between two looks at the time that a turn has taken; longer ones where it takes long. */
const REFRESH = 5_000;
const LATE_REFRESH = 30_000;
const LATE = 5 * 60_000;

/** Of a message, for what stands above the text: less than what makes `split` end a part there. */
const HEAD_SHARE = 0.3;
/** `split` looks so far behind a part's end. A preview shows one part: of a text of a megabyte, the rest is not its business. */
const AHEAD = 8_192;

export interface PreviewOptions {
  readonly level: StreamLevel;
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
  /** The turn waits for people. */
  isWaiting(): boolean;
}

export class Preview {
  readonly #options: PreviewOptions;
  readonly #editor: (ChannelAdapter & Editing) | undefined;
  readonly #permit = () => this.#options.ownership.secure;
  readonly #activity = new Activity();
  #text = "";
  #ref: MessageRef | undefined;
  /** What the message shows, and what of that is the answer. */
  #face = "";
  #shown = "";
  /** Something was said or done that the message does not show yet. */
  #isStale = false;
  /** The text has outgrown the message: more of it changes nothing. */
  #isFull = false;
  /** The platform is unwilling. */
  #resting = false;
  #began: number | undefined;
  #notBefore: number;
  #timer: { readonly at: number; cancel(): void } | undefined;
  #update: Promise<void> | undefined;
  /** What kept the reference from being stored: it belongs to the turn, which hears of it at the end. */
  #error: unknown;
  #ended = false;
  #adopted = false;

  constructor(options: PreviewOptions) {
    const { adapter, level, clock } = options;
    this.#options = options;
    this.#editor = level !== "off" && canEdit(adapter) ? adapter : undefined;
    this.#ref = options.ref;
    this.#notBefore = clock.now() + adapter.limits.minEditInterval;
  }

  /** The whole answer so far. */
  get text(): string {
    return this.#text;
  }

  /** What people saw of the answer last; empty where they saw nothing of it. */
  get shown(): string {
    return this.#shown;
  }

  /** The agent has begun to work: the time runs from here, or from the first that it says or does. */
  begin(): void {
    this.#happened(this.#options.level === "compact");
  }

  append(delta: string): void {
    this.#text += delta;
    const isNews = this.#activity.talk();
    this.#happened(this.#options.level === "compact" ? isNews : !this.#isFull);
  }

  tool(tool: Tool): void {
    this.#happened(this.#activity.tool(tool));
  }

  /** All of the agent's list of what is to be done. */
  todo(items: readonly TodoItem[]): void {
    const isNews = this.#activity.todo(items);
    this.#happened(isNews && this.#options.level === "full");
  }

  /** Begins no further update. */
  halt(): void {
    this.#ended = true;
    this.#timer?.cancel();
    this.#timer = undefined;
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

  #happened(isNews: boolean): void {
    this.#began ??= this.#options.clock.now();
    if (!isNews) return;
    this.#isStale = true;
    this.#schedule(this.#notBefore);
  }

  #schedule(at: number): void {
    if (!this.#editor || this.#ended || this.#resting || this.#update) return;
    if (this.#timer) {
      if (this.#timer.at <= at) return;
      this.#timer.cancel();
    }
    const cancel = this.#options.clock.after(Math.max(at - this.#options.clock.now(), 0), () => {
      this.#timer = undefined;
      this.#update = this.#show()
        .catch((error: unknown) => {
          this.#error = error;
          this.#ended = true;
        })
        .finally(() => {
          this.#update = undefined;
          this.#scheduleNext();
        });
    });
    this.#timer = { at, cancel };
  }

  #scheduleNext(): void {
    if (this.#isStale) this.#schedule(this.#notBefore);
    else if (this.#options.level === "compact") {
      const refresh = this.#elapsed < LATE ? REFRESH : LATE_REFRESH;
      this.#schedule(Math.max(this.#notBefore, this.#options.clock.now() + refresh));
    }
  }

  get #elapsed(): number {
    const now = this.#options.clock.now();
    return now - (this.#began ?? now);
  }

  /** What the message should show now, and what of that is the answer. */
  #look(): { face: string; shown: string; isFull: boolean } {
    const { adapter, level, isWaiting } = this.#options;
    if (level === "compact") {
      const [face = ""] = adapter.split(statusLine(this.#activity, this.#elapsed, isWaiting()));
      return { face, shown: "", isFull: false };
    }
    const { maxTextLength } = adapter.limits;
    const text = this.#text.slice(0, 2 * maxTextLength + AHEAD);
    const head = headOf(this.#activity, Math.floor(maxTextLength * HEAD_SHARE));
    const parts = adapter.split([head, text].filter((part) => part !== "").join("\n\n"));
    const [face = ""] = parts;
    if (parts.length <= 1) return { face, shown: text, isFull: false };
    const shown = face.startsWith(head) ? face.slice(head.length).replace(/^\n+/, "") : (adapter.split(text)[0] ?? "");
    return { face, shown, isFull: true };
  }

  async #show(): Promise<void> {
    const { adapter, channel, clock, signal, alive } = this.#options;
    this.#notBefore = clock.now() + adapter.limits.minEditInterval;
    if (this.#ended || signal.aborted || !this.#editor || !this.#options.clear()) return;
    if (!this.#options.ownership.secure) return;
    const { face, shown, isFull } = this.#look();
    this.#isStale = false;
    this.#isFull = isFull;
    if (face === "" || face === this.#face) return;
    try {
      await this.#adopt();
      if (this.#ref === undefined) {
        const text = adapter.limits.repeatableSend ? face : PLACEHOLDER;
        const ref = await adapter.send(channel, text, { key: this.#options.key, signal: alive, permit: this.#permit });
        await this.#options.save(ref);
        this.#ref = ref;
        if (text !== face) {
          this.#isStale = true;
          return;
        }
      } else {
        await this.#editor.edit(channel, this.#ref, face, { urgency: "preview", signal, permit: this.#permit });
      }
      this.#face = face;
      this.#shown = shown;
    } catch (error) {
      if (!(error instanceof DeliveryError)) {
        if (signal.aborted) return;
        throw error;
      }
      this.#isStale = true;
      // Not once more where that can't help, or where a first message may stand already: one stray is enough.
      if (error.kind === "refused" || (error.kind === "unknown" && this.#ref === undefined)) this.#resting = true;
      if (error.kind === "gone") {
        this.#ref = undefined;
        this.#face = "";
      }
      this.#notBefore = clock.now() + (error.retryAfter ?? adapter.limits.minEditInterval * 2);
    }
  }
}
