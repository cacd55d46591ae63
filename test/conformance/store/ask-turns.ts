import { describe, expect, test } from "vitest";
import type { Ask, Turn } from "../../../src/model.ts";
import type { Lease } from "../../../src/store.ts";
import { APPROVED, BOB, cardsIn, deliver, finishAll, openAsk, openShown, PLAN, QUESTIONS, read } from "./ask-drafts.ts";
import { answer, CHANNEL, FRESH, NOBODY, type OpenHarness, REPLICA, setStage } from "./stage.ts";

export function describeAskTurns(open: OpenHarness): void {
  describe("asks of a turn", () => {
    const stage = setStage(open);

    /** A turn in flight with two asks, and a plan that no turn waits for. */
    async function begin(): Promise<{ lease: Lease; turn: Turn; asks: [Ask, Ask]; plan: Ask }> {
      await stage.accept("1", "2");
      const lease = await stage.own();
      const plan = await openShown(stage.store, lease, { request: PLAN });
      const turn = await stage.claim(lease);
      const first = await openShown(stage.store, lease, { turn: turn.id });
      const { ask: second } = await openAsk(stage.store, lease, { turn: turn.id, request: QUESTIONS });
      return { lease, turn, asks: [first, second], plan };
    }

    async function expectWithdrawn(asks: readonly Ask[], reason: unknown): Promise<void> {
      for (const { id } of asks) {
        const { end, version } = await read(stage.store, id);
        expect(end).toEqual({ state: "withdrawn", reason, at: stage.now() });
        expect(version).toBe(2);
      }
      const { entries } = await stage.store.audit({ limit: 99 });
      const withdrawn = entries.filter(({ what }) => what === "withdrawn");
      expect(withdrawn.map(({ ask }) => ask)).toEqual(asks.map(({ id }) => id));
      for (const entry of withdrawn) expect(entry).toMatchObject({ reason, at: stage.now() });
    }

    test("are withdrawn by its commit, and edited so; a plan stays", async () => {
      const { lease, turn, asks, plan } = await begin();
      const { outbox, next } = await stage.commit(lease, turn, { outbox: [answer("Done.")], take: 1 });
      expect(outbox).toMatchObject([{ text: "Done." }]);
      expect(next).not.toHaveProperty("asks");
      await expectWithdrawn(asks, expect.stringMatching(/\S/));
      const [first, second] = asks;
      const edits = (await cardsIn(stage.store, lease)).filter(({ ref }) => ref !== undefined);
      expect(edits).toEqual([{ ask: first.id, ref: first.shown[0]?.ref }]);
      expect((await read(stage.store, second.id)).shown).toEqual([]);
      await stage.reopen();
      expect((await stage.own()).asks).toEqual([plan]);
    });

    test("are withdrawn where it is parked, for its cause", async () => {
      const { lease, turn, asks, plan } = await begin();
      await stage.fail(lease, turn, "park", { cause: 'the "agent";\nbroke, 50%' });
      await expectWithdrawn(asks, expect.stringContaining('the "agent";\nbroke, 50%'));
      expect((await stage.own()).asks).toEqual([plan]);
    });

    for (const outcome of ["cancel", "park"] as const) {
      test(`are withdrawn where it is cancelled (${outcome}), for the reason of that`, async () => {
        const { lease, turn, asks, plan } = await begin();
        await stage.signal("3", { cancel: "turn", reason: 'stopped by Ann; 50%\n"so"' });
        expect((await stage.own()).asks).toHaveLength(3);
        const again = await stage.own();
        await stage.fail(again, turn, outcome, { cause: "aborted" });
        await expectWithdrawn(asks, expect.stringContaining('stopped by Ann; 50%\n"so"'));
        expect((await stage.own()).asks).toEqual([plan]);
        expect(lease.fence).toBeLessThan(again.fence);
      });
    }

    test("that were decided before stay so", async () => {
      const { lease, turn, asks } = await begin();
      const [first, second] = asks;
      const { ask: decided } = await stage.store.answerAsk(first.id, APPROVED);
      await stage.commit(lease, turn);
      expect(await stage.store.ask(first.id)).toEqual(decided);
      await expectWithdrawn([second], expect.anything());
    });

    for (const outcome of ["retry", "requeue"] as const) {
      test(`stay open over a ${outcome}, and the next attempt is told of them all`, async () => {
        const { lease, turn, asks, plan } = await begin();
        const [first, second] = asks;
        await stage.store.answerAsk(first.id, APPROVED);
        await stage.fail(lease, turn, outcome);
        await stage.reopen();
        const next = await stage.own();
        expect(next.asks).toEqual([plan, second]);
        expect(next.interrupted?.asks).toEqual([first.id, second.id]);
        const again = await stage.claim(next);
        expect(again).toMatchObject({ id: turn.id, attempt: outcome === "retry" ? 2 : 1, asks: [first.id, second.id] });
        const { ask: third } = await openAsk(stage.store, next, { turn: turn.id });
        expect((await stage.store.queue(CHANNEL)).running?.asks).toEqual([first.id, second.id, third.id]);
        await stage.reopen();
        expect((await stage.claim(await stage.own())).asks).toEqual([first.id, second.id, third.id]);
      });
    }

    test("stay open where its owner dies", async () => {
      const { turn, asks, plan } = await begin();
      await stage.reopen();
      const next = await stage.own();
      expect(next.asks).toEqual([plan, ...asks]);
      expect(await stage.claim(next)).toMatchObject({ id: turn.id, attempt: 2, asks: asks.map(({ id }) => id) });
    });

    test("are of no other turn", async () => {
      const { lease, turn } = await begin();
      const { next } = await stage.commit(lease, turn, { take: 1 });
      if (next === undefined) throw new Error("nothing claimed");
      const { ask } = await openAsk(stage.store, lease, { turn: next.id });
      expect((await stage.store.queue(CHANNEL)).running?.asks).toEqual([ask.id]);
    });
  });

  describe("a suspended turn", () => {
    const stage = setStage(open);

    /** Two asks are open; the second is not shown. A message waits behind the turn. */
    async function suspend(): Promise<{ lease: Lease; turn: Turn; asks: [Ask, Ask] }> {
      await stage.accept("1", "2");
      const lease = await stage.own();
      const begun = await stage.claim(lease);
      await stage.fail(lease, begun, "retry");
      const turn = await stage.claim(lease);
      const first = await openShown(stage.store, lease, { turn: turn.id });
      const { ask: second } = await openAsk(stage.store, lease, { turn: turn.id });
      await deliver(stage.store, lease);
      await stage.fail(lease, turn, "suspend");
      await deliver(stage.store, lease);
      return { lease, turn, asks: [first, await read(stage.store, second.id)] };
    }

    async function expectAsleep(): Promise<void> {
      expect(await stage.store.unattended(REPLICA)).toEqual([]);
      expect(await stage.store.unattended(NOBODY)).toEqual([]);
      await stage.store.heartbeat(REPLICA);
      expect(await stage.store.unattended(NOBODY)).toEqual([]);
      const lease = await stage.own();
      expect(await stage.store.claim(CHANNEL, lease.fence, 9)).toBeUndefined();
    }

    test("is given to nobody, and the channel is nobody's work, while an ask of it is open", async () => {
      const { lease, turn, asks } = await suspend();
      expect(await stage.store.claim(CHANNEL, lease.fence, 1)).toBeUndefined();
      await expectAsleep();
      await stage.store.release(CHANNEL, (await stage.own()).fence);
      expect(await stage.store.unattended(NOBODY)).toEqual([]);
      await stage.reopen();
      expect(await stage.store.unattended(NOBODY)).toEqual([]);
      await expectAsleep();
      const next = await stage.own();
      expect(next).toMatchObject({ interrupted: { id: turn.id, attempt: 2 }, waiting: 1 });
      expect(next.asks).toEqual(asks);
      expect(await stage.store.queue(CHANNEL)).toMatchObject({ running: { id: turn.id }, waiting: [{ id: "2" }] });
      expect(await stage.store.stats()).toMatchObject({ inFlight: 1, queued: 1 });
    });

    const wake = {
      "an answer": (id: string) => stage.store.answerAsk(id, APPROVED),
      "an expiry": (id: string) => stage.store.endAsk(id, { state: "expired" }),
      "a withdrawal": (id: string) => stage.store.endAsk(id, { state: "withdrawn", reason: "so", by: BOB }),
    };
    for (const [how, end] of Object.entries(wake)) {
      test(`is woken by ${how} of the last open one, as the same attempt`, async () => {
        const { turn, asks } = await suspend();
        const [first, second] = asks;
        await stage.reopen();
        await end(first.id);
        const lease = await stage.own();
        await finishAll(stage.store, lease);
        await deliver(stage.store, lease);
        await expectAsleep();
        stage.advance(5);
        await end(second.id);
        expect(await stage.store.unattended(REPLICA)).toEqual([CHANNEL]);
        const next = await stage.own();
        await finishAll(stage.store, next);
        await deliver(stage.store, next);
        expect(await stage.store.unattended(REPLICA)).toEqual([CHANNEL]);
        await stage.reopen();
        expect(await stage.store.unattended(NOBODY)).toEqual([CHANNEL]);
        const after = await stage.own();
        const again = await stage.claim(after);
        expect(again).toEqual({ ...turn, startedAt: stage.now(), asks: [first.id, second.id] });
        expect(await stage.claim(after)).toEqual(again);
        await stage.commit(after, again);
        expect((await stage.claim(after)).messages).toMatchObject([{ id: "2" }]);
      });
    }

    test("is woken where a command withdraws the last open one", async () => {
      const { turn, asks } = await suspend();
      const lease = await stage.own();
      await stage.signal("3", { command: "reject" });
      const withdraw = { asks: asks.map(({ id }) => id), reason: "all of them" };
      await stage.store.finishControl(CHANNEL, lease.fence, { control: "3", outbox: [], withdraw });
      await deliver(stage.store, lease);
      await stage.reopen();
      expect(await stage.store.unattended(NOBODY)).toEqual([CHANNEL]);
      expect(await stage.claim(await stage.own())).toMatchObject({ id: turn.id, attempt: 2 });
    });

    test("is woken by its cancellation, and ends so", async () => {
      const { turn, asks } = await suspend();
      await stage.reopen();
      await stage.signal("3", { cancel: "turn" });
      const lease = await stage.own();
      await finishAll(stage.store, lease);
      expect(await stage.store.unattended(REPLICA)).toEqual([CHANNEL]);
      const again = await stage.claim(lease);
      expect(again).toMatchObject({ id: turn.id, attempt: 2, cancelled: { reason: "stopped by Ann" } });
      const { next } = await stage.fail(lease, again, "cancel", { take: 1 });
      expect(next?.messages).toMatchObject([{ id: "2" }]);
      for (const { id } of asks) expect((await read(stage.store, id)).end?.state).toBe("withdrawn");
    });

    test("keeps nobody from its channel's commands and replies", async () => {
      const { asks } = await suspend();
      const [first] = asks;
      await stage.signal("3", { command: "status" });
      expect(await stage.store.unattended(REPLICA)).toEqual([CHANNEL]);
      await stage.reopen();
      expect(await stage.store.unattended(NOBODY)).toEqual([CHANNEL]);
      await finishAll(stage.store, await stage.own());
      await expectAsleep();
      await stage.store.remindAsk(first.id, 0, undefined);
      await stage.store.heartbeat(REPLICA);
      expect(await stage.store.unattended(REPLICA)).toEqual([CHANNEL]);
      await deliver(stage.store, await stage.own());
      await expectAsleep();
      await stage.accept("4");
      expect(await stage.store.unattended(REPLICA)).toEqual([CHANNEL]);
      expect((await stage.own()).controls).toMatchObject([{ command: "say" }]);
    });

    test("does not wait for other asks of its channel", async () => {
      const { turn, asks } = await suspend();
      const lease = await stage.own();
      const plan = await openShown(stage.store, lease, { request: PLAN });
      for (const { id } of asks) await stage.store.answerAsk(id, APPROVED);
      expect(await stage.claim(lease)).toMatchObject({ id: turn.id, attempt: 2 });
      expect((await stage.own()).asks).toEqual([plan]);
    });

    test("is as one that was put back where none of its asks is open any more", async () => {
      await stage.accept("1");
      const lease = await stage.own();
      const turn = await stage.claim(lease);
      const { id } = await openShown(stage.store, lease, { turn: turn.id });
      await openAsk(stage.store, lease, { request: PLAN });
      await stage.store.answerAsk(id, APPROVED);
      const outbox = [{ kind: "notice", text: "The gateway stops." }] as const;
      const ended = await stage.fail(lease, turn, "suspend", { outbox, take: 1 });
      expect(ended).toEqual({ status: "ended", outbox: [expect.objectContaining(outbox[0])] });
      await finishAll(stage.store, lease);
      await deliver(stage.store, lease);
      await stage.reopen();
      expect(await stage.store.unattended(NOBODY)).toEqual([CHANNEL]);
      stage.advance(1);
      expect(await stage.claim(await stage.own())).toEqual({ ...turn, startedAt: stage.now(), asks: [id] });
    });

    test("goes with its session", async () => {
      const { lease } = await suspend();
      await stage.store.remove(lease.session.id);
      expect(await stage.store.unattended(NOBODY)).toEqual([]);
      await stage.accept("5");
      expect(await stage.store.unattended(NOBODY)).toEqual([CHANNEL]);
      const acquired = await stage.store.acquire(CHANNEL, REPLICA, FRESH);
      if (acquired.status !== "owned") throw new Error("owned by another");
      expect(await stage.claim(acquired.lease)).toMatchObject({ messages: [{ id: "5" }], attempt: 1 });
    });
  });
}
