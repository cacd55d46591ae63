/** The steps that bring a store's format up: see `format.ts`. */
import { added, NO_COUNTERS, readCounters } from "./counters.ts";
import { figuresOf } from "./figures.ts";
import type { Database, MigrationStep } from "./format.ts";
import { allListed, allPinned, channelKey, countersKey, type Key, type KeyRange, sessionKey } from "./keys.ts";
import type { Counters } from "./rows.ts";
import type { Entry, View } from "./view.ts";

/** The first brings version 1 to 2, and so on. */
export const MIGRATIONS: readonly MigrationStep[] = [countSessions];

/** Version 1 counted neither sources, states nor what was spent. Of removed sessions nothing is known any more. */
function countSessions(database: Database): void {
  const view = viewOf(database);
  const { sequence, sessions, queued, inFlight, undelivered, deadLetters } = readCounters(view);
  let counters: Counters = { ...NO_COUNTERS, sequence, sessions, queued, inFlight, undelivered, deadLetters };
  for (const range of [allListed, allPinned]) {
    for (const { row } of view.scan(range)) {
      const [channel, id] = row;
      const session = view.get(sessionKey(channel, id));
      if (session !== undefined) counters = added(counters, figuresOf(session, view.get(channelKey(channel))));
    }
  }
  database.putSync(countersKey, counters);
}

/** What stands there, within the transaction of a step. */
function viewOf(database: Database): View {
  return {
    get: <Row>(key: Key<Row>) => database.get(key) as Row | undefined,
    has: (key) => database.doesExist(key),
    *scan<Row>({ from, to }: KeyRange<Row>): Iterable<Entry<Row>> {
      for (const { key, value } of database.getRange({ start: from, end: to })) {
        yield { key: key as Key<Row>, row: value as Row };
      }
    },
  };
}
