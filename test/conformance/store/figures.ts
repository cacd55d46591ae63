import { describe, expect, test } from "vitest";
import type { SessionStats } from "../../../src/model.ts";
import type { StoreStats } from "../../../src/store.ts";
import { APPROVED, asking, finishAll, openAsk, PLAN } from "./ask-drafts.ts";
import { ANN, answer, CHANNEL, event, FRESH, type OpenHarness, ROOM, setStage } from "./stage.ts";

const SPENT: SessionStats = { turns: 1, failed: 0, tokensIn: 100, tokensOut: 20, cost: 0.5, costSource: "agent" };

export function describeFigures(open: OpenHarness): void {
  describe("stats", () => {
    const stage = setStage(open);

    /** Now, and after a restart: what is counted must not be in memory only. Leases of before are stale after it. */
    async function expectFigures(figures: Partial<StoreStats>): Promise<void> {
      expect(await stage.store.stats()).toMatchObject(figures);
      await stage.reopen();
      expect(await stage.store.stats()).toMatchObject(figures);
    }

    async function expectStatus(status: Partial<StoreStats["byStatus"]>): Promise<void> {
      const byStatus = { running: 0, waiting: 0, error: 0, ...status };
      expect((await stage.store.stats()).byStatus).toEqual(byStatus);
    }

    async function expectTotals(totals: Partial<StoreStats["totals"]>): Promise<void> {
      const found = (await stage.store.stats()).totals;
      const cost = expect.closeTo(totals.cost ?? 0, 9);
      expect(found).toEqual({ turns: 0, failed: 0, tokensIn: 0, tokensOut: 0, ...totals, cost });
    }

    test("count current sessions by source", async () => {
      const lease = await stage.own();
      await stage.store.acquire("web:a", "replica-1", { ...FRESH, source: "manual" });
      await stage.store.acquire("web:b", "replica-1", { ...FRESH, source: "setup" });
      await stage.store.accept(event("1", { channel: "web:c", source: "cron" }), ROOM);
      const cron = await stage.own("web:c");
      await expectFigures({ sessions: 4, bySource: { channel: 1, manual: 1, cron: 1, setup: 1 } });
      const again = await stage.own();
      await stage.signal("1", { command: "new" });
      const renew = { ...FRESH, source: "manual" } as const;
      await stage.store.finishControl(CHANNEL, again.fence, { control: "1", outbox: [], renew });
      await expectFigures({ sessions: 5, bySource: { channel: 0, manual: 2, cron: 1, setup: 1 } });
      await stage.store.remove(cron.session.id);
      await expectFigures({ sessions: 4, bySource: { channel: 0, manual: 2, cron: 0, setup: 1 } });
      const last = await stage.own();
      await stage.signal("2", { command: "resume" });
      const restore = lease.session.id;
      await stage.store.finishControl(CHANNEL, last.fence, { control: "2", outbox: [], restore });
      await expectFigures({ sessions: 4, bySource: { channel: 1, manual: 1, cron: 0, setup: 1 } });
      await stage.store.remove(last.session.id);
      await expectFigures({ sessions: 3, bySource: { channel: 1, manual: 1, cron: 0, setup: 1 } });
    });

    test("count the current sessions that have an error, once each", async () => {
      const lease = await stage.own();
      const error = { code: "AGENT", message: "it broke", at: 5 };
      const save = (session: object) => stage.store.save(CHANNEL, lease.fence, { session });
      await save({ error });
      await save({ error: { ...error, message: "again" } });
      await save({ title: "No change of the error" });
      await expectStatus({ error: 1 });
      await save({ error: null });
      await save({ error: null });
      await expectStatus({});
      await stage.accept("1");
      await stage.fail(lease, await stage.claim(lease), "park", { session: { error }, outbox: [answer("no")] });
      await stage.own("web:other");
      await expectFigures({ byStatus: { running: 0, waiting: 0, error: 1 } });
      const next = await stage.own();
      const [entry] = next.outbox;
      await stage.store.save(CHANNEL, next.fence, { session: { error: null } });
      const parked = { status: "parked", cause: "kicked out" } as const;
      await stage.store.settleDelivery(CHANNEL, next.fence, entry?.id ?? "", parked);
      await expectStatus({ error: 1 });
      await stage.signal("2", { command: "new" });
      await stage.store.finishControl(CHANNEL, next.fence, { control: "2", outbox: [], renew: FRESH });
      await expectStatus({});
      await stage.signal("3", { command: "resume" });
      const restore = next.session.id;
      await stage.store.finishControl(CHANNEL, next.fence, { control: "3", outbox: [], restore });
      await expectStatus({ error: 1 });
      await stage.store.remove(restore);
      await expectFigures({ byStatus: { running: 0, waiting: 0, error: 0 } });
    });

    test("count a turn in flight as running, until it ends", async () => {
      await stage.accept("1", "2");
      const lease = await stage.own();
      await expectStatus({});
      const turn = await stage.claim(lease);
      await expectStatus({ running: 1 });
      await stage.fail(lease, turn, "retry");
      await expectStatus({ running: 1 });
      const { next } = await stage.commit(lease, await stage.claim(lease), { take: 1 });
      await expectFigures({ inFlight: 1, byStatus: { running: 1, waiting: 0, error: 0 } });
      const after = await stage.own();
      await stage.signal("3", { cancel: "all" });
      await expectStatus({ running: 1 });
      if (next === undefined) throw new Error("nothing claimed");
      await stage.fail(after, next, "cancel");
      await expectFigures({ inFlight: 0, byStatus: { running: 0, waiting: 0, error: 0 } });
    });

    test("count a session with an open ask as waiting, and not as running", async () => {
      await stage.accept("1");
      const lease = await stage.own();
      const turn = await stage.claim(lease);
      const { ask: first } = await openAsk(stage.store, lease, { turn: turn.id });
      const { ask: second } = await openAsk(stage.store, lease, { turn: turn.id });
      await expectStatus({ waiting: 1 });
      await stage.store.answerAsk(first.id, APPROVED);
      await stage.store.answerAsk(first.id, APPROVED);
      await expectStatus({ waiting: 1 });
      await stage.store.endAsk(second.id, { state: "expired" });
      await expectStatus({ running: 1 });
      const { ask: third } = await openAsk(stage.store, lease, { turn: turn.id });
      await stage.fail(lease, turn, "suspend");
      await expectFigures({ inFlight: 1, byStatus: { running: 0, waiting: 1, error: 0 } });
      await stage.store.answerAsk(third.id, APPROVED);
      await expectFigures({ inFlight: 1, byStatus: { running: 1, waiting: 0, error: 0 } });
      const next = await stage.own();
      const again = await stage.claim(next);
      await openAsk(stage.store, next, { turn: turn.id });
      await expectStatus({ waiting: 1 });
      await stage.commit(next, again);
      await expectFigures({ inFlight: 0, byStatus: { running: 0, waiting: 0, error: 0 } });
    });

    test("count a plan that is open as waiting, with a turn and without", async () => {
      await stage.accept("1");
      const lease = await stage.own();
      const turn = await stage.claim(lease);
      await stage.commit(lease, turn, { ask: asking({ request: PLAN }) });
      await expectFigures({ byStatus: { running: 0, waiting: 1, error: 0 } });
      const next = await stage.own();
      await stage.signal("2", { command: "go" });
      const message = { id: "m", sender: ANN, text: "go", sentAt: 1, acceptedAt: 1 };
      await stage.store.finishControl(CHANNEL, next.fence, { control: "2", outbox: [], enqueue: message });
      await stage.claim(next);
      await expectStatus({ waiting: 1 });
      const [open] = next.asks;
      await stage.signal("3", { command: "reject" });
      const withdraw = { asks: [open?.id ?? ""], reason: "no" };
      await stage.store.finishControl(CHANNEL, next.fence, { control: "3", outbox: [], withdraw });
      await expectFigures({ byStatus: { running: 1, waiting: 0, error: 0 } });
    });

    test("count nothing of what is withdrawn with its session, or removed with it", async () => {
      const lease = await stage.own();
      await openAsk(stage.store, lease, { request: PLAN });
      const other = await stage.own("web:other");
      await stage.store.accept(event("1", { channel: "web:other" }), ROOM);
      const turn = await stage.claim(other);
      await openAsk(stage.store, other, { turn: turn.id });
      await expectFigures({ byStatus: { running: 0, waiting: 2, error: 0 } });
      const next = await stage.own();
      await stage.signal("2", { command: "new" });
      await stage.store.finishControl(CHANNEL, next.fence, { control: "2", outbox: [], renew: FRESH });
      await finishAll(stage.store, next);
      await expectStatus({ waiting: 1 });
      await stage.store.remove(other.session.id);
      await expectFigures({ inFlight: 0, byStatus: { running: 0, waiting: 0, error: 0 } });
    });

    test("add up what was spent, in every session that ever was", async () => {
      await stage.accept("1", "2", "3");
      const lease = await stage.own();
      await expectTotals({});
      const first = await stage.commit(lease, await stage.claim(lease), { session: { stats: SPENT }, take: 1 });
      await expectTotals({ turns: 1, tokensIn: 100, tokensOut: 20, cost: 0.5 });
      if (first.next === undefined) throw new Error("nothing claimed");
      const worse = { ...SPENT, turns: 2, failed: 1, tokensIn: 150, tokensOut: 21, cost: 0.7 };
      const { next } = await stage.fail(lease, first.next, "park", { session: { stats: worse }, take: 1 });
      await expectTotals({ turns: 2, failed: 1, tokensIn: 150, tokensOut: 21, cost: 0.7 });
      const other = await stage.own("web:other");
      const { cost: _, costSource: __, ...free } = SPENT;
      await stage.store.save("web:other", other.fence, { session: { stats: free } });
      await stage.store.save("web:other", other.fence, { session: { stats: free, title: "The same" } });
      const all = { turns: 3, failed: 1, tokensIn: 250, tokensOut: 41, cost: 0.7 };
      await expectTotals(all);
      await stage.signal("4", { command: "new" });
      await stage.store.finishControl(CHANNEL, lease.fence, { control: "4", outbox: [], renew: FRESH });
      if (next === undefined) throw new Error("nothing claimed");
      // It still belongs to the session that is archived by now.
      const last = { ...worse, turns: 3, cost: 1 };
      await stage.commit(lease, next, { session: { stats: last } });
      await expectTotals({ ...all, turns: 4, cost: 1 });
      await stage.reopen();
      await stage.store.remove(lease.session.id);
      await stage.store.remove(other.session.id);
      await expectTotals({ ...all, turns: 4, cost: 1 });
      await stage.reopen();
      await expectTotals({ ...all, turns: 4, cost: 1 });
    });

    test("add nothing for a turn that could not be ended so", async () => {
      await stage.accept("1");
      const lease = await stage.own();
      const turn = await stage.claim(lease);
      const end = { turn: "t-other", transcript: [], session: { stats: SPENT }, outbox: [], take: 0 };
      await expect(stage.store.commitTurn(CHANNEL, lease.fence, end)).rejects.toMatchObject({ code: "STALE_FENCE" });
      await stage.signal("2", { cancel: "turn" });
      const cancelled = await stage.store.commitTurn(CHANNEL, lease.fence, { ...end, turn: turn.id });
      expect(cancelled).toEqual({ status: "cancelled" });
      await expectTotals({});
    });
  });
}
