import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../../src/model.ts";
import { openLmdbStore } from "../../src/stores/lmdb/store.ts";
import { DEDUPE_FOR, describeStore, KEEP, type StoreHarness } from "../conformance/store.ts";

describeStore("lmdb", async (): Promise<StoreHarness> => {
  const path = await mkdtemp(join(tmpdir(), "switchboard-lmdb-"));
  let time = Date.UTC(2026, 10, 21);
  const clock: Clock = { now: () => time, after: () => () => {} };
  const open = () => openLmdbStore({ path, clock, dedupeFor: DEDUPE_FOR, keep: KEEP });
  let store = await open();
  return {
    get store() {
      return store;
    },
    now: () => time,
    advance: (ms) => {
      time += ms;
    },
    async reopen() {
      await store.close();
      store = await open();
    },
    async dispose() {
      await store.close();
      await rm(path, { recursive: true });
    },
  };
});
