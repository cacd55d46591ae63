/**
 * The port of `adapters/`: one bot account on one chat platform.
 *
 * Obligations of every implementation (`test/conformance/channel.ts` holds it to them):
 * - Nothing is acknowledged to the platform (offset, HTTP 200, ack) before `Intake.take` has resolved for it.
 *   Where it rejects, the platform is left to redeliver.
 * - Odd input (malformed, huge, empty, unknown kinds) is counted and passed over: it never throws, and never
 *   holds up what comes behind it.
 * - No method holds back the caller for longer than its own request: pauses that the platform asks for are
 *   reported as `DeliveryError`, or waited for by calls of the same account only.
 * - An account that can't work (wrong token, revoked, another poller) says so in `health()`, with a remedy,
 *   tries again where that can help, and never ends the process.
 */
import type { Amendment, Attachment, ChannelId, InboundEvent, MessageRef, Sender } from "./model.ts";

export interface ChannelAdapter {
  /** The name under `adapters` in the configuration: the first part of its channel ids. */
  readonly name: string;
  readonly limits: ChannelLimits;

  /**
   * Begins to receive, handing every event to `intake`. Resolves when it has begun trying; a platform that
   * can't be reached is not an error here but a state of `health()`.
   */
  start(intake: Intake): Promise<void>;

  /**
   * Stops receiving; what was handed over is waited for, and what was taken is acknowledged where that is the way of
   * the platform. Sending goes on to work until `close`.
   */
  stop(): Promise<void>;

  /** Lets go of everything. Called once, after `stop`. */
  close(): Promise<void>;

  health(): AdapterHealth;

  /**
   * Markdown → parts that fit into one platform message each, in order, none empty. Pure. Nothing is cut:
   * the parts joined say what the whole said.
   */
  split(markdown: string): string[];

  /**
   * Posts a part from `split`. Rejects with `DeliveryError`. `key` is unique within the channel for what is said: an
   * adapter whose platform can de-duplicate by it must do so, and declares `limits.repeatableSend`.
   */
  send(channel: ChannelId, text: string, options: SendOptions): Promise<MessageRef>;
}

export interface SendOptions extends Permitted {
  readonly key: string;
  readonly signal: AbortSignal;
  /** What people can do about it. Only where `limits.actions` is declared, and within it. */
  readonly actions?: readonly Action[];
  /** The bot's own message that it replies to. Where that is gone, or can't be replied to, it is posted all the same. */
  readonly replyTo?: MessageRef;
}

/**
 * What a person can do below a message. `data` (at most 64 bytes of ASCII, different within a message) comes back as
 * `Press.data`; what was chosen or written as `Press.value`.
 */
export type Action =
  | { readonly kind: "button"; readonly label: string; readonly data: string; readonly style?: "primary" | "danger" }
  /** One of several. Only where `limits.actions.select` is not 0; values at most 64 bytes. */
  | {
      readonly kind: "select";
      readonly label: string;
      readonly data: string;
      readonly choices: readonly { readonly label: string; readonly value: string }[];
    }
  /** A button that opens a form with one field for a text. Only where `limits.actions.form`. */
  | { readonly kind: "form"; readonly label: string; readonly data: string; readonly prompt: string };

/** A call that may come too late: it waits for the platform's pace, or the whole process was asleep. */
export interface Permitted {
  /**
   * Asked in the very moment before the request goes out. False where the channel may have another owner by now: then
   * nothing is sent, and the call rejects with `unavailable` (a preview is left out). Absent: always allowed.
   */
  readonly permit?: () => boolean;
}

export interface ChannelLimits {
  /** Characters (UTF-16 units) that one message may show. */
  readonly maxTextLength: number;
  /** Milliseconds between two edits of a growing answer. */
  readonly minEditInterval: number;
  /** A `send` repeated with the same key shows one message. */
  readonly repeatableSend: boolean;
  /** Messages can have actions: at most so many, so many choices in a select, and whether forms can be opened. */
  readonly actions?: { readonly most: number; readonly select: number; readonly form: boolean };
}

/** The bot's messages can be changed. An edit to what is already shown succeeds. */
export interface Editing {
  /** `urgency`: a preview may be skipped where the platform is short of patience, a final text not. */
  edit(channel: ChannelId, ref: MessageRef, text: string, options: EditOptions): Promise<void>;
}

export interface EditOptions extends Permitted {
  readonly urgency: "preview" | "final";
  readonly signal: AbortSignal;
  /** As in `SendOptions`; absent: from now on none. */
  readonly actions?: readonly Action[];
}

/** The platform can show that the bot is at work. One call lasts for `typingLasts` ms. */
export interface Typing {
  readonly typingLasts: number;
  typing(channel: ChannelId, signal: AbortSignal): Promise<void>;
}

/** The platform shows a menu of commands. Called once after `start`; a failure is the adapter's to report. */
export interface Commands {
  announce(commands: readonly CommandInfo[]): Promise<void>;
}

/**
 * Only one process at a time may receive for this account. Core calls `start` only while its process holds the name
 * `exclusive`, and may call `stop` and `start` again any number of times, also before the one under way has resolved:
 * the last call counts. Everything but receiving works without `start`, so that every replica can send.
 */
export interface Exclusive {
  /** The same in every process with this account, and of no other account. Holds no secret. */
  readonly exclusive: string;
}

/** What people attach to messages can be read. */
export interface Files {
  /** The bytes of a file that came with a message. Rejects with `DeliveryError`: `gone` and `refused` where it can't be had. */
  download(channel: ChannelId, file: Attachment, signal: AbortSignal): Promise<Uint8Array>;
}

/** What became of a send whose outcome got lost can be seen on the platform. */
export interface Lookup {
  /**
   * The message that was sent with this key in the channel, not before `since` (ms since the epoch); undefined where
   * there certainly is none. Rejects with `DeliveryError` where that can't be told now.
   */
  lookup(channel: ChannelId, key: string, since: number, signal: AbortSignal): Promise<MessageRef | undefined>;
}

/** The platform keeps what was said, so that what was missed can be read later. Core asks after `Intake.missed`. */
export interface History {
  /**
   * What people said in a channel after `after` (ms since the epoch), oldest first, at most `limit`: the very events
   * that would have come. Rejects with `DeliveryError`; `gone` and `refused` where there is nothing to read any more.
   */
  history(channel: ChannelId, after: number, limit: number, signal: AbortSignal): Promise<InboundEvent[]>;
  /** Where to read so that nothing is missed that belongs to these channels or begins beside them: of a thread, its channel too. */
  sources?(channels: readonly ChannelId[]): ChannelId[];
}

/** The account can be tried without receiving anything: what `switchboard check` does. */
export interface Probing {
  /** One look: `connected`, or `failed` with what is wrong and what to do. Never rejects. Works without `start`. */
  probe(signal: AbortSignal): Promise<AdapterHealth>;
}

/**
 * The adapter answers HTTP itself: a platform's webhook, or a page. The gateway's HTTP server hands it every
 * request whose path is `mount` or below, the path unchanged, after its own checks of host, origin and body size.
 */
export interface Routes {
  /** Starts with "/", no slash at the end except for "/" itself. The longest mount wins. */
  readonly mount: string;
  /** `operator`: only requests that carry the gateway's token or its cookie. `platform`: the adapter checks who calls. */
  readonly caller: "operator" | "platform";
  fetch(request: Request): Promise<Response>;
}

export interface CommandInfo {
  readonly name: string;
  /** One line. */
  readonly summary: string;
}

export function canEdit(adapter: ChannelAdapter): adapter is ChannelAdapter & Editing {
  return "edit" in adapter;
}

export function canType(adapter: ChannelAdapter): adapter is ChannelAdapter & Typing {
  return "typing" in adapter;
}

export function canAnnounce(adapter: ChannelAdapter): adapter is ChannelAdapter & Commands {
  return "announce" in adapter;
}

export function canLookUp(adapter: ChannelAdapter): adapter is ChannelAdapter & Lookup {
  return "lookup" in adapter;
}

export function hasFiles(adapter: ChannelAdapter): adapter is ChannelAdapter & Files {
  return "download" in adapter;
}

export function hasHistory(adapter: ChannelAdapter): adapter is ChannelAdapter & History {
  return "history" in adapter;
}

export function isExclusive(adapter: ChannelAdapter): adapter is ChannelAdapter & Exclusive {
  return "exclusive" in adapter;
}

export function hasRoutes(adapter: ChannelAdapter): adapter is ChannelAdapter & Routes {
  return "fetch" in adapter;
}

/** Core's door for adapters. */
export interface Intake {
  /**
   * Takes one event. Resolves when it is durable (or known, or refused for good): now it may be
   * acknowledged. Rejects while the store is away: it must not be acknowledged.
   */
  take(event: InboundEvent): Promise<Taken>;

  /**
   * A person changed what was said before, or deleted it (`text` is null). Resolves when that is durable; a message
   * that has begun to run, or is not known, stays as it is. Rejects like `take`.
   */
  amend(change: Amendment): Promise<void>;

  /**
   * A person used an action of a message. Resolves with what to tell that person, and nobody else, when what it did is
   * durable. Rejects like `take`; a press that the platform repeats is answered as the first time.
   */
  press(press: Press): Promise<Pressed>;

  /** The adapter named has been away from its platform, or starts: events may have been missed. Returns at once. */
  missed(adapter: string): void;
}

export interface Press {
  readonly channel: ChannelId;
  readonly sender: Sender;
  readonly data: string;
  /** What was chosen in a select, or written in a form. */
  readonly value?: string;
  /** The platform told no more than the chat: it may be any channel whose id begins with `channel`. */
  readonly inexact?: true;
}

export interface Pressed {
  /** Markdown without links or blocks, at most 180 characters. */
  readonly text: string;
  /** It did what was meant. */
  readonly ok: boolean;
}

export type Taken =
  | { readonly status: "queued"; readonly position: number }
  | { readonly status: "command" }
  | { readonly status: "duplicate" }
  | { readonly status: "full" }
  | { readonly status: "refused"; readonly reason: string };

export interface AdapterHealth {
  /**
   * `degraded`: it works in part or tries again by itself; `failed`: it needs a person; `standby`: another replica
   * receives, this one sends (core's to say, of an `Exclusive` account).
   */
  readonly state: "starting" | "connected" | "degraded" | "failed" | "standby" | "stopped";
  /** What is wrong and what to do. */
  readonly detail?: string;
}

/**
 * Why a send or an edit did not succeed.
 * - `limited`: certainly not done; `retryAfter` ms to wait.
 * - `unavailable`: certainly not done; try again later.
 * - `unknown`: it may have happened.
 * - `gone`: the message to edit, or to reply to, is no more; a new one may be posted.
 * - `refused`: never possible (blocked, kicked, no right to post).
 */
export class DeliveryError extends Error {
  readonly kind: "limited" | "unavailable" | "unknown" | "gone" | "refused";
  readonly retryAfter?: number;

  constructor(kind: DeliveryError["kind"], message: string, options: { cause?: unknown; retryAfter?: number } = {}) {
    super(message, { cause: options.cause });
    this.name = "DeliveryError";
    this.kind = kind;
    if (options.retryAfter !== undefined) this.retryAfter = options.retryAfter;
  }
}
