/** A Redis with many idle sessions, each after one turn, written in the very form in which the store leaves them. */
import { Redis } from "ioredis";
import type { ChannelId } from "../../../src/model.ts";
import { Keys } from "../../../src/stores/redis/keys.ts";
import { mintSessionId } from "../../../src/stores/shared/ids.ts";
import type { RedisServer } from "../../support/redis.ts";
import type { StoredSessions } from "../benchmark.ts";
import { storedChannel, storeSession } from "../dataset.ts";
import { openStore } from "./work.ts";

const PREFIX = "sb";
const SHARDS = 64;
/** Sessions of one shard that are written by one call. */
const AT_ONCE = 100;
const SAMPLES = 5;

/**
 * ARGV  base, place in the index up to the id, lengths of row, session and transcript, what is in them, then channels
 * and sessions in turn.
 */
const COPY = `
local base, place, cursor = ARGV[1], ARGV[2], 6
local parts = {}
for part = 1, 3 do
  local items = {}
  for index = 1, tonumber(ARGV[part + 2]) do items[index] = ARGV[cursor]; cursor = cursor + 1 end
  parts[part] = items
end
for index = cursor, #ARGV, 2 do
  local channel, id = ARGV[index], ARGV[index + 1]
  redis.call('HSET', base .. 'c:' .. channel, 'session', id, unpack(parts[1]))
  redis.call('HSET', base .. 's:' .. id, 'channel', channel, unpack(parts[2]))
  redis.call('RPUSH', base .. 't:' .. id, unpack(parts[3]))
  redis.call('ZADD', base .. 'l', 0, place .. id)
end
return 1`;

/** What the store keeps of one session. */
interface Kept {
  readonly row: Readonly<Record<string, string>>;
  readonly session: Readonly<Record<string, string>>;
  readonly transcript: readonly string[];
  /** Its member of the index. */
  readonly place: string;
  /** All keys of the channel by kind, but the index. */
  readonly kinds: readonly string[];
}

/** The first of them is made by the store; the others are copies of it under names of their own. */
export async function storeRedisSessions(server: RedisServer, count: number): Promise<StoredSessions> {
  const began = performance.now();
  const client = new Redis(server.url);
  const keys = new Keys(PREFIX, SHARDS);
  await makeByStore(server.url, storedChannel(0));
  const copies = new Copies(client, keys, await keptOf(client, keys, storedChannel(0)));
  for (let index = 1; index < count; index += 1) {
    await copies.add(storedChannel(index));
    if (index !== SAMPLES) continue;
    await copies.flush();
    await compare(client, keys, server.url);
  }
  await copies.flush();
  const sessions = await Promise.all(keys.all.map((shard) => client.zcard(`${keys.base(shard)}l`)));
  const stored = sessions.reduce((sum, more) => sum + more, 0);
  client.disconnect();
  if (stored !== count) throw new Error(`${stored} sessions are stored, not ${count}.`);
  console.error(`${count} sessions stored in Redis in ${((performance.now() - began) / 1_000).toFixed(1)} s`);
  return { count, place: server.url };
}

class Copies {
  readonly #client: Redis;
  readonly #keys: Keys;
  readonly #sample: Kept;
  readonly #waiting = new Map<number, string[]>();
  #written: Promise<unknown>[] = [];

  constructor(client: Redis, keys: Keys, sample: Kept) {
    this.#client = client;
    this.#keys = keys;
    this.#sample = sample;
  }

  async add(channel: ChannelId): Promise<void> {
    const shard = this.#keys.shardOf(channel);
    const names = this.#waiting.get(shard) ?? [];
    this.#waiting.set(shard, names);
    if (names.push(channel, mintSessionId(channel)) === 2 * AT_ONCE) this.#write(shard, names);
    if (this.#written.length === SHARDS) await Promise.all(this.#written.splice(0));
  }

  async flush(): Promise<void> {
    for (const [shard, names] of this.#waiting) this.#write(shard, names);
    await Promise.all(this.#written.splice(0));
  }

  #write(shard: number, names: readonly string[]): void {
    const { row, session, transcript, place } = this.#sample;
    const parts = [flat(row, "session"), flat(session, "channel"), transcript];
    const lengths = parts.map(({ length }) => length);
    const placed = place.slice(0, place.indexOf(".") + 1);
    const all = [this.#keys.base(shard), placed, ...lengths, ...parts.flat(), ...names];
    this.#written.push(this.#client.eval(COPY, 0, ...all));
    this.#waiting.delete(shard);
  }
}

/** The copies so far beside what the store makes of the same channels: the same keys, fields and lengths. */
async function compare(client: Redis, keys: Keys, url: string): Promise<void> {
  const beside = new Keys(`${PREFIX}2`, SHARDS);
  for (let index = 1; index <= SAMPLES; index += 1) {
    const channel = storedChannel(index);
    await makeByStore(`${url}?prefix=${PREFIX}2&beside=yes`, channel);
    const copied = shapeOf(await keptOf(client, keys, channel));
    const made = shapeOf(await keptOf(client, beside, channel));
    if (copied !== made) throw new Error(`${channel} is stored as\n${copied}\nwhere the store keeps\n${made}`);
  }
  for (const key of await client.keys(`${PREFIX}2:*`)) await client.unlink(key);
}

/** Idle, after one turn, owned by nobody, off the list of those with something to do. */
async function makeByStore(url: string, channel: ChannelId): Promise<void> {
  const store = await openStore(url);
  await store.heartbeat("main");
  await storeSession(store, channel);
  await store.unattended("main");
  await store.close();
}

async function keptOf(client: Redis, keys: Keys, channel: ChannelId): Promise<Kept> {
  const base = keys.base(keys.shardOf(channel));
  const row = await client.hgetall(`${base}c:${channel}`);
  const id = row.session ?? "";
  const members = await client.zrange(`${base}l`, "0", "-1");
  const found = (await Promise.all([client.keys(`${base}*${channel}*`), client.keys(`${base}*${id}*`)])).flat();
  const pending = await client.sismember(`${base}w`, channel);
  return {
    row,
    session: await client.hgetall(`${base}s:${id}`),
    transcript: await client.lrange(`${base}t:${id}`, 0, -1),
    place: members.find((member) => member.endsWith(`.${id}`)) ?? "",
    kinds: [...found.map((key) => key.slice(base.length, key.indexOf(":", base.length))), ...(pending ? ["w"] : [])],
  };
}

function shapeOf({ row, session, transcript, place, kinds }: Kept): string {
  const lengths = (fields: Readonly<Record<string, string>>) =>
    Object.entries(fields)
      .map(([name, value]) => `${name} ${value.length}`)
      .sort();
  const list = transcript.map(({ length }) => length);
  return JSON.stringify([lengths(row), lengths(session), list, place.length, [...kinds].sort()]);
}

function flat(fields: Readonly<Record<string, string>>, without: string): string[] {
  return Object.entries(fields)
    .filter(([name]) => name !== without)
    .flat();
}
