import { describe, expect, test } from "vitest";
import { ANN, CHANNEL, event, NO_STATS, NOBODY, type OpenHarness, ROOM, setStage } from "./stage.ts";

export function describeIntake(open: OpenHarness): void {
  describe("accept", () => {
    const stage = setStage(open);

    test("queues messages in order and says their position", async () => {
      expect(await stage.store.accept(event("1"), ROOM)).toEqual({ status: "queued", position: 1 });
      expect(await stage.store.accept(event("2"), ROOM)).toEqual({ status: "queued", position: 2 });
      const { waiting, running } = await stage.store.queue(CHANNEL);
      expect(running).toBeUndefined();
      expect(waiting).toEqual([
        { id: "1", sender: ANN, text: "message 1", sentAt: 1_000, acceptedAt: stage.now() },
        { id: "2", sender: ANN, text: "message 2", sentAt: 1_000, acceptedAt: stage.now() },
      ]);
    });

    test("keeps where a message comes from that is no person's, also where it fails and is replayed", async () => {
      await stage.store.accept(event("1", { source: "cron" }), ROOM);
      await stage.store.accept(event("2", { source: "manual" }), ROOM);
      await stage.store.amend({ channel: CHANNEL, id: "2", text: "changed" }, "");
      await stage.reopen();
      const lease = await stage.own();
      const turn = await stage.claim(lease);
      const message = { sender: ANN, sentAt: 1_000, acceptedAt: stage.now() };
      const first = { ...message, id: "1", text: "message 1", source: "cron" };
      expect(turn.messages).toEqual([first]);
      await stage.fail(lease, turn, "park");
      expect((await stage.store.deadLetters({ limit: 1 }))[0]?.message).toEqual(first);
      await stage.store.replay(`${CHANNEL}#1`);
      expect((await stage.store.queue(CHANNEL)).waiting).toEqual([
        { ...message, id: "2", text: "changed", source: "manual" },
        first,
      ]);
    });

    test("keeps channels apart", async () => {
      await stage.accept("1", "2");
      const elsewhere = await stage.store.accept(event("1", { channel: "web:main" }), ROOM);
      expect(elsewhere).toEqual({ status: "queued", position: 1 });
      expect((await stage.store.queue("web:main")).waiting).toHaveLength(1);
    });

    test("keeps apart channels and ids that look like parts of one another", async () => {
      const odd = [
        "web:a",
        "web:a#1",
        "web:a,",
        "web:a;b",
        "web:a%2c",
        "web:",
        "web:\u0000",
        "web:\ud800",
        "web:\ufffd",
      ];
      const ids = ["1", "#1", "1,", ";1", "%2c", "", "\u001f", "\u0000", "\udc00", "ü", "x".repeat(3_000)];
      for (const native of odd) {
        for (const id of ids) {
          const accepted = await stage.store.accept(event(id, { channel: native as "web:a" }), ROOM);
          expect(accepted, `${JSON.stringify(native)} ${JSON.stringify(id)}`).toMatchObject({ status: "queued" });
        }
      }
      for (const native of odd) {
        const queue = await stage.store.queue(native as "web:a");
        expect(queue.waiting.map(({ id }) => id)).toEqual(ids);
        expect(queue.recent.map(({ id }) => id)).toEqual(ids.toReversed().slice(0, queue.recent.length));
        expect(await stage.store.accept(event("1,", { channel: native as "web:a" }), ROOM)).toMatchObject({
          status: "duplicate",
        });
      }
      expect(new Set(await stage.store.unattended(NOBODY))).toEqual(new Set(odd));
    });

    test("keeps every character of a text", async () => {
      const text = `\u0000 \ud800 "quoted" \u{1f600} ${"long ".repeat(20_000)}`;
      await stage.store.accept(event("1", { text }), ROOM);
      await stage.reopen();
      expect((await stage.store.queue(CHANNEL)).waiting[0]?.text).toBe(text);
    });

    test("refuses a message when as many as allowed wait, and tells the person in the same step", async () => {
      await stage.accept("1", "2");
      expect(await stage.store.accept(event("3"), { max: 2, fullNotice: "Too many." })).toEqual({ status: "full" });
      expect((await stage.store.queue(CHANNEL)).waiting.map(({ id }) => id)).toEqual(["1", "2"]);
      expect((await stage.store.receipt(CHANNEL, "3"))?.receipt).toMatchObject({ state: "dropped" });
      const { outbox } = await stage.own();
      expect(outbox).toMatchObject([{ kind: "notice", text: "Too many.", state: "pending", attempts: 0 }]);
    });

    test("doesn't count the turn in flight as waiting", async () => {
      await stage.accept("1");
      await stage.claim(await stage.own());
      expect(await stage.store.accept(event("2"), { ...ROOM, max: 1 })).toEqual({ status: "queued", position: 1 });
      expect(await stage.store.accept(event("3"), { ...ROOM, max: 1 })).toEqual({ status: "full" });
    });
  });

  describe("refuse", () => {
    const stage = setStage(open);

    test("leaves a receipt and nothing else", async () => {
      expect(await stage.store.refuse(event("1"), "not allowed")).toBe("refused");
      expect(await stage.store.receipt(CHANNEL, "1")).toEqual({
        id: "1",
        receipt: { at: stage.now(), state: "dropped", reason: "not allowed" },
      });
      expect(await stage.store.current(CHANNEL)).toBeUndefined();
      expect(await stage.store.unattended(NOBODY)).toEqual([]);
      expect(await stage.store.stats()).toEqual(NO_STATS);
    });

    test("tells a repetition, of whatever it was, and changes nothing then", async () => {
      await stage.accept("1");
      await stage.store.refuse(event("2"), "not allowed");
      expect(await stage.store.refuse(event("1"), "late")).toBe("duplicate");
      expect(await stage.store.refuse(event("2"), "late")).toBe("duplicate");
      expect(await stage.store.accept(event("2"), ROOM)).toMatchObject({
        status: "duplicate",
        receipt: { receipt: { state: "dropped", reason: "not allowed" } },
      });
      expect(await stage.store.stats()).toEqual({ ...NO_STATS, queued: 1 });
    });
  });

  describe("amend", () => {
    const stage = setStage(open);
    const change = (id: string, text: string | null) => stage.store.amend({ channel: CHANNEL, id, text }, "deleted");
    const waiting = async () => (await stage.store.queue(CHANNEL)).waiting.map(({ text }) => text);

    test("gives a waiting message another text, in its place", async () => {
      await stage.accept("1", "2", "3");
      expect(await change("2", "better")).toBe(true);
      await stage.reopen();
      expect(await waiting()).toEqual(["message 1", "better", "message 3"]);
      expect(await stage.store.receipt(CHANNEL, "2")).toMatchObject({ position: 2 });
    });

    test("drops a waiting message; what waits behind it moves up", async () => {
      await stage.accept("1", "2", "3", "4");
      const lease = await stage.own();
      const turn = await stage.claim(lease);
      expect(await change("2", null)).toBe(true);
      await stage.reopen();
      expect(await waiting()).toEqual(["message 3", "message 4"]);
      expect(await stage.store.receipt(CHANNEL, "2")).toMatchObject({
        receipt: { state: "dropped", reason: "deleted" },
      });
      expect(await stage.store.receipt(CHANNEL, "4")).toMatchObject({ receipt: { state: "queued" }, position: 2 });
      expect(await stage.store.stats()).toMatchObject({ queued: 2, inFlight: 1 });
      const next = await stage.own();
      const again = await stage.claim(next);
      expect(again.messages).toEqual(turn.messages);
      const { next: third } = await stage.commit(next, again, { take: 2 });
      expect(third?.messages.map(({ id }) => id)).toEqual(["3", "4"]);
      expect(await stage.store.accept(event("2"), ROOM)).toMatchObject({ status: "duplicate" });
    });

    test("leaves what runs, is done or is not known", async () => {
      await stage.accept("1", "2");
      const lease = await stage.own();
      const turn = await stage.claim(lease);
      expect(await change("1", null)).toBe(false);
      expect(await change("9", "what")).toBe(false);
      await stage.commit(lease, turn);
      expect(await change("1", "late")).toBe(false);
      expect(await waiting()).toEqual(["message 2"]);
      expect(await change("2", null)).toBe(true);
      expect(await change("2", null)).toBe(false);
      expect(await stage.store.claim(CHANNEL, lease.fence, 1)).toBeUndefined();
      expect(await stage.store.unattended(NOBODY)).toEqual([]);
    });
  });
}
