import { mkdtempSync, rmSync } from "node:fs";
import { stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { open as openLmdb } from "lmdb";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import type { ChannelId, Clock, InboundEvent } from "../../src/model.ts";
import type { Store } from "../../src/store.ts";
import { Folder } from "../../src/stores/lmdb/folder.ts";
import type { MigrationStep } from "../../src/stores/lmdb/format.ts";
import { MIGRATIONS } from "../../src/stores/lmdb/migrations.ts";
import { openLmdbStore } from "../../src/stores/lmdb/store.ts";
import { killAll, runOnSmallDisk, start } from "./children.ts";

const clock: Clock = { now: Date.now, after: () => () => {} };
let path: string;

beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), "switchboard-lmdb-"));
});
afterEach(async () => {
  await killAll();
  rmSync(path, { recursive: true });
});

function open(folder = path): Promise<Store> {
  return openLmdbStore({ path: folder, clock, dedupeFor: 3_600_000 });
}

function event(channel: ChannelId, id: string, text = "hello"): InboundEvent {
  return { channel, id, sender: { id: "web:1", name: "Ann" }, text, sentAt: 1, addressed: true, direct: true };
}

describe("kill -9", () => {
  const line = z.object({
    what: z.string(),
    channel: z.templateLiteral([z.string(), ":", z.string()]),
    id: z.string(),
  });

  test("loses nothing that was acknowledged and leaves nothing half done", { timeout: 60_000 }, async () => {
    const acknowledged: z.infer<typeof line>[] = [];
    for (let round = 0; round < 4; round += 1) {
      const writer = start(new URL("./writer.ts", import.meta.url), path, `${round}`);
      // Where in a group commit the blow falls is left to chance; that some were made before is not.
      await writer.printed(20 + Math.floor(Math.random() * 1_500));
      await writer.kill();
      acknowledged.push(...writer.lines.map((text) => line.parse(JSON.parse(text))));
      const store = await open();
      for (const { what, channel, id } of acknowledged) {
        const state = (await store.receipt(channel, id))?.receipt.state;
        expect(what === "accepted" ? ["queued", "running", "answered"] : ["answered"]).toContain(state);
      }
      await expectWhole(store, new Set(acknowledged.map(({ channel }) => channel)));
      await store.close();
    }
  });

  /** Every message is in one place only, and the figures say what is there. */
  async function expectWhole(store: Store, channels: Iterable<ChannelId>): Promise<void> {
    const found = { sessions: 0, queued: 0, inFlight: 0, undelivered: 0, deadLetters: 0 };
    for (const channel of channels) {
      const { running, waiting } = await store.queue(channel);
      const acquired = await store.acquire(channel, "reader", { source: "channel", agent: "demo", title: channel });
      if (acquired.status !== "owned") throw new Error("owned elsewhere");
      const { session, outbox, interrupted, fence } = acquired.lease;
      await store.release(channel, fence);
      const { entries } = await store.transcript(session.id, { limit: 1_000_000 });
      const said = entries.map(({ text }) => text);
      expect(new Set(said).size).toBe(said.length);
      expect(interrupted).toEqual(running);
      for (const id of said) expect((await store.receipt(channel, id))?.receipt.state).toBe("answered");
      for (const { text } of outbox) expect(said).toContain(text);
      for (const { id } of running?.messages ?? []) {
        expect((await store.receipt(channel, id))?.receipt.state).toBe("running");
      }
      for (const { id } of waiting) expect((await store.receipt(channel, id))?.receipt.state).toBe("queued");
      found.sessions += 1;
      found.queued += waiting.length;
      found.inFlight += running === undefined ? 0 : 1;
      found.undelivered += outbox.length;
    }
    const byStatus = { running: found.inFlight, waiting: 0, error: 0 };
    const bySource = { channel: found.sessions, manual: 0, cron: 0, setup: 0 };
    expect(await store.stats()).toMatchObject({ ...found, byStatus, bySource });
  }
});

describe("the lock", () => {
  test("refuses a second process, names the first, and is gone with it", async () => {
    const holder = start(new URL("./holder.ts", import.meta.url), path);
    await holder.printed(1);
    await expect(open()).rejects.toMatchObject({
      code: "STORE_LOCKED",
      message: expect.stringMatching(new RegExp(`${path}.*process ${holder.pid} on`)),
    });
    await holder.kill();
    await (await open()).close();
  });

  test("refuses a second opening in the same process", async () => {
    const first = await open();
    await expect(open()).rejects.toMatchObject({ code: "STORE_LOCKED" });
    await expect(open(`${path}/../${path.split("/").at(-1)}`)).rejects.toMatchObject({ code: "STORE_LOCKED" });
    await first.accept(event("web:1", "1"), { max: 9, fullNotice: "" });
    await first.close();
    const second = await open();
    expect(await second.stats()).toMatchObject({ queued: 1 });
    await second.close();
  });

  test("is given back by an opening that fails", async () => {
    const step: MigrationStep = () => {
      throw new Error("broken step");
    };
    await (await open()).close();
    await expect(Folder.open(path, [...MIGRATIONS, step])).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await (await open()).close();
  });
});

describe("a full disk", () => {
  test("is a clear error, loses nothing, and is over when there is space", { timeout: 60_000 }, async () => {
    const ids = z.array(z.string());
    const report = z
      .object({
        failures: ids,
        acceptedWhenFull: ids,
        waitingWhenFull: ids,
        queuedWhenFull: z.number(),
        openingWhenFull: z.string(),
        afterwards: z.string(),
        accepted: ids,
        waitingInTheEnd: ids,
      })
      .parse(JSON.parse(await runOnSmallDisk(8_000_000, new URL("./filler.ts", import.meta.url))));
    expect(report.failures).toEqual(["STORE_FULL"]);
    expect(report.acceptedWhenFull.length).toBeGreaterThan(0);
    expect(report.waitingWhenFull).toEqual(report.acceptedWhenFull);
    expect(report.queuedWhenFull).toBe(report.acceptedWhenFull.length);
    expect(report.openingWhenFull).toBe("STORE_FULL");
    expect(report.afterwards).toBe("queued");
    expect(report.waitingInTheEnd).toEqual([...report.acceptedWhenFull, "afterwards"]);
  });
});

describe("the format", () => {
  const addsSuffix: MigrationStep = (database) => database.putSync("test", `${database.get("test") ?? ""}1→2 `);
  const addsAnother: MigrationStep = (database) => database.putSync("test", `${database.get("test")}2→3`);

  async function openWith(...steps: MigrationStep[]): Promise<void> {
    await (await Folder.open(path, steps)).close();
  }

  function look(): { format: unknown; test: unknown } {
    const database = openLmdb({ path, noSubdir: false, encoding: "json", overlappingSync: false });
    const found = { format: database.get("m\u001fformat"), test: database.get("test") };
    void database.close();
    return found;
  }

  test("is brought up step by step, each once, and what is stored stays", async () => {
    await openWith();
    expect(look()).toEqual({ format: 1 });
    await openWith(addsSuffix);
    expect(look()).toEqual({ format: 2, test: "1→2 " });
    await openWith(addsSuffix, addsAnother);
    await openWith(addsSuffix, addsAnother);
    expect(look()).toEqual({ format: 3, test: "1→2 2→3" });
  });

  test("takes several steps at one opening", async () => {
    await openWith();
    await openWith(addsSuffix, addsAnother);
    expect(look()).toEqual({ format: 3, test: "1→2 2→3" });
  });

  test("needs no step for a new store", async () => {
    await openWith(addsSuffix, addsAnother);
    expect(look()).toEqual({ format: 3 });
  });

  test("leaves a store as it was when a step fails", async () => {
    await openWith();
    const fails: MigrationStep = (database) => {
      database.putSync("test", "half done");
      throw new Error("broken step");
    };
    await expect(openWith(addsSuffix, fails)).rejects.toMatchObject({
      message: expect.stringContaining("broken step"),
    });
    expect(look()).toEqual({ format: 2, test: "1→2 " });
    await openWith(addsSuffix, addsAnother);
    expect(look()).toEqual({ format: 3, test: "1→2 2→3" });
  });

  test("is refused when it is newer, and nothing is changed", async () => {
    await openWith(...MIGRATIONS, addsSuffix);
    await expect(open()).rejects.toMatchObject({
      code: "STORE_FORMAT",
      message: expect.stringMatching(/format 3.*up to 2.*Nothing was changed/),
    });
    expect(look()).toEqual({ format: 3 });
  });

  test("of a store that did not count sources, states and spending is brought up with what there is of them", async () => {
    const store = await open();
    const room = { max: 9, fullNotice: "" };
    const own = async (channel: ChannelId) => {
      const acquired = await store.acquire(channel, "r", { source: "channel", agent: "demo", title: "A chat" });
      if (acquired.status !== "owned") throw new Error("owned elsewhere");
      return acquired.lease;
    };
    const begin = async (channel: ChannelId) => {
      await store.accept({ ...event(channel, "1"), source: "cron" }, room);
      const { fence } = await own(channel);
      return { fence, turn: (await store.claim(channel, fence, 1))?.id ?? "" };
    };
    const { fence, turn } = await begin("web:1");
    const sender = { id: "web:ann", name: "Ann" };
    const ask = { requester: sender, approvers: "members", key: "k", outbox: [], turn } as const;
    await store.openAsk("web:1", fence, { ...ask, request: { kind: "plan", text: "a plan" } });
    await begin(`web:${"x".repeat(300)}`);
    const { fence: third } = await own("web:3");
    const stats = { turns: 3, failed: 1, tokensIn: 5, tokensOut: 7, cost: 0.25 };
    const error = { code: "AGENT", message: "broken", at: 1 };
    await store.save("web:3", third, { session: { stats, error, pinned: true } });
    await store.signal(event("web:3", "new"), { command: "new", args: "", reason: "" });
    const renew = { source: "manual", agent: "demo", title: "" } as const;
    await store.finishControl("web:3", third, { control: "new", outbox: [], renew });
    await store.save("web:3", third, { session: { stats: { ...stats, turns: 1 }, error } });
    const before = await store.stats();
    await store.close();

    const database = openLmdb<unknown, string>({ path, noSubdir: false, encoding: "json", overlappingSync: false });
    const figures = z.looseObject({ sequence: z.number(), sessions: z.number(), queued: z.number() });
    const counted = figures.extend({ inFlight: z.number(), undelivered: z.number(), deadLetters: z.number() });
    const { sequence, sessions, queued, inFlight, undelivered, deadLetters } = counted.parse(database.get("mcounters"));
    await database.put("mcounters", { sequence, sessions, queued, inFlight, undelivered, deadLetters });
    await database.put("mformat", 1);
    await database.close();

    const after = await open();
    expect(await after.stats()).toEqual(before);
    expect(before).toMatchObject({
      bySource: { channel: 0, manual: 1, cron: 2, setup: 0 },
      byStatus: { running: 1, waiting: 1, error: 1 },
      totals: { turns: 4, failed: 2, tokensIn: 10, tokensOut: 14, cost: 0.5 },
    });
    await after.close();
    await (await open()).close();
    expect(look()).toEqual({ format: 2 });
  });

  test("is refused where the folder holds something else", async () => {
    const foreign = openLmdb({ path, noSubdir: false, encoding: "json", overlappingSync: false });
    await foreign.put("theirs", 1);
    await foreign.close();
    await expect(open()).rejects.toMatchObject({ code: "STORE_FORMAT" });
  });
});

describe("size", () => {
  /** Every row there is, as text. */
  function allRows(): Map<string, string> {
    const database = openLmdb<unknown, string>({ path, noSubdir: false, encoding: "json", overlappingSync: false });
    const rows = new Map<string, string>();
    for (const { key, value } of database.getRange()) rows.set(key, JSON.stringify(value));
    void database.close();
    return rows;
  }

  async function own(store: Store, channel: ChannelId) {
    const acquired = await store.acquire(channel, "replica-1", { source: "channel", agent: "demo", title: "A chat" });
    if (acquired.status !== "owned") throw new Error("owned elsewhere");
    return acquired.lease;
  }

  test("a removed session leaves nothing of itself or of what was said in the file but its part of the audit log", async () => {
    const store = await open();
    const { fence, session } = await own(store, "web:1");
    for (const id of ["1", "2", "3"]) {
      await store.accept(event("web:1", id, "a secret"), { max: 9, fullNotice: "" });
      const turn = await store.claim("web:1", fence, 1);
      const entry = { role: "assistant", text: "a secret", at: 1, turn: "" } as const;
      const end = { turn: turn?.id ?? "", transcript: [entry, entry], session: {}, take: 0 };
      await store.commitTurn("web:1", fence, { ...end, outbox: [{ kind: "answer", text: "a secret" }] });
    }
    await store.accept(event("web:1", "4", "a secret"), { max: 9, fullNotice: "" });
    const sender = { id: "web:ann", name: "Ann" };
    const ask = { requester: sender, approvers: "members", key: "a secret", dueAt: 5, outbox: [] } as const;
    await store.openAsk("web:1", fence, { ...ask, request: { kind: "plan", text: "a plan" } });
    await store.remove(session.id);
    await store.close();
    const rows = [...allRows()].filter(([key]) => !key.startsWith("y\u001f"));
    for (const [key, row] of rows) expect(key + row).not.toMatch(new RegExp(`${session.id}|secret|ask_`));
  });

  test("a channel in steady use stays as small as it was", async () => {
    const store = await open();
    const { fence } = await own(store, "web:1");
    for (let id = 0; id < 300; id += 1) {
      await store.accept(event("web:1", `${id}`), { max: 9, fullNotice: "" });
      const turn = await store.claim("web:1", fence, 1);
      const end = { turn: turn?.id ?? "", transcript: [], session: {}, take: 0 };
      const ended = await store.commitTurn("web:1", fence, { ...end, outbox: [{ kind: "answer", text: "answer" }] });
      for (const entry of ended.status === "ended" ? ended.outbox : []) {
        await store.settleDelivery("web:1", fence, entry.id, { status: "delivered" });
      }
    }
    await store.close();
    expect(allRows().get("c\u001fweb:1")?.length).toBeLessThan(1_000);
  });

  test("a journal takes no more rows than its entries need", async () => {
    const store = await open();
    const keys = Array.from({ length: 1_500 }, (_, index) => `${index}`);
    await Promise.all(keys.map((key) => store.journalPut("web:1", key, 1)));
    await Promise.all(keys.map((key) => store.journalPut("web:1", key, 2)));
    const entries = (await store.journalPage("web:1", 5_000)).length;
    await store.close();
    const rows = [...allRows().keys()].filter((key) => key.startsWith("j\u001f"));
    expect(rows).toHaveLength(3 * entries + 1);
  });

  test("the file grows as needed, with everything in it readable", async () => {
    const store = await open();
    const text = "x".repeat(100_000);
    const ids = Array.from({ length: 300 }, (_, index) => `${index}`);
    for (let start = 0; start < ids.length; start += 50) {
      const group = ids.slice(start, start + 50);
      await Promise.all(group.map((id) => store.accept(event("web:1", id, text), { max: 1_000, fullNotice: "" })));
    }
    await store.close();
    expect((await stat(join(path, "data.mdb"))).size).toBeGreaterThan(30_000_000);
    const again = await open();
    const { waiting } = await again.queue("web:1");
    expect(waiting.map(({ id }) => id)).toEqual(ids);
    expect(waiting.every((message) => message.text === text)).toBe(true);
    await again.close();
  });
});
