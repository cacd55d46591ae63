/**
 * The audit log. Entries stand by time, and one that is added never stands before one that is there, whatever the clock
 * says: so a place in the log is good for ever. Each channel has the keys of its own.
 */
import type { AuditEntry, ChannelId } from "../../model.ts";
import type { AuditPage } from "../../store.ts";
import { excerptOf } from "../shared/asks.ts";
import { nextSequence } from "./counters.ts";
import { allAudits, auditKey, auditOfKey, auditPlace, auditsAfter, auditsOf } from "./keys.ts";
import type { AskRow } from "./rows.ts";
import type { Transaction } from "./transaction.ts";
import type { View } from "./view.ts";

/** What an entry says besides what it says of its ask. */
type Told = Omit<AuditEntry, "ask" | "channel" | "session" | "kind" | "text">;

export function addAudit(transaction: Transaction, { id, channel, session, request }: AskRow, told: Told): void {
  const about = { ask: id, channel, session, kind: request.kind, text: excerptOf(request) };
  putAudit(transaction, { ...told, ...about }, Math.max(told.at, newestOf(transaction)));
}

function putAudit(transaction: Transaction, entry: AuditEntry, at: number): void {
  const sequence = nextSequence(transaction);
  const key = auditKey(at, sequence);
  transaction.put(key, entry);
  transaction.put(auditOfKey(entry.channel, at, sequence), key);
}

/** See `Store.audit`. */
export function readAudit(view: View, { limit, after }: { limit: number; after?: string }): AuditPage {
  const [, at = "0", sequence = "0"] = /^(\d+)\.(\d+)$/.exec(after ?? "") ?? [];
  const entries: AuditEntry[] = [];
  let last = after;
  for (const { key, row } of view.scan(auditsAfter(Number(at), Number(sequence)))) {
    if (entries.length >= limit) break;
    entries.push(row);
    const place = auditPlace(key);
    last = `${place.at}.${place.sequence}`;
  }
  return last === undefined ? { entries } : { entries, after: last };
}

export function auditOf(view: View, channel: ChannelId): AuditEntry[] {
  return [...view.scan(auditsOf(channel))].flatMap(({ row: key }) => view.get(key) ?? []);
}

/** Those of a copied store: each at its time, in the order that they have. */
export function loadAudit(transaction: Transaction, entries: readonly AuditEntry[]): void {
  let at = 0;
  for (const entry of entries) {
    at = Math.max(at, entry.at);
    putAudit(transaction, entry, at);
  }
}

export function eraseAudit(transaction: Transaction, channel: ChannelId): void {
  for (const { key, row } of transaction.scan(auditsOf(channel))) {
    transaction.remove(key);
    transaction.remove(row);
  }
}

function newestOf(view: View): number {
  for (const { key } of view.scan(allAudits, "backward")) return auditPlace(key).at;
  return 0;
}
