/** Reads what was said: by people, for what was missed; and by the bot itself, for a post whose outcome got lost. */
import { DeliveryError } from "../../src/channel.ts";
import type { ChannelId, Clock, InboundEvent, MessageRef } from "../../src/model.ts";
import { idOf } from "./delivery.ts";
import { toDeliveryError } from "./errors.ts";
import { type Fields, fields, list, text } from "./fields.ts";
import { sleep } from "./inlet.ts";
import { markOf } from "./marks.ts";
import { type Identity, parseMessage } from "./parse.ts";
import type { Places } from "./places.ts";
import type { Rest } from "./rest.ts";
import { before, isSnowflake, timeOf } from "./snowflake.ts";

export interface HistoryOptions {
  readonly name: string;
  readonly rest: Rest;
  readonly places: Places;
  readonly clock: Clock;
  readonly me: (signal: AbortSignal) => Promise<Identity>;
}

interface Posted {
  readonly id: MessageRef;
  readonly content: string;
}

/** Discord gives no more at a time. */
const PAGE = 100;
const TRIES = 5;
const FIRST_PAUSE = 250;
/** Milliseconds; where Discord asks for more, that is for the caller to wait. */
const LONGEST_PAUSE = 5000;
/** Among how many messages a post is looked for, from the time on when it may have been made. */
const MOST_LOOKED_AT = 5000;

const UNREADABLE =
  "What was said here can't be read. Give the bot's role the right to read the message history of this channel.";

export class History {
  readonly #options: HistoryOptions;

  constructor(options: HistoryOptions) {
    this.#options = options;
  }

  /** What people said after that time, oldest first. */
  since(channel: ChannelId, after: number, limit: number, signal: AbortSignal): Promise<InboundEvent[]> {
    return this.#patiently(signal, async () => {
      const id = idOf(channel);
      const me = await this.#options.me(signal);
      const { kind } = await this.#options.places.find(id, signal);
      const events: InboundEvent[] = [];
      for await (const message of this.#messages(id, after + 1, signal)) {
        const parsed = parseMessage(message, this.#options.name, me, kind === "direct");
        if ("ignored" in parsed) continue;
        const { event } = parsed;
        events.push(kind === "thread" && !event.addressed ? { ...event, follows: true } : event);
        if (events.length === limit) break;
      }
      return events;
    });
  }

  /** The bot's post with this key; undefined where there certainly is none. */
  find(channel: ChannelId, key: string, since: number, signal: AbortSignal): Promise<MessageRef | undefined> {
    return this.#patiently(signal, async () => {
      const id = idOf(channel);
      const mark = markOf(key);
      const me = await this.#options.me(signal);
      let seen = 0;
      for await (const message of this.#messages(id, since, signal)) {
        const isOwn = fields(message.author)?.id === me.id;
        if (isOwn && text(message.content).endsWith(mark)) return message.id;
        if (++seen === MOST_LOOKED_AT) {
          const why = "Too much was said since to find out whether it was posted.";
          throw new DeliveryError("unavailable", why, { retryAfter: 60_000 });
        }
      }
      return undefined;
    });
  }

  /** The bot's own among the latest messages, newest first. */
  latest(id: string, signal: AbortSignal): Promise<Posted[]> {
    return this.#patiently(signal, async () => {
      const me = await this.#options.me(signal);
      const query = { limit: String(PAGE) };
      const page = list(await this.#options.rest.call("GET", `/channels/${id}/messages`, { query, signal }));
      return page.map(fields).flatMap((message) => {
        const isOwn = isSnowflake(message?.id) && fields(message.author)?.id === me.id;
        return isOwn ? [{ id: message.id as string, content: text(message.content) }] : [];
      });
    });
  }

  /** From that time on, oldest first. Who may not read them is shown none: that is told apart. */
  async *#messages(id: string, from: number, signal: AbortSignal): AsyncGenerator<Fields & { readonly id: string }> {
    const route = `/channels/${id}/messages` as const;
    for (let after = before(from), pages = 0; ; pages++) {
      const query = { after, limit: String(PAGE) };
      const page = list(await this.#options.rest.call("GET", route, { query, signal }))
        .map(fields)
        .filter((message): message is Fields & { readonly id: string } => isSnowflake(message?.id))
        .sort((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1));
      if (pages === 0 && page.length === 0) await this.#assertReadable(id, from, signal);
      yield* page;
      const newest = page.at(-1)?.id;
      if (page.length < PAGE || newest === undefined) return;
      after = newest;
    }
  }

  /** So nothing found is only believed where nothing was said. */
  async #assertReadable(id: string, since: number, signal: AbortSignal): Promise<void> {
    const { last } = await this.#options.places.look(id, signal);
    if (last === undefined || timeOf(last) < since) return;
    const query = { limit: "1" };
    const newest = list(await this.#options.rest.call("GET", `/channels/${id}/messages`, { query, signal }));
    if (newest.length === 0) throw new DeliveryError("refused", UNREADABLE);
  }

  /** A failed read is tried again: it changes nothing, and what is not read is not answered. */
  async #patiently<T>(signal: AbortSignal, read: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await read();
      } catch (error) {
        const failure = toDeliveryError(error, "read");
        const { kind, retryAfter = FIRST_PAUSE * 2 ** tries } = failure;
        const passes = kind === "unavailable" || kind === "limited";
        if (!passes || tries === TRIES || retryAfter > LONGEST_PAUSE || signal.aborted) throw failure;
        await sleep(this.#options.clock, retryAfter, signal);
      }
    }
  }
}
