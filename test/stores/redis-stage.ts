/** Stores on a Redis of their own prefix, with a clock that the test moves; and all that stands there, as plain data. */
import type { Redis } from "ioredis";
import { onTestFinished } from "vitest";
import type { ChannelId, InboundEvent, NewSession, OutboxEntry } from "../../src/model.ts";
import type { AskDraft, Lease, Store, TurnCommit, TurnFailure } from "../../src/store.ts";
import { openRedisStore, type RedisStore, type RedisStoreOptions } from "../../src/stores/redis/store.ts";
import { TestClock } from "../support/clock.ts";
import type { RedisServer } from "../support/redis.ts";

export const CHANNEL: ChannelId = "telegram:-100/7";
export const ANN = { id: "telegram:42", name: "Ann" };
export const FRESH: NewSession = { source: "channel", agent: "demo", title: "A chat" };
export const ROOM = { max: 100, fullNotice: "The queue is full." };
export const NOTHING = { transcript: [], session: {}, outbox: [], take: 0 };

export function event(id: string, changes: Partial<InboundEvent> = {}): InboundEvent {
  return {
    channel: CHANNEL,
    id,
    sender: ANN,
    text: `message ${id}`,
    sentAt: 1_000,
    addressed: true,
    direct: true,
    ...changes,
  };
}

export async function own(store: Store, channel: ChannelId = CHANNEL, replica = "a"): Promise<Lease> {
  const acquired = await store.acquire(channel, replica, FRESH);
  if (acquired.status !== "owned") throw new Error(`owned by ${acquired.owner}`);
  return acquired.lease;
}

/** Accepts a message where one is named, and claims the next turn, which there must be. */
export async function claim(store: Store, { session, fence }: Lease, message?: string): Promise<string> {
  const { channel } = session;
  if (message !== undefined) await store.accept(event(message, { channel }), ROOM);
  const turn = await store.claim(channel, fence, 1);
  if (turn === undefined) throw new Error("nothing waits");
  return turn.id;
}

export function commit(store: Store, lease: Lease, turn: string, changes: Partial<TurnCommit> = {}) {
  return store.commitTurn(lease.session.channel, lease.fence, { ...NOTHING, turn, ...changes });
}

export function fail(store: Store, lease: Lease, turn: string, changes: Partial<TurnFailure> = {}) {
  const failure = { ...NOTHING, turn, outcome: "park", cause: "it broke", ...changes } as const;
  return store.failTurn(lease.session.channel, lease.fence, failure);
}

export const BOB = { id: "telegram:7", name: "Bob" };
export const YES = { by: ANN, via: "button", verdict: { kind: "approved", scope: "once" } } as const;

/** A plan to approve, unless `changes` say otherwise. */
export function asking(changes: Partial<AskDraft> = {}): AskDraft {
  const request = { kind: "plan", text: "May I?" } as const;
  return { request, requester: ANN, approvers: "requester", key: "secret", outbox: [], ...changes };
}

/** Questions, one for each id. */
export function questions(...ids: string[]): AskDraft["request"] {
  return { kind: "questions", text: "About it", questions: ids.map((id) => ({ id, prompt: `${id}?` })) };
}

/** Delivers all that waits in the outbox, as messages `m<entry's id>` where there is none to edit. Gives the cards. */
export async function deliver(store: Store, { session, fence }: Lease): Promise<OutboxEntry[]> {
  const { channel } = session;
  const { outbox } = await store.pending(channel, fence);
  for (const { id, card, ref = `m${id}` } of outbox) {
    const ask = card && (await store.ask(card.ask));
    const shown = ask === undefined ? {} : { shown: { ref, version: ask.version } };
    await store.settleDelivery(channel, fence, id, { status: "delivered", ...shown });
  }
  return outbox.filter(({ card }) => card !== undefined);
}

let places = 0;

/** A part of the server that no other test uses. */
export class Place {
  readonly server: RedisServer;
  readonly clock = new TestClock();
  readonly prefix = `p${++places}`;

  constructor(server: RedisServer) {
    this.server = server;
  }

  urlAt(at: string, query = ""): string {
    return `${at}?prefix=${this.prefix}&shards=5&beside=yes${query}`;
  }

  /** One replica's store, closed with the test. */
  async open(options: Partial<RedisStoreOptions> = {}): Promise<RedisStore> {
    const store = await openRedisStore({
      url: this.urlAt(this.server.url),
      clock: this.clock,
      dedupeFor: 3_600_000,
      lease: 60_000,
      keep: 0,
      ...options,
    });
    onTestFinished(() => store.close());
    return store;
  }

  async using<Result>(work: (client: Redis) => Promise<Result>): Promise<Result> {
    const client = this.server.client();
    try {
      await client.connect();
      return await work(client);
    } finally {
      client.disconnect();
    }
  }

  /** Without those that belong to the store as a whole. */
  keys(): Promise<string[]> {
    return this.using(async (client) => {
      const keys: string[] = [];
      for await (const some of client.scanStream({ match: `${this.prefix}:*`, count: 1_000 })) keys.push(...some);
      return [...new Set(keys)].filter((key) => !key.startsWith(`${this.prefix}:{m}:`)).sort();
    });
  }

  /** Keys that stay for ever. */
  async kept(): Promise<string[]> {
    const keys = await this.keys();
    const left = await this.using((client) => Promise.all(keys.map((key) => client.pttl(key))));
    return keys.filter((_, index) => left[index] === -1);
  }

  /** What stands under each key. */
  async dump({ audit = true } = {}): Promise<Record<string, unknown>> {
    const keys = (await this.keys()).filter((key) => audit || !key.endsWith(":y"));
    const values = await this.using((client) => Promise.all(keys.map((key) => standing(client, key))));
    return Object.fromEntries(keys.map((key, index) => [key, values[index]]));
  }
}

async function standing(client: Redis, key: string): Promise<unknown> {
  switch (await client.type(key)) {
    case "hash":
      return await client.hgetall(key);
    case "list":
      return await client.lrange(key, 0, -1);
    case "set":
      return (await client.smembers(key)).sort();
    case "zset":
      return await client.zrange(key, "0", "-1", "WITHSCORES");
    default:
      throw new Error(`${key} is of no type that the store uses`);
  }
}
