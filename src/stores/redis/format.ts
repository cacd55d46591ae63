/**
 * What is fixed when a store is begun: the version of its layout and its number of shards; and which stores one Redis
 * holds. Starting with another prefix or number of shards would show an empty store, or half of one: it is refused.
 */
import { SwitchboardError } from "../../errors.ts";
import type { RedisAddress } from "./address.ts";
import { countFigures } from "./figures.ts";
import type { Keys } from "./keys.ts";
import { texts } from "./reply.ts";
import type { Client, Scripts } from "./scripts.ts";

const FORMAT = 1;
/** The prefixes of all stores on this Redis. */
const STORES = "switchboard:stores";
/** Since when a store has figures: an older one is counted once. */
const COUNTED = "counted";

/** Rejects with STORE_FORMAT. */
export async function checkFormat(client: Client, scripts: Scripts, keys: Keys, address: RedisAddress): Promise<void> {
  const { prefix, shards, beside } = address;
  const stores = await client.smembers(STORES);
  if (!stores.includes(prefix) && stores.length > 0 && !beside) {
    throw new SwitchboardError(
      "STORE_FORMAT",
      `This Redis holds a store with the prefix "${stores.join('", "')}", and none with "${prefix}". ` +
        `Correct the prefix in store.url, or add beside=yes to it to begin a second store. Nothing was changed.`,
    );
  }
  const [format, fixed] = texts(await scripts.run("format", keys.central("store"), FORMAT, shards));
  if (Number(format) > FORMAT) {
    throw new SwitchboardError("STORE_FORMAT", `The store has format ${format}; this version reads up to ${FORMAT}.`);
  }
  if (Number(fixed) !== shards) {
    throw new SwitchboardError(
      "STORE_FORMAT",
      `The store was begun with ${fixed} shards, and store.url says ${shards}. Set shards=${fixed}. Nothing was changed.`,
    );
  }
  if ((await client.hget(keys.central("store"), COUNTED)) === null) {
    await countFigures(scripts, keys);
    await client.hset(keys.central("store"), COUNTED, 1);
  }
  await client.sadd(STORES, prefix);
}
