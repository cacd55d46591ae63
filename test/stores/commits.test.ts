import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ChannelId, Clock, InboundEvent } from "../../src/model.ts";
import type { Hint, Store } from "../../src/store.ts";
import { Folder } from "../../src/stores/lmdb/folder.ts";
import { Space } from "../../src/stores/lmdb/space.ts";
import { openLmdbStore } from "../../src/stores/lmdb/store.ts";

const clock: Clock = { now: Date.now, after: () => () => {} };
const FRESH = { source: "channel", agent: "demo", title: "A chat" } as const;
const ROOM = { max: 1_000, fullNotice: "" };
const FULL = expect.objectContaining({ code: "STORE_FULL" });
let path: string;
let store: Store;

beforeEach(async () => {
  path = mkdtempSync(join(tmpdir(), "switchboard-lmdb-"));
  store = await open();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await store.close();
  rmSync(path, { recursive: true });
});

function open(): Promise<Store> {
  return openLmdbStore({ path, clock, dedupeFor: 3_600_000 });
}

function event(channel: ChannelId, id: string): InboundEvent {
  return { channel, id, sender: { id: "web:1", name: "Ann" }, text: "hello", sentAt: 1, addressed: true, direct: true };
}

/** The next group finds the disk full; those after it don't. */
function failNextCommit(): void {
  const full = Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
  vi.spyOn(Space.prototype, "take").mockRejectedValueOnce(full);
}

describe("a commit that fails", () => {
  test("fails its own group alone: what was run on top of it meanwhile is run again", async () => {
    const hints: Hint[] = [];
    store.watch((hint) => hints.push(hint));
    failNextCommit();
    const ids = Array.from({ length: 40 }, (_, index) => `${index}`);
    const results = await Promise.allSettled(ids.map((id) => store.accept(event("web:1", id), ROOM)));
    const queued = ids.filter((_, index) => results[index]?.status === "fulfilled");
    expect(queued).toEqual(ids.slice(20));
    for (const [index, result] of results.entries()) {
      if (index < 20) expect(result).toMatchObject({ status: "rejected", reason: { code: "STORE_FULL" } });
      else expect(result).toMatchObject({ value: { status: "queued", position: index - 19 } });
    }
    expect((await store.queue("web:1")).waiting.map(({ id }) => id)).toEqual(queued);
    expect(await store.stats()).toMatchObject({ queued: 20 });
    expect(hints).toHaveLength(20);
  });

  test("leaves no channel pending, owned or without its owner", async () => {
    failNextCommit();
    await expect(store.accept(event("web:1", "1"), ROOM)).rejects.toEqual(FULL);
    expect(await store.unattended("nobody")).toEqual([]);

    failNextCommit();
    await expect(store.acquire("web:2", "replica-1", FRESH)).rejects.toEqual(FULL);
    expect(await store.current("web:2")).toBeUndefined();
    expect(await store.acquire("web:2", "replica-2", FRESH)).toMatchObject({ status: "owned" });

    const acquired = await store.acquire("web:3", "replica-1", FRESH);
    if (acquired.status !== "owned") throw new Error("owned elsewhere");
    const { fence, session } = acquired.lease;
    failNextCommit();
    await expect(store.remove(session.id)).rejects.toEqual(FULL);
    await store.save("web:3", fence, { session: { title: "Still mine" } });
    expect((await store.get(session.id))?.title).toBe("Still mine");
  });

  test("of a sweep keeps the rows of channels that have work again", async () => {
    await store.accept(event("web:1", "1"), ROOM);
    await store.signal(event("web:1", "2"), { command: "stop", args: "", cancel: "all", reason: "stop" });
    const acquired = await store.acquire("web:1", "replica-1", FRESH);
    if (acquired.status !== "owned") throw new Error("owned elsewhere");
    await store.finishControl("web:1", acquired.lease.fence, { control: "2", outbox: [] });
    failNextCommit();
    await expect(store.heartbeat("replica-1")).rejects.toEqual(FULL);
    await store.accept(event("web:1", "3"), ROOM);
    await store.close();
    store = await open();
    expect(await store.unattended("nobody")).toEqual(["web:1"]);
  });
});

describe("opening", () => {
  test("looks at what is pending, whatever is stored", async () => {
    const channels = Array.from({ length: 2_000 }, (_, index): ChannelId => `web:${index}`);
    await Promise.all(channels.map((channel) => store.acquire(channel, "replica-1", FRESH)));
    await store.accept(event("web:7", "1"), ROOM);
    await store.accept(event("web:1500", "1"), ROOM);
    await store.close();
    const gets = vi.spyOn(Folder.prototype, "get");
    const rows = countScannedRows();
    store = await open();
    expect((await store.unattended("nobody")).toSorted()).toEqual(["web:1500", "web:7"]);
    expect(rows()).toBeLessThanOrEqual(2);
    expect(gets.mock.calls.length).toBeLessThan(10);
  });

  function countScannedRows(): () => number {
    let rows = 0;
    const { scan } = Folder.prototype;
    vi.spyOn(Folder.prototype, "scan").mockImplementation(function* (this: Folder, range, direction) {
      for (const entry of scan.call(this, range, direction)) {
        rows += 1;
        yield entry;
      }
    } as typeof scan);
    return () => rows;
  }
});
