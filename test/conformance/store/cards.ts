import { describe, expect, test } from "vitest";
import { APPROVED, BOB, cardsIn, deliver, openAsk, openShown, PLAN, QUESTIONS, read } from "./ask-drafts.ts";
import { answer, CHANNEL, event, type OpenHarness, ROOM, setStage } from "./stage.ts";

export function describeCards(open: OpenHarness): void {
  describe("cards", () => {
    const stage = setStage(open);

    test("are remembered once they are delivered, and edited with each change", async () => {
      const lease = await stage.own();
      const { ask, outbox } = await openAsk(stage.store, lease, { request: QUESTIONS });
      const [first, second] = outbox.map(({ id }) => id) as [string, string];
      const settle = stage.store.settleDelivery.bind(stage.store, CHANNEL, lease.fence);
      await settle(second, { status: "delivered", shown: { ref: "m,2;", version: 1 } });
      await settle(first, { status: "placed", ref: "m 1" });
      expect((await read(stage.store, ask.id)).shown).toHaveLength(1);
      await settle(first, { status: "delivered", shown: { ref: "m 1", version: 1 } });
      const [colour, size] = QUESTIONS.questions.map(({ id }) => id);
      const shown = [
        { ref: "m,2;", question: size },
        { ref: "m 1", question: colour },
      ];
      await stage.reopen();
      const next = await stage.own();
      expect(next.outbox).toEqual([]);
      expect(await read(stage.store, ask.id)).toEqual({ ...ask, shown });
      await stage.store.answerAsk(ask.id, { by: BOB, via: "button", question: colour ?? "", value: "r" });
      const edits = shown.map((card) => ({ ask: ask.id, ...card }));
      expect(await cardsIn(stage.store, next)).toEqual(edits);
      await deliver(stage.store, next);
      expect(await read(stage.store, ask.id)).toMatchObject({ version: 2, shown });
      await stage.store.endAsk(ask.id, { state: "withdrawn", reason: "enough" });
      expect(await cardsIn(stage.store, next)).toEqual(edits);
      await deliver(stage.store, next);
      expect(await cardsIn(stage.store, next)).toEqual([]);
      expect((await read(stage.store, ask.id)).shown).toEqual(shown);
    });

    test("are edited once more where the ask has changed since they were drawn", async () => {
      const lease = await stage.own();
      const { ask, outbox } = await openAsk(stage.store, lease);
      await stage.store.answerAsk(ask.id, APPROVED);
      expect(await cardsIn(stage.store, lease)).toEqual([{ ask: ask.id }]);
      const id = outbox[0]?.id ?? "";
      const late = { status: "delivered", shown: { ref: "m1", version: 1 } } as const;
      await stage.store.settleDelivery(CHANNEL, lease.fence, id, late);
      expect(await cardsIn(stage.store, lease)).toEqual([{ ask: ask.id, ref: "m1" }]);
      // Settled before.
      await stage.store.settleDelivery(CHANNEL, lease.fence, id, late);
      expect(await cardsIn(stage.store, lease)).toEqual([{ ask: ask.id, ref: "m1" }]);
      await deliver(stage.store, lease);
      expect(await cardsIn(stage.store, lease)).toEqual([]);
      expect((await read(stage.store, ask.id)).shown).toEqual([{ ref: "m1" }]);
      expect(await stage.store.stats()).toMatchObject({ undelivered: 0 });
    });

    test("say nothing more of an ask that is gone, and nothing where nothing was shown", async () => {
      const lease = await stage.own();
      const { ask, outbox } = await openAsk(stage.store, lease);
      await stage.store.settleDelivery(CHANNEL, lease.fence, outbox[0]?.id ?? "", { status: "delivered" });
      expect((await read(stage.store, ask.id)).shown).toEqual([]);
      await stage.signal("1", { command: "new" });
      const gone = { kind: "card", text: "", card: { ask: "ask_gone" } } as const;
      await stage.store.finishControl(CHANNEL, lease.fence, { control: "1", outbox: [gone, answer("plain")] });
      for (const { id } of (await stage.store.pending(CHANNEL, lease.fence)).outbox) {
        const shown = { ref: "m1", version: 0 };
        await stage.store.settleDelivery(CHANNEL, lease.fence, id, { status: "delivered", shown });
      }
      expect((await stage.store.pending(CHANNEL, lease.fence)).outbox).toEqual([]);
    });

    test("can be shown again, by any command", async () => {
      const lease = await stage.own();
      const { id } = await openShown(stage.store, lease, { request: PLAN });
      await stage.signal("1", { command: "plan" });
      const card = { kind: "card", text: "", card: { ask: id }, replyTo: "m0" } as const;
      const { outbox } = await stage.store.finishControl(CHANNEL, lease.fence, { control: "1", outbox: [card] });
      expect(outbox).toEqual([{ ...card, id: expect.any(String), state: "pending", attempts: 0 }]);
      await stage.reopen();
      const next = await stage.own();
      expect(next.outbox).toEqual(outbox);
      await deliver(stage.store, next);
      expect((await read(stage.store, id)).shown).toHaveLength(2);
      await stage.store.answerAsk(id, APPROVED);
      expect(await cardsIn(stage.store, next)).toHaveLength(2);
    });

    test("are forgotten with their message", async () => {
      const lease = await stage.own();
      const { id, shown } = await openShown(stage.store, lease, { request: QUESTIONS });
      const [colour] = QUESTIONS.questions;
      await stage.store.answerAsk(id, { by: BOB, via: "api", question: colour?.id ?? "", value: "r" });
      const [edit] = (await stage.store.pending(CHANNEL, lease.fence)).outbox;
      expect(edit?.ref).toBe(shown[0]?.ref);
      const failed = { status: "failed", notBefore: 1, forgetRef: true } as const;
      await stage.store.settleDelivery(CHANNEL, lease.fence, edit?.id ?? "", failed);
      expect((await read(stage.store, id)).shown).toEqual([shown[1]]);
      // It is sent anew.
      await deliver(stage.store, lease);
      const anew = { ref: `message ${edit?.id}`, question: colour?.id };
      expect((await read(stage.store, id)).shown).toEqual([shown[1], anew]);
    });

    test("that can't be delivered are parked whole, and replayed", async () => {
      const lease = await stage.own();
      const { ask, outbox } = await openAsk(stage.store, lease);
      const id = outbox[0]?.id ?? "";
      await stage.store.settleDelivery(CHANNEL, lease.fence, id, { status: "parked", cause: "blocked" });
      const letter = `${CHANNEL}#reply:${id}`;
      expect(await stage.store.deadLetters({ limit: 9 })).toMatchObject([
        { id: letter, reply: { kind: "card", text: "", card: { ask: ask.id } } },
      ]);
      await stage.store.replay(letter);
      expect(await cardsIn(stage.store, lease)).toEqual([{ ask: ask.id }]);
    });
  });

  describe("remindAsk", () => {
    const stage = setStage(open);

    test("adds a reminder that replies to the first message that shows the ask", async () => {
      const lease = await stage.own();
      const ask = await openShown(stage.store, lease, { request: QUESTIONS });
      await stage.reopen();
      stage.advance(7);
      expect(await stage.store.remindAsk(ask.id, 0, stage.now() + 50)).toBe(true);
      const next = await stage.own();
      const first = ask.shown[0]?.ref ?? "";
      expect(await cardsIn(stage.store, next)).toEqual([{ ask: ask.id, reminder: true, replyTo: first }]);
      const reminded = { ...ask, reminders: 1, remindedAt: stage.now(), dueAt: stage.now() + 50 };
      expect(await stage.store.ask(ask.id)).toEqual(reminded);
      await deliver(stage.store, next);
      const shown = [...ask.shown, { ref: expect.any(String), reminder: true }];
      expect(await stage.store.ask(ask.id)).toEqual({ ...reminded, shown });
      // From now on it is edited, too.
      await stage.store.answerAsk(ask.id, { ...APPROVED, verdict: { kind: "rejected" } });
      const cards = await cardsIn(stage.store, next);
      expect(cards.map(({ reminder }) => reminder)).toEqual([undefined, undefined, true]);
    });

    test("keeps to the cooldown, from the opening and from the last reminder on; 0 reminds always", async () => {
      const lease = await stage.own();
      const { id } = await openShown(stage.store, lease);
      stage.advance(99);
      expect(await stage.store.remindAsk(id, 100, undefined)).toBe(false);
      stage.advance(1);
      expect(await stage.store.remindAsk(id, 100, undefined)).toBe(true);
      stage.advance(99);
      expect(await stage.store.remindAsk(id, 100, undefined)).toBe(false);
      await stage.reopen();
      stage.advance(1);
      expect(await stage.store.remindAsk(id, 100, undefined)).toBe(true);
      expect(await stage.store.remindAsk(id, 1, undefined)).toBe(false);
      expect(await stage.store.remindAsk(id, 0, undefined)).toBe(true);
      expect(await stage.store.ask(id)).toMatchObject({ reminders: 3, remindedAt: stage.now(), version: 1 });
      expect(await cardsIn(stage.store, await stage.own())).toHaveLength(3);
    });

    test("reminds once where many try at once", async () => {
      const { id } = await openShown(stage.store, await stage.own());
      stage.advance(100);
      const tries = await Promise.all(Array.from({ length: 9 }, () => stage.store.remindAsk(id, 100, undefined)));
      expect(tries.filter(Boolean)).toHaveLength(1);
    });

    test("notes when to look again in any case where the ask is open", async () => {
      const { ask } = await openAsk(stage.store, await stage.own(), { dueAt: 1 });
      // It is not shown yet.
      expect(await stage.store.remindAsk(ask.id, 0, 777)).toBe(false);
      expect(await stage.store.ask(ask.id)).toEqual({ ...ask, dueAt: 777 });
      expect(await stage.store.remindAsk(ask.id, 0, undefined)).toBe(false);
      expect(await stage.store.ask(ask.id)).not.toHaveProperty("dueAt");
      const { ask: ended } = await stage.store.answerAsk(ask.id, APPROVED);
      expect(await stage.store.remindAsk(ask.id, 0, 888)).toBe(false);
      expect(await stage.store.ask(ask.id)).toEqual(ended);
    });

    test("keeps quiet while another turn runs than the one that asks", async () => {
      await stage.accept("1", "2");
      const lease = await stage.own();
      const turn = await stage.claim(lease);
      const own = await openShown(stage.store, lease, { turn: turn.id });
      const plan = await openShown(stage.store, lease, { request: PLAN });
      expect(await stage.store.remindAsk(own.id, 0, 5)).toBe(true);
      expect(await stage.store.remindAsk(plan.id, 0, 5)).toBe(false);
      expect(await stage.store.ask(plan.id)).toMatchObject({ reminders: 0, dueAt: 5 });
      await stage.store.accept(event("1", { channel: "web:other" }), ROOM);
      await stage.claim(await stage.own("web:other"));
      const { next } = await stage.commit(lease, turn, { take: 1 });
      expect(await stage.store.remindAsk(plan.id, 0, 5)).toBe(false);
      if (next === undefined) throw new Error("nothing claimed");
      await stage.commit(lease, next);
      expect(await stage.store.remindAsk(plan.id, 0, 5)).toBe(true);
    });
  });
}
