/**
 * The port for moving a store: all that it keeps of one channel as one document, in no store's own layout. Each store
 * that can be copied from and to implements it beside its `Store`; `copy.ts` uses it while no gateway runs.
 */
import type {
  Ask,
  AuditEntry,
  ChannelId,
  Control,
  DeadLetter,
  Message,
  OutboxEntry,
  Schedule,
  Session,
  TranscriptEntry,
  Turn,
} from "./model.ts";
import type { JournalEntry, Totals } from "./store.ts";

export interface Portable {
  /** Its address, without a password: the same for every opening of the same store. */
  readonly name: string;

  /** Rejects with STORE_IN_USE while a gateway uses it. */
  assertUnused(): Promise<void>;

  /**
   * Marks the store as half a copy of `source`: no gateway starts on it from here on. Once begun, it may be begun
   * again from the same source. Rejects with STORE_NOT_EMPTY, changing nothing, where anything else is in it.
   */
  begin(source: string): Promise<void>;
  /** Takes the mark away: the store is whole, and gives these totals, whatever `load` and `drop` made of its own. */
  finish(totals: Totals): Promise<void>;
  /** As `Store.stats` gives them. They tell of removed sessions too, so no channel's dump holds them. */
  totals(): Promise<Totals>;

  /** Every channel of which it keeps anything, once each, in any order. */
  channels(): AsyncIterable<ChannelId>;
  /** Undefined where it keeps nothing of the channel. */
  dump(channel: ChannelId): Promise<ChannelDump | undefined>;
  /** Puts the dump in the place of all that it keeps of the channel, in one step. As durable then as any write. */
  load(dump: ChannelDump): Promise<void>;
  /** Forgets all that it keeps of the channel, in one step. */
  drop(channel: ChannelId): Promise<void>;

  close(): Promise<void>;
}

/**
 * Plain JSON. Two stores that keep the same of a channel give equal dumps, but for `newestReply`. Who owns the channel
 * is not in it: nobody does while stores are copied.
 */
export interface ChannelDump {
  readonly channel: ChannelId;
  /** How many turns there were: the id of the next is `t<turns + 1>`. */
  readonly turns: number;
  /** No id of a reply given out in the channel so far is a greater number, read in base 36: the next ones must be. */
  readonly newestReply: number;
  /** The current session. */
  readonly current?: string;
  /** By id. */
  readonly sessions: readonly SessionDump[];
  /** In flight, or interrupted: its attempts go on counting. */
  readonly turn?: TurnDump;
  /** In order. */
  readonly waiting: readonly Message[];
  /** Not finished; in order. */
  readonly controls: readonly Control[];
  /** In order. */
  readonly outbox: readonly OutboxEntry[];
  /** The newest `RECENT_RECEIPTS`, oldest first. */
  readonly recent: readonly ReceiptDump[];
  /** The others, by id. */
  readonly older: readonly ReceiptDump[];
  /** By id. */
  readonly deadLetters: readonly DeadLetter[];
  /** By id. A channel may have nothing else. `load` puts one in the place of any channel's that has its id. */
  readonly schedules: readonly Schedule[];
  /** By order. */
  readonly journal: readonly JournalEntry[];
  /** Its part of the audit log, oldest first. In the whole log, entries of several channels stand by their time `at`. */
  readonly audit: readonly AuditEntry[];
}

/** As many as `QueueView.recent` promises at least; of older ones no order is kept. */
export const RECENT_RECEIPTS = 10;

export interface SessionDump {
  readonly session: Session;
  readonly transcript: readonly TranscriptEntry[];
  /** By id. */
  readonly asks: readonly Ask[];
}

export interface TurnDump extends Turn {
  /** The session that it belongs to, though the channel may have a new one. */
  readonly session: string;
  /** The next claim doesn't count as an attempt. */
  readonly requeued?: true;
  /** As `requeued`, and there is none while one of its asks is open: also where none is any more. */
  readonly suspended?: true;
}

/** `queued` for one that runs too: that is seen from the turn. `detail`: why it was dropped, or failed. */
export interface ReceiptDump {
  readonly id: string;
  readonly at: number;
  readonly state: "queued" | "answered" | "dropped" | "failed";
  readonly detail?: string;
}

/** Is there nothing that a store must keep? */
export function isEmpty(dump: ChannelDump): boolean {
  const { turns, current, turn, sessions, waiting, controls, outbox, recent, older } = dump;
  const { deadLetters, schedules, journal, audit } = dump;
  const lists = [sessions, waiting, controls, outbox, recent, older, deadLetters, schedules, journal, audit];
  return turns === 0 && current === undefined && turn === undefined && lists.every(({ length }) => length === 0);
}

/** Ids in an order that every store agrees on. */
export function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}
