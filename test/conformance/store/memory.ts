import { describe, expect, test } from "vitest";
import { CHANNEL, DEDUPE_FOR, event, type OpenHarness, ROOM, setStage } from "./stage.ts";

export function describeMemory(open: OpenHarness): void {
  describe("the memory against duplicates", () => {
    const stage = setStage(open);

    /** Enough others to push a receipt out of any list of the newest. */
    async function crowd(prefix: string, size = 40): Promise<void> {
      const ids = Array.from({ length: size }, (_, index) => `${prefix}${index}`);
      await Promise.all(ids.map((id) => stage.store.refuse(event(id), "crowd")));
    }

    test("gives the receipt of the first time, and changes nothing", async () => {
      await stage.accept("1", "2");
      expect(await stage.store.accept(event("2", { text: "other" }), ROOM)).toEqual({
        status: "duplicate",
        receipt: { id: "2", receipt: { at: stage.now(), state: "queued" }, position: 2 },
      });
      expect((await stage.store.queue(CHANNEL)).waiting.map(({ text }) => text)).toEqual(["message 1", "message 2"]);
    });

    test("holds across restarts", async () => {
      await stage.accept("1");
      await stage.reopen();
      expect(await stage.store.accept(event("1"), ROOM)).toMatchObject({ status: "duplicate" });
    });

    test("holds for what was answered, refused for a full queue, and commanded", async () => {
      await stage.accept("1");
      const lease = await stage.own();
      await stage.commit(lease, await stage.claim(lease));
      await stage.store.accept(event("2"), { ...ROOM, max: 0 });
      await stage.signal("3");
      for (const id of ["1", "2", "3"]) {
        expect(await stage.store.accept(event(id), ROOM)).toMatchObject({ status: "duplicate" });
        expect(await stage.signal(id)).toEqual({ status: "duplicate" });
        expect(await stage.store.refuse(event(id), "late")).toBe("duplicate");
      }
    });

    for (const share of [0, 0.5, 0.9]) {
      test(`holds for as long as it must, with others before (${share}), in between, and restarts`, async () => {
        await crowd("before ");
        stage.advance(DEDUPE_FOR * share);
        await stage.store.refuse(event("1"), "not allowed");
        await crowd("at once ");
        for (let step = 0; step < 4; step += 1) {
          stage.advance(DEDUPE_FOR / 4 - 1);
          await crowd(`step${step} `, 80);
          await stage.reopen();
          expect(await stage.store.accept(event("1"), ROOM), `step ${step}`).toMatchObject({ status: "duplicate" });
        }
      });
    }

    test("holds for what still waits or runs, however long that is", async () => {
      await stage.accept("1", "2");
      await stage.signal("3", { command: "status" });
      await stage.claim(await stage.own());
      for (let step = 0; step < 6; step += 1) {
        stage.advance(DEDUPE_FOR * 2);
        await crowd(`step${step} `);
      }
      await stage.reopen();
      expect(await stage.store.accept(event("1"), ROOM)).toMatchObject({
        status: "duplicate",
        receipt: { receipt: { state: "running", attempt: 1 } },
      });
      expect(await stage.store.accept(event("2"), ROOM)).toMatchObject({
        status: "duplicate",
        receipt: { receipt: { state: "queued" }, position: 1 },
      });
      expect(await stage.signal("3")).toEqual({ status: "duplicate" });
    });

    test("tells what was caught up, whatever becomes of it", async () => {
      await stage.store.accept(event("1", { caughtUp: true }), ROOM);
      await stage.store.accept(event("2", { caughtUp: true }), ROOM);
      await stage.store.accept(event("3", { caughtUp: true }), { ...ROOM, max: 0 });
      await stage.store.signal(event("4", { caughtUp: true }), { command: "status", args: "", reason: "" });
      await stage.accept("5", "6");
      const at = stage.now();
      expect(await stage.store.receipt(CHANNEL, "2")).toEqual({
        id: "2",
        receipt: { at, state: "queued" },
        position: 2,
        caughtUp: true,
      });
      const lease = await stage.own();
      await stage.commit(lease, await stage.claim(lease));
      await stage.store.finishControl(CHANNEL, lease.fence, { control: "4", outbox: [] });
      await crowd("others ");
      await stage.store.amend({ channel: CHANNEL, id: "5", text: null }, "deleted");
      await stage.reopen();
      const receipts = await Promise.all(["1", "2", "3", "4", "5", "6"].map((id) => stage.store.receipt(CHANNEL, id)));
      expect(receipts.map((view) => [view?.receipt.state, view?.receipt.at, view?.caughtUp])).toEqual([
        ["answered", at, true],
        ["queued", at, true],
        ["dropped", at, true],
        ["answered", at, true],
        ["dropped", at, undefined],
        ["queued", at, undefined],
      ]);
    });

    test("follows a message that left the newest", async () => {
      await stage.accept("1", "2", "3");
      await crowd("others ");
      const lease = await stage.own();
      await stage.commit(lease, await stage.claim(lease));
      expect(await stage.store.receipt(CHANNEL, "1")).toMatchObject({ receipt: { state: "answered" } });
      expect(await stage.store.receipt(CHANNEL, "2")).toMatchObject({ receipt: { state: "queued" }, position: 1 });
      await stage.signal("stop", { cancel: "all" });
      expect(await stage.store.receipt(CHANNEL, "3")).toMatchObject({ receipt: { state: "dropped" } });
    });
  });
}
