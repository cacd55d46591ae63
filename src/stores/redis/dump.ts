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
import type { Ask, AskDecision, ChannelId, DeadLetter, Message, TranscriptEntry } from "../../model.ts";
import type { JournalEntry } from "../../store.ts";
import { decode, encode, type Keys } from "./keys.ts";
import { readLetter } from "./letters.ts";
import type { Client } from "./scripts.ts";
import { readSession } from "./sessions.ts";
import { readCancellation, readControls, readMessage, readReplies } from "./turns.ts";

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
  const [sessions, letters, buckets] = await Promise.all([
    Promise.all(belongings.sessions.map((id) => dumpSession(client, keyOf, id))),
    Promise.all(belongings.letters.map((id) => dumpLetter(client, keyOf, id))),
    Promise.all(bucketsOf(row).map((bucket) => client.hgetall(`${keyOf("r")}:${bucket}`))),
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
    journal: Object.entries(journal)
      .map(dumpEntry)
      .sort((a, b) => a.order - b.order),
  };
  return isEmpty(dump) ? undefined : dump;
}

/** The numbers of the buckets that may be there. */
export function bucketsOf({ bucket }: Row): number[] {
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
    asks: rows.map(dumpAsk).sort(byId),
  };
}

function dumpAsk({ session = "", ask = "", remindedAt, decision }: Row): Ask {
  return {
    ...(JSON.parse(ask) as Omit<Ask, "session">),
    session,
    ...(remindedAt ? { remindedAt: Number(remindedAt) } : {}),
    ...(decision ? { decision: JSON.parse(decision) as AskDecision } : {}),
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
    ...(state === "requeued" ? { requeued: true } : {}),
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
