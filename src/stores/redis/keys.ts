/**
 * Where each row stands: `<prefix>:{<shard>}:<kind>:<name>`. All of a channel is in one shard, whose number is the hash
 * tag, so that one script may touch it and the shard's indexes, on one server or in a cluster.
 *
 * | kind | what | kind | what |
 * |---|---|---|---|
 * | `c:<channel>` | its row (hash) | `s:<session>` | a session (hash) |
 * | `i:<channel>` | its inbox (list) | `t:<session>` | its transcript (list) |
 * | `k:<channel>` | commands not finished (hash) | `as:<session>` | its asks (set) |
 * | `o:<channel>` | its outbox (hash) | `a:<ask>` | an ask (hash) |
 * | `r:<channel>:<n>` | older receipts (hash, expires) | `d:<id>` | a dead letter (hash) |
 * | `j`, `jo`, `jv:<channel>` | display log, by order, by version | `l`, `p`, `e`, `z`, `w` | indexes of the shard: sessions, pinned, to expire, dead letters, channels with work |
 * | `y` | audit log of the shard (sorted set) | `q`, `u` | open asks, those that want a look |
 * | `h:<schedule>` | a schedule (hash) | `x`, `x:<channel>` | schedules by their next time: the shard's, those of them that are the channel's |
 * | `n` | figures of the shard (hash) | | |
 *
 * `<prefix>:{m}:…` belongs to the store as a whole: its format, the living replicas, what they hold.
 */
import type { ChannelId } from "../../model.ts";
import { hashOf, homeOf } from "../shared/ids.ts";

export class Keys {
  readonly #prefix: string;
  readonly #db: number;
  readonly shards: number;

  constructor(prefix: string, shards: number, db = 0) {
    this.#prefix = prefix;
    this.#db = db;
    this.shards = shards;
  }

  get all(): readonly number[] {
    return Array.from({ length: this.shards }, (_, shard) => shard);
  }

  base(shard: number): string {
    return `${this.#prefix}:{${shard}}:`;
  }

  central(name: string): string {
    return `${this.#prefix}:{m}:${name}`;
  }

  /** The pub/sub channel of one replica, or of all. Pub/sub itself knows no databases. */
  hints(replica: string): string {
    return `${this.#prefix}:hints:${this.#db}:${replica}`;
  }

  shardOf(channel: ChannelId): number {
    return hashOf(channel) % this.shards;
  }

  /** Of a session or an ask. Undefined for an id that doesn't say: any shard may have it. */
  shardOfId(id: string): number | undefined {
    const home = homeOf(id);
    return home === undefined ? undefined : home % this.shards;
  }

  /** The channel of a dead letter stands before its message's id; which "#" is in between can't be told. */
  shardsOfLetter(id: string): readonly number[] {
    const shards = new Set<number>();
    for (let at = id.indexOf("#"); at >= 0; at = id.indexOf("#", at + 1)) {
      shards.add(hashOf(id.slice(0, at)) % this.shards);
    }
    return [...shards];
  }
}

/** A schedule is known by its id alone: that decides its shard, and not its channel. */
export function shardOfSchedule({ shards }: Keys, id: string): number {
  return hashOf(id) % shards;
}

export function keyOfSchedule(keys: Keys, id: string): string {
  return `${keys.base(shardOfSchedule(keys, id))}h:${encode(id)}`;
}

/**
 * A foreign id as a part of a key, of a line or of a receipt: what would break those apart, or not survive UTF-8, is
 * escaped. `decode` gives it back.
 */
export function encode(text: string): string {
  return /[%,;#\s]|\p{Cs}/u.test(text) ? text.replace(/[%,;#\s]|\p{Cs}/gu, escaped) : text;
}

export function decode(text: string): string {
  return text.includes("%")
    ? text.replace(/%([0-9a-f]{4})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    : text;
}

function escaped(mark: string): string {
  return `%${mark.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
