/** The display log of a channel: see `Journal`. */
import type { ChannelId, Json } from "../../model.ts";
import type { JournalEntry } from "../../store.ts";
import type { Context } from "./context.ts";
import { decode, encode } from "./keys.ts";
import { number, pairs } from "./reply.ts";

/** How many entries are kept, and how many too many are borne before the oldest go. */
const KEPT = 1_000;
const SLACK = 64;

export async function putJournal(context: Context, channel: ChannelId, key: string, body: Json): Promise<number> {
  const entry = [encode(key), JSON.stringify(body), KEPT, SLACK] as const;
  const version = await context.do(() =>
    context.scripts.run("journal-put", ...journalKeys(context, channel), ...entry),
  );
  context.hints.change("journal", channel);
  return number(version);
}

export async function readJournal(
  context: Context,
  channel: ChannelId,
  kind: "since" | "page",
  from: number | undefined,
  limit: number,
): Promise<JournalEntry[]> {
  const reply = await context.do(() =>
    context.scripts.run("journal-read", ...journalKeys(context, channel), kind, from ?? "", limit),
  );
  return pairs(reply).map(([key, stored]) => {
    const [order, version, ...body] = stored.split("\n");
    return { key: decode(key), order: Number(order), version: Number(version), body: JSON.parse(body.join("\n")) };
  });
}

function journalKeys({ keys }: Context, channel: ChannelId): string[] {
  const base = keys.base(keys.shardOf(channel));
  return ["j", "jo", "jv"].map((kind) => `${base}${kind}:${encode(channel)}`);
}
