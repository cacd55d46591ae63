/** Reads what Slack keeps: what people said, and what became of a post whose outcome got lost. */
import { DeliveryError } from "../../src/channel.ts";
import { type ChannelId, channelId, type InboundEvent, type MessageRef } from "../../src/model.ts";
import type { SlackClient } from "./client.ts";
import { REPLY } from "./delivery.ts";
import { toDeliveryError } from "./errors.ts";
import { type Fields, fields, list, text } from "./fields.ts";
import { type Context, type Identity, isTs, parseMessage } from "./parse.ts";
import type { People } from "./people.ts";
import { type Place, placeIn } from "./places.ts";

export interface PastOptions {
  readonly name: string;
  readonly client: SlackClient;
  readonly people: People;
  readonly sessionPer: Context["sessionPer"];
  readonly identify: (signal: AbortSignal) => Promise<Identity>;
}

const PAGE = 200;
/** More than that is not read at a time. */
const MOST_PAGES = 25;

export class Past {
  readonly #options: PastOptions;

  constructor(options: PastOptions) {
    this.#options = options;
  }

  async lookup(id: ChannelId, key: string, since: number, signal: AbortSignal): Promise<MessageRef | undefined> {
    for await (const post of this.#posts(id, since, signal)) if (post.key === key) return post.ref;
    return undefined;
  }

  /** The bot's own posts since then, by their keys. */
  async posted(id: ChannelId, since: number, signal: AbortSignal): Promise<ReadonlyMap<string, MessageRef>> {
    const posts = new Map<string, MessageRef>();
    for await (const { key, ref } of this.#posts(id, since, signal)) posts.set(key, ref);
    return posts;
  }

  async history(id: ChannelId, after: number, limit: number, signal: AbortSignal): Promise<InboundEvent[]> {
    const place = placeIn(id);
    const me = await this.#identify(signal);
    const events: InboundEvent[] = [];
    const read = async (from: Place): Promise<void> => {
      for await (const message of this.#messages(from, after, signal, false)) {
        const event = await this.#event(message, place.channel, me);
        if (event === undefined || event.sentAt <= after) continue;
        events.push(event);
        // A thread that began meanwhile is known to nobody yet: what was replied there belongs to it.
        const begins = from.thread === undefined && event.addressed && typeof message.reply_count === "number";
        if (begins) await read({ ...place, thread: event.id });
      }
    };
    await read(place);
    const unique = new Map(events.map((event) => [`${event.channel}#${event.id}`, event]));
    return [...unique.values()].sort((a, b) => Number(a.id) - Number(b.id)).slice(0, limit);
  }

  /** Of a thread, its conversation too: there new ones begin. */
  sources(channels: readonly ChannelId[]): ChannelId[] {
    const all = channels.flatMap((id) => {
      const { team, channel, thread } = placeIn(id);
      return thread === undefined ? [id] : [id, channelId(this.#options.name, `${team}/${channel}`)];
    });
    return [...new Set(all)];
  }

  async *#posts(id: ChannelId, since: number, signal: AbortSignal): AsyncGenerator<{ key: string; ref: MessageRef }> {
    const place = placeIn(id);
    const me = await this.#identify(signal);
    for await (const message of this.#messages(place, since, signal, true)) {
      const metadata = fields(message.metadata);
      if (message.user !== me.user || metadata?.event_type !== REPLY || !isTs(message.ts)) continue;
      const key = text(fields(metadata.event_payload)?.key);
      if (key !== undefined) yield { key, ref: message.ts };
    }
  }

  async #event(message: Fields, channel: string, me: Identity): Promise<InboundEvent | undefined> {
    const { name, people, sessionPer } = this.#options;
    const direct = channel.startsWith("D");
    const parsed = await people.named((nameOf) =>
      parseMessage(message, channel, direct, { name, me, sessionPer, nameOf }),
    );
    return "event" in parsed ? parsed.event : undefined;
  }

  /** Every message after `since`, in Slack's order; a thread's first one too, however old it is. */
  async *#messages(place: Place, since: number, signal: AbortSignal, withMetadata: boolean): AsyncGenerator<Fields> {
    const { client } = this.#options;
    const [method, of] =
      place.thread === undefined ? ["conversations.history", {}] : ["conversations.replies", { ts: place.thread }];
    let cursor: string | undefined;
    for (let page = 0; page < MOST_PAGES; page++) {
      const reply = await this.#read(() =>
        client.call(
          method,
          {
            channel: place.channel,
            ...of,
            // A millisecond of ours covers a thousand of theirs.
            oldest: (Math.max(since - 1, 0) / 1000).toFixed(6),
            limit: PAGE,
            ...(withMetadata ? { include_all_metadata: true } : {}),
            ...(cursor === undefined ? {} : { cursor }),
          },
          signal,
        ),
      );
      for (const raw of list(reply.messages)) {
        const message = fields(raw);
        if (message !== undefined) yield message;
      }
      cursor = text(fields(reply.response_metadata)?.next_cursor);
      if (cursor === undefined) return;
    }
    throw new DeliveryError("unavailable", "The conversation says more than can be read at a time.");
  }

  #identify(signal: AbortSignal): Promise<Identity> {
    return this.#read(() => this.#options.identify(signal));
  }

  async #read<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw toDeliveryError(error, "read");
    }
  }
}
