/** What the gateway and its chat page say to each other. This file imports nothing: both sides may import it. */

/**
 * One message on the page. A later one with the same key replaces it.
 * A person's has the text they typed; the bot's has HTML that is safe to show.
 */
export type WireMessage = {
  readonly key: string;
  /** Its place on the page; rising. */
  readonly order: number;
  /** When it got its present text, milliseconds since the epoch. */
  readonly at: number;
} & (
  | { readonly role: "user"; readonly id: string; readonly text: string }
  /** `growing`: a part of an answer that is still being written. */
  | { readonly role: "bot"; readonly html: string; readonly growing: boolean }
);

/** Event `page`: the newest messages of the channel, in order. What the page showed before is replaced. */
export interface WirePage {
  readonly messages: readonly WireMessage[];
  /** Are there older ones? */
  readonly more: boolean;
  readonly receipts: Readonly<Record<string, WireReceipt>>;
}

/** What became of a person's message; the ids are those that the page made. */
export type WireReceipt =
  | { readonly state: "queued" | "running" | "answered" }
  | { readonly state: "dropped"; readonly reason: string }
  | { readonly state: "failed"; readonly cause: string };

/** Event `state`: what the channel is doing. `receipts` holds the newest ones; older ones don't change. */
export interface WireState {
  readonly running?: WireTurn;
  /** The ids of the messages that wait, the next one first. */
  readonly waiting: readonly string[];
  readonly receipts: Readonly<Record<string, WireReceipt>>;
  /** The gateway's clock when it said so. */
  readonly now: number;
}

export interface WireTurn {
  /** The ids of the messages that it answers. */
  readonly ids: readonly string[];
  readonly startedAt: number;
  /** From 1. */
  readonly attempt: number;
  /** Set while a failed attempt waits to be repeated: not before this time. */
  readonly retryAt?: number;
}

export interface WireChannel {
  readonly id: string;
  readonly title: string;
  /** Last activity. */
  readonly at: number;
  readonly busy: boolean;
  readonly failed: boolean;
}

/** Event `channels`: the channels with the newest activity. */
export interface WireChannels {
  readonly channels: readonly WireChannel[];
  /** Where older ones go on. */
  readonly cursor?: string;
}

/** `GET about` */
export interface WireAbout {
  readonly commands: readonly { readonly name: string; readonly summary: string }[];
  /** Messages that are worth a try on an empty page. */
  readonly suggestions: readonly string[];
}

/** The body of `POST channels/:channel/messages`. A repetition with the same id is the same message. */
export interface WirePost {
  readonly id: string;
  readonly text: string;
}

/** Every answer that is not a success. */
export interface WireError {
  readonly error: { readonly code: string; readonly message: string; readonly remedy: string };
}
