import { describe, expect, test } from "vitest";
import { CHANNEL, type OpenHarness, setStage } from "./stage.ts";

export function describeJournal(open: OpenHarness): void {
  describe("the journal", () => {
    const stage = setStage(open);

    async function put(...keys: string[]): Promise<void> {
      for (const key of keys) await stage.store.journalPut(CHANNEL, key, `body of ${key}`);
    }

    test("is empty at first", async () => {
      expect(await stage.store.journalSince(CHANNEL, 0, 9)).toEqual([]);
      expect(await stage.store.journalPage(CHANNEL, 9)).toEqual([]);
    });

    test("numbers entries, and gives those above a version", async () => {
      const first = await stage.store.journalPut(CHANNEL, "a", { text: "A" });
      const second = await stage.store.journalPut(CHANNEL, "b", null);
      expect(second).toBeGreaterThan(first);
      await stage.reopen();
      const a = { key: "a", order: first, version: first, body: { text: "A" } };
      const b = { key: "b", order: second, version: second, body: null };
      expect(await stage.store.journalSince(CHANNEL, 0, 9)).toEqual([a, b]);
      expect(await stage.store.journalSince(CHANNEL, 0, 1)).toEqual([a]);
      expect(await stage.store.journalSince(CHANNEL, first, 9)).toEqual([b]);
      expect(await stage.store.journalSince(CHANNEL, second, 9)).toEqual([]);
      expect(await stage.store.journalPut(CHANNEL, "c", 1)).toBeGreaterThan(second);
    });

    test("replaces the body of a key that exists, in its place", async () => {
      await put("a", "b");
      const version = await stage.store.journalPut(CHANNEL, "a", "new");
      const [first, second] = await stage.store.journalPage(CHANNEL, 9);
      expect(first).toMatchObject({ key: "a", version, body: "new" });
      expect(second).toMatchObject({ key: "b" });
      expect(first?.order).toBeLessThan(second?.order ?? 0);
      const since = await stage.store.journalSince(CHANNEL, 0, 9);
      expect(since.map(({ key }) => key)).toEqual(["b", "a"]);
      expect(await stage.store.journalSince(CHANNEL, version - 1, 9)).toEqual([first]);
    });

    test("pages by order, backwards", async () => {
      await put("a", "b", "c", "d", "e", "b");
      const newest = await stage.store.journalPage(CHANNEL, 2);
      expect(newest.map(({ key }) => key)).toEqual(["d", "e"]);
      const before = await stage.store.journalPage(CHANNEL, 2, newest[0]?.order ?? 0);
      expect(before.map(({ key }) => key)).toEqual(["b", "c"]);
      const last = await stage.store.journalPage(CHANNEL, 2, before[0]?.order ?? 0);
      expect(last.map(({ key }) => key)).toEqual(["a"]);
      expect(await stage.store.journalPage(CHANNEL, 2, last[0]?.order ?? 0)).toEqual([]);
    });

    test("keeps channels apart", async () => {
      await put("a");
      await stage.store.journalPut("web:other", "a", "other");
      expect(await stage.store.journalPage(CHANNEL, 9)).toMatchObject([{ key: "a", body: "body of a" }]);
      expect(await stage.store.journalPage("web:other", 9)).toMatchObject([{ key: "a", body: "other" }]);
    });

    test("keeps the newest 1,000 at least, and forgets the oldest some time", async () => {
      const keys = Array.from({ length: 2_500 }, (_, index) => `key ${index}`);
      for (let start = 0; start < keys.length; start += 100) {
        await Promise.all(keys.slice(start, start + 100).map((key) => stage.store.journalPut(CHANNEL, key, key)));
      }
      const page = await stage.store.journalPage(CHANNEL, 5_000);
      expect(page.length).toBeGreaterThanOrEqual(1_000);
      expect(page.length).toBeLessThan(2_000);
      expect(page.map(({ key }) => key)).toEqual(keys.slice(-page.length));
      const since = await stage.store.journalSince(CHANNEL, 0, 5_000);
      expect(since).toEqual(page);
      // Written again and again, the oldest place has the newest version when it is its turn to go.
      const [oldest] = page;
      for (let index = 0; index < 200; index += 1) {
        await stage.store.journalPut(CHANNEL, oldest?.key ?? "", index);
        const before = await stage.store.journalPut(CHANNEL, `more ${index}`, index);
        const after = await stage.store.journalPut(CHANNEL, oldest?.key ?? "", "newest");
        expect(after).toBeGreaterThan(before);
      }
      const version = await stage.store.journalPut(CHANNEL, "key 0", "back again");
      expect((await stage.store.journalPage(CHANNEL, 1))[0]).toMatchObject({ key: "key 0", order: version, version });
    });
  });
}
