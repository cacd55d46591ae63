/** Lists of sessions: see `SessionQuery`. Each shard has an index by activity; the newest of all are merged. */
import { adapterOf, type Session } from "../../model.ts";
import type { SessionPage, SessionQuery } from "../../store.ts";
import type { Keys } from "./keys.ts";
import type { Client } from "./scripts.ts";
import { readSession } from "./sessions.ts";

const MINUTE = 60_000;
/** How many sessions are read at once where a filter passes over many. */
const AT_ONCE = 200;

/** A session's place: `<minute>.<id>` as in the index, and where that is. */
interface Place {
  readonly at: string;
  readonly shard: number;
}

export async function listSessions(client: Client, keys: Keys, query: SessionQuery): Promise<SessionPage> {
  const pinned = query.cursor === undefined ? await pinnedSessions(client, keys, query) : [];
  const shards = query.channel === undefined ? keys.all : [keys.shardOf(query.channel)];
  const walk = new Walk(client, keys, shards, query);
  const found: Session[] = [];
  for (;;) {
    // Without a filter, what is read is what is given.
    const places = await walk.next(isFiltered(query) ? AT_ONCE : query.limit + 1 - found.length);
    if (places.length === 0) return { sessions: [...pinned, ...found] };
    for (const session of await readAll(client, keys, places)) {
      if (session === undefined || !matches(query, session)) continue;
      if (found.length === query.limit) return { sessions: [...pinned, ...found], ...cursorOf(found) };
      found.push(session);
    }
  }
}

async function pinnedSessions(client: Client, keys: Keys, query: SessionQuery): Promise<Session[]> {
  const perShard = await Promise.all(
    keys.all.map(async (shard) => placesOf(shard, await client.zrevrange(`${keys.base(shard)}p`, 0, -1))),
  );
  const sessions = await readAll(client, keys, perShard.flat().sort(newestFirst));
  return sessions.filter((session) => session !== undefined).filter((session) => matches(query, session));
}

/** What was read of a shard's index and not given yet. */
interface Ahead {
  readonly shard: number;
  places: Place[];
  /** Where to read on. */
  before: string;
  done: boolean;
}

/** Merges the shards' indexes, reading from each only as much as is asked for. */
class Walk {
  readonly #client: Client;
  readonly #keys: Keys;
  readonly #least: string;
  readonly #shards: Ahead[];

  constructor(client: Client, keys: Keys, shards: readonly number[], { cursor, from, to }: SessionQuery) {
    this.#client = client;
    this.#keys = keys;
    this.#least = `[${minuteOf(from ?? 0)}`;
    const newest = to === undefined ? "+" : `(${minuteOf(to + MINUTE)}`;
    const before = cursor !== undefined && /^\d{9}\./.test(cursor) ? `(${cursor}` : "+";
    const start = newest === "+" || (before !== "+" && before < newest) ? before : newest;
    this.#shards = shards.map((shard) => ({ shard, places: [], before: start, done: false }));
  }

  /** The next places, newest first; none at the end. */
  async next(count: number): Promise<Place[]> {
    const each = Math.ceil(count / this.#shards.length) + 4;
    const found: Place[] = [];
    while (found.length < count) {
      await Promise.all(this.#shards.map((ahead) => this.#fill(ahead, each)));
      const some = this.#merge(count - found.length);
      if (some.length === 0) break;
      found.push(...some);
    }
    return found;
  }

  /** Stops where a shard's next place has not been read yet. */
  #merge(count: number): Place[] {
    const found: Place[] = [];
    while (found.length < count && this.#shards.every(({ places, done }) => places.length > 0 || done)) {
      const best = this.#shards.reduce((a, b) => ((b.places[0]?.at ?? "") > (a.places[0]?.at ?? "") ? b : a));
      const next = best.places.shift();
      if (next === undefined) break;
      found.push(next);
    }
    return found;
  }

  async #fill(ahead: Ahead, count: number): Promise<void> {
    if (ahead.done || ahead.places.length > 0) return;
    const index = `${this.#keys.base(ahead.shard)}l`;
    const found = await this.#client.zrevrangebylex(index, ahead.before, this.#least, "LIMIT", 0, count);
    ahead.places = placesOf(ahead.shard, found);
    ahead.done = found.length < count;
    ahead.before = `(${found.at(-1) ?? ""}`;
  }
}

async function readAll(client: Client, keys: Keys, places: readonly Place[]): Promise<(Session | undefined)[]> {
  return await Promise.all(
    places.map(async ({ at, shard }) => {
      const id = at.slice(at.indexOf(".") + 1);
      const fields = await client.hgetall(`${keys.base(shard)}s:${id}`);
      return readSession(id, Object.entries(fields));
    }),
  );
}

function placesOf(shard: number, members: readonly string[]): Place[] {
  return members.map((at) => ({ at, shard }));
}

function newestFirst(a: Place, b: Place): number {
  return a.at < b.at ? 1 : -1;
}

function minuteOf(time: number): string {
  return String(Math.floor(Math.max(time, 0) / MINUTE)).padStart(9, "0");
}

function cursorOf(sessions: readonly Session[]): { cursor?: string } {
  const last = sessions.at(-1);
  return last === undefined ? {} : { cursor: `${minuteOf(last.lastActivityAt)}.${last.id}` };
}

function isFiltered({ channel, adapter, source, agent, text, from, to }: SessionQuery): boolean {
  return [channel, adapter, source, agent, text, from, to].some((filter) => filter !== undefined);
}

function matches(query: SessionQuery, session: Session): boolean {
  const { channel, adapter, source, agent, text, from, to } = query;
  const sought = text?.toLowerCase();
  return (
    (query.archived === true || session.archivedAt === undefined) &&
    (channel === undefined || session.channel === channel) &&
    (adapter === undefined || adapterOf(session.channel) === adapter) &&
    (source === undefined || session.source === source) &&
    (agent === undefined || session.agent === agent) &&
    (from === undefined || session.lastActivityAt >= from) &&
    (to === undefined || session.lastActivityAt <= to) &&
    (sought === undefined || session.title.toLowerCase().includes(sought) || session.id.toLowerCase().includes(sought))
  );
}
