/** Reading rows: of what is committed, or of a transaction under way. */
import type { Key, KeyRange } from "./keys.ts";

export interface View {
  /** The caller must not change what it gets: others may get the same. */
  get<Row>(key: Key<Row>): Row | undefined;
  has(key: Key<unknown>): boolean;
  /** In the order of the keys, or against it. Stopping early is free. */
  scan<Row>(range: KeyRange<Row>, direction?: "forward" | "backward"): Iterable<Entry<Row>>;
}

export interface Entry<Row> {
  readonly key: Key<Row>;
  readonly row: Row;
}
