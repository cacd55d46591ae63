/** One order over all shards: each has its own part of a list, and the least of what comes next is next. */
interface Head {
  readonly shard: number;
  items: string[];
  last: string | undefined;
  /** How many were read. */
  count: number;
  done: boolean;
}

export interface Merged {
  readonly shard: number;
  readonly item: string;
}

/**
 * `read` gives up to `size` items of a shard in ascending order, those behind the `last` one that it gave, of `count` so
 * far. Reads only as much as is asked for.
 */
export async function* merge(
  shards: readonly number[],
  size: number,
  read: (shard: number, last: string | undefined, count: number) => Promise<readonly string[]>,
): AsyncGenerator<Merged, void> {
  const heads: Head[] = shards.map((shard) => ({ shard, items: [], last: undefined, count: 0, done: false }));
  for (;;) {
    await Promise.all(
      heads.map(async (head) => {
        if (head.items.length > 0 || head.done) return;
        const found = await read(head.shard, head.last, head.count);
        head.items = [...found];
        head.last = found.at(-1) ?? head.last;
        head.count += found.length;
        head.done = found.length < size;
      }),
    );
    const [first] = heads.filter(({ items }) => items.length > 0).sort((a, b) => (head(a) < head(b) ? -1 : 1));
    const item = first?.items.shift();
    if (first === undefined || item === undefined) return;
    yield { shard: first.shard, item };
  }
}

function head({ items }: Head): string {
  return items[0] ?? "";
}
