/** The opposite of `dump.ts`: a document as the rows of a channel, in the place of those that are there. */
import { byId, type ChannelDump, type ReceiptDump, type SessionDump } from "../../dump.ts";
import type { ChannelId, DeadLetter, Message, OutboxEntry } from "../../model.ts";
import type { JournalEntry } from "../../store.ts";
import { addAsk, eraseAsks } from "./asks.ts";
import { eraseAudit, loadAudit } from "./audit.ts";
import { hasWork, readChannel, saveChannel } from "./channels.ts";
import type { Context } from "./context.ts";
import { count, nextSequence, raiseSequence } from "./counters.ts";
import { addLetter, forgetLetter } from "./deadletters.ts";
import { countState } from "./figures.ts";
import { emptyJournal } from "./journal.ts";
import {
  channelKey,
  controlKey,
  inboxKey,
  journalEntryKey,
  journalKey,
  journalNameKey,
  journalOrders,
  journalVersionKey,
  pendingKey,
  receiptKey,
  receiptsIn,
  replyKey,
  schedulesOf,
  sessionsOf,
} from "./keys.ts";
import { withRecent } from "./recents.ts";
import type { ReceiptRow } from "./rows.ts";
import { putSchedule, removeSchedule } from "./schedules.ts";
import { addSession, eraseSession } from "./sessions.ts";
import type { Transaction } from "./transaction.ts";
import { appendTranscript, eraseTranscript } from "./transcripts.ts";

/** How many entries of a transcript stand in one row: about as many as are read at once. */
const PIECE = 32;
const LETTERS = { queued: "q", answered: "a", dropped: "d", failed: "f" } as const;

export function loadChannel(transaction: Transaction, { clock }: Pick<Context, "clock">, dump: ChannelDump): void {
  const { channel, turn } = dump;
  raiseSequence(transaction, dump.newestReply);
  const row = readChannel(transaction, channel);
  row.turns = dump.turns;
  row.session = dump.current;
  for (const session of dump.sessions) loadSession(transaction, session);
  const asks = dump.sessions.flatMap((session) => session.asks).sort((a, b) => a.openedAt - b.openedAt || byId(a, b));
  for (const ask of asks) addAsk(transaction, { ...ask, place: nextSequence(transaction) });
  const open = asks.filter(({ end }) => end === undefined);
  if (open.length > 0) row.asks = open.map(({ id }) => id);

  const places = new Map<string, number>();
  const put = (message: Message) => {
    transaction.put(inboxKey(channel, row.tail), message);
    places.set(message.id, row.tail);
    row.tail += 1;
  };
  if (turn !== undefined) {
    const { messages, ...rest } = turn;
    row.turn = { ...rest, first: row.tail, messages: messages.map(({ id }) => id) };
    messages.forEach(put);
    row.head = row.tail;
  }
  dump.waiting.forEach(put);
  for (const control of dump.controls) transaction.put(controlKey(channel, control.id), control);
  row.controls = dump.controls.map(({ id }) => id);
  row.outbox = dump.outbox.map((entry) => loadReply(transaction, entry));
  row.recent = dump.recent.reduce((text, receipt) => withRecent(text, rowOf(receipt, places)), "");
  if (dump.older.length > 0) row.buckets = { newest: 1, since: clock.now(), oldest: 1 };
  for (const receipt of dump.older) transaction.put(receiptKey(channel, 1, receipt.id), rowOf(receipt, places));
  saveChannel(transaction, channel, row);
  for (const schedule of dump.schedules) putSchedule(transaction, schedule);

  for (const letter of dump.deadLetters) addLetter(transaction, letter);
  if (dump.journal.length > 0) loadJournal(transaction, channel, dump.journal);
  loadAudit(transaction, dump.audit);
  if (hasWork(transaction, row)) transaction.put(pendingKey(channel), channel);
  count(transaction, {
    queued: dump.waiting.length,
    inFlight: turn === undefined ? 0 : 1,
    undelivered: dump.outbox.length,
  });
}

/** Leaves nothing of the channel. */
export function eraseChannel(transaction: Transaction, channel: ChannelId, letters: readonly DeadLetter[]): void {
  const row = readChannel(transaction, channel);
  for (const { row: session } of transaction.scan(sessionsOf(channel))) {
    eraseTranscript(transaction, session);
    eraseAsks(transaction, session.id);
    eraseSession(transaction, session);
  }
  const { head, tail, turn } = row;
  for (let place = turn?.first ?? head; place < tail; place += 1) transaction.remove(inboxKey(channel, place));
  for (const id of row.controls) transaction.remove(controlKey(channel, id));
  const undelivered = row.outbox.filter((sequence) => transaction.has(replyKey(sequence)));
  for (const sequence of undelivered) transaction.remove(replyKey(sequence));
  for (let bucket = row.buckets?.oldest ?? 1; bucket <= (row.buckets?.newest ?? 0); bucket += 1) {
    for (const { key } of transaction.scan(receiptsIn(channel, bucket))) transaction.remove(key);
  }
  eraseAudit(transaction, channel);
  for (const { row: id } of transaction.scan(schedulesOf(channel))) removeSchedule(transaction, id);
  for (const letter of letters) forgetLetter(transaction, letter);
  for (const { key, row: entry } of transaction.scan(journalOrders(channel, 0))) {
    transaction.remove(key);
    transaction.remove(journalNameKey(channel, entry.key));
    transaction.remove(journalVersionKey(channel, entry.version));
  }
  countState(transaction, row, undefined);
  for (const key of [journalKey(channel), pendingKey(channel), channelKey(channel)]) transaction.remove(key);
  count(transaction, {
    queued: head - tail,
    inFlight: turn === undefined ? 0 : -1,
    undelivered: -undelivered.length,
  });
}

function loadSession(transaction: Transaction, { session, transcript }: SessionDump): void {
  let newest: number | undefined;
  for (let start = 0; start < transcript.length; start += PIECE) {
    newest = appendTranscript(transaction, newest, transcript.slice(start, start + PIECE));
  }
  addSession(transaction, newest === undefined ? session : { ...session, newest });
}

/** Ids are unique within a channel only, and kept: platforms may know them. */
function loadReply(transaction: Transaction, entry: OutboxEntry): number {
  const sequence = nextSequence(transaction);
  transaction.put(replyKey(sequence), entry);
  return sequence;
}

function rowOf({ id, at, state, detail = "" }: ReceiptDump, places: ReadonlyMap<string, number>): ReceiptRow {
  const letter = LETTERS[state];
  if (letter === "a") return [id, at, letter];
  if (letter !== "q") return [id, at, letter, detail];
  const place = places.get(id);
  return place === undefined ? [id, at, letter] : [id, at, letter, place];
}

function loadJournal(transaction: Transaction, channel: ChannelId, entries: readonly JournalEntry[]): void {
  for (const entry of entries) {
    transaction.put(journalEntryKey(channel, entry.order), entry);
    transaction.put(journalNameKey(channel, entry.key), entry.order);
    transaction.put(journalVersionKey(channel, entry.version), entry.order);
  }
  transaction.put(journalKey(channel), {
    ...emptyJournal(channel),
    version: Math.max(...entries.map(({ version }) => version)),
    entries: entries.length,
    oldest: entries[0]?.order ?? 1,
  });
}
