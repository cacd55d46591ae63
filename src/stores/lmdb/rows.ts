/** What stands in the store: JSON, one shape for each kind of key in `keys.ts`. Changing one is a new format. */
import type {
  Ask,
  Cancellation,
  ChannelId,
  Control,
  OutboxEntry,
  Session,
  SessionSource,
  TranscriptEntry,
} from "../../model.ts";

/** What every transaction of a channel reads and most write: kept small, whatever waits in the channel. */
export interface ChannelRow {
  /** Only where its key doesn't tell. */
  channel?: ChannelId;
  /** The current session. */
  session?: string | undefined;
  /** Places in the inbox from `head` (next to run) up to, without, `tail` hold what waits, without gaps. */
  head: number;
  tail: number;
  turn?: TurnRow | undefined;
  /** How many turns there were: the number of the newest. */
  turns: number;
  /** Ids of the commands that are not finished, oldest first. */
  controls: string[];
  /** Ids of the asks that are open, in the order in which they were opened. */
  asks?: readonly string[] | undefined;
  /** Replies in order. Settling one doesn't come back here: some may be gone already, and are left out later. */
  outbox: number[];
  /** The newest receipts, oldest first, as `recents.ts` writes them; older ones have rows of their own in buckets. */
  recent: string;
  buckets?: BucketsRow;
}

/** `newest` is written to since `since`; the one before still counts; from `oldest` on, rows may be left. */
export interface BucketsRow {
  newest: number;
  since: number;
  oldest: number;
}

/** The turn in flight. Its messages stay in the inbox, from the place `first` on, until it ends. */
export interface TurnRow {
  readonly id: string;
  /** The session that it belongs to, though the channel may have a new one by its end. */
  readonly session: string;
  readonly first: number;
  /** The ids of its messages, in order. */
  readonly messages: readonly string[];
  readonly attempt: number;
  readonly startedAt: number;
  readonly preview?: string;
  readonly cancelled?: Cancellation;
  readonly retryAt?: number;
  /** The owner that claimed this attempt: its next claim gives it again. */
  readonly fence?: number;
  /** The next claim is a new attempt, or it doesn't count as one. */
  readonly again?: true;
  readonly requeued?: true;
  /** As `requeued`, and there is no next claim while one of its asks is open. */
  readonly suspended?: true;
  /** All that it opened. */
  readonly asks?: readonly string[];
}

/**
 * id, time (below zero: of what was caught up), state (q queued, a answered, d dropped, f failed), and: the place in the inbox of a queued message,
 * the reason or cause of the last two. That a message runs is seen from its place.
 */
export type ReceiptRow =
  | readonly [id: string, at: number, state: "q", place?: number]
  | readonly [id: string, at: number, state: "a"]
  | readonly [id: string, at: number, state: "d", reason: string]
  | readonly [id: string, at: number, state: "f", cause: string];

export type ControlRow = Control;

export interface SessionRow extends Session {
  /** The newest piece of the transcript. */
  readonly newest?: number;
}

/** One piece of a transcript, written by one turn; `before` leads to the one before it. */
export interface TranscriptRow {
  readonly before?: number;
  readonly entries: readonly TranscriptEntry[];
}

export type ReplyRow = OutboxEntry;

export interface AskRow extends Ask {
  /** Tells asks apart that were opened at the same time. */
  readonly place: number;
}

/** Enough to skip a session in a listing without reading it. */
export type ListedRow = readonly [channel: ChannelId, session: string, archived: 0 | 1];

/** Figures of the whole store. */
export interface Figures extends Readonly<Record<SessionSource, number>> {
  readonly sessions: number;
  readonly queued: number;
  readonly inFlight: number;
  readonly undelivered: number;
  readonly deadLetters: number;
  /** Current sessions with an error. Those of each source stand under its name. */
  readonly error: number;
  /** Channels with an open ask, and those of them with a turn in flight. */
  readonly waiting: number;
  readonly paused: number;
  /** What all sessions that ever were have spent. */
  readonly turns: number;
  readonly failed: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly cost: number;
}

export interface Counters extends Figures {
  /** The newest number that the whole store gave out. */
  readonly sequence: number;
}

export interface JournalHead {
  /** Only where its key doesn't tell. */
  readonly channel?: ChannelId;
  readonly version: number;
  readonly entries: number;
  /** No entry has an order below this one. */
  readonly oldest: number;
}
