/**
 * Where each row stands. One database holds them all, ordered by key.
 *
 * What one transaction of a channel touches stands side by side (`c`), so that it dirties one page; what only
 * grows (`t`, `o`) is keyed by one sequence for the whole store, so that the rows of many channels that are
 * written together share pages. The number of pages written is what a transaction costs.
 */
import { createHash } from "node:crypto";
import type { AskRequest, AuditEntry, ChannelId, DeadLetter, Message, Schedule } from "../../model.ts";
import type { JournalEntry } from "../../store.ts";
import type {
  AskRow,
  ChannelRow,
  ControlRow,
  Counters,
  JournalHead,
  ListedRow,
  ReceiptRow,
  ReplyRow,
  SessionRow,
  TranscriptRow,
} from "./rows.ts";

declare const kept: unique symbol;

/** A key that says what kind of row stands under it. */
export type Key<Row> = string & { readonly [kept]: Row };

/** The keys from `from` (included) to `to` (not included). */
export interface KeyRange<Row> {
  readonly from: Key<Row>;
  readonly to: Key<Row>;
}

const SEPARATOR = "\u001f";
/** Sorts behind every character that a key may go on with. */
const LAST = "\u{10ffff}";
const LONGEST_PART = 200;
const CHANNELS = `c${SEPARATOR}`;

function key<Row>(first: string, ...others: string[]): Key<Row> {
  let text = first;
  for (const other of others) text += SEPARATOR + other;
  return text as Key<Row>;
}

function below<Row>(first: string, ...others: string[]): KeyRange<Row> {
  return { from: key(first, ...others, ""), to: key(first, ...others, LAST) };
}

function behind<Row>(first: string, after = ""): KeyRange<Row> {
  return { from: key(first, ...(after === "" ? [""] : [after, LAST])), to: key(first, LAST) };
}

/** Does the id stand in keys as it is? */
export function isLegible(id: string): boolean {
  return id.length <= LONGEST_PART && !/^#|[\p{Cc}\p{Cs}]/u.test(id);
}

/**
 * A foreign id as a part of a key. One that is too long for LMDB, or holds characters that would break the key
 * apart or not survive it, stands there as its digest; the rows themselves hold the id as it was.
 */
function part(id: string): string {
  return isLegible(id) ? id : digest(id);
}

function digest(id: string): string {
  return `#${createHash("sha256").update(id, "utf16le").digest("base64url")}`;
}

/** Numbers sort as they count, up to 36^9. */
function number(value: number): string {
  return value.toString(36).padStart(9, "0");
}

/** A time that comes from outside, as a number that does. */
function bounded(time: number): number {
  return Math.min(Math.max(Math.floor(time), 0), 36 ** 9 - 1);
}

export const formatKey = key<number>("m", "format");
export const epochKey = key<number>("m", "epoch");
/** The store that this one is half a copy of. */
export const copyOfKey = key<string>("m", "copy of");
export const countersKey = key<Counters>("m", "counters");
export const replicaKey = (name: string) => key<number>("m", "replica", part(name));

export const channelKey = (channel: ChannelId) => key<ChannelRow>("c", part(channel));
export const isChannelKey = (text: string) => text.startsWith(CHANNELS) && !text.includes(SEPARATOR, CHANNELS.length);
/** What stands for the channel in a key of its rows. */
export const channelPart = (text: string) => text.split(SEPARATOR)[1] ?? "";
/** The rows of the channels behind the one that `after` stands for: the first is a channel's own. */
export const channelsAfter = (after?: string): KeyRange<ChannelRow> => behind("c", after);
export const journalsAfter = (after?: string): KeyRange<JournalHead> => behind("j", after);
export const inboxKey = (channel: ChannelId, place: number) => key<Message>("c", part(channel), "i", number(place));
export const controlKey = (channel: ChannelId, id: string) => key<ControlRow>("c", part(channel), "k", part(id));
export const receiptKey = (channel: ChannelId, bucket: number, id: string) =>
  key<ReceiptRow>("c", part(channel), "r", number(bucket), part(id));
export const receiptsIn = (channel: ChannelId, bucket: number) =>
  below<ReceiptRow>("c", part(channel), "r", number(bucket));
export const sessionKey = (channel: ChannelId, id: string) => key<SessionRow>("c", part(channel), "s", part(id));
export const sessionsOf = (channel: ChannelId) => sessionsAt(part(channel));
export const sessionsAt = (channelPart: string) => below<SessionRow>("c", channelPart, "s");

export const transcriptKey = (sequence: number) => key<TranscriptRow>("t", number(sequence));
export const replyKey = (sequence: number) => key<ReplyRow>("o", number(sequence));

/** The channel that a session belongs to. */
export const homeKey = (session: string) => key<ChannelId>("s", part(session));
export const listedKey = (minute: number, session: string) => key<ListedRow>("l", number(minute), part(session));
export const allListed = below<ListedRow>("l");
export const listedRange = (fromMinute: number, toMinute: number): KeyRange<ListedRow> => ({
  from: key("l", number(fromMinute)),
  to: key("l", number(toMinute)),
});
export const pinnedKey = (session: string) => key<ListedRow>("f", part(session));
export const allPinned = below<ListedRow>("f");
/** Archived sessions by the time when they go; the row is the id. */
export const expiryKey = (at: number, session: string) => key<string>("x", number(at), part(session));
export const expiredBy = (at: number): KeyRange<string> => ({ from: key("x", ""), to: key("x", number(at + 1)) });

export const pendingKey = (channel: ChannelId) => key<ChannelId>("p", part(channel));
export const allPending = below<ChannelId>("p");

export const askKey = (id: string) => key<AskRow>("a", part(id));
export const askOfKey = (session: string, id: string) => key<string>("b", part(session), part(id));
export const asksOf = (session: string) => below<string>("b", part(session));
/** Those of one kind that are open, oldest first; the row is the id. */
export const openAskKey = (kind: AskRequest["kind"], openedAt: number, place: number) =>
  key<string>("n", kind, number(openedAt), number(place));
export const openAsksAfter = (from: Key<string>, kind: AskRequest["kind"]): KeyRange<string> => ({
  from,
  to: key("n", kind, LAST),
});
/** Those that are open by the time when they want a look; the row is the id. */
export const dueKey = (at: number, id: string) => key<string>("u", number(bounded(at)), part(id));
export const dueBy = (at: number): KeyRange<string> => ({ from: key("u", ""), to: key("u", number(bounded(at) + 1)) });

export const scheduleKey = (id: string) => key<Schedule>("h", part(id));
/** The schedules by the time of their next run; the row is the id. */
export const nextKey = (at: number, id: string) => key<string>("i", number(bounded(at)), part(id));
export const allNext = below<string>("i");
export const nextBy = (at: number): KeyRange<string> => ({ from: allNext.from, to: key("i", number(bounded(at) + 1)) });
/** Those of a channel, not among its other rows: it may have none. The row is the id. */
export const scheduleOfKey = (channel: ChannelId, id: string) => key<string>("g", part(channel), part(id));
export const schedulesOf = (channel: ChannelId) => below<string>("g", part(channel));
export const schedulesAfter = (after?: string): KeyRange<string> => behind("g", after);

export const auditKey = (at: number, sequence: number) => key<AuditEntry>("y", number(at), number(sequence));
export const allAudits = below<AuditEntry>("y");
export const auditsAfter = (at: number, sequence: number): KeyRange<AuditEntry> => ({
  from: auditKey(at, sequence + 1),
  to: allAudits.to,
});
export function auditPlace(text: Key<AuditEntry>): { at: number; sequence: number } {
  const [, at = "", sequence = ""] = text.split(SEPARATOR);
  return { at: Number.parseInt(at, 36), sequence: Number.parseInt(sequence, 36) };
}
/** The key of an entry, beside the other rows of its channel. */
export const auditOfKey = (channel: ChannelId, at: number, sequence: number) =>
  key<Key<AuditEntry>>("c", part(channel), "y", number(at), number(sequence));
export const auditsOf = (channel: ChannelId) => below<Key<AuditEntry>>("c", part(channel), "y");

export const deadLetterKey = (id: string) => key<DeadLetter>("d", part(id));
/** The same by time; the row is the letter's id and channel. */
export const deadSinceKey = (at: number, id: string) => key<[string, ChannelId]>("e", number(at), part(id));
export const allDead = below<[string, ChannelId]>("e");

export const journalKey = (channel: ChannelId) => key<JournalHead>("j", part(channel));
export const journalEntryKey = (channel: ChannelId, order: number) =>
  key<JournalEntry>("j", part(channel), "o", number(order));
export const journalOrders = (channel: ChannelId, from: number, to?: number): KeyRange<JournalEntry> => ({
  from: journalEntryKey(channel, from),
  to: to === undefined ? key("j", part(channel), "o", LAST) : journalEntryKey(channel, to),
});
/** The order of the entry with this key. */
export const journalNameKey = (channel: ChannelId, name: string) => key<number>("j", part(channel), "k", part(name));
/** The order of the entry that has this version. */
export const journalVersionKey = (channel: ChannelId, version: number) =>
  key<number>("j", part(channel), "v", number(version));
export const journalVersions = (channel: ChannelId, from: number): KeyRange<number> => ({
  from: journalVersionKey(channel, from),
  to: key("j", part(channel), "v", LAST),
});
