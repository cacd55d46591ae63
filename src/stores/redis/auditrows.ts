/** The audit log as it stands in its shards: `<time> <channel>`, and the entry on a line of its own. See asks.lua. */
import type { AuditEntry, ChannelId } from "../../model.ts";
import { decode, encode, type Keys } from "./keys.ts";
import type { Client } from "./scripts.ts";

/** How many entries one command asks for. */
const AT_ONCE = 500;

export interface AuditItem {
  readonly time: string;
  readonly channel: ChannelId;
  readonly entry: AuditEntry;
}

export function readItem(item: string): AuditItem {
  const end = item.indexOf("\n");
  const [time = "", channel = ""] = item.slice(0, end).split(" ");
  return { time, channel: decode(channel) as ChannelId, entry: JSON.parse(item.slice(end + 1)) as AuditEntry };
}

/**
 * Entries that another store made, oldest first: the time of this one's server is not known of them, so they get their
 * own, in microseconds, each a later one than the entry before.
 */
export function writeItems(channel: ChannelId, entries: readonly AuditEntry[]): string[] {
  let last = 0;
  return entries.map((entry) => {
    last = Math.max(entry.at * 1_000, last + 1);
    return `${String(last).padStart(16, "0")} ${encode(channel)}\n${JSON.stringify(entry)}`;
  });
}

/** The times of each channel's entries, oldest first. */
export async function findTimes(client: Client, keys: Keys): Promise<Map<ChannelId, string[]>> {
  const found = new Map<ChannelId, string[]>();
  for (const shard of keys.all) {
    for (let start = 0, items: string[] = []; start === 0 || items.length === AT_ONCE; start += AT_ONCE) {
      items = await client.zrange(`${keys.base(shard)}y`, `${start}`, `${start + AT_ONCE - 1}`);
      for (const { channel, time } of items.map(readItem)) {
        const times = found.get(channel) ?? [];
        times.push(time);
        found.set(channel, times);
      }
    }
  }
  return found;
}

/** The entries of a channel, from their times. */
export async function readItems(
  client: Client,
  keys: Keys,
  channel: ChannelId,
  times: readonly string[],
): Promise<string[]> {
  const log = `${keys.base(keys.shardOf(channel))}y`;
  const some = times.map((time) => {
    const start = `${time} ${encode(channel)}`;
    return client.zrangebylex(log, `[${start}\n`, `(${start}\v`);
  });
  return (await Promise.all(some)).flat();
}
