/**
 * The LMDB environment in one folder: opened under the folder's lock, written in groups, opened anew where a
 * failed write has left it unusable.
 *
 * - `overlappingSync` is off: a commit is flushed (fdatasync, then the meta page through O_DSYNC) before it
 *   becomes visible. So whatever a read sees, an answer "duplicate" built on it too, survives loss of power, and
 *   a failed flush leaves nothing visible behind.
 * - Rows are JSON, not msgpack with shared structures: those are saved by a synchronous transaction in the
 *   middle of an encoding, and one that fails on a full disk would leave later rows unreadable.
 * - Without a write map pages are written by pwrite: a full disk is an error there, not a SIGBUS.
 */
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { asBinary, open } from "lmdb";
import { readFailure, writeFailure } from "./failures.ts";
import { bringUp, type Database, type MigrationStep } from "./format.ts";
import { HotRows } from "./hot.ts";
import { epochKey, type Key, type KeyRange } from "./keys.ts";
import { lockFolder, syncFolder } from "./lock.ts";
import { MIGRATIONS } from "./migrations.ts";
import { Space } from "./space.ts";
import { bytesOf, type Changes } from "./transaction.ts";
import type { Entry, View } from "./view.ts";

export class Folder implements View {
  readonly path: string;
  /** Grows with every opening: what is numbered within one never meets what another has numbered. */
  readonly epoch: number;
  readonly #unlock: () => void;
  readonly #space: Space;
  readonly #hot = new HotRows();
  #database: Database | undefined;

  /** Rejects with STORE_LOCKED, STORE_FORMAT, STORE_FULL or STORE_UNAVAILABLE. */
  static async open(path: string, steps: readonly MigrationStep[] = MIGRATIONS): Promise<Folder> {
    const absolute = resolve(path);
    const undo: (() => unknown)[] = [];
    try {
      const made = mkdirSync(absolute, { recursive: true });
      const unlock = lockFolder(absolute);
      undo.push(unlock);
      const isNew = !existsSync(join(absolute, "data.mdb"));
      if (isNew) await Space.probe(absolute);
      const database = openDatabase(absolute);
      undo.push(() => database.close());
      const space = await Space.open(absolute);
      undo.push(() => space.close());
      await space.take(database, []);
      bringUp(database, absolute, steps);
      const before = database.get(epochKey);
      const epoch = (typeof before === "number" ? before : 0) + 1;
      database.putSync(epochKey, epoch);
      if (isNew) syncFolder(absolute);
      for (let folder = absolute; made !== undefined && folder.length >= made.length; folder = dirname(folder)) {
        syncFolder(dirname(folder));
      }
      return new Folder(absolute, epoch, unlock, space, database);
    } catch (error) {
      for (const step of undo.reverse()) await step();
      throw writeFailure(error, absolute);
    }
  }

  private constructor(path: string, epoch: number, unlock: () => void, space: Space, database: Database) {
    this.path = path;
    this.epoch = epoch;
    this.#unlock = unlock;
    this.#space = space;
    this.#database = database;
  }

  get<Row>(key: Key<Row>): Row | undefined {
    return this.#read((database) => (this.#hot.get(key) ?? database.get(key)) as Row | undefined);
  }

  has(key: Key<unknown>): boolean {
    return this.#read((database) => database.doesExist(key));
  }

  *scan<Row>(range: KeyRange<Row>, direction: "forward" | "backward" = "forward"): Iterable<Entry<Row>> {
    const bounds =
      direction === "forward"
        ? { start: range.from, end: range.to }
        : { start: range.to, end: range.from, reverse: true, exclusiveStart: true, inclusiveEnd: true };
    const entries = this.#read((database) => database.getRange(bounds)[Symbol.iterator]());
    try {
      for (let next = this.#read(() => entries.next()); next.done !== true; next = this.#read(() => entries.next())) {
        yield { key: next.value.key as Key<Row>, row: next.value.value as Row };
      }
    } finally {
      entries.return?.();
    }
  }

  /** Writes all or nothing. Resolves when it is on disk; one at a time. */
  async commit(changes: Changes): Promise<void> {
    // LMDB shows the new rows a moment before this hears of it: a reader in between must not pair them with an old one.
    this.#hot.forget(changes);
    try {
      await this.#write(
        this.#open(),
        [...changes].map(([key, change]) => [key, bytesOf(change)]),
      );
    } catch (error) {
      throw writeFailure(error, this.path);
    }
    this.#hot.note(changes);
  }

  async close(): Promise<void> {
    await this.#database?.close();
    await this.#space.close();
    this.#unlock();
  }

  async #write(database: Database, rows: readonly [string, Buffer | undefined][]): Promise<void> {
    await this.#space.take(
      database,
      rows.map(([, bytes]) => bytes?.length ?? 0),
    );
    try {
      await database.batch(() => {
        for (const [key, bytes] of rows) {
          if (bytes === undefined) database.remove(key);
          else database.put(key, asBinary(bytes));
        }
      });
    } catch (error) {
      const reason = await reasonOf(error);
      await this.#mend(database);
      throw reason;
    }
    database.resetReadTxn();
  }

  /** Throws STORE_UNAVAILABLE. */
  #read<Result>(work: (database: Database) => Result): Result {
    try {
      return work(this.#open());
    } catch (error) {
      throw readFailure(error, this.path);
    }
  }

  #open(): Database {
    this.#database ??= openDatabase(this.path);
    return this.#database;
  }

  /**
   * After a failed write of a meta page LMDB refuses every further transaction, and lmdb-js would wait for ever
   * for one that runs in the background. An empty transaction in the foreground tells; opening anew mends it.
   */
  async #mend(database: Database): Promise<void> {
    try {
      database.transactionSync(() => undefined);
    } catch {
      this.#database = undefined;
      await database.close();
    }
  }
}

function openDatabase(path: string): Database {
  try {
    return open<unknown, string>({
      path,
      noSubdir: false,
      encoding: "json",
      overlappingSync: false,
      eventTurnBatching: false,
    });
  } catch (error) {
    throw readFailure(error, path);
  }
}

/** lmdb-js rejects with "Commit failed" and gives the reason as a rejection of its own. */
async function reasonOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !("commitError" in error)) return error;
  try {
    await error.commitError;
    return error;
  } catch (reason) {
    return reason;
  }
}
