/** What is known of channels: which are threads, which are direct. Learned from the gateway, and asked for where it is not. */
import { type Fields, fields } from "./fields.ts";
import type { Rest } from "./rest.ts";
import { isSnowflake } from "./snowflake.ts";

export interface Place {
  readonly kind: "direct" | "thread" | "other";
  /** The channel that a thread belongs to. */
  readonly parent?: string;
  /** The newest message, also where it was deleted since. */
  readonly last?: string;
}

/** Types of channels: discord.com/developers/docs/resources/channel#channel-object-channel-types */
const DIRECT = [1, 3];
const THREADS = [10, 11, 12];
const MOST = 20_000;

export class Places {
  readonly #rest: Rest;
  readonly #known = new Map<string, Place>();

  constructor(rest: Rest) {
    this.#rest = rest;
  }

  learn(raw: unknown): Place | undefined {
    const channel = fields(raw);
    if (channel === undefined || !isSnowflake(channel.id) || typeof channel.type !== "number") return undefined;
    const place = placeOf(channel, channel.type);
    this.#known.delete(channel.id);
    this.#known.set(channel.id, place);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST && oldest !== undefined) this.#known.delete(oldest);
    return place;
  }

  get(id: string): Place | undefined {
    return this.#known.get(id);
  }

  /** The channels of servers in which something was said last, the latest first. */
  latest(count: number): string[] {
    return [...this.#known]
      .flatMap(([id, { kind, last }]) => (kind === "direct" || last === undefined ? [] : [{ id, last: BigInt(last) }]))
      .sort((a, b) => (a.last < b.last ? 1 : -1))
      .slice(0, count)
      .map(({ id }) => id);
  }

  /** Fails with `CallError`. */
  async find(id: string, signal?: AbortSignal): Promise<Place> {
    return this.#known.get(id) ?? (await this.look(id, signal));
  }

  /** As it is now. */
  async look(id: string, signal?: AbortSignal): Promise<Place> {
    return this.learn(await this.#rest.call("GET", `/channels/${id}`, { signal })) ?? { kind: "other" };
  }
}

function placeOf(channel: Fields, type: number): Place {
  const { parent_id: parent, last_message_id: last } = channel;
  return {
    kind: DIRECT.includes(type) ? "direct" : THREADS.includes(type) ? "thread" : "other",
    ...(isSnowflake(parent) ? { parent } : {}),
    ...(isSnowflake(last) ? { last } : {}),
  };
}
