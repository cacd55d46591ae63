/** All keys of a channel as one document, in the words of the port. Read in pieces: nobody writes meanwhile. */
import {
  byId,
  type ChannelDump,
  isEmpty,
  RECENT_RECEIPTS,
  type ReceiptDump,
  type SessionDump,
  type TurnDump,
} from "../../dump.ts";
import type { ChannelId, DeadLetter, Message, TranscriptEntry } from "../../model.ts";
import type { JournalEntry } from "../../store.ts";
import { readAsk } from "./askrows.ts";
import { readItem, readItems } from "./auditrows.ts";
import { decode, encode, type Keys, keyOfSchedule } from "./keys.ts";
import { readLetter } from "./letters.ts";
import { readSchedule } from "./schedules.ts";
import type { Client } from "./scripts.ts";
import { readSession } from "./sessions.ts";
import { readCancellation, readControls, readIds, readMessage, readReplies } from "./turns.ts";

const STATES: Readonly<Record<string, ReceiptDump["state"]>> = {
  q: "queued",
  a: "answered",
  d: "dropped",
  f: "failed",
};

/** What no key of a channel leads to. */
export interface Belongings {
  /** Ids of its sessions, the archived ones too. */
  readonly sessions: readonly string[];
  /** Ids of its dead letters. */
  readonly letters: readonly string[];
  /** Times of its entries in the audit log. */
  readonly audit: readonly string[];
  /** Ids of its schedules. */
  readonly schedules: readonly string[];
}

type Row = Readonly<Record<string, string>>;

/** Undefined where nothing is kept of the channel. */
export async function dumpChannel(
  client: Client,
  keys: Keys,
  channel: ChannelId,
  belongings: Belongings,
): Promise<ChannelDump | undefined> {
  const base = keys.base(keys.shardOf(channel));
  const keyOf = (kind: string, name: string = channel) => `${base}${kind}:${encode(name)}`;
  const [row, inbox, controls, outbox, journal] = await Promise.all([
    client.hgetall(keyOf("c")),
    client.lrange(keyOf("i"), 0, -1),
    client.hgetall(keyOf("k")),
    client.hgetall(keyOf("o")),
    client.hgetall(keyOf("j")),
  ]);
  const [sessions, letters, buckets, audit, schedules] = await Promise.all([
    Promise.all(belongings.sessions.map((id) => dumpSession(client, keyOf, id))),
    Promise.all(belongings.letters.map((id) => dumpLetter(client, keyOf, id))),
    Promise.all(bucketsOf(row).map((bucket) => client.hgetall(`${keyOf("r")}:${bucket}`))),
    readItems(client, keys, channel, belongings.audit),
    Promise.all(belongings.schedules.map((id) => client.hgetall(keyOfSchedule(keys, id)))),
  ]);
  const messages = inbox.map(readMessage);
  const turn = dumpTurn(row, messages);
  const dump: ChannelDump = {
    channel,
    turns: Number(row.turns ?? 0),
    newestReply: Number(row.replies ?? 0),
    ...(row.session ? { current: row.session } : {}),
    sessions: sessions.filter((session) => session !== undefined).sort((a, b) => byId(a.session, b.session)),
    ...(turn === undefined ? {} : { turn }),
    waiting: messages.slice(turn?.messages.length ?? 0),
    controls: readControls(Object.entries(controls).flat()),
    outbox: readReplies(Object.entries(outbox).flat()),
    ...dumpReceipts(row, buckets),
    deadLetters: letters.filter((letter) => letter !== undefined).sort(byId),
    schedules: schedules
      .map(readSchedule)
      .filter((schedule) => schedule !== undefined)
      .sort(byId),
    journal: Object.entries(journal)
      .map(dumpEntry)
      .sort((a, b) => a.order - b.order),
    audit: audit.map((item) => readItem(item).entry),
  };
  return isEmpty(dump) ? undefined : dump;
}

/** What a channel leaves in places that no dump tells of. */
export interface Traces {
  /** The numbers of the buckets that may be there. */
  readonly buckets: readonly number[];
  /** Where its asks stand among the open ones. */
  readonly places: readonly string[];
  /** Its entries in the audit log. */
  readonly audit: readonly string[];
}

export async function findTraces(
  client: Client,
  keys: Keys,
  { channel, sessions }: Pick<ChannelDump, "channel" | "sessions">,
  belongings: Belongings,
): Promise<Traces> {
  const base = keys.base(keys.shardOf(channel));
  const bucket = await client.hget(`${base}c:${encode(channel)}`, "bucket");
  const asks = sessions.flatMap((session) => session.asks);
  const places = await Promise.all(asks.map(({ id }) => client.hget(`${base}a:${encode(id)}`, "place")));
  return {
    buckets: bucketsOf({ bucket: bucket ?? "" }),
    places: places.filter((place) => place !== null),
    audit: await readItems(client, keys, channel, belongings.audit),
  };
}

function bucketsOf({ bucket }: Row): number[] {
  return bucket ? [Number(bucket) - 1, Number(bucket)] : [];
}

type KeyOf = (kind: string, name: string) => string;

/** Undefined where it has expired. */
async function dumpSession(client: Client, keyOf: KeyOf, id: string): Promise<SessionDump | undefined> {
  const [fields, entries, asks] = await Promise.all([
    client.hgetall(keyOf("s", id)),
    client.lrange(keyOf("t", id), 0, -1),
    client.smembers(keyOf("as", id)),
  ]);
  const session = readSession(id, Object.entries(fields));
  if (session === undefined) return undefined;
  const rows = await Promise.all(asks.map((name) => client.hgetall(keyOf("a", decode(name)))));
  return {
    session,
    transcript: entries.map((entry) => JSON.parse(entry) as TranscriptEntry),
    asks: rows
      .map((row) => readAsk(Object.entries(row)))
      .filter((ask) => ask !== undefined)
      .sort(byId),
  };
}

async function dumpLetter(client: Client, keyOf: KeyOf, id: string): Promise<DeadLetter | undefined> {
  return readLetter(id, await client.hgetall(keyOf("d", id)));
}

function dumpTurn(row: Row, inbox: readonly Message[]): TurnDump | undefined {
  if (!row.turn) return undefined;
  const [id = "", session = "", , count, attempt, startedAt, , state] = row.turn.split(" ");
  return {
    ...{ id, session, messages: inbox.slice(0, Number(count)) },
    ...{ attempt: Number(attempt), startedAt: Number(startedAt) },
    ...(row.preview ? { preview: row.preview } : {}),
    ...(row.cancelled ? { cancelled: readCancellation(row.cancelled) } : {}),
    ...(row.retryAt ? { retryAt: Number(row.retryAt) } : {}),
    ...(row.asked ? { asks: readIds(row.asked) } : {}),
    ...(state === "requeued" ? { requeued: true } : {}),
    ...(state === "suspended" ? { suspended: true } : {}),
  };
}

function dumpReceipts({ recent = "" }: Row, buckets: readonly Row[]): Pick<ChannelDump, "recent" | "older"> {
  const newest = recent
    .split(";")
    .slice(1)
    .map((entry) => {
      const comma = entry.indexOf(",");
      return dumpReceipt(entry.slice(0, comma), entry.slice(comma + 1));
    });
  const older = newest.splice(0, Math.max(0, newest.length - RECENT_RECEIPTS));
  for (const bucket of buckets) {
    for (const [id, stored] of Object.entries(bucket)) older.push(dumpReceipt(id, stored));
  }
  return { recent: newest, older: older.sort(byId) };
}

function dumpReceipt(id: string, stored: string): ReceiptDump {
  const [time = "", letter = "", detail = ""] = stored.split(",");
  const state = STATES[letter];
  if (state === undefined) throw new Error(`a receipt in Redis reads ${stored}`);
  const why = state === "dropped" || state === "failed" ? { detail: decode(detail) } : {};
  return { id: decode(id), at: Number.parseInt(time, 36), state, ...why };
}

function dumpEntry([key, stored]: [string, string]): JournalEntry {
  const [order, version, ...body] = stored.split("\n");
  return { key: decode(key), order: Number(order), version: Number(version), body: JSON.parse(body.join("\n")) };
}
