/**
 * The version of what stands in the store: 1 + the steps there are. An older store is brought up step by step,
 * each step and its new version in one transaction; a newer one is refused and left as it is.
 */
import type { RootDatabase } from "lmdb";
import { SwitchboardError } from "../../errors.ts";
import { formatKey } from "./keys.ts";

export type Database = RootDatabase<unknown, string>;

/** Brings a store from one version to the next. Runs inside a write transaction: `putSync` and `removeSync` only. */
export type MigrationStep = (database: Database) => void;

export function bringUp(database: Database, path: string, steps: readonly MigrationStep[]): void {
  const newest = steps.length + 1;
  const found = versionOf(database, path) ?? newest;
  if (found > newest) {
    throw new SwitchboardError(
      "STORE_FORMAT",
      `The store in ${path} has format ${found}; this version reads up to ${newest}. Nothing was changed.`,
    );
  }
  if (found === newest) database.putSync(formatKey, newest);
  for (let version = found; version < newest; version += 1) {
    database.transactionSync(() => {
      steps[version - 1]?.(database);
      database.putSync(formatKey, version + 1);
    });
  }
}

/** Undefined for a store without any row: a new one. */
function versionOf(database: Database, path: string): number | undefined {
  const version = database.get(formatKey);
  if (typeof version === "number" && Number.isInteger(version) && version >= 1) return version;
  if (version === undefined && database.getKeysCount({ limit: 1 }) === 0) return undefined;
  throw new SwitchboardError(
    "STORE_FORMAT",
    `The folder ${path} holds an LMDB database that is not a gateway's store.`,
  );
}
