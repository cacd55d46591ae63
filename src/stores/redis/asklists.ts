/** Lists of asks, over all shards. */
import type { Ask } from "../../model.ts";
import type { AskPage, AskQuery } from "../../store.ts";
import { readAsk } from "./askrows.ts";
import type { Context } from "./context.ts";
import { findFirst } from "./due.ts";
import { merge } from "./merge.ts";

/** Where an ask stands in the index of its shard's open ones: see asks.lua. */
const PLACE = /^\d{13}\.\d{16}\.(.+)$/;
/** How many asks are read at once where a filter passes over many. */
const AT_ONCE = 100;

interface Found {
  readonly place: string;
  readonly shard: number;
}

/** See `Store.asks`. */
export async function listAsks(context: Context, query: AskQuery): Promise<AskPage> {
  const { limit, cursor, channel, kind } = query;
  const { keys, client } = context;
  const shards = channel === undefined ? keys.all : [keys.shardOf(channel)];
  const size = Math.ceil((limit + 1) / shards.length) + 4;
  const start = cursor !== undefined && PLACE.test(cursor) ? cursor : undefined;
  const places = merge(shards, size, (shard, last = start) => {
    const from = last === undefined ? "-" : `(${last}`;
    return context.do(() => client.zrangebylex(`${keys.base(shard)}q`, from, "+", "LIMIT", 0, size));
  });
  const asks: Ask[] = [];
  let last = "";
  for await (const some of batches(places, kind === undefined && channel === undefined ? limit + 1 : AT_ONCE)) {
    const found = await readAll(context, some);
    for (const [index, ask] of found.entries()) {
      // It may have ended since its place was read.
      if (ask === undefined || ask.end !== undefined) continue;
      if ((channel !== undefined && ask.channel !== channel) || (kind !== undefined && ask.request.kind !== kind))
        continue;
      if (asks.length === limit) return last === "" ? { asks } : { asks, cursor: last };
      asks.push(ask);
      last = some[index]?.place ?? "";
    }
  }
  return { asks };
}

async function* batches(
  places: AsyncIterable<{ readonly shard: number; readonly item: string }>,
  size: number,
): AsyncGenerator<Found[], void> {
  let some: Found[] = [];
  for await (const { shard, item } of places) {
    some.push({ shard, place: item });
    if (some.length < size) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}

/** See `Store.dueAsks`. */
export async function listDueAsks(context: Context, limit: number): Promise<Ask[]> {
  const first = await findFirst(context, "u", context.clock.now(), limit);
  const asks = await Promise.all(first.map(({ shard, id }) => readOne(context, shard, id)));
  return asks.filter((ask) => ask !== undefined).filter(({ end }) => end === undefined);
}

function readAll(context: Context, places: readonly Found[]): Promise<(Ask | undefined)[]> {
  return Promise.all(places.map(({ shard, place }) => readOne(context, shard, PLACE.exec(place)?.[1] ?? "")));
}

async function readOne(context: Context, shard: number, name: string): Promise<Ask | undefined> {
  const fields = await context.do(() => context.client.hgetall(`${context.keys.base(shard)}a:${name}`));
  return readAsk(Object.entries(fields));
}
