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
  /** The key of the earlier message that it replies to. */
  readonly replyTo?: string;
} & (
  | { readonly role: "user"; readonly id: string; readonly text: string }
  | {
      readonly role: "bot";
      readonly html: string;
      /** A part of an answer that is still being written. */
      readonly growing: boolean;
      /** What people can do about it; never empty. */
      readonly actions?: readonly WireAction[];
    }
);

/** As `Action` of the port: `data` comes back in a press. */
export type WireAction =
  | { readonly kind: "button"; readonly label: string; readonly data: string; readonly style?: "primary" | "danger" }
  | { readonly kind: "select"; readonly label: string; readonly data: string; readonly choices: readonly WireChoice[] }
  | { readonly kind: "form"; readonly label: string; readonly data: string; readonly prompt: string };

export interface WireChoice {
  readonly label: string;
  readonly value: string;
}

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
  /** How many decisions it waits for. */
  readonly asks: number;
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
  /** How many decisions it waits for. */
  readonly asks: number;
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
  /** The key of the bot's message that it replies to. */
  readonly answers?: string;
}

/** The body of `POST channels/:channel/presses`. A repetition is the same press. */
export interface WirePress {
  readonly data: string;
  /** What was chosen, or written. */
  readonly value?: string;
}

/** The answer to a press, for the person who pressed alone. */
export interface WirePressed {
  readonly text: string;
  /** It did what was meant. */
  readonly ok: boolean;
}

/** Every answer that is not a success. */
export interface WireError {
  readonly error: { readonly code: string; readonly message: string; readonly remedy: string };
}
