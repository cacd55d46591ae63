/**
 * What every governor must do. Intervals are so long that no time passes between two questions as far as the answers
 * go: a place a hundred seconds ahead is told from the next one on the slowest machine.
 */
import { describe, expect, test } from "vitest";
import type { Governor, Held, Rate, Reservation } from "../../src/governor.ts";

/** A new governor of an account that nobody has written with. */
export type OpenGovernor = (overall: Rate) => Promise<Governor>;

const EVERY = 100_000;
const FOREVER = 1e9;
const WIDE = { burst: 1000, every: EVERY };
const rate = { burst: 2, every: EVERY };

export function describeGovernor(name: string, open: OpenGovernor): void {
  describe(`governor: ${name}`, () => {
    const reserve = (governor: Governor, chat: string, held: Held = "nothing", own = rate, within = FOREVER) =>
      governor.reserve(chat, own, { held, within });
    /** What is held and how many intervals ahead. */
    const placed = (reservation: Reservation) => {
      if (reservation.status !== "held") throw new Error(`it is ${reservation.status}`);
      return [reservation.held, Math.round(reservation.wait / EVERY)];
    };

    test("gives a burst at once, and one place after the other from then on", async () => {
      const governor = await open(WIDE);
      const places: unknown[] = [];
      for (let n = 0; n < 4; n++) places.push(placed(await reserve(governor, "a")));
      expect(places).toEqual([
        ["all", 0],
        ["all", 0],
        ["chat", 1],
        ["chat", 2],
      ]);
      expect(placed(await reserve(governor, "b"))).toEqual(["all", 0]);
    });

    test("never tells a time that is too short", async () => {
      const governor = await open(WIDE);
      const before = Date.now();
      for (let n = 0; n < 2; n++) await reserve(governor, "a");
      const third = await reserve(governor, "a");
      const elapsed = Date.now() - before + 1;
      expect(third).toMatchObject({ status: "held", held: "chat" });
      if (third.status !== "held") return;
      expect(third.wait).toBeGreaterThanOrEqual(EVERY - elapsed);
      expect(third.wait).toBeLessThanOrEqual(EVERY);
      expect(Number.isInteger(third.wait)).toBe(true);
    });

    test("gives nothing farther ahead than asked, and takes nothing then", async () => {
      const within = EVERY * 1.5;
      const expectFull = async (governor: Governor, chat: string) => {
        for (let n = 0; n < 5; n++) {
          const refused = await reserve(governor, chat, "nothing", rate, within);
          expect(refused).toMatchObject({ status: "full" });
          if (refused.status === "full") expect(Math.round(refused.retryAfter / EVERY)).toBe(2);
        }
      };
      const wide = await open(WIDE);
      for (let n = 0; n < 3; n++) await reserve(wide, "a");
      await expectFull(wide, "a");
      expect(placed(await reserve(wide, "a"))).toEqual(["chat", 2]);

      const narrow = await open({ burst: 1, every: EVERY });
      for (const chat of ["a", "b"]) await reserve(narrow, chat);
      await expectFull(narrow, "c");
      expect(placed(await reserve(narrow, "c"))).toEqual(["all", 2]);
    });

    test("counts over all chats, and those who wait for a busy chat only once its place has come", async () => {
      const governor = await open({ burst: 3, every: EVERY });
      for (let n = 0; n < 2; n++) await reserve(governor, "a");
      expect(placed(await reserve(governor, "a"))).toEqual(["chat", 1]);
      expect(placed(await reserve(governor, "b"))).toEqual(["all", 0]);
      expect(placed(await reserve(governor, "a", "chat"))).toEqual(["all", 1]);
      expect(placed(await reserve(governor, "c"))).toEqual(["all", 2]);
    });

    test("counts a chat's room from when a text is really sent", async () => {
      const governor = await open({ burst: 1, every: EVERY });
      const slow = { burst: 1, every: 3 * EVERY };
      for (let n = 0; n < 3; n++) await reserve(governor, `other ${n}`);
      expect(placed(await reserve(governor, "a", "nothing", slow))).toEqual(["all", 3]);
      expect(placed(await reserve(governor, "a", "nothing", slow))).toEqual(["chat", 6]);
      expect(placed(await reserve(governor, "b", "nothing", slow))).toEqual(["all", 4]);
    });

    test("limits nothing where the rate says so", async () => {
      const free = { burst: 1, every: 0 };
      const governor = await open(free);
      for (let n = 0; n < 50; n++) expect(placed(await reserve(governor, "a", "nothing", free))).toEqual(["all", 0]);
      expect(await governor.spare("a", { burst: 2, every: 0 })).toBe(true);
    });

    test("spares for previews what leaves room for one final text", async () => {
      const governor = await open(WIDE);
      expect(await governor.spare("a", rate)).toBe(true);
      expect(await governor.spare("a", rate)).toBe(false);
      expect(placed(await reserve(governor, "a"))).toEqual(["all", 0]);
      expect(await governor.spare("a", rate)).toBe(false);
    });

    test("spares nothing while a final text waits, and a sixth of the burst over all", async () => {
      const governor = await open({ burst: 6, every: EVERY });
      let spared = 0;
      for (let n = 0; n < 10; n++) if (await governor.spare(`chat ${n}`, rate)) spared++;
      expect(spared).toBe(5);
      expect(placed(await reserve(governor, "a"))).toEqual(["all", 0]);
      expect(placed(await reserve(governor, "a"))).toEqual(["all", 1]);
      expect(await governor.spare("b", rate)).toBe(false);
    });

    test("a chat whose burst is one has its previews too", async () => {
      const governor = await open(WIDE);
      expect(await governor.spare("a", { burst: 1, every: EVERY })).toBe(true);
      expect(await governor.spare("a", { burst: 1, every: EVERY })).toBe(false);
    });

    test("keeps a pause, in that chat only, and the longer one of two", async () => {
      const governor = await open(WIDE);
      await governor.pause("a", 7 * EVERY);
      await governor.pause("a", EVERY);
      for (const held of ["nothing", "chat", "all"] as const) {
        const paused = await reserve(governor, "a", held);
        expect(paused).toMatchObject({ status: "paused", where: "chat" });
        if (paused.status === "paused") expect(Math.round(paused.retryAfter / EVERY)).toBe(7);
      }
      expect(await governor.spare("a", rate)).toBe(false);
      expect(await governor.spare("b", rate)).toBe(true);
      expect(await reserve(governor, "b", "all")).toEqual({ status: "held", held: "all", wait: 0 });
    });

    test("pauses all once several chats are refused at once", async () => {
      const governor = await open(WIDE);
      await governor.pause("a", 4 * EVERY);
      await governor.pause("a", 4 * EVERY);
      await governor.pause("b", 4 * EVERY);
      expect(placed(await reserve(governor, "d"))).toEqual(["all", 0]);
      await Promise.all(["a", "b", "c"].map((chat) => governor.pause(chat, 4 * EVERY)));
      expect(await reserve(governor, "d")).toMatchObject({ status: "paused", where: "all" });
      expect(await governor.spare("d", rate)).toBe(false);
    });
  });
}
