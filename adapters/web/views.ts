/** What the page is shown of a channel and of the list of channels: read from the store each time, nothing kept. */
import { type ChannelId, type Clock, nativeOf, type ReceiptView, type Session, type Turn } from "../../src/model.ts";
import type { JournalEntry, QueueView, Store } from "../../src/store.ts";
import { inboundId, toWire } from "./log.ts";
import type { Renderer } from "./render.ts";
import type { WireChannel, WireChannels, WireMessage, WirePage, WireReceipt, WireState, WireTurn } from "./wire.ts";

const PAGE = 50;
const CHANNELS = 50;
const MAX_TITLE = 60;

export type ViewStore = Pick<Store, "journalSince" | "journalPage" | "queue" | "list" | "receipt">;

export interface Views {
  page(channel: ChannelId, before?: number): Promise<{ page: WirePage; version: number }>;
  /** The messages changed after `version`, a bounded number; `more` may follow. */
  since(channel: ChannelId, version: number): Promise<{ changes: WireChange[]; more: boolean }>;
  /** Was the log ever as far as `version`? */
  reaches(channel: ChannelId, version: number): Promise<boolean>;
  state(channel: ChannelId): Promise<WireState>;
  channels(cursor?: string): Promise<WireChannels>;
}

export interface WireChange {
  readonly version: number;
  readonly message: WireMessage;
}

export interface ViewOptions {
  /** The adapter's name. */
  readonly name: string;
  readonly store: ViewStore;
  readonly clock: Clock;
  readonly renderer: Renderer;
}

export function createViews({ name, store, clock, renderer }: ViewOptions): Views {
  const receiptsOf = async (channel: ChannelId, entries: readonly JournalEntry[]) => {
    const ids = entries.map(inboundId).filter((id) => id !== undefined);
    const views = await Promise.all(ids.map((id) => store.receipt(channel, id)));
    return receipts(views.filter((view) => view !== undefined));
  };

  return {
    async page(channel, before) {
      const entries = await store.journalPage(channel, PAGE, before);
      const page: WirePage = {
        messages: entries.map((entry) => toWire(entry, renderer)),
        more: entries.length === PAGE,
        receipts: await receiptsOf(channel, entries),
      };
      return { page, version: Math.max(0, ...entries.map((entry) => entry.version)) };
    },

    async since(channel, version) {
      const entries = await store.journalSince(channel, version, PAGE);
      const changes = entries.map((entry) => ({ version: entry.version, message: toWire(entry, renderer) }));
      return { changes, more: entries.length === PAGE };
    },

    async reaches(channel, version) {
      return version === 0 || (await store.journalSince(channel, version - 1, 1)).length > 0;
    },

    async state(channel) {
      return stateOf(await store.queue(channel), clock.now());
    },

    async channels(cursor) {
      const found = await store.list({ adapter: name, limit: CHANNELS, ...(cursor === undefined ? {} : { cursor }) });
      const channels = await Promise.all(
        found.sessions.map(async (session) => channelOf(session, await store.queue(session.channel))),
      );
      return { channels, ...(found.cursor === undefined ? {} : { cursor: found.cursor }) };
    },
  };
}

function stateOf(queue: QueueView, now: number): WireState {
  const waiting = queue.waiting.map((message) => message.id);
  const state = { waiting, receipts: receipts(queue.recent), asks: queue.asks, now };
  return queue.running === undefined ? state : { ...state, running: turnOf(queue.running) };
}

function turnOf({ messages, startedAt, attempt, retryAt }: Turn): WireTurn {
  const turn = { ids: messages.map((message) => message.id), startedAt, attempt };
  return retryAt === undefined ? turn : { ...turn, retryAt };
}

function channelOf(session: Session, queue: QueueView): WireChannel {
  const [first] = [...(queue.running?.messages ?? []), ...queue.waiting];
  const title = (session.title || first?.text) ?? "";
  return {
    id: nativeOf(session.channel),
    title: title.length > MAX_TITLE ? `${title.slice(0, MAX_TITLE - 1)}…` : title,
    at: session.lastActivityAt,
    busy: first !== undefined,
    failed: session.error !== undefined,
    asks: queue.asks,
  };
}

function receipts(views: readonly ReceiptView[]): Record<string, WireReceipt> {
  return Object.fromEntries(views.map(({ id, receipt }) => [id, receiptOf(receipt)]));
}

function receiptOf(receipt: ReceiptView["receipt"]): WireReceipt {
  switch (receipt.state) {
    case "dropped":
      return { state: "dropped", reason: receipt.reason };
    case "failed":
      return { state: "failed", cause: receipt.cause };
    default:
      return { state: receipt.state };
  }
}
