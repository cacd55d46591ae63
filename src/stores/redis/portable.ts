/** A store in Redis opened to be copied from or to, while no gateway uses it. */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { Cluster } from "ioredis";
import type { ChannelDump, Portable } from "../../dump.ts";
import { SwitchboardError } from "../../errors.ts";
import type { ChannelId, Clock, Schedule } from "../../model.ts";
import type { Totals } from "../../store.ts";
import { parseRedisAddress, type RedisAddress } from "./address.ts";
import { findTimes, readItem, writeItems } from "./auditrows.ts";
import { asStoreError, type Connections, connect, disconnect, whenReady } from "./connection.ts";
import { type Belongings, dumpChannel, findTraces } from "./dump.ts";
import { countFigures, readFigures, writeTotals } from "./figures.ts";
import { checkFormat } from "./format.ts";
import { decode, encode, Keys, keyOfSchedule } from "./keys.ts";
import { Loading } from "./load.ts";
import { readSchedule, writeSchedule } from "./schedules.ts";
import { type Client, Scripts } from "./scripts.ts";

/** How many rows are asked for at once. */
const AT_ONCE = 500;
const REPORT = 5_000;

export interface RedisPortableOptions {
  readonly url: string;
  readonly clock: Clock;
  /** As in `RedisStoreOptions`. */
  readonly dedupeFor: number;
  readonly keep: number;
  readonly lease: number;
  /** Begun where it is not there; else STORE_UNKNOWN. */
  readonly create: boolean;
  /** Gives up waiting for Redis. */
  readonly signal: AbortSignal;
  readonly log: (problem: string) => void;
}

/** Rejects with STORE_UNKNOWN, and as `openRedisStore` does. */
export async function openRedisPortable(options: RedisPortableOptions): Promise<Portable> {
  const address = parseRedisAddress(options.url);
  const connections = connect(address, options.log);
  const { commands } = connections;
  try {
    await whenReady(commands, REPORT, options.log, options.signal);
    const keys = new Keys(address.prefix, address.shards);
    if (!options.create && (await commands.exists(keys.central("store"))) === 0) {
      throw new SwitchboardError("STORE_UNKNOWN", `There is no store in ${nameOf(address)}.`);
    }
    const scripts = new Scripts(commands);
    await checkFormat(commands, scripts, keys, address);
    return new RedisPortable(connections, scripts, keys, address, options);
  } catch (error) {
    disconnect(connections);
    throw asStoreError(error);
  }
}

/** For a gateway, which would miss what isn't there yet: rejects with STORE_HALF_COPIED. */
export async function assertWhole(client: Client, keys: Keys): Promise<void> {
  const source = await client.get(keys.central("copy-of"));
  if (source === null) return;
  throw new SwitchboardError("STORE_HALF_COPIED", `This Redis holds half a copy of ${source}.`);
}

class RedisPortable implements Portable {
  readonly name: string;
  readonly #connections: Connections;
  readonly #client: Client;
  readonly #scripts: Scripts;
  readonly #keys: Keys;
  readonly #prefix: string;
  readonly #options: RedisPortableOptions;
  /** By channel: no key of a channel leads there. */
  #belongings: Promise<AllBelongings> | undefined;

  constructor(
    connections: Connections,
    scripts: Scripts,
    keys: Keys,
    address: RedisAddress,
    options: RedisPortableOptions,
  ) {
    this.name = nameOf(address);
    this.#connections = connections;
    this.#client = connections.commands;
    this.#scripts = scripts;
    this.#keys = keys;
    this.#prefix = address.prefix;
    this.#options = options;
  }

  /** A replica that lives beats several times within a lease; one that was killed stays listed and doesn't. */
  async assertUnused(): Promise<void> {
    const before = await this.#beats();
    if (before.size === 0) return;
    await pause(this.#options.lease);
    for (const [replica, beat] of await this.#beats()) {
      if (before.get(replica) === beat) continue;
      throw new SwitchboardError("STORE_IN_USE", `${this.name} is used by the replica ${replica}.`);
    }
  }

  async begin(source: string): Promise<void> {
    const mark = this.#keys.central("copy-of");
    const begun = await this.#do(() => this.#client.get(mark));
    if (begun === source) return;
    if (begun !== null) throw this.#notEmpty(`half a copy of ${begun}`);
    for await (const _ of this.channels()) throw this.#notEmpty("a store of its own");
    await this.#do(() => this.#client.set(mark, source));
  }

  async finish(totals: Totals): Promise<void> {
    await this.#do(async () => {
      await countFigures(this.#scripts, this.#keys);
      await writeTotals(this.#client, this.#keys, totals);
      await this.#client.del(this.#keys.central("copy-of"));
    });
  }

  async totals(): Promise<Totals> {
    return (await this.#do(() => readFigures(this.#client, this.#keys))).totals;
  }

  async *channels(): AsyncIterable<ChannelId> {
    const channels = new Set(Object.values(await this.#belong()).flatMap((found) => [...found.keys()]));
    const kinds = new RegExp(`^${this.#prefix.replaceAll(".", "\\.")}:\\{\\d+\\}:[cj]:(.*)$`, "s");
    const nodes = this.#client instanceof Cluster ? this.#client.nodes("master") : [this.#client];
    for (const node of nodes) {
      for (let cursor = ""; cursor !== "0"; ) {
        const pattern = `${this.#prefix}:{*}:[cj]:*`;
        const [next, found] = await this.#do(() => node.scan(cursor || "0", "MATCH", pattern, "COUNT", AT_ONCE));
        for (const key of found) {
          const [, channel] = kinds.exec(key) ?? [];
          if (channel !== undefined) channels.add(decode(channel) as ChannelId);
        }
        cursor = next;
      }
    }
    yield* channels;
  }

  async dump(channel: ChannelId): Promise<ChannelDump | undefined> {
    const belongings = await this.#belongingsOf(channel);
    return await this.#do(() => dumpChannel(this.#client, this.#keys, channel, belongings));
  }

  load(dump: ChannelDump): Promise<void> {
    return this.#replace(dump.channel, dump);
  }

  drop(channel: ChannelId): Promise<void> {
    return this.#replace(channel, undefined);
  }

  async close(): Promise<void> {
    disconnect(this.#connections);
  }

  async #replace(channel: ChannelId, dump: ChannelDump | undefined): Promise<void> {
    const before = (await this.dump(channel)) ?? { channel, sessions: [], deadLetters: [] };
    const belongings = await this.#belongingsOf(channel);
    await this.#do(() => this.#replaceSchedules(channel, belongings.schedules, dump?.schedules ?? []));
    const { clock, dedupeFor, keep } = this.#options;
    await this.#do(async () => {
      const traces = await findTraces(this.#client, this.#keys, before, belongings);
      const commands = this.#client.multi();
      const loading = new Loading(commands, this.#keys, channel);
      loading.erase(before, traces);
      if (dump !== undefined) loading.load(dump, { now: clock.now(), dedupeFor, keep });
      for (const [error] of (await commands.exec()) ?? []) if (error !== null) throw error;
    });
    const { sessions, letters, audit } = await this.#belong();
    sessions.set(channel, dump?.sessions.map(({ session }) => session.id) ?? []);
    letters.set(channel, dump?.deadLetters.map(({ id }) => id) ?? []);
    audit.set(
      channel,
      writeItems(channel, dump?.audit ?? []).map((item) => readItem(item).time),
    );
  }

  /** They have shards of their own, so each is a step of its own: where a copy is cut off in between, it is copied again. */
  async #replaceSchedules(channel: ChannelId, before: readonly string[], after: readonly Schedule[]): Promise<void> {
    const { schedules } = await this.#belong();
    const now = this.#options.clock.now();
    const run = (name: "schedule-put" | "schedule-remove", id: string, ...rest: (string | number)[]) => {
      const key = keyOfSchedule(this.#keys, id);
      return this.#scripts.run(name, key, key.slice(0, key.indexOf("}:") + 2), "", now, now, encode(id), ...rest);
    };
    for (const id of before) {
      if (after.some((schedule) => schedule.id === id)) continue;
      const row = await this.#client.hgetall(keyOfSchedule(this.#keys, id));
      // Channels are copied side by side: it may be another one's by now, or become that before it is removed.
      if (readSchedule(row)?.channel === channel) await run("schedule-remove", id, row.mark ?? "");
    }
    for (const schedule of after) {
      const { id, nextAt, lastAt = "" } = schedule;
      await run("schedule-put", id, encode(channel), writeSchedule(schedule), nextAt, lastAt, randomUUID());
      for (const [other, ids] of schedules)
        schedules.set(
          other,
          ids.filter((theirs) => theirs !== id),
        );
    }
    schedules.set(
      channel,
      after.map(({ id }) => id),
    );
  }

  async #belongingsOf(channel: ChannelId): Promise<Belongings> {
    const { sessions, letters, audit, schedules } = await this.#belong();
    return {
      schedules: schedules.get(channel) ?? [],
      sessions: sessions.get(channel) ?? [],
      letters: letters.get(channel) ?? [],
      audit: audit.get(channel) ?? [],
    };
  }

  async #beats(): Promise<Map<string, string>> {
    const flat = await this.#do(() => this.#client.zrange(this.#keys.central("live"), "0", "-1", "WITHSCORES"));
    return new Map(flat.flatMap((replica, index) => (index % 2 === 0 ? [[replica, flat[index + 1] ?? ""]] : [])));
  }

  #belong(): Promise<AllBelongings> {
    this.#belongings ??= this.#do(() => findBelongings(this.#client, this.#keys));
    return this.#belongings;
  }

  #notEmpty(what: string): SwitchboardError {
    return new SwitchboardError("STORE_NOT_EMPTY", `${this.name} holds ${what}; nothing was changed.`);
  }

  async #do<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      throw asStoreError(error);
    }
  }
}

/** See `Belongings`: of each channel. */
interface AllBelongings {
  readonly sessions: Map<ChannelId, string[]>;
  readonly letters: Map<ChannelId, string[]>;
  readonly audit: Map<ChannelId, string[]>;
  readonly schedules: Map<ChannelId, string[]>;
}

async function findBelongings(client: Client, keys: Keys): Promise<AllBelongings> {
  const audit = await findTimes(client, keys);
  const found: AllBelongings = { sessions: new Map(), letters: new Map(), audit, schedules: new Map() };
  for (const shard of keys.all) {
    const base = keys.base(shard);
    const indexes = await Promise.all(["l", "p", "z", "x"].map((index) => client.zrange(`${base}${index}`, "0", "-1")));
    const [listed = [], pinned = [], letters = [], schedules = []] = indexes;
    const sessions = [...listed, ...pinned].map((place) => place.slice(place.indexOf(".") + 1));
    await gather(client, sessions, `${base}s:`, found.sessions);
    await gather(client, letters, `${base}d:`, found.letters);
    await gather(client, schedules, `${base}h:`, found.schedules);
  }
  return found;
}

/** Notes each id under the channel that its row names. */
async function gather(
  client: Client,
  names: readonly string[],
  prefix: string,
  into: Map<ChannelId, string[]>,
): Promise<void> {
  for (let start = 0; start < names.length; start += AT_ONCE) {
    const some = names.slice(start, start + AT_ONCE);
    const homes = await Promise.all(some.map((name) => client.hget(prefix + name, "channel")));
    for (const [index, home] of homes.entries()) {
      if (home === null) continue;
      const channel = decode(home) as ChannelId;
      const ids = into.get(channel) ?? [];
      ids.push(decode(some[index] ?? ""));
      into.set(channel, ids);
    }
  }
}

/** Without user and password. */
function nameOf({ kind, hosts, db, master, prefix }: RedisAddress): string {
  const scheme = kind === "single" ? "redis" : `redis+${kind}`;
  const at = hosts.map(({ host, port }) => `${host.includes(":") ? `[${host}]` : host}:${port}`).join(",");
  return `${scheme}://${at}${master === undefined ? "" : `/${master}`}/${db}?prefix=${prefix}`;
}
