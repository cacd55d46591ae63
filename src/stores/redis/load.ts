/** The opposite of `dump.ts`: the commands that put a document in the place of what is there. All go to one shard. */
import type { ChainableCommander } from "ioredis";
import type { ChannelDump, ReceiptDump, SessionDump, TurnDump } from "../../dump.ts";
import type { Ask, ChannelId, Control, DeadLetter, Message, OutboxEntry, Session } from "../../model.ts";
import type { JournalEntry } from "../../store.ts";
import { placeOf as placeOfAsk, writeRow } from "./askrows.ts";
import { writeItems } from "./auditrows.ts";
import type { Traces } from "./dump.ts";
import { encode, type Keys } from "./keys.ts";
import { writePatch } from "./sessions.ts";
import { writeDraft, writeMessage } from "./turns.ts";

const MINUTE = 60_000;
/** How many items one command carries. */
const AT_ONCE = 500;
const LETTERS = { queued: "q", answered: "a", dropped: "d", failed: "f" } as const;

export interface Terms {
  readonly now: number;
  /** As of the store: see `Context`. */
  readonly dedupeFor: number;
  readonly keep: number;
}

export class Loading {
  readonly #commands: ChainableCommander;
  readonly #base: string;
  readonly #channel: string;

  constructor(commands: ChainableCommander, keys: Keys, channel: ChannelId) {
    this.#commands = commands;
    this.#base = keys.base(keys.shardOf(channel));
    this.#channel = encode(channel);
  }

  /** Leaves nothing of the channel. `before`: what is there. */
  erase(before: Pick<ChannelDump, "sessions" | "deadLetters">, { buckets, places, audit }: Traces): void {
    for (const { session, asks } of before.sessions) {
      const keys = ["s", "t", "as"].map((kind) => this.#key(kind, session.id));
      this.#commands.unlink(...keys, ...asks.map(({ id }) => this.#key("a", id)));
      this.#commands.zrem(`${this.#base}${session.pinned ? "p" : "l"}`, placeOf(session));
      this.#commands.zrem(`${this.#base}e`, encode(session.id));
      if (asks.length > 0) this.#commands.zrem(`${this.#base}u`, ...asks.map(({ id }) => encode(id)));
    }
    if (places.length > 0) this.#commands.zrem(`${this.#base}q`, ...places);
    for (const item of audit) this.#commands.zrem(`${this.#base}y`, item);
    for (const { id } of before.deadLetters) {
      this.#commands.unlink(this.#key("d", id));
      this.#commands.zrem(`${this.#base}z`, encode(id));
    }
    this.#commands.unlink(
      ...["c", "i", "k", "o", "j", "jo", "jv"].map((kind) => this.#key(kind)),
      ...buckets.map((bucket) => `${this.#key("r")}:${bucket}`),
    );
    this.#commands.srem(`${this.#base}w`, this.#channel);
  }

  /** Puts all of it where nothing is. */
  load(dump: ChannelDump, terms: Terms): void {
    for (const session of dump.sessions) this.#session(session, terms);
    for (const letter of dump.deadLetters) this.#letter(letter);
    this.#journal(dump.journal);
    for (const item of writeItems(dump.channel, dump.audit)) this.#commands.zadd(`${this.#base}y`, 0, item);
    const { turn, waiting, controls, outbox } = dump;
    const messages = [...(turn?.messages ?? []), ...waiting];
    this.#push(this.#key("i"), messages.map(writeEntry));
    this.#hash(
      this.#key("k"),
      controls.map((control, index) => [encode(control.id), writeControl(control, index)]),
    );
    this.#hash(this.#key("o"), outbox.map(writeReply));
    const busy = messages.length + controls.length + outbox.length > 0;
    if (busy) this.#commands.sadd(`${this.#base}w`, this.#channel);
    this.#row(dump, busy, terms);
  }

  #row(dump: ChannelDump, busy: boolean, { now, dedupeFor }: Terms): void {
    const { turns, current, sessions, turn, waiting, recent, older } = dump;
    const open = sessions
      .flatMap(({ asks }) => asks)
      .filter(({ end }) => end === undefined)
      .sort((a, b) => (placeOfAsk(a) < placeOfAsk(b) ? -1 : 1));
    const isKept = current !== undefined || busy;
    if (!isKept && turns === 0 && recent.length + older.length === 0) return;
    const places = new Map([...(turn?.messages ?? []), ...waiting].map(({ id }, index) => [id, index + 1]));
    const head = 1 + (turn?.messages.length ?? 0);
    // The times of before count on, and so do those of a row that has expired since: see `readRow` in channel.lua.
    const replies = Math.max(dump.newestReply + dump.controls.length, Math.floor(now / 1_000));
    this.#commands.hset(this.#key("c"), {
      ...{ head, tail: head + waiting.length, turns, replies },
      ...(current === undefined ? {} : { session: current }),
      ...(busy ? { pending: 1 } : {}),
      recent: recent.map((receipt) => `;${encode(receipt.id)},${writeReceipt(receipt, places)}`).join(""),
      ...(older.length === 0 ? {} : { bucket: 1, since: now }),
      ...(turn === undefined ? {} : writeTurn(turn)),
      ...(open.length === 0
        ? {}
        : { asks: open.map(({ id, turn = "" }) => `${encode(id)},${encode(turn)};`).join("") }),
    });
    this.#hash(
      `${this.#key("r")}:1`,
      older.map((receipt) => [encode(receipt.id), writeReceipt(receipt, places)]),
    );
    if (older.length > 0) this.#commands.pexpire(`${this.#key("r")}:1`, dedupeFor);
    // Receipts alone are not kept for ever: see refuse.lua.
    if (!isKept) this.#commands.pexpire(this.#key("c"), dedupeFor);
  }

  #session({ session, transcript, asks }: SessionDump, { keep }: Terms): void {
    const { id, source, agent, createdAt, updatedAt, lastActivityAt, archivedAt } = session;
    const { title, project = "", pinned, error, agentState, settings, stats } = session;
    const times = { createdAt, updatedAt, lastActivityAt, ...(archivedAt ? { archivedAt } : {}) };
    const fields = { source, agent, project, ...times };
    const optional = { ...(error ? { error } : {}), ...(agentState === undefined ? {} : { agentState }) };
    const set = settings === undefined ? {} : { settings };
    const patch = writePatch({ title, pinned, stats, ...optional, ...set });
    this.#commands.hset(this.#key("s", id), "channel", this.#channel, ...Object.entries(fields).flat(), ...patch);
    this.#commands.zadd(`${this.#base}${pinned ? "p" : "l"}`, 0, placeOf(session));
    if (archivedAt !== undefined && keep > 0) this.#commands.zadd(`${this.#base}e`, archivedAt + keep, encode(id));
    this.#push(
      this.#key("t", id),
      transcript.map((entry) => JSON.stringify(entry)),
    );
    for (const ask of asks) this.#ask(ask);
  }

  #ask(ask: Ask): void {
    const place = placeOfAsk(ask);
    this.#commands.sadd(this.#key("as", ask.session), encode(ask.id));
    this.#hash(this.#key("a", ask.id), writeRow(ask, place));
    if (ask.end !== undefined) return;
    this.#commands.zadd(`${this.#base}q`, 0, place);
    if (ask.dueAt !== undefined) this.#commands.zadd(`${this.#base}u`, ask.dueAt, encode(ask.id));
  }

  #letter({ id, message, reply, cause, attempts, at }: DeadLetter): void {
    const fields = {
      channel: this.#channel,
      ...(message === undefined ? {} : { message: writeEntry(message) }),
      ...(reply === undefined ? {} : { reply: writeDraft(reply) }),
      cause,
      attempts,
      at,
    };
    this.#commands.hset(this.#key("d", id), fields);
    this.#commands.zadd(`${this.#base}z`, at, encode(id));
  }

  #journal(entries: readonly JournalEntry[]): void {
    this.#hash(
      this.#key("j"),
      entries.map(({ key, order, version, body }) => [encode(key), `${order}\n${version}\n${JSON.stringify(body)}`]),
    );
    for (const { key, order, version } of entries) {
      this.#commands.zadd(this.#key("jo"), order, encode(key));
      this.#commands.zadd(this.#key("jv"), version, encode(key));
    }
  }

  #key(kind: string, name?: string): string {
    return `${this.#base}${kind}:${name === undefined ? this.#channel : encode(name)}`;
  }

  #push(key: string, items: readonly string[]): void {
    for (let start = 0; start < items.length; start += AT_ONCE) {
      this.#commands.rpush(key, ...items.slice(start, start + AT_ONCE));
    }
  }

  #hash(key: string, fields: readonly (readonly [string, string | number])[]): void {
    for (let start = 0; start < fields.length; start += AT_ONCE) {
      this.#commands.hset(key, ...fields.slice(start, start + AT_ONCE).flat());
    }
  }
}

/** See sessions.lua. */
function placeOf({ id, lastActivityAt }: Session): string {
  return `${String(Math.floor(lastActivityAt / MINUTE)).padStart(9, "0")}.${encode(id)}`;
}

function writeEntry(message: Message): string {
  return `${encode(message.id)}\n${writeMessage(message)}`;
}

function writeControl({ effect, ...control }: Control, index: number): string {
  const done = effect === undefined ? ["", ""] : [effect.cancelledTurn ?? "", String(effect.dropped)];
  return [String(index), ...done, JSON.stringify(control)].join("\n");
}

/** See replies.lua: one time stands there, since when it is being sent or before when not. */
function writeReply({ id, state, attempts, notBefore, since, ref = "", ...draft }: OutboxEntry): [string, string] {
  const time = (state === "sending" ? since : notBefore) ?? "";
  const number = Number.parseInt(id, 36);
  return [String(number), `${state} ${attempts} ${time}\n${encode(ref)}\n${writeDraft(draft)}`];
}

function writeReceipt({ id, at, state, detail = "" }: ReceiptDump, places: ReadonlyMap<string, number>): string {
  const letter = LETTERS[state];
  const rest = state === "queued" ? places.get(id) : state === "answered" ? undefined : encode(detail);
  return `${at.toString(36)},${letter}${rest === undefined ? "" : `,${rest}`}`;
}

/** See turns.lua. Fence 0 is nobody's: the next owner claims it as another attempt. */
function writeTurn({
  id,
  session,
  messages,
  attempt,
  startedAt,
  preview,
  cancelled,
  retryAt,
  requeued,
  suspended,
  asks = [],
}: TurnDump) {
  return {
    turn: [
      id,
      session,
      1,
      messages.length,
      attempt,
      startedAt,
      0,
      suspended ? "suspended" : requeued ? "requeued" : "-",
    ].join(" "),
    ...(preview === undefined ? {} : { preview }),
    ...(cancelled === undefined ? {} : { cancelled: `${encode(cancelled.reason)}\n${JSON.stringify(cancelled)}` }),
    ...(retryAt === undefined ? {} : { retryAt }),
    ...(asks.length === 0 ? {} : { asked: asks.map((id) => `${encode(id)};`).join("") }),
  };
}
