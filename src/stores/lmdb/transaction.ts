/**
 * One method's changes, on top of those made before it and not committed yet: in the group that is being
 * committed, and in its own.
 *
 * Nothing of it reaches LMDB before the method has run to its end, its rows encoded. So a throw,
 * wherever it happens, leaves nothing behind and touches no other method of the group.
 */
import type { ChannelId } from "../../model.ts";
import type { ChannelHint } from "../../store.ts";
import { countersKey, type Key, type KeyRange } from "./keys.ts";
import type { Counters } from "./rows.ts";
import type { Entry, View } from "./view.ts";

interface Change {
  /** Undefined where the row goes. */
  readonly row: unknown;
  /** The row as it is written; undefined where it goes, and where it is encoded once for the group. */
  readonly bytes: Buffer | undefined;
}

export type Changes = Map<string, Change>;

export class Transaction implements View {
  readonly #committed: View;
  readonly #before: Changes;
  readonly #group: Changes;
  readonly #own: Changes = new Map();
  readonly hints: ChannelHint[] = [];
  readonly undos: (() => void)[] = [];

  constructor(committed: View, before: Changes, group: Changes) {
    this.#committed = committed;
    this.#before = before;
    this.#group = group;
  }

  get<Row>(key: Key<Row>): Row | undefined {
    const change = this.#changed(key);
    return change === undefined ? this.#committed.get(key) : (change.row as Row | undefined);
  }

  has(key: Key<unknown>): boolean {
    const change = this.#changed(key);
    return change === undefined ? this.#committed.has(key) : change.row !== undefined;
  }

  scan<Row>(range: KeyRange<Row>, direction: "forward" | "backward" = "forward"): Iterable<Entry<Row>> {
    const changed = new Map<string, unknown>();
    for (const changes of [this.#before, this.#group, this.#own]) {
      for (const [key, { row }] of changes) if (key >= range.from && key < range.to) changed.set(key, row);
    }
    if (changed.size === 0) return this.#committed.scan(range, direction);
    return merged(this.#committed.scan(range, direction), changed, direction);
  }

  /** Throws where the row can't be encoded. */
  put<Row>(key: Key<Row>, row: Row): void {
    // The figures of the store change with every method; only how they stand in the end is encoded.
    const bytes = (key as string) === countersKey ? undefined : encode(row);
    this.#own.set(key, { row, bytes });
  }

  /** A row that this transaction alone changes, in place; of the counters only, which are not encoded before the end. */
  own(key: typeof countersKey, copy: () => Counters): Counters {
    const change = this.#own.get(key);
    if (change !== undefined) return change.row as Counters;
    const row = copy();
    this.put(key, row);
    return row;
  }

  remove(key: Key<unknown>): void {
    this.#own.set(key, GONE);
  }

  /** Said to those who watch, once this is committed. */
  hint(channel: ChannelId, kind: ChannelHint["kind"]): void {
    this.hints.push({ channel, kind });
  }

  /** What was changed in memory along with the rows, and must be put back should they not be committed. */
  undo(step: () => void): void {
    this.undos.push(step);
  }

  /** Hands the changes to the group. */
  join(): void {
    for (const [key, change] of this.#own) this.#group.set(key, change);
  }

  #changed(key: string): Change | undefined {
    return this.#own.get(key) ?? this.#group.get(key) ?? this.#before.get(key);
  }
}

const GONE: Change = { row: undefined, bytes: undefined };

function* merged<Row>(
  committed: Iterable<Entry<Row>>,
  changed: ReadonlyMap<string, unknown>,
  direction: "forward" | "backward",
): Iterable<Entry<Row>> {
  const added: Entry<Row>[] = [];
  for (const [key, row] of changed) if (row !== undefined) added.push({ key: key as Key<Row>, row: row as Row });
  // The next one stands last.
  added.sort((a, b) => (a.key < b.key === (direction === "forward") ? 1 : -1));
  for (const entry of committed) {
    if (changed.has(entry.key)) continue;
    for (let next = added.at(-1); next !== undefined; next = added.at(-1)) {
      if (next.key > entry.key === (direction === "forward")) break;
      yield next;
      added.pop();
    }
    yield entry;
  }
  yield* added.reverse();
}

/** What is to be written under the key; undefined where the row goes. */
export function bytesOf({ row, bytes }: Change): Buffer | undefined {
  return row === undefined ? undefined : (bytes ?? encode(row));
}

function encode(row: unknown): Buffer {
  return Buffer.from(JSON.stringify(row));
}
