/**
 * The port of `stores/`: what keeps every session, queue and reply.
 *
 * Obligations of every implementation (`test/conformance/store.ts` holds it to them):
 * - Each method is one transaction: all of it happens or none, and other callers see one or the other.
 * - A write answers only when it would survive `kill -9` and, as far as the medium allows, loss of power.
 * - A write that can't be made rejects with STORE_FULL or STORE_UNAVAILABLE and leaves nothing behind.
 * - A method with a `fence` rejects with STALE_FENCE, writing nothing, unless the fence is the one that the
 *   newest `acquire` of the channel gave and it has not been released.
 * - What is returned is the caller's own: the store never changes it later.
 * - Methods may be called concurrently, for the same channel too.
 * - A call that rejected with STORE_UNAVAILABLE may still have been carried out, or be so a little later. Calling again
 *   is always right: what was done is not done twice, and the answer is the one that was lost.
 */
import type { AskDraft, AskStore } from "./ask-store.ts";
import type { Journal } from "./journal.ts";
import type {
  Amendment,
  Ask,
  ChannelId,
  Control,
  ControlEffect,
  DeadLetter,
  InboundEvent,
  Message,
  MessageRef,
  NewSession,
  OutboxDraft,
  OutboxEntry,
  ReceiptView,
  Session,
  SessionPatch,
  SessionSource,
  SessionStats,
  TranscriptEntry,
  Turn,
} from "./model.ts";
import type { ScheduleStore } from "./schedule-store.ts";

export type * from "./ask-store.ts";
export type * from "./journal.ts";
export type * from "./schedule-store.ts";

/** Grows each time a channel changes owner. */
export type Fence = number;

export interface Store extends Journal, AskStore, ScheduleStore {
  // ── Intake: unfenced, from any replica. The event's id is de-duplicated in the same step and remembered
  //    for `dedupeFor`, also across restarts; a repetition changes nothing and says so.

  /**
   * Puts a message at the end of the channel's inbox, or refuses it when `max` already wait. While an ask of the
   * channel is open it may be the answer to it: then it is recorded as a command `say` instead (`aside`).
   */
  accept(event: InboundEvent, options: AcceptOptions): Promise<Accepted>;

  /**
   * Records a command. With `cancel` the same step marks the turn in flight as cancelled (`turn`), and also
   * drops every waiting message, also those that wait as `say`, and commands with `enqueues`, with a receipt that gives `reason` (`all`).
   */
  signal(event: InboundEvent, control: ControlDraft): Promise<Signalled>;

  /**
   * Gives a message that waits another text, or drops it (null) with a receipt that gives `reason`. False where it
   * doesn't wait (any more): then nothing is changed.
   */
  amend(change: Amendment, reason: string): Promise<boolean>;

  /** Leaves a receipt "dropped: reason" and nothing else: no session, no reply. */
  refuse(event: InboundEvent, reason: string): Promise<"refused" | "duplicate">;

  // ── Ownership

  /**
   * Makes `replica` the owner of the channel and gives all that it needs to go on. Where no session is
   * current, one is made from `fresh`; its source is the first waiting message's, where that has one. An owner that
   * is alive keeps the channel: then nothing changes and its name is given. The same replica may acquire again; its
   * older fence is stale from then on.
   */
  acquire(channel: ChannelId, replica: string, fresh: NewSession): Promise<Acquired>;

  /** Gives the channel up. A stale fence is not an error here: it is already given up. */
  release(channel: ChannelId, fence: Fence): Promise<void>;

  /**
   * Proves that the replica lives and that the store takes writes. A replica that did so for the first time may own
   * channels; one that did not do so for `Membership.lasts` may lose them. `leaving`: it lives, but takes nothing new.
   */
  heartbeat(replica: string, leaving?: boolean): Promise<Membership>;

  /**
   * Channels with something to do (a message, a turn in flight, a command, an undelivered reply) that no living
   * replica but this one owns: nobody's, and its own, because a hint may have been lost. Its cost grows with what
   * is pending, never with what is stored.
   */
  unattended(replica: string): Promise<ChannelId[]>;

  /**
   * True while this replica has what only one at a time may have, such as the long poll of an account: it has it
   * from then on until it lets go or is no longer alive. False where another one has it.
   */
  hold(name: string, replica: string): Promise<boolean>;
  /** Gives it up. One that it doesn't have is not an error. */
  letGo(name: string, replica: string): Promise<void>;

  // ── Turns: by the owner

  /**
   * The next turn, its attempt durable before this resolves; undefined when nothing waits. A turn already in
   * flight is given again: to a new owner, and after a retry, its attempt one higher (the same number after
   * `requeue`); to the one who claimed it as it is, because the first answer may have got lost; a cancelled one as
   * it is, to be ended by `cancel`. `take` is how many waiting messages a new turn may collect, at least 1.
   */
  claim(channel: ChannelId, fence: Fence, take: number): Promise<Turn | undefined>;

  /**
   * Ends the turn in flight as answered. One step: receipts, transcript, session, outbox, and the claim of the
   * next turn when `take` is above 0. Answers `cancelled`, writing nothing, where a person cancelled it first.
   * Rejects with STALE_FENCE where that turn is not the one in flight; so does `failTurn`.
   */
  commitTurn(channel: ChannelId, fence: Fence, commit: TurnCommit): Promise<TurnEnd | { readonly status: "cancelled" }>;

  /** Ends or puts back the turn in flight; see `TurnFailure`. One step, like `commitTurn`. */
  failTurn(channel: ChannelId, fence: Fence, failure: TurnFailure): Promise<TurnEnd>;

  /** Changes the session, or notes the preview of the turn in flight. */
  save(channel: ChannelId, fence: Fence, change: { session?: SessionPatch; preview?: MessageRef }): Promise<void>;

  // ── Commands and replies: by the owner

  /** Commands not yet finished, oldest first, and replies not yet settled, in order. */
  pending(channel: ChannelId, fence: Fence): Promise<Pending>;

  /** Ends a command: its reply, its change of the session, and what it asks for, in one step. Unknown ids are ignored. */
  finishControl(
    channel: ChannelId,
    fence: Fence,
    end: ControlEnd,
  ): Promise<{ session: Session; outbox: OutboxEntry[] }>;

  /** Records how the delivery of one outbox entry stands. Unknown ids are ignored: they were settled before. */
  settleDelivery(channel: ChannelId, fence: Fence, id: string, outcome: DeliveryOutcome): Promise<void>;

  // ── Operators: unfenced

  /**
   * Puts a dead letter's message at the end of its channel's inbox again, attempts from 1, or its reply at the end of
   * the outbox. Rejects with DEAD_LETTER_UNKNOWN.
   */
  replay(deadLetter: string): Promise<void>;
  /** Forgets a dead letter; its receipt stays. Rejects with DEAD_LETTER_UNKNOWN. */
  discard(deadLetter: string): Promise<void>;
  /**
   * Removes a session, its transcript and asks. Where it is its channel's current one, also what waits there,
   * what is in flight, and the owner's fence; receipts stay, as "dropped" where it was not answered, and so do
   * dead letters and the journal. Rejects with SESSION_UNKNOWN.
   */
  remove(session: string): Promise<void>;

  // ── Reading: may see a state a moment old, never a half-written one

  get(session: string): Promise<Session | undefined>;
  /** The channel's current session. */
  current(channel: ChannelId): Promise<Session | undefined>;
  /** Pinned first and only on the first page, then the rest, newest activity (to the minute) first. */
  list(query: SessionQuery): Promise<SessionPage>;
  /** The newest `limit` entries before `before` (a cursor from an earlier page), oldest first. */
  transcript(session: string, page: { limit: number; before?: number }): Promise<TranscriptPage>;
  receipt(channel: ChannelId, id: string): Promise<ReceiptView | undefined>;
  /** What the channel is doing, in one look. */
  queue(channel: ChannelId): Promise<QueueView>;
  deadLetters(query: { channel?: ChannelId; limit: number }): Promise<DeadLetter[]>;
  stats(): Promise<StoreStats>;
  /** What endangers data as this store is set up: a sentence each, for operators. */
  warnings(): readonly string[];

  /**
   * Calls the listener after each change that this process should know of, until the returned function is
   * called. Hints may be lost or repeated; they are never the only way to learn of work.
   */
  watch(listener: (hint: Hint) => void): () => void;

  /** Waits for writes under way, then lets go. Every later call rejects with STORE_CLOSED. */
  close(): Promise<void>;
}

export interface AcceptOptions {
  /** How many messages may wait, not counting those in flight. */
  readonly max: number;
  /**
   * The notice that the person gets, in the same step, when the queue is full. Left out while an equal one is still
   * to be delivered: a flood must not fill the outbox.
   */
  readonly fullNotice: string;
}

export type Accepted =
  /** `position` 1 runs next (or at once, where nothing runs). */
  | { readonly status: "queued"; readonly position: number }
  | { readonly status: "aside" }
  | { readonly status: "duplicate"; readonly receipt: ReceiptView }
  | { readonly status: "full" };

export interface ControlDraft {
  readonly command: string;
  readonly args: string;
  readonly cancel?: "turn" | "all";
  /** See `Control`. */
  readonly enqueues?: true;
  /** Why: stands in the receipts of what it cancels. */
  readonly reason: string;
}

export type Signalled =
  | { readonly status: "stored"; readonly effect: ControlEffect }
  | { readonly status: "duplicate" };

export type Acquired =
  | { readonly status: "owned"; readonly lease: Lease }
  | { readonly status: "elsewhere"; readonly owner: string };

export interface Membership {
  /**
   * For how long from the call on, in milliseconds, this replica is safe from losing what it owns. Infinity where
   * no other process can use the store.
   */
  readonly lasts: number;
  /** True where the replica was counted as dead since its last call: whatever it owned may be another's by now. */
  readonly lost: boolean;
  /** This replica's name among `replicas`: another one in each life of a process. */
  readonly self: string;
  /** All that live and are not leaving, sorted. */
  readonly replicas: readonly string[];
}

export interface Lease extends Pending {
  readonly fence: Fence;
  readonly session: Session;
  /** A turn that the last owner began and did not end. */
  readonly interrupted?: Turn;
  /** How many messages wait. */
  readonly waiting: number;
  /** The open ones of the channel, oldest first. */
  readonly asks: readonly Ask[];
}

export interface Pending {
  readonly controls: readonly Control[];
  readonly outbox: readonly OutboxEntry[];
}

export interface TurnCommit {
  readonly turn: string;
  readonly transcript: readonly TranscriptEntry[];
  readonly session: SessionPatch;
  readonly outbox: readonly OutboxDraft[];
  /** The plan that the turn ends in: opened in the same step, its texts and card behind `outbox`. */
  readonly ask?: AskDraft;
  /** As in `claim`; 0 claims nothing. */
  readonly take: number;
}

/**
 * Except by `retry`, `requeue` and `suspend`, the open asks of the turn are withdrawn with it.
 * - `retry`: stays in flight; `claim` gives it again, the caller waits until `retryAt` first.
 * - `requeue`: stays in flight, this attempt not counted (the gateway stopped, not the agent).
 * - `suspend`: as `requeue`, and `claim` gives nothing, nor is the channel unattended, until the last open ask of the turn
 *   has ended or the turn is cancelled. Where none is open any more it is `requeue`.
 * - `park`: its messages become dead letters with the cause; receipts "failed".
 * - `cancel`: receipts "dropped" with the cancellation's reason. A cancelled turn ends so by `park` too, and
 *   nothing is put into the outbox then.
 */
export interface TurnFailure {
  readonly turn: string;
  readonly outcome: "retry" | "requeue" | "suspend" | "park" | "cancel";
  readonly cause: string;
  readonly retryAt?: number;
  readonly transcript: readonly TranscriptEntry[];
  readonly session: SessionPatch;
  readonly outbox: readonly OutboxDraft[];
  /** As in `claim`, after `park` and `cancel`; 0 claims nothing. */
  readonly take: number;
}

export interface TurnEnd {
  readonly status: "ended";
  /** The drafts as they are stored, in order. */
  readonly outbox: OutboxEntry[];
  readonly next?: Turn;
}

export interface ControlEnd {
  readonly control: string;
  readonly outbox: readonly OutboxDraft[];
  readonly session?: SessionPatch;
  /** Archive the current session, withdraw its asks and make this one current. Refuses nothing: the turn in flight was cancelled before. */
  readonly renew?: NewSession;
  /**
   * Archive the current session, withdraw its asks and make this archived one of the same channel current again, as it
   * was: only its last activity is now. One that is gone by now, is not archived or another channel's is ignored: nothing is
   * archived then. `session` changes the one that was current before, as with `renew`; there is one of these two only.
   */
  readonly restore?: string;
  /** Replay this dead letter. One that is gone by now is ignored. */
  readonly replay?: string;
  /** Put this message at the end of the inbox; one of `say` keeps its receipt. */
  readonly enqueue?: Message;
  /** Withdraw these asks, those of them that are open. */
  readonly withdraw?: { readonly asks: readonly string[]; readonly reason: string };
}

export type DeliveryOutcome =
  /** A send begins whose outcome could get lost. */
  | { readonly status: "sending"; readonly at: number }
  /** An empty placeholder stands on the platform; the text is still to come. */
  | { readonly status: "placed"; readonly ref: MessageRef }
  /**
   * Proven: the entry goes. Of a card: the message that shows it, and the version of the ask that it shows; where the ask
   * has changed since, another card entry edits it.
   */
  | { readonly status: "delivered"; readonly shown?: { readonly ref: MessageRef; readonly version: number } }
  /**
   * Certainly not delivered; try again from `notBefore` on. `forgetRef`: the message to edit is gone. `uncounted`: it
   * was no attempt, the platform asked to wait.
   */
  | { readonly status: "failed"; readonly notBefore: number; readonly forgetRef?: true; readonly uncounted?: true }
  /** Can't be delivered: the entry becomes a dead letter, and the session's error says why. */
  | { readonly status: "parked"; readonly cause: string };

export interface SessionQuery {
  /** Of those that are not pinned. */
  readonly limit: number;
  /** From the page before. */
  readonly cursor?: string;
  readonly channel?: ChannelId;
  readonly adapter?: string;
  readonly source?: SessionSource;
  readonly agent?: string;
  /** Part of the title or the id, any case. */
  readonly text?: string;
  /** Bounds on the last activity. */
  readonly from?: number;
  readonly to?: number;
  /** Also the archived ones; default no. */
  readonly archived?: boolean;
}

export interface SessionPage {
  readonly sessions: Session[];
  /** Present where more follow. */
  readonly cursor?: string;
}

export interface TranscriptPage {
  readonly entries: TranscriptEntry[];
  readonly before?: number;
}

export interface QueueView {
  readonly running?: Turn;
  /** In order. */
  readonly waiting: Message[];
  /** How many asks are open. */
  readonly asks: number;
  /** How many commands are not finished: what was decided, and what comes of it, among them. */
  readonly commands: number;
  /** The newest inbound messages and commands of the channel, at least the last 10, newest first. */
  readonly recent: ReceiptView[];
}

/** `cost`: of turns whose cost is known. */
export type Totals = Required<Pick<SessionStats, "turns" | "failed" | "tokensIn" | "tokensOut" | "cost">>;

export interface StoreStats {
  readonly sessions: number;
  /** Of those that are current, by source. */
  readonly bySource: Readonly<Record<SessionSource, number>>;
  /**
   * Of those that are current. `waiting`: an ask of theirs is open, whether a turn waits for it or not. `running`: a turn is
   * in flight, and no ask is open. `error`: they have one, whatever else they do.
   */
  readonly byStatus: { readonly running: number; readonly waiting: number; readonly error: number };
  /** Over all sessions that ever were, the removed ones too: what their `stats` grew by. */
  readonly totals: Totals;
  /** Messages that wait, over all channels. */
  readonly queued: number;
  readonly inFlight: number;
  readonly undelivered: number;
  readonly deadLetters: number;
}

/** Something changed that this process may want to look at. */
export type Hint = ChannelHint | { readonly kind: "replicas" };

/** `inbox`, `control`, `outbox`: the owner has something to do. `state`: something to show changed. `journal`: its log grew. */
export interface ChannelHint {
  readonly channel: ChannelId;
  readonly kind: "inbox" | "control" | "outbox" | "state" | "journal";
}
