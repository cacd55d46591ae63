/** All rows of a channel as one document, in the words of the port. */
import {
  byId,
  type ChannelDump,
  isEmpty,
  RECENT_RECEIPTS,
  type ReceiptDump,
  type SessionDump,
  type TurnDump,
} from "../../dump.ts";
import type { ChannelId, DeadLetter, TranscriptEntry } from "../../model.ts";
import { viewAsk } from "./asks.ts";
import { auditOf } from "./audit.ts";
import { readChannel } from "./channels.ts";
import { readCounters } from "./counters.ts";
import {
  askKey,
  asksOf,
  channelKey,
  channelPart,
  channelsAfter,
  controlKey,
  isLegible,
  journalKey,
  journalOrders,
  journalsAfter,
  type KeyRange,
  receiptsIn,
  scheduleKey,
  schedulesAfter,
  schedulesOf,
  sessionsAt,
  sessionsOf,
} from "./keys.ts";
import { recentReceipts } from "./recents.ts";
import { readReplies } from "./replies.ts";
import type { ChannelRow, ReceiptRow, SessionRow } from "./rows.ts";
import { viewSession } from "./sessions.ts";
import { readTranscript } from "./transcripts.ts";
import { readMessages, viewTurn } from "./turns.ts";
import type { View } from "./view.ts";

const STATES = { q: "queued", a: "answered", d: "dropped", f: "failed" } as const;

/** Undefined where nothing is kept of the channel. */
export function dumpChannel(
  view: View,
  channel: ChannelId,
  deadLetters: readonly DeadLetter[],
): ChannelDump | undefined {
  const row = readChannel(view, channel);
  const sessions = [...view.scan(sessionsOf(channel))].map(({ row: session }) => dumpSession(view, session));
  const { recent, older } = dumpReceipts(view, channel, row);
  const dump: ChannelDump = {
    channel,
    turns: row.turns,
    newestReply: readCounters(view).sequence,
    ...(row.session === undefined ? {} : { current: row.session }),
    sessions: sessions.sort((a, b) => byId(a.session, b.session)),
    ...dumpTurn(view, channel, row),
    waiting: readMessages(view, channel, row.head, row.tail),
    controls: row.controls.flatMap((id) => view.get(controlKey(channel, id)) ?? []),
    outbox: readReplies(view, row),
    recent,
    older,
    deadLetters: [...deadLetters].sort(byId),
    schedules: [...view.scan(schedulesOf(channel))]
      .flatMap(({ row: id }) => view.get(scheduleKey(id)) ?? [])
      .sort(byId),
    journal: [...view.scan(journalOrders(channel, 0))].map((entry) => entry.row),
    audit: auditOf(view, channel),
  };
  return isEmpty(dump) ? undefined : dump;
}

/** Every channel that has a row, a journal or a schedule. */
export function* channelsOf(view: View): Iterable<ChannelId> {
  for (const { part, row } of headsOf(view, channelsAfter)) {
    const channel = isLegible(part) ? (part as ChannelId) : (row.channel ?? homeOf(view, part));
    // Neither says its name: an early version kept a digest. Nothing is left there but receipts of what was refused.
    if (channel !== undefined) yield channel;
  }
  for (const { part, row } of headsOf(view, journalsAfter)) {
    const channel = isLegible(part) ? (part as ChannelId) : row.channel;
    if (channel !== undefined && !view.has(channelKey(channel))) yield channel;
  }
  for (const { row: id } of headsOf(view, schedulesAfter)) {
    const channel = view.get(scheduleKey(id))?.channel;
    if (channel !== undefined && !view.has(channelKey(channel)) && !view.has(journalKey(channel))) yield channel;
  }
}

/** The first row of each channel, passing over all others. */
function* headsOf<Row>(
  view: View,
  range: (after?: string) => KeyRange<Row>,
): Iterable<{ readonly part: string; readonly row: Row }> {
  let part: string | undefined;
  for (;;) {
    const [next] = view.scan(range(part));
    if (next === undefined) return;
    part = channelPart(next.key);
    yield { part, row: next.row };
  }
}

/** The channel that the sessions there belong to. */
function homeOf(view: View, part: string): ChannelId | undefined {
  const [session] = view.scan(sessionsAt(part));
  return session?.row.channel;
}

function dumpSession(view: View, row: SessionRow): SessionDump {
  const asks = [...view.scan(asksOf(row.id))].flatMap(({ row: id }) => view.get(askKey(id)) ?? []);
  const transcript: TranscriptEntry[] = readTranscript(view, row, { limit: Number.POSITIVE_INFINITY }).entries;
  return { session: viewSession(row), transcript, asks: asks.map(viewAsk).sort(byId) };
}

function dumpTurn(view: View, channel: ChannelId, { turn }: ChannelRow): { turn?: TurnDump } {
  if (turn === undefined) return {};
  const { id, messages, attempt, startedAt, preview, cancelled, retryAt, asks } = viewTurn(view, channel, turn);
  return {
    turn: {
      ...{ id, messages, attempt, startedAt, session: turn.session },
      ...(preview === undefined ? {} : { preview }),
      ...(cancelled === undefined ? {} : { cancelled }),
      ...(retryAt === undefined ? {} : { retryAt }),
      ...(asks === undefined ? {} : { asks }),
      ...(turn.suspended === undefined ? {} : { suspended: true }),
      ...(turn.requeued === undefined ? {} : { requeued: true }),
    },
  };
}

function dumpReceipts(
  view: View,
  channel: ChannelId,
  { recent, buckets }: ChannelRow,
): Pick<ChannelDump, "recent" | "older"> {
  const newest = recentReceipts(recent).map(dumpReceipt);
  const older = newest.splice(0, Math.max(0, newest.length - RECENT_RECEIPTS));
  for (let bucket = buckets?.oldest ?? 1; bucket <= (buckets?.newest ?? 0); bucket += 1) {
    for (const { row } of view.scan(receiptsIn(channel, bucket))) older.push(dumpReceipt(row));
  }
  return { recent: newest, older: older.sort(byId) };
}

function dumpReceipt([id, at, state, detail]: ReceiptRow): ReceiptDump {
  const why = state === "d" || state === "f" ? { detail } : {};
  return { id, at, state: STATES[state], ...why };
}
