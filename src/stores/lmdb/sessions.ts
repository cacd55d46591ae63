/** The rows of sessions, and the index that lists them. */
import { SwitchboardError } from "../../errors.ts";
import type { ChannelId, NewSession, Session, SessionPatch } from "../../model.ts";
import { mintSessionId } from "../shared/ids.ts";
import { count } from "./counters.ts";
import { countSession, countSpent } from "./figures.ts";
import { homeKey, listedKey, pinnedKey, sessionKey } from "./keys.ts";
import type { ChannelRow, ListedRow, SessionRow } from "./rows.ts";
import type { Transaction } from "./transaction.ts";
import type { View } from "./view.ts";

const MINUTE = 60_000;

export function minuteOf(time: number): number {
  return Math.floor(time / MINUTE);
}

export function readSession(view: View, id: string): SessionRow | undefined {
  const channel = view.get(homeKey(id));
  return channel === undefined ? undefined : view.get(sessionKey(channel, id));
}

export function currentSession(view: View, channel: ChannelId, row: ChannelRow): SessionRow | undefined {
  return row.session === undefined ? undefined : view.get(sessionKey(channel, row.session));
}

/** Throws SESSION_UNKNOWN. */
export function knownSession(view: View, id: string): SessionRow {
  const session = readSession(view, id);
  if (session === undefined) throw new SwitchboardError("SESSION_UNKNOWN", `There is no session ${id}.`);
  return session;
}

/** The session without what only the store needs. */
export function viewSession({ newest: _, ...session }: SessionRow): Session {
  return session;
}

export function createSession(
  transaction: Transaction,
  channel: ChannelId,
  { source, agent, title, project, settings }: NewSession,
  now: number,
): SessionRow {
  const session: SessionRow = {
    id: mintSessionId(channel),
    channel,
    title,
    source,
    agent,
    ...(project === undefined ? {} : { project }),
    pinned: false,
    createdAt: now,
    updatedAt: now,
    lastActivityAt: now,
    ...(settings === undefined ? {} : { settings }),
    stats: { turns: 0, failed: 0, tokensIn: 0, tokensOut: 0 },
  };
  addSession(transaction, session);
  return session;
}

export function addSession(transaction: Transaction, session: SessionRow): void {
  transaction.put(sessionKey(session.channel, session.id), session);
  transaction.put(homeKey(session.id), session.channel);
  enlist(transaction, session);
  count(transaction, { sessions: 1 });
  countSession(transaction, undefined, session);
}

/** What the store itself notes in a session. */
export interface SessionNote {
  readonly lastActivityAt?: number;
  /** Null: it is not archived any more. */
  readonly archivedAt?: number | null;
  readonly newest?: number | undefined;
}

export function changeSession(
  transaction: Transaction,
  before: SessionRow,
  patch: SessionPatch,
  now: number,
  note: SessionNote = {},
): SessionRow {
  // Field by field: this is on the way of every turn, and merging objects costs several times as much.
  const after: { -readonly [Field in keyof SessionRow]: SessionRow[Field] } = { ...before, updatedAt: now };
  if (patch.title !== undefined) after.title = patch.title;
  if (patch.agent !== undefined) after.agent = patch.agent;
  if (patch.pinned !== undefined) after.pinned = patch.pinned;
  if (patch.agentState === null) delete after.agentState;
  else if (patch.agentState !== undefined) after.agentState = patch.agentState;
  if (patch.settings !== undefined) after.settings = patch.settings;
  if (patch.stats !== undefined) after.stats = patch.stats;
  if (patch.error === null) delete after.error;
  else if (patch.error !== undefined) after.error = patch.error;
  if (note.lastActivityAt !== undefined) after.lastActivityAt = note.lastActivityAt;
  if (note.archivedAt === null) delete after.archivedAt;
  else if (note.archivedAt !== undefined) after.archivedAt = note.archivedAt;
  if (note.newest !== undefined) after.newest = note.newest;
  transaction.put(sessionKey(after.channel, after.id), after);
  if (
    before.pinned !== after.pinned ||
    before.archivedAt !== after.archivedAt ||
    minuteOf(before.lastActivityAt) !== minuteOf(after.lastActivityAt)
  ) {
    delist(transaction, before);
    enlist(transaction, after);
  }
  countSession(transaction, before, after);
  if (patch.stats !== undefined) countSpent(transaction, before.stats, after.stats);
  return after;
}

export function eraseSession(transaction: Transaction, session: SessionRow): void {
  transaction.remove(sessionKey(session.channel, session.id));
  transaction.remove(homeKey(session.id));
  delist(transaction, session);
  count(transaction, { sessions: -1 });
  countSession(transaction, session, undefined);
}

function enlist(transaction: Transaction, session: SessionRow): void {
  const listed: ListedRow = [session.channel, session.id, session.archivedAt === undefined ? 0 : 1];
  transaction.put(placeOf(session), listed);
}

function delist(transaction: Transaction, session: SessionRow): void {
  transaction.remove(placeOf(session));
}

function placeOf(session: SessionRow) {
  return session.pinned ? pinnedKey(session.id) : listedKey(minuteOf(session.lastActivityAt), session.id);
}
