/**
 * The embedded store: one folder, one process, every write on disk before it is answered. See `Store` for the
 * contract; each method's transaction stands in the file named for what it changes.
 */
import { describe } from "../../errors.ts";
import type {
  Amendment,
  Ask,
  ChannelId,
  Clock,
  DeadLetter,
  InboundEvent,
  Json,
  MessageRef,
  NewSession,
  OutboxEntry,
  ReceiptView,
  Schedule,
  Session,
  SessionPatch,
  Turn,
} from "../../model.ts";
import type {
  Accepted,
  AcceptOptions,
  Acquired,
  AskAnswer,
  AskAnswered,
  AskDraft,
  AskEnding,
  AskOpened,
  AskPage,
  AskQuery,
  AuditPage,
  ChannelHint,
  ControlDraft,
  ControlEnd,
  DeliveryOutcome,
  Fence,
  Hint,
  JournalEntry,
  Membership,
  Pending,
  QueueView,
  SessionPage,
  SessionQuery,
  Signalled,
  Store,
  StoreStats,
  TranscriptPage,
  TurnCommit,
  TurnEnd,
  TurnFailure,
} from "../../store.ts";
import { answerAsk, endAsk, openAsk, remindAsk } from "./answers.ts";
import { listAsks, listDueAsks } from "./asklists.ts";
import { viewAsk } from "./asks.ts";
import { readAudit } from "./audit.ts";
import { readChannel } from "./channels.ts";
import { Commits, type Scope } from "./commits.ts";
import type { Context } from "./context.ts";
import { readCounters } from "./counters.ts";
import { discard, readDeadLetters, replay } from "./deadletters.ts";
import { settleDelivery } from "./deliveries.ts";
import { statsOf } from "./figures.ts";
import type { Folder } from "./folder.ts";
import { accept, amend, refuse, signal } from "./intake.ts";
import { entriesSince, pageOfEntries, putEntry } from "./journal.ts";
import { askKey, replicaKey, scheduleKey } from "./keys.ts";
import { acquire, acquireStored, finishControl, readPending } from "./leases.ts";
import { listSessions } from "./listing.ts";
import { Owners } from "./owners.ts";
import { PendingChannels } from "./pending.ts";
import { openWhole } from "./portable.ts";
import { readQueue } from "./queues.ts";
import { findReceipt, viewReceipt } from "./receipts.ts";
import { expireSessions, remove } from "./removal.ts";
import { listDueSchedules, listSchedules, moveSchedule, putSchedule, removeSchedule } from "./schedules.ts";
import { currentSession, readSession, viewSession } from "./sessions.ts";
import type { Transaction } from "./transaction.ts";
import { readTranscript } from "./transcripts.ts";
import { claim, commitTurn, failTurn, save } from "./turns.ts";
import type { View } from "./view.ts";

export interface LmdbStoreOptions {
  /** The folder; made where it doesn't exist. */
  readonly path: string;
  readonly clock: Clock;
  /** Milliseconds for which an event's id is remembered at least. */
  readonly dedupeFor: number;
  /** Milliseconds for which an archived session is kept; 0, the default: for ever. */
  readonly keep?: number;
  /** Called with what went wrong where no caller can be told. */
  readonly log?: (problem: string) => void;
}

/** Rejects with STORE_LOCKED, STORE_FORMAT, STORE_HALF_COPIED, STORE_FULL or STORE_UNAVAILABLE. */
export async function openLmdbStore(options: LmdbStoreOptions): Promise<Store> {
  return new LmdbStore(await openWhole(options.path), options);
}

class LmdbStore implements Store {
  readonly #folder: Folder;
  readonly #commits: Commits;
  readonly #context: Context;
  readonly #log: (problem: string) => void;
  readonly #listeners = new Set<(hint: Hint) => void>();
  #closed: Promise<void> | undefined;

  constructor(folder: Folder, { clock, dedupeFor, keep = 0, log = () => {} }: LmdbStoreOptions) {
    this.#folder = folder;
    this.#log = log;
    this.#commits = new Commits(folder, (hint) => this.#tell(hint));
    this.#context = { clock, dedupeFor, keep, owners: new Owners(folder.epoch), pending: new PendingChannels(folder) };
  }

  accept(event: InboundEvent, options: AcceptOptions): Promise<Accepted> {
    return this.#write(event.channel, (transaction) => accept(transaction, this.#context, event, options));
  }

  signal(event: InboundEvent, control: ControlDraft): Promise<Signalled> {
    return this.#write(event.channel, (transaction) => signal(transaction, this.#context, event, control));
  }

  amend(change: Amendment, reason: string): Promise<boolean> {
    return this.#write(change.channel, (transaction) => amend(transaction, this.#context, change, reason));
  }

  refuse(event: InboundEvent, reason: string): Promise<"refused" | "duplicate"> {
    return this.#write(event.channel, (transaction) => refuse(transaction, this.#context, event, reason));
  }

  async acquire(channel: ChannelId, replica: string, fresh: NewSession): Promise<Acquired> {
    this.#commits.assertOpen();
    if (!this.#commits.isBusy(channel)) {
      const stored = acquireStored(this.#folder, this.#context, channel, replica);
      if (stored !== undefined) return stored;
    }
    return this.#write(channel, (transaction) => acquire(transaction, this.#context, channel, replica, fresh));
  }

  async release(channel: ChannelId, fence: Fence): Promise<void> {
    const { owners } = this.#context;
    await this.#readInTurn(channel, () => {
      if (owners.of(channel)?.fence === fence) owners.drop(channel);
    });
  }

  heartbeat(replica: string): Promise<Membership> {
    return this.#write("none", (transaction) => {
      transaction.put(replicaKey(replica), this.#context.clock.now());
      this.#context.pending.sweep(transaction);
      expireSessions(transaction, this.#context);
      return { lasts: Number.POSITIVE_INFINITY, lost: false, self: replica, replicas: [replica] };
    });
  }

  unattended(replica: string): Promise<ChannelId[]> {
    return this.#read((view) => this.#context.pending.unattended(view, this.#context.owners, replica));
  }

  /** No other process has this folder, and one process doesn't compete with itself. */
  async hold(): Promise<boolean> {
    this.#commits.assertOpen();
    return true;
  }

  async letGo(): Promise<void> {
    this.#commits.assertOpen();
  }

  claim(channel: ChannelId, fence: Fence, take: number): Promise<Turn | undefined> {
    return this.#write(channel, (transaction) => claim(transaction, this.#context, channel, fence, take));
  }

  commitTurn(channel: ChannelId, fence: Fence, commit: TurnCommit): Promise<TurnEnd | { status: "cancelled" }> {
    return this.#write(channel, (transaction) => commitTurn(transaction, this.#context, channel, fence, commit));
  }

  failTurn(channel: ChannelId, fence: Fence, failure: TurnFailure): Promise<TurnEnd> {
    return this.#write(channel, (transaction) => failTurn(transaction, this.#context, channel, fence, failure));
  }

  save(channel: ChannelId, fence: Fence, change: { session?: SessionPatch; preview?: MessageRef }): Promise<void> {
    return this.#write(channel, (transaction) => save(transaction, this.#context, channel, fence, change));
  }

  pending(channel: ChannelId, fence: Fence): Promise<Pending> {
    return this.#readInTurn(channel, (view) => readPending(view, this.#context, channel, fence));
  }

  finishControl(
    channel: ChannelId,
    fence: Fence,
    end: ControlEnd,
  ): Promise<{ session: Session; outbox: OutboxEntry[] }> {
    return this.#write(channel, (transaction) => finishControl(transaction, this.#context, channel, fence, end));
  }

  settleDelivery(channel: ChannelId, fence: Fence, id: string, outcome: DeliveryOutcome): Promise<void> {
    return this.#write(channel, (transaction) =>
      settleDelivery(transaction, this.#context, channel, fence, id, outcome),
    );
  }

  openAsk(channel: ChannelId, fence: Fence, draft: AskDraft): Promise<AskOpened> {
    return this.#write(channel, (transaction) => openAsk(transaction, this.#context, channel, fence, draft));
  }

  answerAsk(id: string, answer: AskAnswer): Promise<AskAnswered> {
    return this.#write("any", (transaction) => answerAsk(transaction, this.#context, id, answer));
  }

  endAsk(id: string, end: AskEnding): Promise<AskAnswered> {
    return this.#write("any", (transaction) => endAsk(transaction, this.#context, id, end));
  }

  remindAsk(id: string, cooldown: number, dueAt: number | undefined): Promise<boolean> {
    return this.#write("any", (transaction) => remindAsk(transaction, this.#context, id, cooldown, dueAt));
  }

  ask(id: string): Promise<Ask | undefined> {
    return this.#read((view) => {
      const row = view.get(askKey(id));
      return row && viewAsk(row);
    });
  }

  asks(query: AskQuery): Promise<AskPage> {
    return this.#read((view) => listAsks(view, query));
  }

  dueAsks(limit: number): Promise<Ask[]> {
    return this.#read((view) => listDueAsks(view, this.#context.clock.now(), limit));
  }

  audit(page: { limit: number; after?: string }): Promise<AuditPage> {
    return this.#read((view) => readAudit(view, page));
  }

  replay(deadLetter: string): Promise<void> {
    return this.#write("any", (transaction) => replay(transaction, this.#context, deadLetter));
  }

  discard(deadLetter: string): Promise<void> {
    return this.#write("any", (transaction) => discard(transaction, deadLetter));
  }

  remove(session: string): Promise<void> {
    return this.#write("any", (transaction) => remove(transaction, this.#context, session));
  }

  get(session: string): Promise<Session | undefined> {
    return this.#read((view) => {
      const row = readSession(view, session);
      return row && viewSession(row);
    });
  }

  current(channel: ChannelId): Promise<Session | undefined> {
    return this.#read((view) => {
      const row = currentSession(view, channel, readChannel(view, channel));
      return row && viewSession(row);
    });
  }

  async list(query: SessionQuery): Promise<SessionPage> {
    this.#commits.assertOpen();
    return listSessions(this.#folder, query, () => this.#commits.assertOpen());
  }

  transcript(session: string, page: { limit: number; before?: number }): Promise<TranscriptPage> {
    return this.#read((view) => {
      const row = readSession(view, session);
      return row === undefined ? { entries: [] } : readTranscript(view, row, page);
    });
  }

  receipt(channel: ChannelId, id: string): Promise<ReceiptView | undefined> {
    return this.#read((view) => {
      const row = readChannel(view, channel);
      const found = findReceipt(view, channel, row, id);
      return found && viewReceipt(row, found);
    });
  }

  queue(channel: ChannelId): Promise<QueueView> {
    return this.#read((view) => readQueue(view, channel));
  }

  deadLetters(query: { channel?: ChannelId; limit: number }): Promise<DeadLetter[]> {
    return this.#read((view) => readDeadLetters(view, query));
  }

  stats(): Promise<StoreStats> {
    return this.#read((view) => statsOf(readCounters(view)));
  }

  putSchedule(schedule: Schedule): Promise<void> {
    return this.#write("none", (transaction) => putSchedule(transaction, schedule));
  }

  removeSchedule(id: string): Promise<boolean> {
    return this.#write("none", (transaction) => removeSchedule(transaction, id));
  }

  schedule(id: string): Promise<Schedule | undefined> {
    return this.#read((view) => view.get(scheduleKey(id)));
  }

  schedules(query: { channel?: ChannelId; limit: number }): Promise<Schedule[]> {
    return this.#read((view) => listSchedules(view, query));
  }

  dueSchedules(limit: number): Promise<Schedule[]> {
    return this.#read((view) => listDueSchedules(view, this.#context.clock.now(), limit));
  }

  moveSchedule(id: string, move: { from: number; to: number; lastAt?: number }): Promise<boolean> {
    return this.#write("none", (transaction) => moveSchedule(transaction, id, move));
  }

  /** Every write is on the disk before it is answered. */
  warnings(): readonly string[] {
    return [];
  }

  journalPut(channel: ChannelId, key: string, body: Json): Promise<number> {
    return this.#write("none", (transaction) => putEntry(transaction, channel, key, body));
  }

  journalSince(channel: ChannelId, version: number, limit: number): Promise<JournalEntry[]> {
    return this.#read((view) => entriesSince(view, channel, version, limit));
  }

  journalPage(channel: ChannelId, limit: number, before?: number): Promise<JournalEntry[]> {
    return this.#read((view) => pageOfEntries(view, channel, limit, before));
  }

  watch(listener: (hint: Hint) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): Promise<void> {
    this.#closed ??= this.#commits.close().then(() => this.#folder.close());
    return this.#closed;
  }

  #write<Result>(scope: Scope, work: (transaction: Transaction) => Result): Promise<Result> {
    return this.#commits.write(scope, work);
  }

  async #read<Result>(work: (view: View) => Result): Promise<Result> {
    this.#commits.assertOpen();
    return work(this.#folder);
  }

  /** A read that must not overtake the channel's writes: it hands out, or judges by, the fence. */
  #readInTurn<Result>(channel: ChannelId, work: (view: View) => Result): Promise<Result> {
    return this.#commits.read(channel, work);
  }

  /** One listener's failure is neither the others' nor the writer's. */
  #tell(hint: ChannelHint): void {
    for (const listener of this.#listeners) {
      try {
        listener(hint);
      } catch (error) {
        this.#log(`A listener of the store failed for ${hint.kind} of ${hint.channel}: ${describe(error)}`);
      }
    }
  }
}
