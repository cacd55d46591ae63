import { describe, expect, it, onTestFinished } from "vitest";
import { createLocalGovernor } from "../../adapters/shared/governor.ts";
import { Pacing } from "../../adapters/shared/pacing.ts";
import { SwitchboardError } from "../../src/errors.ts";
import type { Governor } from "../../src/governor.ts";
import { describeGovernor } from "../conformance/governor.ts";
import { TestClock } from "../support/clock.ts";

const rate = { burst: 2, every: 1000 };
const never = new AbortController().signal;

function paced(overall = { burst: 100, every: 10 }, maxWait = 2500) {
  const clock = new TestClock();
  const governor = createLocalGovernor(clock, overall);
  return { clock, governor, pacing: new Pacing({ governor, clock, maxWait, report: () => {} }) };
}

/** Lets what has been resolved go on. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describeGovernor("in memory", async (overall) => createLocalGovernor(new TestClock(), overall));

describe("the governor in memory", () => {
  it("forgets chats that have all their room back, and loses none that has not", async () => {
    const { clock, governor } = paced({ burst: 1_000_000, every: 0 });
    for (let n = 0; n < 5000; n++) {
      await governor.reserve(`chat ${n}`, rate, { held: "nothing", within: 0 });
      clock.advance(10);
    }
    expect(await governor.spare("chat 0", rate)).toBe(true);
    expect(await governor.spare("chat 4999", rate)).toBe(false);
  });
});

describe("pacing", () => {
  it("lets a burst through, and the rest one after the other", async () => {
    const { clock, pacing } = paced();
    const admitted: number[] = [];
    for (let n = 0; n < 4; n++) void pacing.admit("a", rate, never).then(() => admitted.push(n));
    await settle();
    expect(admitted).toEqual([0, 1]);
    clock.advance(999);
    await settle();
    expect(admitted).toEqual([0, 1]);
    clock.advance(1);
    await settle();
    expect(admitted).toEqual([0, 1, 2]);
    clock.advance(1000);
    await settle();
    expect(admitted).toEqual([0, 1, 2, 3]);
  });

  it("hands back, with the time to wait, what would wait too long", async () => {
    const { pacing } = paced();
    for (let n = 0; n < 4; n++) void pacing.admit("a", rate, never);
    await expect(pacing.admit("a", rate, never)).rejects.toMatchObject({ kind: "limited", retryAfter: 3000 });
    await pacing.admit("b", rate, never);
  });

  it("counts over all chats", async () => {
    const { clock, pacing } = paced({ burst: 1, every: 500 });
    await pacing.admit("a", rate, never);
    let admitted = false;
    void pacing.admit("b", rate, never).then(() => {
      admitted = true;
    });
    await settle();
    expect(admitted).toBe(false);
    clock.advance(500);
    await settle();
    expect(admitted).toBe(true);
  });

  it("stays within the rate over all where many chats come free at the same moment", async () => {
    const overall = { burst: 5, every: 40 };
    const { clock, pacing } = paced(overall, 60_000);
    const start = clock.now();
    const sent: number[] = [];
    for (let n = 0; n < 60; n++) {
      const { signal } = new AbortController();
      void pacing.admit(`chat ${n % 12}`, { burst: 1, every: 1000 }, signal).then(() => sent.push(clock.now() - start));
    }
    for (let ms = 0; ms < 8000; ms++) {
      await settle();
      clock.advance(1);
    }
    expect(sent).toHaveLength(60);
    for (const from of sent) {
      const inWindow = sent.filter((at) => at >= from && at < from + 1000).length;
      expect(inWindow).toBeLessThanOrEqual(overall.burst + 1000 / overall.every);
    }
  });

  it("keeps a pause that the platform asked for, in that chat only", async () => {
    const { clock, pacing } = paced();
    await pacing.admit("a", rate, never);
    pacing.pause("a", 7000);
    await expect(pacing.admit("a", rate, never)).rejects.toMatchObject({ kind: "limited", retryAfter: 7000 });
    expect([pacing.isPaused("a"), pacing.isPaused("b")]).toEqual([true, false]);
    expect(await pacing.spare("a", rate)).toBe(false);
    expect(await pacing.spare("b", rate)).toBe(true);
    clock.advance(7000);
    expect(pacing.isPaused("a")).toBe(false);
    await pacing.admit("a", rate, never);
  });

  it("learns of a pause that another process was asked for", async () => {
    const { governor, pacing } = paced();
    for (const chat of ["a", "b", "c"]) await governor.pause(chat, 4000);
    expect(pacing.isPaused("d")).toBe(false);
    await expect(pacing.admit("d", rate, never)).rejects.toMatchObject({ kind: "limited", retryAfter: 4000 });
    expect([pacing.isPaused("d"), pacing.isPaused("e")]).toEqual([true, true]);
  });

  it("tells who waits when a pause begins or when they are given up", async () => {
    const { clock, governor, pacing } = paced();
    const controller = new AbortController();
    for (let n = 0; n < 2; n++) await pacing.admit("a", rate, never);
    const waiting = pacing.admit("a", rate, never);
    const leaving = pacing.admit("a", rate, controller.signal);
    await settle();
    controller.abort();
    await expect(leaving).rejects.toMatchObject({ kind: "unavailable" });
    await governor.pause("a", 9000);
    clock.advance(1000);
    await expect(waiting).rejects.toMatchObject({ kind: "limited", retryAfter: 8000 });
  });

  it("sends nothing while the governor is away, and says so", async () => {
    const gone = () => Promise.reject(new SwitchboardError("STORE_UNAVAILABLE", "Redis can't be asked: gone"));
    const reports: string[] = [];
    const pacing = new Pacing({
      governor: { reserve: gone, spare: gone, pause: gone },
      clock: new TestClock(),
      maxWait: 1000,
      report: (message) => reports.push(message),
    });
    await expect(pacing.admit("a", rate, never)).rejects.toMatchObject({
      kind: "unavailable",
      message: expect.stringContaining("Redis can't be asked: gone"),
    });
    expect(await pacing.spare("a", rate)).toBe(false);
    pacing.pause("a", 5000);
    await settle();
    expect(pacing.isPaused("a")).toBe(true);
    expect(reports).toEqual([expect.stringContaining("preview"), expect.stringContaining("pause")]);
  });

  it("waits for a silent governor no longer than a moment", async () => {
    const clock = new TestClock();
    const silent = () => new Promise<never>(() => {});
    const governor: Governor = { reserve: silent, spare: silent, pause: silent };
    const pacing = new Pacing({ governor, clock, maxWait: 60_000, report: () => {} });
    const controller = new AbortController();
    onTestFinished(() => controller.abort());
    const admitted = expect(pacing.admit("a", rate, controller.signal)).rejects.toMatchObject({ kind: "unavailable" });
    const spared = pacing.spare("a", rate);
    clock.advance(2000);
    await admitted;
    expect(await spared).toBe(false);
  });
});
