/** Looks at what there is: nothing here changes anything. */
import type { ChannelId, ReceiptView, Session, TranscriptEntry } from "../../model.ts";
import type { QueueView, StoreStats, TranscriptPage } from "../../store.ts";
import { readOpen } from "./askrows.ts";
import type { Context } from "./context.ts";
import { Figures } from "./figures.ts";
import { decode, encode } from "./keys.ts";
import { viewReceipt, viewRecent } from "./receipts.ts";
import { list, number, pairs, text, texts } from "./reply.ts";
import { readSession } from "./sessions.ts";
import { readMessage, readTurn } from "./turns.ts";

/** See `Store.get`. */
export async function getSession(context: Context, id: string): Promise<Session | undefined> {
  const shard = await context.shardOf("s", id);
  if (shard === undefined) return undefined;
  const fields = await context.do(() => context.client.hgetall(`${context.keys.base(shard)}s:${encode(id)}`));
  return readSession(id, Object.entries(fields));
}

/** See `Store.current`. */
export async function currentSession(context: Context, channel: ChannelId): Promise<Session | undefined> {
  const [id, fields] = list(await context.onChannel("current", channel));
  return id === undefined ? undefined : readSession(text(id), pairs(fields));
}

/** See `Store.transcript`. */
export async function readTranscript(
  context: Context,
  session: string,
  { limit, before }: { limit: number; before?: number },
): Promise<TranscriptPage> {
  const shard = await context.shardOf("s", session);
  if (shard === undefined) return { entries: [] };
  const base = context.keys.base(shard);
  const id = encode(session);
  const [found, first, oldest] = list(
    await context.do(() => context.scripts.run("transcript", `${base}s:${id}`, `${base}t:${id}`, limit, before ?? "")),
  );
  const entries = texts(found).map((entry) => JSON.parse(entry) as TranscriptEntry);
  return number(first) > number(oldest) ? { entries, before: number(first) } : { entries };
}

/** See `Store.receipt`. */
export async function readReceipt(context: Context, channel: ChannelId, id: string): Promise<ReceiptView | undefined> {
  const [known, head, turn] = list(await context.onChannel("receipt", channel, encode(id)));
  return known === undefined ? undefined : viewReceipt(id, text(known), { head: number(head), turn: text(turn) });
}

/** See `Store.queue`. */
export async function readQueue(context: Context, channel: ChannelId): Promise<QueueView> {
  const [turn, waiting, recent, head, row, asks, commands] = list(await context.onChannel("queue", channel));
  const running = readTurn(turn);
  return {
    ...(running === undefined ? {} : { running }),
    waiting: texts(waiting).map(readMessage),
    asks: readOpen(text(asks)).length,
    commands: number(commands),
    recent: viewRecent(text(recent), { head: number(head), turn: text(row) }),
  };
}

/** See `Store.stats`. */
export async function readStats(context: Context): Promise<StoreStats> {
  const { keys, scripts } = context;
  const shards = await context.do(() =>
    Promise.all(keys.all.map((shard) => scripts.run("stats", `${keys.base(shard)}w`, keys.base(shard)))),
  );
  const sum = (index: number) => shards.reduce<number>((total, shard) => total + number(list(shard)[index]), 0);
  const counted = new Figures();
  for (const shard of shards) counted.add(pairs(list(shard)[7]));
  return {
    sessions: sum(0),
    bySource: counted.bySource,
    byStatus: { running: sum(5), waiting: sum(6), error: counted.of("error") },
    totals: counted.totals,
    queued: sum(1),
    inFlight: sum(2),
    undelivered: sum(3),
    deadLetters: sum(4),
  };
}

/** See `Store.unattended`. */
export async function readUnattended(context: Context, replica: string): Promise<ChannelId[]> {
  const { keys, members } = context;
  await context.do(() => members.join(replica));
  const self = members.self(replica);
  const shards = await Promise.all(
    keys.all.map((shard) => context.onShard("unattended", shard, "w", self, ...members.living)),
  );
  const found: ChannelId[] = [];
  const verdicts = new Map<string, boolean>([
    ["", true],
    [self, true],
  ]);
  for (const [channel, owner] of shards.flatMap(pairs)) {
    const free = verdicts.get(owner) ?? (await context.do(() => members.isDead(owner)));
    verdicts.set(owner, free);
    if (free) found.push(decode(channel) as ChannelId);
  }
  return found;
}
