import { describe, expect, test } from "vitest";
import type { ChannelId, NewSession } from "../../../src/model.ts";
import type { SessionQuery } from "../../../src/store.ts";
import { FRESH, type OpenHarness, REPLICA, setStage } from "./stage.ts";

const MINUTE = 60_000;

export function describeLists(open: OpenHarness): void {
  describe("list", () => {
    const stage = setStage(open);

    async function make(channel: ChannelId, fresh: Partial<NewSession> = {}): Promise<string> {
      const acquired = await stage.store.acquire(channel, REPLICA, { ...FRESH, title: channel, ...fresh });
      if (acquired.status !== "owned") throw new Error("not owned");
      return acquired.lease.session.id;
    }

    async function change(channel: ChannelId, session: { title?: string; pinned?: boolean }): Promise<void> {
      await stage.store.save(channel, (await stage.own(channel)).fence, { session });
    }

    async function renew(channel: ChannelId, id: string): Promise<void> {
      const { fence } = await stage.own(channel);
      await stage.store.signal(
        { channel, id, sender: { id: "web:1", name: "A" }, text: "/new", sentAt: 1, addressed: true, direct: true },
        { command: "new", args: "", reason: "" },
      );
      const fresh = { ...FRESH, title: `${channel} again` };
      await stage.store.finishControl(channel, fence, { control: id, outbox: [], renew: fresh });
    }

    async function titles(query: Partial<SessionQuery> = {}): Promise<string[]> {
      const { sessions } = await stage.store.list({ limit: 50, ...query });
      return sessions.map(({ title }) => title);
    }

    async function inPages(limit: number, query: Partial<SessionQuery> = {}): Promise<string[][]> {
      const pages: string[][] = [];
      let cursor: string | undefined;
      do {
        const page = await stage.store.list({ limit, ...query, ...(cursor === undefined ? {} : { cursor }) });
        pages.push(page.sessions.map(({ title }) => title));
        cursor = page.cursor;
      } while (cursor !== undefined);
      return pages;
    }

    test("gives the newest activity first, with the stored fields", async () => {
      for (const channel of ["web:1", "web:2", "web:3"] as const) {
        await make(channel);
        stage.advance(MINUTE);
      }
      expect(await titles()).toEqual(["web:3", "web:2", "web:1"]);
      const lease = await stage.own("web:1");
      const event = {
        id: "m",
        sender: { id: "web:9", name: "A" },
        text: "hi",
        sentAt: 1,
        addressed: true,
        direct: true,
      };
      await stage.store.accept({ ...event, channel: "web:1" }, { max: 9, fullNotice: "" });
      await stage.commit(lease, await stage.claim(lease));
      expect(await titles()).toEqual(["web:1", "web:3", "web:2"]);
      await stage.reopen();
      const { sessions } = await stage.store.list({ limit: 50 });
      expect(sessions[0]).toEqual(await stage.store.current("web:1"));
      expect(sessions).toHaveLength(3);
    });

    test("pages with a cursor, without loss or repetition", async () => {
      for (let index = 0; index < 7; index += 1) {
        await make(`web:${index}`);
        if (index % 3 === 2) stage.advance(MINUTE);
      }
      const all = await titles();
      for (const limit of [1, 2, 3, 6, 7, 8]) {
        const pages = await inPages(limit);
        expect(pages.flat(), `limit ${limit}`).toEqual(all);
        expect(pages.slice(0, -1).every(({ length }) => length === limit)).toBe(true);
      }
      expect(await inPages(7)).toHaveLength(1);
    });

    test("puts the pinned first, all of them, and on the first page only", async () => {
      for (let index = 0; index < 6; index += 1) {
        await make(`web:${index}`);
        stage.advance(MINUTE);
      }
      await change("web:1", { pinned: true });
      await change("web:3", { pinned: true });
      expect(await inPages(2)).toEqual([
        ["web:3", "web:1", "web:5", "web:4"],
        ["web:2", "web:0"],
      ]);
      await change("web:1", { pinned: false });
      expect(await titles()).toEqual(["web:3", "web:5", "web:4", "web:2", "web:1", "web:0"]);
      await stage.reopen();
      expect(await titles()).toEqual(["web:3", "web:5", "web:4", "web:2", "web:1", "web:0"]);
    });

    test("filters by channel, adapter, source, agent and text", async () => {
      await make("web:1", { title: "Holiday PLANS" });
      await make("web:2", { title: "Work", agent: "claude" });
      await make("telegram:1", { title: "Plan b", source: "cron" });
      const id = await make("webhook:1", { title: "Other", source: "manual" });
      expect(await titles({ channel: "web:2" })).toEqual(["Work"]);
      expect(await titles({ channel: "web:9" })).toEqual([]);
      expect((await titles({ adapter: "web" })).sort()).toEqual(["Holiday PLANS", "Work"]);
      expect(await titles({ source: "cron" })).toEqual(["Plan b"]);
      expect(await titles({ agent: "claude" })).toEqual(["Work"]);
      expect((await titles({ text: "plan" })).sort()).toEqual(["Holiday PLANS", "Plan b"]);
      expect(await titles({ text: id.slice(6, 16).toUpperCase() })).toEqual(["Other"]);
      expect(await titles({ text: "plan", adapter: "telegram", source: "cron" })).toEqual(["Plan b"]);
      await change("web:1", { pinned: true });
      expect(await titles({ agent: "claude" })).toEqual(["Work"]);
      expect(await titles({ channel: "web:1" })).toEqual(["Holiday PLANS"]);
      expect(await titles({ text: "plan", adapter: "web" })).toEqual(["Holiday PLANS"]);
    });

    test("filters by the last activity, to the millisecond", async () => {
      const times: number[] = [];
      for (let index = 0; index < 4; index += 1) {
        times.push(stage.now());
        await make(`web:${index}`);
        stage.advance(10_000);
      }
      const [, second = 0, third = 0] = times;
      expect((await titles({ from: second, to: third })).sort()).toEqual(["web:1", "web:2"]);
      expect(await titles({ from: third + 1 })).toEqual(["web:3"]);
      expect(await titles({ to: second - 1 })).toEqual(["web:0"]);
      expect(await inPages(1, { to: third }).then((pages) => pages.flat().sort())).toEqual(["web:0", "web:1", "web:2"]);
    });

    test("pages through what a filter leaves", async () => {
      for (let index = 0; index < 10; index += 1) await make(`web:${index}`, { agent: index % 3 === 0 ? "a" : "b" });
      const pages = await inPages(3, { agent: "a" });
      expect(pages.flat().sort()).toEqual(["web:0", "web:3", "web:6", "web:9"]);
      expect(pages[0]).toHaveLength(3);
    });

    test("finds the few that match among very many", async () => {
      await make("web:first", { agent: "rare" });
      stage.advance(MINUTE);
      await Promise.all(Array.from({ length: 1_200 }, (_, index) => make(`web:${index}`)));
      stage.advance(MINUTE);
      await make("web:last", { agent: "rare" });
      expect(await inPages(1, { agent: "rare" })).toEqual([["web:last"], ["web:first"]]);
      const pages = await inPages(700);
      expect(pages.map(({ length }) => length)).toEqual([700, 502]);
      expect(new Set(pages.flat()).size).toBe(1_202);
    });

    test("leaves archived sessions out unless they are asked for", async () => {
      await make("web:1");
      stage.advance(MINUTE);
      await renew("web:1", "a");
      stage.advance(MINUTE);
      await renew("web:1", "b");
      await make("web:2");
      expect((await titles()).sort()).toEqual(["web:1 again", "web:2"]);
      expect((await titles({ archived: true })).sort()).toEqual(["web:1", "web:1 again", "web:1 again", "web:2"]);
      expect(await titles({ channel: "web:1" })).toEqual(["web:1 again"]);
      expect(await inPages(1, { channel: "web:1", archived: true })).toHaveLength(3);
      expect((await inPages(2, { archived: true })).flat()).toHaveLength(4);
    });
  });
}
