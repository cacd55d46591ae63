/**
 * The words of Switchboard as types, with `ask.ts` and `agent-event.ts`. It imports nothing else; all may import it.
 *
 * Times are milliseconds since the Unix epoch unless a name says otherwise. Every type here is plain
 * JSON: a store may keep it as it is.
 */

import type { CostSource } from "./agent-event.ts";
import type { Interruption } from "./ask.ts";

export type * from "./agent-event.ts";
export type * from "./ask.ts";

/** A value that survives a round trip through JSON. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** One conversation on a platform: `<adapter name>:<native id>`. Opaque outside its adapter. */
export type ChannelId = `${string}:${string}`;

export function channelId(adapter: string, native: string): ChannelId {
  return `${adapter}:${native}`;
}

/** The adapter that a channel belongs to: what stands before the first colon. */
export function adapterOf(channel: ChannelId): string {
  return channel.slice(0, channel.indexOf(":"));
}

/** The platform's own id of a channel: what stands behind the first colon. */
export function nativeOf(channel: ChannelId): string {
  return channel.slice(channel.indexOf(":") + 1);
}

/** A person on a platform. `id` is `<adapter name>:<native user id>`, the form that `access` lists use. */
export interface Sender {
  readonly id: string;
  readonly name: string;
}

/**
 * What an adapter hands to the gateway for each thing that a person sent.
 * `id` is the platform's own message id, unique within the channel: it is what duplicates are told by.
 */
export interface InboundEvent {
  readonly channel: ChannelId;
  readonly id: string;
  readonly sender: Sender;
  /** The text with the bot's own mention taken out; commands start with "/". Never empty. */
  readonly text: string;
  /** When the platform says it was sent. */
  readonly sentAt: number;
  /** False where the bot overhears a group talk that does not speak to it. */
  readonly addressed: boolean;
  /** True in a conversation of one person with the bot. */
  readonly direct: boolean;
  /** The id of the message that this one replies to, where it is one from a person. */
  readonly replyTo?: string;
  /**
   * It does not speak to the bot by itself, but stands in a thread where the bot may take part: it is addressed where
   * the channel has a session.
   */
  readonly follows?: true;
  /** It was read from the platform's history: the event itself was missed. */
  readonly caughtUp?: true;
  /** The gateway's own message that this one replies to, where the platform says so. */
  readonly answers?: MessageRef;
  /** What was attached to it. The text names each, for agents that take no files. */
  readonly files?: readonly Attachment[];
  /** It is no person's: a session that begins with it has this source. */
  readonly source?: Exclude<SessionSource, "channel">;
}

/** A file that a person sent; it stays on the platform until an agent wants it. */
export interface Attachment {
  /** The platform's own handle. Opaque outside its adapter. */
  readonly id: string;
  readonly name: string;
  /** As the platform says, such as "image/png"; "application/octet-stream" where it doesn't. */
  readonly type: string;
  /** Bytes, as the platform says. */
  readonly size: number;
}

/** A person's later change of a message: its new text, or null where it was deleted. */
export interface Amendment {
  readonly channel: ChannelId;
  readonly id: string;
  readonly text: string | null;
}

/** A message that waits in, or was taken from, a channel's inbox. */
export interface Message {
  readonly id: string;
  readonly sender: Sender;
  readonly text: string;
  readonly sentAt: number;
  /** When the store took it. */
  readonly acceptedAt: number;
  readonly files?: readonly Attachment[];
  readonly source?: Exclude<SessionSource, "channel">;
  /** It wants nothing but that the agent shortens its memory of the session. */
  readonly compact?: true;
  /** What it has to do with a plan: it is the one that was approved, or it wants another one. */
  readonly plan?: PlanStep;
}

/** `ask`: the plan's; absent where one is wanted for the first time. */
export interface PlanStep {
  readonly ask?: string;
  readonly step: "make" | "revise" | "carry out";
}

/** Who cancelled a turn and why; recorded in the step that stops it. */
export interface Cancellation {
  readonly by: string;
  readonly reason: string;
  readonly at: number;
}

/**
 * One run of the agent over the message in flight (several where the queue mode collects).
 * `attempt` counts from 1 and was durable before the agent saw the messages.
 */
export interface Turn {
  /** Unique within the channel; the same for every attempt. */
  readonly id: string;
  readonly messages: readonly Message[];
  readonly attempt: number;
  readonly startedAt: number;
  /** The message that shows the growing answer, once there is one. */
  readonly preview?: MessageRef;
  /** Set when a person cancelled the turn: it can only end as cancelled from here on. */
  readonly cancelled?: Cancellation;
  /** Not before this time may a failed attempt be repeated. */
  readonly retryAt?: number;
  /** The asks that its earlier attempts opened, oldest first. */
  readonly asks?: readonly string[];
}

/** The platform's own handle of a message that the gateway posted. Opaque outside its adapter. */
export type MessageRef = string;

/** What became of an inbound message. */
export type Receipt = { readonly at: number } & (
  | { readonly state: "queued" }
  | { readonly state: "running"; readonly attempt: number }
  | { readonly state: "answered" }
  | { readonly state: "dropped"; readonly reason: string }
  | { readonly state: "failed"; readonly cause: string }
);

/** A receipt with what it belongs to; `position` (1 = next) only while queued. */
export interface ReceiptView {
  readonly id: string;
  readonly receipt: Receipt;
  readonly position?: number;
  /** It was missed when it came, and read from the platform's history later. */
  readonly caughtUp?: true;
}

/**
 * A command that goes around the inbox. Durable until a session has finished it, so that a crash
 * between its arrival and its answer repeats it.
 */
export interface Control {
  /** The platform's id of the message or click that it came from. */
  readonly id: string;
  readonly command: string;
  readonly args: string;
  readonly sender: Sender;
  readonly at: number;
  readonly replyTo?: string;
  /** It will put a message into the inbox: what drops those that wait drops it, too. */
  readonly enqueues?: true;
  /** What its arrival did in the same step, for the answer to say so. */
  readonly effect?: ControlEffect;
  /** Of `say`: a message that came while an ask was open, and may be the answer to it. */
  readonly message?: Message;
  /** Of `say`: the gateway's own message that it replies to. */
  readonly answers?: MessageRef;
}

export interface ControlEffect {
  /** The id of the turn in flight that this control cancelled; null where none was. */
  readonly cancelledTurn: string | null;
  /** How many waiting messages it dropped. */
  readonly dropped: number;
}

/** A reply, or a part of one that fits into one platform message, that is not yet proven delivered. */
export interface OutboxEntry {
  /** Unique within the channel and never used again: the key that a platform may de-duplicate by. */
  readonly id: string;
  /**
   * An answer must appear exactly once; a notice (command reply, failure) may be repeated with a mark. A card shows an
   * ask: it must appear once too.
   */
  readonly kind: "answer" | "notice" | "card";
  /** Markdown that `ChannelAdapter.split` made to fit. Empty of a card: its text follows from the ask as it is when it is sent. */
  readonly text: string;
  readonly card?: Card;
  /** The gateway's own message that it replies to. */
  readonly replyTo?: MessageRef;
  /** The message to edit, once one exists: a preview, a placeholder, or none yet. */
  readonly ref?: MessageRef;
  /** `sending`: a send was begun, and whether it happened is in doubt until it is settled. */
  readonly state: "pending" | "sending";
  /** When the send that is in doubt was begun. */
  readonly since?: number;
  readonly attempts: number;
  /** Not to be tried before this time. */
  readonly notBefore?: number;
}

/** A reply that core asks the store to put into the outbox. */
export interface OutboxDraft {
  readonly kind: OutboxEntry["kind"];
  readonly text: string;
  readonly ref?: MessageRef;
  readonly card?: Card;
  readonly replyTo?: MessageRef;
}

/** Which part of an ask a message shows. */
export interface Card {
  readonly ask: string;
  /** One question of several. */
  readonly question?: string;
  /** It reminds of one that is shown further up. */
  readonly reminder?: true;
}

/** Where a session came from. */
export type SessionSource = "channel" | "manual" | "cron" | "setup";

export interface SessionStats {
  readonly turns: number;
  readonly failed: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
  /** US dollars. Absent where nothing is known, which is not 0. */
  readonly cost?: number;
  /** The agent's own account, or tokens by the prices of the configuration. */
  readonly costSource?: CostSource;
  /** Milliseconds to the first text, and to the end, of the last turn, without those for which it waited for people. */
  readonly firstTextMs?: number;
  readonly lastTurnMs?: number;
}

export interface SessionError {
  readonly code: string;
  readonly message: string;
  readonly at: number;
}

/** The durable state of one channel. Exactly one session of a channel is current; `archivedAt` marks the others. */
export interface Session {
  readonly id: string;
  readonly channel: ChannelId;
  readonly title: string;
  readonly source: SessionSource;
  /** The name of the agent, as configured. */
  readonly agent: string;
  /** The name of the project, as configured. */
  readonly project?: string;
  readonly pinned: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly lastActivityAt: number;
  readonly archivedAt?: number;
  readonly error?: SessionError;
  /** What the agent asked to be given back at its next opening. */
  readonly agentState?: Json;
  readonly settings?: SessionSettings;
  readonly stats: SessionStats;
}

/** What people set, and granted, in a session. */
export interface SessionSettings {
  /** Absent: as the route says. */
  readonly mode?: PermissionMode;
  /** Absent: the agent's own. */
  readonly model?: string;
  /** How hard it thinks, in the agent's own words. Absent: the agent's own. */
  readonly effort?: string;
  /** Absent: `project`. */
  readonly scope?: WorkspaceScope;
  /** Absent: as the route says. */
  readonly stream?: StreamLevel;
  /** What people chose for the channel: new sessions begin with it. */
  readonly agent?: string;
  readonly project?: string;
  /** Of the turn in flight. */
  readonly interrupted?: Interruption;
  /** What need not be asked again in this session. */
  readonly grants?: readonly Rule[];
  /** What need not be asked again in this channel: a new session takes it over. */
  readonly rules?: readonly Rule[];
  /** To be told to the agent with the next message: why a plan was rejected. */
  readonly note?: string;
}

/**
 * What an agent may do unasked. `ask`: nothing that it asks for. `accept-edits`: change files. `plan`: nothing before
 * its plan was approved. `bypass`: everything.
 */
export type PermissionMode = "ask" | "accept-edits" | "plan" | "bypass";

/** How far an agent may reach: its project's folder · the folder that holds all projects · everywhere. */
export type WorkspaceScope = "project" | "workspace" | "full";

/** What is shown of an answer before it is whole: nothing · what it does, in one line · its text and every tool call. */
export type StreamLevel = "off" | "compact" | "full";

/** A permission that was given for more than once. */
export interface Rule {
  readonly tool: string;
  /** What of the tool: compared with the request's; `*` stands for any characters. Absent: all of it. */
  readonly pattern?: string;
  readonly by: Sender;
  readonly at: number;
}

/** What a new session starts from; the store adds id, times and stats. */
export interface NewSession {
  readonly source: SessionSource;
  readonly agent: string;
  readonly title: string;
  readonly project?: string;
  readonly settings?: SessionSettings;
}

/** The fields of a session that a turn or a command may change. `null` removes an optional one. */
export interface SessionPatch {
  readonly title?: string;
  readonly agent?: string;
  readonly pinned?: boolean;
  readonly error?: SessionError | null;
  readonly agentState?: Json;
  /** All of it at once. */
  readonly settings?: SessionSettings;
  readonly stats?: SessionStats;
}

export type SessionStatus = "idle" | "running" | "waiting" | "error" | "archived";

/** One line of what was said in a session. */
export interface TranscriptEntry {
  readonly role: "user" | "assistant" | "notice";
  readonly text: string;
  readonly at: number;
  readonly turn: string;
  readonly sender?: Sender;
  /** As of the message. */
  readonly source?: Message["source"];
}

/**
 * What failed for good: a message whose turn did, or a reply that the platform refuses. It is kept until an operator,
 * or `/retry`, replays or drops it.
 */
export interface DeadLetter {
  /** `<channel>#<message id>` or `<channel>#reply:<reply's id>` */
  readonly id: string;
  readonly channel: ChannelId;
  /** One of these two. */
  readonly message?: Message;
  readonly reply?: Omit<OutboxDraft, "ref">;
  readonly cause: string;
  readonly attempts: number;
  readonly at: number;
}

/** A prompt that comes by itself. */
export interface Schedule {
  /** At most 32 characters of a-z, 0-9 and "-"; unique over all channels. */
  readonly id: string;
  readonly channel: ChannelId;
  /** Five or six fields. */
  readonly cron: string;
  /** An IANA name such as "Europe/Berlin". */
  readonly timezone: string;
  readonly prompt: string;
  /** For whom it runs: who is asked what comes up. */
  readonly by: Sender;
  readonly origin: "configuration" | "command";
  /** What becomes of a run whose time passed while no gateway ran. */
  readonly missed: "skip" | "run";
  readonly createdAt: number;
  readonly nextAt: number;
  readonly lastAt?: number;
}

/** Where time comes from. Injected everywhere, so that tests can move it. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Calls `callback` once after `ms`, unless the returned function is called before. */
  after(ms: number, callback: () => void): () => void;
}
