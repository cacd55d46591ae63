import { describe, expect, it } from "vitest";
import { createGovernor } from "../../adapters/shared/pacing.ts";
import { TestClock } from "../support/clock.ts";

const rate = { burst: 2, every: 1000 };
const never = new AbortController().signal;

function governed(overall = { burst: 100, every: 10 }, maxWait = 2500) {
  const clock = new TestClock();
  return { clock, governor: createGovernor(clock, { overall, maxWait }) };
}

/** Lets what has been resolved go on. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe("pacing", () => {
  it("lets a burst through, and the rest one after the other", async () => {
    const { clock, governor } = governed();
    const admitted: number[] = [];
    for (let n = 0; n < 4; n++) void governor.admit("a", rate, never).then(() => admitted.push(n));
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
    const { governor } = governed();
    for (let n = 0; n < 4; n++) void governor.admit("a", rate, never);
    await expect(governor.admit("a", rate, never)).rejects.toMatchObject({ kind: "limited", retryAfter: 3000 });
    await governor.admit("b", rate, never);
  });

  it("counts over all chats", async () => {
    const { clock, governor } = governed({ burst: 1, every: 500 });
    await governor.admit("a", rate, never);
    let admitted = false;
    void governor.admit("b", rate, never).then(() => {
      admitted = true;
    });
    await settle();
    expect(admitted).toBe(false);
    clock.advance(500);
    await settle();
    expect(admitted).toBe(true);
  });

  it("leaves room for a final text when it spares some for previews", async () => {
    const { clock, governor } = governed();
    expect(governor.spare("a", rate)).toBe(true);
    expect(governor.spare("a", rate)).toBe(false);
    await governor.admit("a", rate, never);
    clock.advance(1000);
    expect(governor.spare("a", rate)).toBe(false);
    clock.advance(1000);
    expect(governor.spare("a", rate)).toBe(true);
  });

  it("keeps a pause that the platform asked for, in that chat only", async () => {
    const { clock, governor } = governed();
    await governor.admit("a", rate, never);
    governor.pause("a", 7000);
    await expect(governor.admit("a", rate, never)).rejects.toMatchObject({ kind: "limited", retryAfter: 7000 });
    expect(governor.isPaused("a")).toBe(true);
    expect(governor.spare("a", rate)).toBe(false);
    expect(governor.spare("b", rate)).toBe(true);
    clock.advance(7000);
    expect(governor.isPaused("a")).toBe(false);
    await governor.admit("a", rate, never);
  });

  it("pauses all once several chats are refused at once", async () => {
    const { governor } = governed();
    for (const chat of ["a", "b", "c"]) {
      await governor.admit(chat, rate, never);
      governor.pause(chat, 4000);
    }
    await expect(governor.admit("d", rate, never)).rejects.toMatchObject({ kind: "limited", retryAfter: 4000 });
  });

  it("tells who waits when a pause begins or when they are given up", async () => {
    const { clock, governor } = governed();
    const controller = new AbortController();
    for (let n = 0; n < 2; n++) await governor.admit("a", rate, never);
    const waiting = governor.admit("a", rate, never);
    const leaving = governor.admit("a", rate, controller.signal);
    controller.abort();
    await expect(leaving).rejects.toMatchObject({ kind: "unavailable" });
    governor.pause("a", 9000);
    clock.advance(1000);
    await expect(waiting).rejects.toMatchObject({ kind: "limited", retryAfter: 8000 });
  });

  it("forgets chats that have all their room back", async () => {
    const { clock, governor } = governed({ burst: 1_000_000, every: 0 });
    for (let n = 0; n < 5000; n++) {
      await governor.admit(`chat ${n}`, rate, never);
      clock.advance(10);
    }
    expect(governor.spare("chat 0", rate)).toBe(true);
  });
});
