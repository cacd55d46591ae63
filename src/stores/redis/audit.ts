/** The audit log: each shard has a part of it, in the order of the server's time. See asks.lua. */
import type { AuditEntry } from "../../model.ts";
import type { AuditPage } from "../../store.ts";
import { readItem } from "./auditrows.ts";
import type { Context } from "./context.ts";
import { merge } from "./merge.ts";

/**
 * See `Store.audit`. The cursor is how many entries of each shard were given: so it stays good however much is added, and
 * nothing is passed over where the clocks of a cluster's servers differ.
 */
export async function readAudit(
  context: Context,
  { limit, after }: { limit: number; after?: string },
): Promise<AuditPage> {
  const { keys, client } = context;
  const given = readCursor(after, keys.shards);
  const size = Math.ceil(limit / keys.shards) + 4;
  const entries: AuditEntry[] = [];
  const log = merge(keys.all, size, (shard, _, count) => {
    const start = (given[shard] ?? 0) + count;
    return context.do(() => client.zrange(`${keys.base(shard)}y`, `${start}`, `${start + size - 1}`));
  });
  const next = [...given];
  if (limit > 0) {
    for await (const { shard, item } of log) {
      entries.push(readItem(item).entry);
      next[shard] = (next[shard] ?? 0) + 1;
      if (entries.length === limit) break;
    }
  }
  return next.every((count) => count === 0) ? { entries } : { entries, after: writeCursor(next) };
}

function writeCursor(given: readonly number[]): string {
  return given
    .map((count) => (count === 0 ? "" : count.toString(36)))
    .join(".")
    .replace(/\.+$/, "");
}

function readCursor(cursor = "", shards: number): number[] {
  const counts = /^([0-9a-z]{0,9}\.)*[0-9a-z]{0,9}$/.test(cursor) ? cursor.split(".") : [];
  return Array.from({ length: shards }, (_, shard) => Number.parseInt(counts[shard] || "0", 36));
}
