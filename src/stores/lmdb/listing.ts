/** Lists of sessions: see `SessionQuery`. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { adapterOf, type ChannelId } from "../../model.ts";
import type { SessionPage, SessionQuery } from "../../store.ts";
import { allPinned, type KeyRange, listedKey, listedRange, sessionKey, sessionsOf } from "./keys.ts";
import type { ListedRow, SessionRow } from "./rows.ts";
import { minuteOf, viewSession } from "./sessions.ts";
import type { View } from "./view.ts";

/** How many rows are looked at before others get a turn: a filter may pass over very many. */
const AT_ONCE = 500;
const LAST_MINUTE = 36 ** 9 - 1;

/** Throws what `assertOpen` throws when the store is closed meanwhile. `limit` counts those that are not pinned; all pinned ones that match stand on the first page. */
export async function listSessions(view: View, query: SessionQuery, assertOpen: () => void): Promise<SessionPage> {
  const pinned = query.cursor === undefined ? newestFirst(pinnedSessions(view, query)) : [];
  const { channel } = query;
  const { rows, ...cursor } =
    channel === undefined ? await walk(view, query, assertOpen) : ofChannel(view, query, channel);
  return { sessions: [...pinned, ...rows].map(viewSession), ...cursor };
}

interface Rows {
  readonly rows: SessionRow[];
  readonly cursor?: string;
}

function pinnedSessions(view: View, query: SessionQuery): SessionRow[] {
  const found: SessionRow[] = [];
  for (const { row } of view.scan(allPinned)) {
    const session = sessionOf(view, query, row);
    if (session !== undefined) found.push(session);
  }
  return found;
}

/** Along the index of activity, the newest first, from the cursor on. */
async function walk(view: View, query: SessionQuery, assertOpen: () => void): Promise<Rows> {
  const rows: SessionRow[] = [];
  let range: KeyRange<ListedRow> | undefined = rangeOf(query);
  while (range !== undefined) {
    let seen = 0;
    let left: KeyRange<ListedRow> | undefined;
    for (const { key, row } of view.scan(range, "backward")) {
      const session = sessionOf(view, query, row);
      if (session !== undefined) {
        if (rows.length === query.limit) return { rows, ...cursorOf(rows) };
        rows.push(session);
      }
      seen += 1;
      if (seen === AT_ONCE) {
        left = { from: range.from, to: key };
        break;
      }
    }
    range = left;
    if (range === undefined) break;
    await nextTurn();
    assertOpen();
  }
  return { rows };
}

/** One channel has few: they are read and sorted. */
function ofChannel(view: View, query: SessionQuery, channel: ChannelId): Rows {
  const { to } = rangeOf(query);
  const all: SessionRow[] = [];
  for (const { row } of view.scan(sessionsOf(channel))) {
    if (!row.pinned && placeOf(row) < to && matches(query, row)) all.push(row);
  }
  const rows = newestFirst(all).slice(0, query.limit);
  return rows.length < all.length ? { rows, ...cursorOf(rows) } : { rows };
}

function rangeOf({ cursor, from, to }: SessionQuery): KeyRange<ListedRow> {
  const least = listedRange(minuteOf(Math.max(from ?? 0, 0)), to === undefined ? LAST_MINUTE : minuteOf(to) + 1);
  const [, minute, id] = /^(\d+)\.(.+)$/.exec(cursor ?? "") ?? [];
  if (minute === undefined || id === undefined) return least;
  const before = listedKey(Number(minute), id);
  return before < least.to ? { from: least.from, to: before } : least;
}

function cursorOf(rows: readonly SessionRow[]): { cursor?: string } {
  const last = rows.at(-1);
  return last === undefined ? {} : { cursor: `${minuteOf(last.lastActivityAt)}.${last.id}` };
}

function placeOf(session: SessionRow) {
  return listedKey(minuteOf(session.lastActivityAt), session.id);
}

function newestFirst(sessions: SessionRow[]): SessionRow[] {
  return sessions.sort((a, b) => (placeOf(a) < placeOf(b) ? 1 : -1));
}

function sessionOf(view: View, query: SessionQuery, [channel, id, archived]: ListedRow): SessionRow | undefined {
  if (archived === 1 && query.archived !== true) return undefined;
  if (query.channel !== undefined && channel !== query.channel) return undefined;
  if (query.adapter !== undefined && adapterOf(channel) !== query.adapter) return undefined;
  const session = view.get(sessionKey(channel, id));
  return session !== undefined && matches(query, session) ? session : undefined;
}

function matches(query: SessionQuery, session: SessionRow): boolean {
  const { adapter, source, agent, text, from, to } = query;
  const sought = text?.toLowerCase();
  return (
    (query.archived === true || session.archivedAt === undefined) &&
    (adapter === undefined || adapterOf(session.channel) === adapter) &&
    (source === undefined || session.source === source) &&
    (agent === undefined || session.agent === agent) &&
    (from === undefined || session.lastActivityAt >= from) &&
    (to === undefined || session.lastActivityAt <= to) &&
    (sought === undefined || session.title.toLowerCase().includes(sought) || session.id.toLowerCase().includes(sought))
  );
}
