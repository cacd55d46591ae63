/** A process that opens a store, says so, and keeps it open until it is killed. Argument: the folder. */
import { openLmdbStore } from "../../src/stores/lmdb/store.ts";

const [path = ""] = process.argv.slice(2);
await openLmdbStore({ path, clock: { now: Date.now, after: () => () => {} }, dedupeFor: 1_000 });
process.stdout.write("open\n");
setInterval(() => {}, 60_000);
