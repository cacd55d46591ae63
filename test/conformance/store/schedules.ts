import { describe, expect, test } from "vitest";
import type { ChannelId, Schedule } from "../../../src/model.ts";
import { ANN, CHANNEL, NOBODY, type OpenHarness, setStage } from "./stage.ts";

const OTHER: ChannelId = "odd:ключ, 50% off; a#b\tc 🙂";

export function describeSchedules(open: OpenHarness): void {
  describe("schedules", () => {
    const stage = setStage(open);

    function schedule(id: string, changes: Partial<Schedule> = {}): Schedule {
      return {
        ...{ id, channel: CHANNEL, cron: "*/5 9 * * 1-5", timezone: "Europe/Berlin" },
        prompt: 'What is new?\n"50%"; всё, 🙂',
        by: ANN,
        origin: "command",
        missed: "run",
        createdAt: stage.now(),
        nextAt: stage.now() + 1_000,
        ...changes,
      };
    }

    async function put(id: string, changes?: Partial<Schedule>): Promise<Schedule> {
      const made = schedule(id, changes);
      await stage.store.putSchedule(made);
      return made;
    }

    const ids = (schedules: readonly Schedule[]) => schedules.map(({ id }) => id);
    const listed = async (query: { channel?: ChannelId; limit?: number } = {}) =>
      ids(await stage.store.schedules({ limit: 99, ...query }));
    const due = async (limit = 99) => ids(await stage.store.dueSchedules(limit));

    test("are kept as they were put, across restarts", async () => {
      expect(await stage.store.schedule("daily")).toBeUndefined();
      expect(await stage.store.schedules({ limit: 9 })).toEqual([]);
      const made = await put("daily", { lastAt: 5, origin: "configuration", missed: "skip" });
      const other = await put("a-32-characters-long-name-0-9-xx", { channel: OTHER, nextAt: stage.now() + 2_000 });
      for (const restarted of [false, true]) {
        if (restarted) await stage.reopen();
        expect(await stage.store.schedule("daily")).toEqual(made);
        expect(await stage.store.schedules({ limit: 9 })).toEqual([made, other]);
      }
    });

    test("take the place of the one with their id, in another channel too", async () => {
      await put("a", { lastAt: 5 });
      const moved = await put("a", { channel: OTHER, prompt: "Else.", nextAt: stage.now() + 9_000 });
      await stage.store.putSchedule(moved);
      expect(await stage.store.schedule("a")).toEqual(moved);
      expect(await stage.store.schedules({ limit: 9 })).toEqual([moved]);
      expect(await stage.store.schedules({ channel: OTHER, limit: 9 })).toEqual([moved]);
      expect(await listed({ channel: CHANNEL })).toEqual([]);
      stage.advance(5_000);
      expect(await due()).toEqual([]);
      stage.advance(4_000);
      expect(await due()).toEqual(["a"]);
    });

    test("are removed once", async () => {
      await put("a", { nextAt: stage.now() });
      await put("b", { nextAt: stage.now() });
      expect(await stage.store.removeSchedule("a")).toBe(true);
      expect(await stage.store.removeSchedule("a")).toBe(false);
      expect(await stage.store.removeSchedule("never")).toBe(false);
      for (const restarted of [false, true]) {
        if (restarted) await stage.reopen();
        expect(await stage.store.schedule("a")).toBeUndefined();
        expect(await listed()).toEqual(["b"]);
        expect(await listed({ channel: CHANNEL })).toEqual(["b"]);
        expect(await due()).toEqual(["b"]);
      }
      await put("a");
      expect(await listed()).toEqual(["b", "a"]);
    });

    test("are listed with the next due first, by channel, up to a limit", async () => {
      for (const [id, after] of Object.entries({ c: 30, a: 10_000, d: 400, b: 2 })) {
        await put(id, { nextAt: stage.now() + after });
        await put(`other-${id}`, { channel: OTHER, nextAt: stage.now() + after + 1 });
      }
      expect(await listed()).toEqual(["b", "other-b", "c", "other-c", "d", "other-d", "a", "other-a"]);
      expect(await listed({ limit: 3 })).toEqual(["b", "other-b", "c"]);
      expect(await listed({ channel: CHANNEL })).toEqual(["b", "c", "d", "a"]);
      expect(await listed({ channel: OTHER, limit: 2 })).toEqual(["other-b", "other-c"]);
      expect(await listed({ channel: "web:none" })).toEqual([]);
    });

    test("are due from their time on by the store's clock, the longest due first", async () => {
      const start = stage.now();
      await put("late", { nextAt: start + 300 });
      await put("early", { nextAt: start + 100, channel: OTHER });
      await put("middle", { nextAt: start + 200 });
      await put("past", { nextAt: start - 1_000_000 });
      expect(await due()).toEqual(["past"]);
      stage.advance(99);
      expect(await due()).toEqual(["past"]);
      stage.advance(1);
      expect(await due()).toEqual(["past", "early"]);
      stage.advance(200);
      await stage.reopen();
      expect(await due()).toEqual(["past", "early", "middle", "late"]);
      expect(await due(2)).toEqual(["past", "early"]);
      expect(await stage.store.dueSchedules(1)).toEqual([await stage.store.schedule("past")]);
    });

    test("move on, and are due again then", async () => {
      const made = await put("a", { nextAt: stage.now() });
      const [from, to] = [made.nextAt, made.nextAt + 60_000];
      expect(await stage.store.moveSchedule("a", { from, to, lastAt: from })).toBe(true);
      const moved = { ...made, nextAt: to, lastAt: from };
      expect(await stage.store.schedule("a")).toEqual(moved);
      expect(await stage.store.schedules({ channel: CHANNEL, limit: 9 })).toEqual([moved]);
      expect(await due()).toEqual([]);
      stage.advance(60_000);
      await stage.reopen();
      expect(await due()).toEqual(["a"]);
      expect(await stage.store.moveSchedule("a", { from: to, to: to + 1 })).toBe(true);
      expect(await stage.store.schedule("a")).toEqual({ ...moved, nextAt: to + 1 });
      expect(await due()).toEqual([]);
    });

    test("stay where they are for whoever comes too late", async () => {
      const made = await put("a", { nextAt: stage.now() });
      const { nextAt: from } = made;
      expect(await stage.store.moveSchedule("a", { from: from + 1, to: from + 2, lastAt: 1 })).toBe(false);
      expect(await stage.store.moveSchedule("b", { from, to: from + 2 })).toBe(false);
      expect(await stage.store.schedule("a")).toEqual(made);
      expect(await stage.store.schedule("b")).toBeUndefined();
      await stage.store.moveSchedule("a", { from, to: from + 5 });
      const changed = await put("a", { nextAt: from + 7 });
      expect(await stage.store.moveSchedule("a", { from: from + 5, to: from + 9 })).toBe(false);
      expect(await stage.store.schedule("a")).toEqual(changed);
      await stage.store.removeSchedule("a");
      expect(await stage.store.moveSchedule("a", { from: from + 7, to: from + 9 })).toBe(false);
      expect(await listed()).toEqual([]);
    });

    test("are moved by one of many at once", async () => {
      const { nextAt: from } = await put("a", { nextAt: stage.now() });
      const moves = Array.from({ length: 20 }, (_, index) => ({ from, to: from + 1_000 + index, lastAt: index }));
      const won = await Promise.all(moves.map((move) => stage.store.moveSchedule("a", move)));
      expect(won.filter((first) => first)).toHaveLength(1);
      const winner = won.indexOf(true);
      expect(await stage.store.schedule("a")).toMatchObject({ nextAt: from + 1_000 + winner, lastAt: winner });
      expect(await listed()).toEqual(["a"]);
    });

    test("need no session, are no work, and outlast their channel's sessions", async () => {
      const made = await put("a", { nextAt: stage.now() });
      expect(await stage.store.unattended(NOBODY)).toEqual([]);
      expect(await stage.store.current(CHANNEL)).toBeUndefined();
      const { session } = await stage.own();
      await stage.store.remove(session.id);
      await stage.reopen();
      expect(await stage.store.schedule("a")).toEqual(made);
      expect(await listed({ channel: CHANNEL })).toEqual(["a"]);
      expect(await due()).toEqual(["a"]);
    });
  });
}
