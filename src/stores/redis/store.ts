/**
 * The shared store: several processes on one Redis (a server, Sentinel or Cluster) act as one gateway. See `Store` for
 * the contract; each method is one script of `scripts/`, and what is here turns arguments and answers around.
 */
import { setTimeout as pause } from "node:timers/promises";
import { describe, hasCode } from "../../errors.ts";
import type { Governor, Rate } from "../../governor.ts";
import type {
  Amendment,
  Ask,
  ChannelId,
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
import { parseRedisAddress, type RedisAddress } from "./address.ts";
import { listAsks, listDueAsks } from "./asklists.ts";
import { answerAsk, endAsk, findAsk, openAsk, remindAsk } from "./asks.ts";
import { readAudit } from "./audit.ts";
import { asStoreError, type Connections, connect, disconnect, whenReady } from "./connection.ts";
import { Context } from "./context.ts";
import { dangers } from "./durability.ts";
import { claim, commitTurn, failTurn, save, settleDelivery } from "./ending.ts";
import { bidFarewell } from "./farewell.ts";
import { checkFormat } from "./format.ts";
import { createRedisGovernor } from "./governor.ts";
import { Hints } from "./hints.ts";
import { hold, letGo } from "./holds.ts";
import { accept, amend, refuse, signal } from "./intake.ts";
import { putJournal, readJournal } from "./journal.ts";
import { Keys } from "./keys.ts";
import { acquire, finishControl, readPending, release } from "./leases.ts";
import { listSessions } from "./listing.ts";
import { Members } from "./members.ts";
import { discard, readDeadLetters, remove, replay } from "./operators.ts";
import type { RedisStoreOptions } from "./options.ts";
import { assertWhole } from "./portable.ts";
import {
  currentSession,
  getSession,
  readQueue,
  readReceipt,
  readStats,
  readTranscript,
  readUnattended,
} from "./reading.ts";
import * as schedules from "./schedules.ts";
import { Scripts } from "./scripts.ts";

export type { RedisStoreOptions } from "./options.ts";

/** Milliseconds after which a Redis that can't be reached is spoken of again. */
const REPORT = 10_000;
/** Milliseconds between two tries to begin. */
const AGAIN = 250;

/**
 * Waits for Redis for as long as it takes, saying so. Rejects with CONFIG_INVALID, STORE_FORMAT, STORE_HALF_COPIED, STORE_REFUSED, or with
 * STORE_UNAVAILABLE where `signal` ended the wait.
 */
export async function openRedisStore(options: RedisStoreOptions): Promise<RedisStore> {
  const address = parseRedisAddress(options.url);
  const { log = () => {}, signal } = options;
  const connections = connect(address, log);
  let said = "";
  try {
    for (;;) {
      for (const client of [connections.commands, connections.hints]) await whenReady(client, REPORT, log, signal);
      try {
        return await begin(connections, address, options);
      } catch (error) {
        const reason = asStoreError(error);
        if (!hasCode(reason, "STORE_UNAVAILABLE") || signal?.aborted === true) throw reason;
        // The connection broke in between, or this server takes no writes yet.
        const problem = `${describe(reason)}. Trying again.`;
        if (problem !== said) log(problem);
        said = problem;
        await pause(AGAIN);
      }
    }
  } catch (error) {
    disconnect(connections);
    throw asStoreError(error);
  }
}

async function begin(connections: Connections, address: RedisAddress, options: RedisStoreOptions): Promise<RedisStore> {
  const { clock, dedupeFor, keep, lease, log = () => {} } = options;
  const { commands, hints } = connections;
  const keys = new Keys(address.prefix, address.shards, address.db);
  const scripts = new Scripts(commands);
  await checkFormat(commands, scripts, keys, address);
  await assertWhole(commands, keys);
  const members = new Members(scripts, keys, lease);
  const told = new Hints({ keys, members, publisher: commands, subscriber: hints, log });
  await told.listen();
  const context = new Context({ client: commands, scripts, keys, members, hints: told, clock, dedupeFor, keep });
  const store = new RedisStore(context, connections, address.prefix, log);
  await store.inspect();
  return store;
}

export class RedisStore implements Store {
  readonly #context: Context;
  readonly #connections: Connections;
  readonly #prefix: string;
  readonly #log: (problem: string) => void;
  #warnings: readonly string[] = [];
  #listening = new Set<string>();
  #closed: Promise<void> | undefined;

  constructor(context: Context, connections: Connections, prefix: string, log: (problem: string) => void) {
    this.#context = context;
    this.#connections = connections;
    this.#prefix = prefix;
    this.#log = log;
    // Its settings may be others after a restart or a failover.
    connections.commands.on("ready", () => {
      // Whoever beats does so at once: it may be counted as dead soon.
      context.hints.tell({ kind: "replicas" });
      this.inspect().catch((error: unknown) => log(`Redis can't be inspected: ${String(error)}`));
    });
  }

  /** Looks at how safe this Redis keeps data. */
  async inspect(): Promise<void> {
    this.#warnings = await dangers(this.#context.client);
  }

  warnings(): readonly string[] {
    return this.#warnings;
  }

  /** Keeps one account below its platform's pace, over all replicas. Usable until `close`. */
  governor(account: string, overall: Rate): Governor {
    return createRedisGovernor({ redis: this.#context.client, prefix: this.#prefix, account, overall });
  }

  accept(event: InboundEvent, options: AcceptOptions): Promise<Accepted> {
    return accept(this.#context, event, options);
  }

  signal(event: InboundEvent, control: ControlDraft): Promise<Signalled> {
    return signal(this.#context, event, control);
  }

  amend(change: Amendment, reason: string): Promise<boolean> {
    return amend(this.#context, change, reason);
  }

  refuse(event: InboundEvent, reason: string): Promise<"refused" | "duplicate"> {
    return refuse(this.#context, event, reason);
  }

  acquire(channel: ChannelId, replica: string, fresh: NewSession): Promise<Acquired> {
    return acquire(this.#context, channel, replica, fresh);
  }

  release(channel: ChannelId, fence: Fence): Promise<void> {
    return release(this.#context, channel, fence);
  }

  async heartbeat(replica: string, leaving = false): Promise<Membership> {
    const { members, hints } = this.#context;
    return await this.#context.do(async () => {
      const membership = await members.beat(replica, leaving);
      if (leaving || !this.#listening.has(membership.self)) hints.replicas();
      await this.#listen(membership.self);
      return membership;
    });
  }

  /** Where it can't listen now it does so at the next heartbeat; until then it misses hints, and nothing else. */
  async #listen(member: string): Promise<void> {
    if (this.#listening.has(member)) return;
    try {
      await this.#context.hints.listen(member);
      this.#listening.add(member);
    } catch (error) {
      this.#log(`Hints for this replica can't be heard: ${describe(error)}`);
    }
  }

  unattended(replica: string): Promise<ChannelId[]> {
    return readUnattended(this.#context, replica);
  }

  hold(name: string, replica: string): Promise<boolean> {
    return hold(this.#context, name, replica);
  }

  letGo(name: string, replica: string): Promise<void> {
    return letGo(this.#context, name, replica);
  }

  claim(channel: ChannelId, fence: Fence, take: number): Promise<Turn | undefined> {
    return claim(this.#context, channel, fence, take);
  }

  commitTurn(channel: ChannelId, fence: Fence, commit: TurnCommit): Promise<TurnEnd | { status: "cancelled" }> {
    return commitTurn(this.#context, channel, fence, commit);
  }

  failTurn(channel: ChannelId, fence: Fence, failure: TurnFailure): Promise<TurnEnd> {
    return failTurn(this.#context, channel, fence, failure);
  }

  save(channel: ChannelId, fence: Fence, change: { session?: SessionPatch; preview?: MessageRef }): Promise<void> {
    return save(this.#context, channel, fence, change);
  }

  pending(channel: ChannelId, fence: Fence): Promise<Pending> {
    return readPending(this.#context, channel, fence);
  }

  finishControl(
    channel: ChannelId,
    fence: Fence,
    end: ControlEnd,
  ): Promise<{ session: Session; outbox: OutboxEntry[] }> {
    return finishControl(this.#context, channel, fence, end);
  }

  settleDelivery(channel: ChannelId, fence: Fence, id: string, outcome: DeliveryOutcome): Promise<void> {
    return settleDelivery(this.#context, channel, fence, id, outcome);
  }

  openAsk(channel: ChannelId, fence: Fence, draft: AskDraft): Promise<AskOpened> {
    return openAsk(this.#context, channel, fence, draft);
  }

  answerAsk(id: string, answer: AskAnswer): Promise<AskAnswered> {
    return answerAsk(this.#context, id, answer);
  }

  endAsk(id: string, end: AskEnding): Promise<AskAnswered> {
    return endAsk(this.#context, id, end);
  }

  remindAsk(id: string, cooldown: number, dueAt: number | undefined): Promise<boolean> {
    return remindAsk(this.#context, id, cooldown, dueAt);
  }

  ask(id: string): Promise<Ask | undefined> {
    return findAsk(this.#context, id);
  }

  asks(query: AskQuery): Promise<AskPage> {
    return listAsks(this.#context, query);
  }

  dueAsks(limit: number): Promise<Ask[]> {
    return listDueAsks(this.#context, limit);
  }

  audit(page: { limit: number; after?: string }): Promise<AuditPage> {
    return readAudit(this.#context, page);
  }

  replay(deadLetter: string): Promise<void> {
    return replay(this.#context, deadLetter);
  }

  discard(deadLetter: string): Promise<void> {
    return discard(this.#context, deadLetter);
  }

  remove(session: string): Promise<void> {
    return remove(this.#context, session);
  }

  get(session: string): Promise<Session | undefined> {
    return getSession(this.#context, session);
  }

  current(channel: ChannelId): Promise<Session | undefined> {
    return currentSession(this.#context, channel);
  }

  list(query: SessionQuery): Promise<SessionPage> {
    return this.#context.do(() => listSessions(this.#context.client, this.#context.keys, query));
  }

  transcript(session: string, page: { limit: number; before?: number }): Promise<TranscriptPage> {
    return readTranscript(this.#context, session, page);
  }

  receipt(channel: ChannelId, id: string): Promise<ReceiptView | undefined> {
    return readReceipt(this.#context, channel, id);
  }

  queue(channel: ChannelId): Promise<QueueView> {
    return readQueue(this.#context, channel);
  }

  deadLetters(query: { channel?: ChannelId; limit: number }): Promise<DeadLetter[]> {
    return readDeadLetters(this.#context, query);
  }

  stats(): Promise<StoreStats> {
    return readStats(this.#context);
  }

  putSchedule(schedule: Schedule): Promise<void> {
    return schedules.putSchedule(this.#context, schedule);
  }

  removeSchedule(id: string): Promise<boolean> {
    return schedules.removeSchedule(this.#context, id);
  }

  schedule(id: string): Promise<Schedule | undefined> {
    return schedules.findSchedule(this.#context, id);
  }

  schedules(query: { channel?: ChannelId; limit: number }): Promise<Schedule[]> {
    return schedules.listSchedules(this.#context, query);
  }

  dueSchedules(limit: number): Promise<Schedule[]> {
    return schedules.listDueSchedules(this.#context, limit);
  }

  moveSchedule(id: string, move: { from: number; to: number; lastAt?: number }): Promise<boolean> {
    return schedules.moveSchedule(this.#context, id, move);
  }

  journalPut(channel: ChannelId, key: string, body: Json): Promise<number> {
    return putJournal(this.#context, channel, key, body);
  }

  journalSince(channel: ChannelId, version: number, limit: number): Promise<JournalEntry[]> {
    return readJournal(this.#context, channel, "since", version, limit);
  }

  async journalPage(channel: ChannelId, limit: number, before?: number): Promise<JournalEntry[]> {
    return (await readJournal(this.#context, channel, "page", before, limit)).reverse();
  }

  watch(listener: (hint: Hint) => void): () => void {
    return this.#context.hints.watch(listener);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#context.close();
    await bidFarewell(this.#context, this.#connections, this.#log);
  }
}
