/** The display log of a channel. */
import type { ChannelId, Json } from "../../model.ts";
import type { JournalEntry } from "../../store.ts";
import {
  isLegible,
  journalEntryKey,
  journalKey,
  journalNameKey,
  journalOrders,
  journalVersionKey,
  journalVersions,
} from "./keys.ts";
import type { JournalHead } from "./rows.ts";
import type { Transaction } from "./transaction.ts";
import type { View } from "./view.ts";

const KEPT = 1_000;
/** Forgetting begins when there are this many too many, so that few puts pay for it. */
const SLACK = 64;

/** See `Journal.journalPut`. */
export function putEntry(transaction: Transaction, channel: ChannelId, key: string, body: Json): number {
  const head = transaction.get(journalKey(channel)) ?? emptyJournal(channel);
  const version = head.version + 1;
  const known = transaction.get(journalNameKey(channel, key));
  const order = known ?? version;
  const before = known === undefined ? undefined : transaction.get(journalEntryKey(channel, known));
  if (before !== undefined) transaction.remove(journalVersionKey(channel, before.version));
  else transaction.put(journalNameKey(channel, key), order);
  transaction.put(journalVersionKey(channel, version), order);
  transaction.put(journalEntryKey(channel, order), { key, order, version, body });
  const entries = known === undefined ? head.entries + 1 : head.entries;
  transaction.put(journalKey(channel), trimmed(transaction, channel, { ...head, version, entries }));
  transaction.hint(channel, "journal");
  return version;
}

export function emptyJournal(channel: ChannelId): JournalHead {
  const head = { version: 0, entries: 0, oldest: 1 };
  return isLegible(channel) ? head : { channel, ...head };
}

/** See `Journal.journalSince`. */
export function entriesSince(view: View, channel: ChannelId, version: number, limit: number): JournalEntry[] {
  const entries: JournalEntry[] = [];
  for (const { row: order } of view.scan(journalVersions(channel, version + 1))) {
    if (entries.length >= limit) break;
    const entry = view.get(journalEntryKey(channel, order));
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}

/** See `Journal.journalPage`. */
export function pageOfEntries(view: View, channel: ChannelId, limit: number, before?: number): JournalEntry[] {
  const entries: JournalEntry[] = [];
  for (const { row } of view.scan(journalOrders(channel, 0, before), "backward")) {
    if (entries.length >= limit) break;
    entries.push(row);
  }
  return entries.reverse();
}

function trimmed(transaction: Transaction, channel: ChannelId, head: JournalHead): JournalHead {
  if (head.entries <= KEPT + SLACK) return head;
  let { entries, oldest } = head;
  for (const { key, row } of transaction.scan(journalOrders(channel, oldest))) {
    if (entries === KEPT) break;
    oldest = row.order + 1;
    transaction.remove(key);
    transaction.remove(journalNameKey(channel, row.key));
    transaction.remove(journalVersionKey(channel, row.version));
    entries -= 1;
  }
  return { ...head, entries, oldest };
}
