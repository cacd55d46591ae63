/** Indexes by time, one in each shard: what comes first of them all. */
import type { Context } from "./context.ts";

export interface Due {
  readonly shard: number;
  readonly id: string;
  readonly at: number;
}

/** The first `limit` whose time is `until` at the latest; those of the same time by their ids. */
export async function findFirst(
  context: Context,
  index: string,
  until: number | "+inf",
  limit: number,
): Promise<Due[]> {
  context.assertOpen();
  if (limit < 1) return [];
  const { keys, client } = context;
  const found = await context.do(() =>
    Promise.all(
      keys.all.map(async (shard) => {
        const key = keys.base(shard) + index;
        const flat = await client.zrangebyscore(key, "-inf", until, "WITHSCORES", "LIMIT", 0, limit);
        return flat.flatMap((id, place) => (place % 2 === 0 ? [{ shard, id, at: Number(flat[place + 1]) }] : []));
      }),
    ),
  );
  return found
    .flat()
    .sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1))
    .slice(0, limit);
}
