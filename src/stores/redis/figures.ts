/** The figures that scripts count, in a hash of each shard (see sessions.lua): all together are the store's. */
import type { StoreStats } from "../../store.ts";
import type { Keys } from "./keys.ts";
import type { Client, Scripts } from "./scripts.ts";

export class Figures {
  readonly #sums = new Map<string, number>();

  add(fields: Iterable<readonly [name: string, value: string]>): void {
    for (const [name, value] of fields) this.#sums.set(name, this.of(name) + Number(value));
  }

  of(name: string): number {
    return this.#sums.get(name) ?? 0;
  }

  get bySource(): StoreStats["bySource"] {
    return {
      channel: this.of("channel"),
      manual: this.of("manual"),
      cron: this.of("cron"),
      setup: this.of("setup"),
    };
  }

  get totals(): StoreStats["totals"] {
    return {
      turns: this.of("turns"),
      failed: this.of("failed"),
      tokensIn: this.of("tokensIn"),
      tokensOut: this.of("tokensOut"),
      cost: this.of("cost"),
    };
  }
}

export async function readFigures(client: Client, keys: Keys): Promise<Figures> {
  const figures = new Figures();
  const shards = await Promise.all(keys.all.map((shard) => client.hgetall(keyOf(keys, shard))));
  for (const shard of shards) figures.add(Object.entries(shard));
  return figures;
}

/** Counts anew what there is: done while nobody writes, or once for a store that was begun before there were figures. */
export async function countFigures(scripts: Scripts, keys: Keys): Promise<void> {
  await Promise.all(keys.all.map((shard) => scripts.run("count", keyOf(keys, shard), keys.base(shard))));
}

/** Puts the totals in the place of the counted ones; one shard has them all, because it is their sum that counts. */
export async function writeTotals(client: Client, keys: Keys, totals: StoreStats["totals"]): Promise<void> {
  for (const shard of keys.all) await client.hdel(keyOf(keys, shard), ...Object.keys(totals));
  await client.hset(keyOf(keys, 0), totals);
}

function keyOf(keys: Keys, shard: number): string {
  return `${keys.base(shard)}n`;
}
