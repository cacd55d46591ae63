import { describe, expect, test } from "vitest";
import type { Lease } from "../../../src/store.ts";
import { answer, CHANNEL, NOBODY, type OpenHarness, setStage } from "./stage.ts";

export function describeReplies(open: OpenHarness): void {
  describe("the outbox", () => {
    const stage = setStage(open);

    async function say(lease: Lease, ...texts: string[]): Promise<string[]> {
      await stage.accept(`for ${texts.join()}`);
      const { outbox } = await stage.commit(lease, await stage.claim(lease), { outbox: texts.map(answer) });
      return outbox.map(({ id }) => id);
    }

    test("keeps replies in order until each is delivered, and never gives an id twice", async () => {
      const lease = await stage.own();
      const ids = await say(lease, "a", "b", "c");
      await stage.store.settleDelivery(CHANNEL, lease.fence, ids[1] ?? "", { status: "delivered" });
      expect((await stage.store.pending(CHANNEL, lease.fence)).outbox.map(({ text }) => text)).toEqual(["a", "c"]);
      await stage.store.settleDelivery(CHANNEL, lease.fence, ids[0] ?? "", { status: "delivered" });
      await stage.store.settleDelivery(CHANNEL, lease.fence, ids[2] ?? "", { status: "delivered" });
      expect((await stage.store.pending(CHANNEL, lease.fence)).outbox).toEqual([]);
      expect(await stage.store.stats()).toMatchObject({ undelivered: 0 });
      await stage.reopen();
      const next = await stage.own();
      const more = await say(next, "d");
      expect(new Set([...ids, ...more]).size).toBe(4);
    });

    test("ignores what was settled before, and what belongs to another channel", async () => {
      const lease = await stage.own();
      const other = await stage.own("web:other");
      const [id = ""] = await say(lease, "a");
      await stage.store.settleDelivery("web:other", other.fence, id, { status: "delivered" });
      for (const odd of ["", "nothing", "999999", `0${id}`, "%", "x".repeat(500)]) {
        await stage.store.settleDelivery(CHANNEL, lease.fence, odd, { status: "delivered" });
      }
      expect((await stage.store.pending(CHANNEL, lease.fence)).outbox).toHaveLength(1);
      await stage.store.settleDelivery(CHANNEL, lease.fence, id, { status: "delivered" });
      await stage.store.settleDelivery(CHANNEL, lease.fence, id, { status: "failed", notBefore: 1 });
      expect((await stage.store.pending(CHANNEL, lease.fence)).outbox).toEqual([]);
      expect(await stage.store.stats()).toMatchObject({ undelivered: 0 });
    });

    test("remembers a send whose outcome is unknown, and a placeholder", async () => {
      const lease = await stage.own();
      const [a = "", b = ""] = await say(lease, "a", "b");
      await stage.store.settleDelivery(CHANNEL, lease.fence, a, { status: "sending", at: 7 });
      await stage.store.settleDelivery(CHANNEL, lease.fence, b, { status: "sending", at: 7 });
      await stage.store.settleDelivery(CHANNEL, lease.fence, b, { status: "placed", ref: "ref-b" });
      await stage.reopen();
      expect((await stage.own()).outbox).toEqual([
        { id: a, kind: "answer", text: "a", state: "sending", attempts: 0, since: 7 },
        { id: b, kind: "answer", text: "b", state: "pending", attempts: 0, ref: "ref-b" },
      ]);
    });

    test("counts failures and keeps the time before which not to try", async () => {
      const lease = await stage.own();
      const [id = ""] = await say(lease, "a");
      const settle = stage.store.settleDelivery.bind(stage.store, CHANNEL, lease.fence, id);
      await settle({ status: "placed", ref: "ref-1" });
      await settle({ status: "sending", at: 7 });
      await settle({ status: "failed", notBefore: 70 });
      const read = async () => (await stage.store.pending(CHANNEL, lease.fence)).outbox[0];
      const entry = { id, kind: "answer", text: "a", state: "pending" };
      expect(await read()).toEqual({ ...entry, attempts: 1, notBefore: 70, ref: "ref-1" });
      await settle({ status: "failed", notBefore: 80, uncounted: true });
      expect(await read()).toEqual({ ...entry, attempts: 1, notBefore: 80, ref: "ref-1" });
      await settle({ status: "failed", notBefore: 90, forgetRef: true });
      expect(await read()).toEqual({ ...entry, attempts: 2, notBefore: 90 });
    });

    test("parks what can never be delivered: the session's error says why", async () => {
      const lease = await stage.own();
      const [a = "", b = ""] = await say(lease, "a", "b");
      await stage.store.settleDelivery(CHANNEL, lease.fence, a, { status: "parked", cause: "the bot was blocked" });
      expect((await stage.store.pending(CHANNEL, lease.fence)).outbox.map(({ id }) => id)).toEqual([b]);
      expect((await stage.store.current(CHANNEL))?.error).toEqual({
        code: expect.any(String),
        message: expect.stringContaining("the bot was blocked"),
        at: stage.now(),
      });
      expect(await stage.store.stats()).toMatchObject({ undelivered: 1, deadLetters: 1 });
    });

    test("keeps what was parked as a dead letter, to be sent again or dropped", async () => {
      const lease = await stage.own();
      const [a = "", b = ""] = await say(lease, "a", "b");
      for (const id of [a, b]) {
        await stage.store.settleDelivery(CHANNEL, lease.fence, id, { status: "parked", cause: `no ${id}` });
        await stage.store.settleDelivery(CHANNEL, lease.fence, id, { status: "parked", cause: "again" });
      }
      await stage.reopen();
      const letters = await stage.store.deadLetters({ channel: CHANNEL, limit: 9 });
      const letter = { channel: CHANNEL, attempts: 1, at: stage.now() };
      expect(new Set(letters)).toEqual(
        new Set([
          { ...letter, id: `${CHANNEL}#reply:${a}`, reply: { kind: "answer", text: "a" }, cause: `no ${a}` },
          { ...letter, id: `${CHANNEL}#reply:${b}`, reply: { kind: "answer", text: "b" }, cause: `no ${b}` },
        ]),
      );
      await stage.store.replay(`${CHANNEL}#reply:${a}`);
      await stage.store.discard(`${CHANNEL}#reply:${b}`);
      expect(await stage.store.stats()).toMatchObject({ undelivered: 1, deadLetters: 0 });
      expect(await stage.store.unattended(NOBODY)).toEqual([CHANNEL]);
      const { outbox } = await stage.own();
      expect(outbox).toMatchObject([{ kind: "answer", text: "a", state: "pending", attempts: 0 }]);
      expect([a, b]).not.toContain(outbox[0]?.id);
      await expect(stage.store.replay(`${CHANNEL}#reply:${a}`)).rejects.toMatchObject({ code: "DEAD_LETTER_UNKNOWN" });
    });
  });
}
