/** Lists of open asks: see `AskQuery`. */
import type { Ask, AskRequest } from "../../model.ts";
import type { AskPage, AskQuery } from "../../store.ts";
import { openAsks, viewAsk } from "./asks.ts";
import { readChannel } from "./channels.ts";
import { askKey, dueBy, openAskKey, openAsksAfter } from "./keys.ts";
import type { AskRow } from "./rows.ts";
import type { View } from "./view.ts";

const KINDS: readonly AskRequest["kind"][] = ["plan", "permission", "questions"];

/** Where an ask stands among the open ones. */
type Place = Pick<AskRow, "openedAt" | "place">;

/** See `Store.asks`. */
export function listAsks(view: View, query: AskQuery): AskPage {
  const { limit, channel } = query;
  const found = channel === undefined ? ofAll(view, query) : openAsks(view, readChannel(view, channel));
  const after = readCursor(query.cursor);
  const rows = found
    .filter((ask) => (query.kind ?? ask.request.kind) === ask.request.kind)
    .filter((ask) => after === undefined || compare(ask, after) > 0)
    .sort(compare);
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const more = last !== undefined && page.length < rows.length;
  return { asks: page.map(viewAsk), ...(more ? { cursor: `${last.openedAt}.${last.place}` } : {}) };
}

/** Of each kind as many as could be on the page, and one more. */
function ofAll(view: View, { limit, cursor, kind }: AskQuery): AskRow[] {
  const { openedAt, place } = readCursor(cursor) ?? { openedAt: 0, place: -1 };
  const found: AskRow[] = [];
  for (const each of kind === undefined ? KINDS : [kind]) {
    let left = limit + 1;
    for (const { row: id } of view.scan(openAsksAfter(openAskKey(each, openedAt, place + 1), each))) {
      if (left === 0) break;
      left -= 1;
      const ask = view.get(askKey(id));
      if (ask !== undefined) found.push(ask);
    }
  }
  return found;
}

function readCursor(cursor: string | undefined): Place | undefined {
  const [, openedAt, place] = /^(\d+)\.(\d+)$/.exec(cursor ?? "") ?? [];
  return openedAt === undefined ? undefined : { openedAt: Number(openedAt), place: Number(place) };
}

function compare(a: Place, b: Place): number {
  return a.openedAt - b.openedAt || a.place - b.place;
}

/** See `Store.dueAsks`. */
export function listDueAsks(view: View, now: number, limit: number): Ask[] {
  const asks: Ask[] = [];
  for (const { row: id } of view.scan(dueBy(now))) {
    if (asks.length >= limit) break;
    const ask = view.get(askKey(id));
    if (ask !== undefined) asks.push(viewAsk(ask));
  }
  return asks;
}
