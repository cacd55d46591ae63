import { describe, expect, test } from "vitest";
import type { Message, SessionSettings } from "../../../src/model.ts";
import { APPROVED, cardsIn, openAsk, openShown, PLAN, QUESTIONS, read } from "./ask-drafts.ts";
import { ANN, answer, CHANNEL, event, NOBODY, type OpenHarness, ROOM, setStage } from "./stage.ts";

export function describeAskMessages(open: OpenHarness): void {
  describe("messages while an ask is open", () => {
    const stage = setStage(open);

    test("are put aside, as commands", async () => {
      await stage.accept("0");
      const lease = await stage.own();
      const { ask } = await openAsk(stage.store, lease);
      const files = [{ id: "f,1;[", name: 'a "b"\n.txt', type: "text/plain", size: 5 }];
      const said = event("a,1;", {
        text: 'yes\n"please"; 50%',
        replyTo: "0",
        answers: "message 1",
        files,
        source: "cron",
      });
      expect(await stage.store.accept(said, ROOM)).toEqual({ status: "aside" });
      stage.advance(5);
      expect(await stage.store.accept(event("2"), ROOM)).toEqual({ status: "aside" });
      await stage.reopen();
      expect(await stage.store.unattended(NOBODY)).toEqual([CHANNEL]);
      const after = await stage.own();
      expect(after.waiting).toBe(1);
      const { sender, sentAt } = said;
      const at = stage.now();
      expect(after.controls).toEqual([
        {
          ...{ id: said.id, command: "say", args: "", sender, at: at - 5, replyTo: "0", answers: "message 1" },
          message: { id: said.id, sender, text: said.text, sentAt, acceptedAt: at - 5, files, source: "cron" },
        },
        {
          ...{ id: "2", command: "say", args: "", sender, at },
          message: { id: "2", sender, text: "message 2", sentAt, acceptedAt: at },
        },
      ]);
      expect(await stage.store.receipt(CHANNEL, "2")).toEqual({ id: "2", receipt: { at, state: "queued" } });
      expect((await stage.store.queue(CHANNEL)).recent.map(({ id }) => id)).toEqual(["2", said.id, "0"]);
      expect(await stage.store.stats()).toMatchObject({ queued: 1 });
      expect((await read(stage.store, ask.id)).end).toBeUndefined();
    });

    test("are known when they come twice", async () => {
      const lease = await stage.own();
      await stage.accept("1");
      await openAsk(stage.store, lease);
      await stage.accept("2");
      for (const id of ["1", "2"]) {
        expect(await stage.store.accept(event(id), ROOM)).toMatchObject({ status: "duplicate", receipt: { id } });
        expect(await stage.store.signal(event(id), { command: "x", args: "", reason: "" })).toEqual({
          status: "duplicate",
        });
      }
      const { controls } = await stage.store.pending(CHANNEL, lease.fence);
      expect(controls).toHaveLength(1);
      await stage.store.finishControl(CHANNEL, lease.fence, { control: "2", outbox: [] });
      expect(await stage.store.accept(event("2"), ROOM)).toMatchObject({
        status: "duplicate",
        receipt: { receipt: { state: "answered" } },
      });
    });

    test("are dropped by a command that drops what waits, with it, once", async () => {
      const lease = await stage.own();
      const { ask } = await openAsk(stage.store, lease);
      await stage.store.accept(event("1"), ROOM);
      await stage.store.answerAsk(ask.id, APPROVED);
      await stage.accept("2");
      const text = '"enqueues":true';
      await stage.store.signal(event("3"), { command: "plan", args: text, reason: "", enqueues: true });
      await stage.store.signal(event("4"), { command: "plan", args: text, reason: text });
      const stop = { command: "stop", args: "", cancel: "all", reason: "/stop by Ann" } as const;
      expect(await stage.store.signal(event("s"), stop)).toMatchObject({ status: "stored", effect: { dropped: 3 } });
      for (const id of ["1", "2", "3"]) {
        const receipt = { state: "dropped", reason: "/stop by Ann" };
        expect(await stage.store.receipt(CHANNEL, id)).toMatchObject({ receipt });
      }
      // Whoever is at work on it is too late.
      const message: Message = { id: "1", sender: ANN, text: "message 1", sentAt: 1, acceptedAt: 1 };
      await stage.store.finishControl(CHANNEL, lease.fence, { control: "1", outbox: [], enqueue: message });
      expect(await stage.store.receipt(CHANNEL, "1")).toMatchObject({ receipt: { state: "dropped" } });
      const { controls } = await stage.store.pending(CHANNEL, lease.fence);
      expect(controls.map(({ command }) => command)).toEqual(["ask", "plan", "stop"]);
      expect((await stage.store.queue(CHANNEL)).waiting).toEqual([]);
    });

    test("are refused where as many commands wait as there may be messages", async () => {
      const lease = await stage.own();
      await openShown(stage.store, lease);
      const room = { max: 2, fullNotice: "Too many." };
      await stage.store.accept(event("1"), room);
      await stage.signal("2", { command: "status" });
      expect(await stage.store.accept(event("3"), room)).toEqual({ status: "full" });
      expect(await stage.store.accept(event("4"), room)).toEqual({ status: "full" });
      expect(await stage.store.receipt(CHANNEL, "3")).toMatchObject({ receipt: { state: "dropped" } });
      const { controls, outbox } = await stage.store.pending(CHANNEL, lease.fence);
      expect(controls.map(({ id }) => id)).toEqual(["1", "2"]);
      expect(outbox).toMatchObject([{ kind: "notice", text: "Too many." }]);
      await stage.store.finishControl(CHANNEL, lease.fence, { control: "1", outbox: [] });
      expect(await stage.store.accept(event("5"), room)).toEqual({ status: "aside" });
    });

    test("wait for a turn again from the last answer on, and in other channels", async () => {
      const lease = await stage.own();
      const [one, two] = [await openAsk(stage.store, lease), await openAsk(stage.store, lease)];
      await stage.store.answerAsk(one.ask.id, APPROVED);
      expect(await stage.store.accept(event("1"), ROOM)).toEqual({ status: "aside" });
      expect(await stage.store.accept(event("1", { channel: "web:x" }), ROOM)).toMatchObject({ status: "queued" });
      await stage.store.answerAsk(two.ask.id, APPROVED);
      expect(await stage.store.accept(event("2"), ROOM)).toEqual({ status: "queued", position: 1 });
    });
  });

  describe("finishControl with a message", () => {
    const stage = setStage(open);
    const carryOut: Message = {
      ...{ id: "plan:ask_1", sender: ANN, text: "do it", sentAt: 1, acceptedAt: 2 },
      ...({ source: "manual", compact: true } as const),
      plan: { ask: "ask_1", step: "carry out" },
    };

    test("puts one that was aside at the end of the inbox, to be run and answered", async () => {
      await stage.accept("1");
      const lease = await stage.own();
      await openAsk(stage.store, lease);
      await stage.accept("2");
      const [say] = (await stage.store.pending(CHANNEL, lease.fence)).controls;
      if (say?.message === undefined) throw new Error("nothing was said");
      const enqueue = { ...say.message, plan: { ask: "ask_1", step: "revise" } } as const;
      stage.advance(9);
      await stage.store.finishControl(CHANNEL, lease.fence, { control: "2", outbox: [], enqueue });
      expect(await stage.store.receipt(CHANNEL, "2")).toMatchObject({ receipt: { state: "queued" }, position: 2 });
      expect((await stage.store.queue(CHANNEL)).waiting).toMatchObject([{ id: "1" }, enqueue]);
      expect(await stage.store.stats()).toMatchObject({ queued: 2 });
      await stage.reopen();
      const next = await stage.own();
      expect(next).toMatchObject({ waiting: 2, controls: [] });
      const { next: turn } = await stage.commit(next, await stage.claim(next), { take: 1 });
      expect(turn?.messages).toEqual([enqueue]);
      if (turn === undefined) throw new Error("nothing claimed");
      expect((await stage.store.receipt(CHANNEL, "2"))?.receipt.state).toBe("running");
      await stage.commit(next, turn);
      expect((await stage.store.receipt(CHANNEL, "2"))?.receipt.state).toBe("answered");
      expect(await stage.store.accept(event("2"), ROOM)).toMatchObject({ status: "duplicate" });
    });

    test("puts it there once where the call is repeated", async () => {
      const lease = await stage.own();
      await openAsk(stage.store, lease);
      await stage.accept("1");
      const [say] = (await stage.store.pending(CHANNEL, lease.fence)).controls;
      if (say?.message === undefined) throw new Error("nothing was said");
      const end = { control: "1", outbox: [answer("Taken.")], enqueue: say.message };
      await stage.store.finishControl(CHANNEL, lease.fence, end);
      await stage.store.finishControl(CHANNEL, lease.fence, end);
      expect((await stage.store.queue(CHANNEL)).waiting).toHaveLength(1);
      expect((await stage.store.pending(CHANNEL, lease.fence)).outbox).toHaveLength(2);
    });

    test("gives one of its own a receipt, and knows it from then on", async () => {
      const lease = await stage.own();
      for (const id of ["1", "2", "3"]) await stage.signal(id, { command: "approve" });
      const finish = (control: string, enqueue: Message) =>
        stage.store.finishControl(CHANNEL, lease.fence, { control, outbox: [], enqueue });
      await finish("1", carryOut);
      expect(await stage.store.receipt(CHANNEL, "1")).toMatchObject({ receipt: { state: "answered" } });
      expect(await stage.store.receipt(CHANNEL, carryOut.id)).toEqual({
        ...{ id: carryOut.id, receipt: { at: stage.now(), state: "queued" } },
        position: 1,
      });
      await finish("2", { ...carryOut, text: "twice" });
      expect((await stage.store.queue(CHANNEL)).waiting).toEqual([carryOut]);
      const turn = await stage.claim(lease);
      expect(turn.messages).toEqual([carryOut]);
      await stage.commit(lease, turn);
      await stage.reopen();
      const next = await stage.own();
      await stage.store.finishControl(CHANNEL, next.fence, { control: "3", outbox: [], enqueue: carryOut });
      expect(next.controls.map(({ id }) => id)).toEqual(["3"]);
      expect((await stage.own()).controls).toEqual([]);
      expect((await stage.store.queue(CHANNEL)).waiting).toEqual([]);
      expect(await stage.store.receipt(CHANNEL, carryOut.id)).toMatchObject({ receipt: { state: "answered" } });
      expect(await stage.store.stats()).toMatchObject({ queued: 0 });
    });

    test("makes a message of the command itself", async () => {
      const lease = await stage.own();
      await stage.signal("1", { command: "plan", args: "tidy up" });
      const enqueue: Message = {
        id: "1",
        sender: ANN,
        text: "tidy up",
        sentAt: 1,
        acceptedAt: 2,
        plan: { step: "make" },
      };
      await stage.store.finishControl(CHANNEL, lease.fence, { control: "1", outbox: [], enqueue });
      expect(await stage.store.receipt(CHANNEL, "1")).toMatchObject({ receipt: { state: "queued" }, position: 1 });
      expect((await stage.claim(lease)).messages).toEqual([enqueue]);
    });
  });

  describe("finishControl with asks", () => {
    const stage = setStage(open);

    test("withdraws those that it names and that are open", async () => {
      const lease = await stage.own();
      const plan = await openShown(stage.store, lease, { request: PLAN });
      const other = await openShown(stage.store, lease, { request: QUESTIONS });
      const { ask: decided } = await openAsk(stage.store, lease);
      const { ask: settled } = await stage.store.answerAsk(decided.id, APPROVED);
      const elsewhere = await openAsk(stage.store, await stage.own("web:other"));
      await stage.signal("1", { command: "reject" });
      const reason = 'another plan;\n"50%", да';
      const withdraw = { asks: [plan.id, decided.id, elsewhere.ask.id, "ask_unknown", ""], reason };
      const ended = await stage.store.finishControl(CHANNEL, lease.fence, {
        ...{ control: "1", outbox: [answer("Gone.")], withdraw },
      });
      expect(ended.outbox).toMatchObject([{ text: "Gone." }]);
      await stage.reopen();
      const end = { state: "withdrawn", reason, at: stage.now() };
      expect(await stage.store.ask(plan.id)).toEqual({ ...plan, version: 2, end });
      expect(await stage.store.ask(decided.id)).toEqual(settled);
      expect(await stage.store.ask(elsewhere.ask.id)).toEqual(elsewhere.ask);
      const next = await stage.own();
      expect(next.asks).toEqual([other]);
      const edits = (await cardsIn(stage.store, next)).filter(({ ref }) => ref !== undefined);
      expect(edits).toEqual([{ ask: plan.id, ref: plan.shown[0]?.ref }]);
      const { entries } = await stage.store.audit({ limit: 99 });
      expect(entries.at(-1)).toMatchObject({ ask: plan.id, what: "withdrawn", reason });
    });

    test("renew withdraws all of the old session, and takes settings", async () => {
      const lease = await stage.own();
      const plan = await openShown(stage.store, lease, { request: PLAN });
      const { ask } = await openAsk(stage.store, lease, { request: QUESTIONS, dueAt: 1 });
      await stage.signal("1", { command: "new" });
      const settings: SessionSettings = { mode: "plan", rules: [{ tool: "bash", pattern: "ls *", by: ANN, at: 7 }] };
      const renew = { source: "channel", agent: "demo", title: "Anew", settings } as const;
      const { session } = await stage.store.finishControl(CHANNEL, lease.fence, { control: "1", outbox: [], renew });
      expect(session).toMatchObject({ title: "Anew", settings });
      await stage.reopen();
      expect(await stage.store.current(CHANNEL)).toEqual(session);
      for (const { id } of [plan, ask]) {
        const { end } = await read(stage.store, id);
        expect(end).toEqual({ state: "withdrawn", reason: expect.stringContaining("session"), at: stage.now() });
      }
      const next = await stage.own();
      expect(next.asks).toEqual([]);
      const edits = (await cardsIn(stage.store, next)).filter(({ ref }) => ref !== undefined);
      expect(edits).toEqual([{ ask: plan.id, ref: plan.shown[0]?.ref }]);
      expect(await stage.store.dueAsks(9)).toEqual([]);
      expect(await stage.store.accept(event("2"), ROOM)).toMatchObject({ status: "queued" });
    });
  });

  describe("settings", () => {
    const stage = setStage(open);
    const settings: SessionSettings = {
      mode: "accept-edits",
      grants: [{ tool: "edit", by: ANN, at: 5 }],
      note: 'rejected: "no"',
    };

    test("begin with the session, and are changed all at once", async () => {
      const fresh = { source: "manual", agent: "demo", title: "", settings } as const;
      const acquired = await stage.store.acquire(CHANNEL, "replica-1", fresh);
      if (acquired.status !== "owned") throw new Error("owned by another");
      const { session, fence } = acquired.lease;
      expect(session.settings).toEqual(settings);
      await stage.store.save(CHANNEL, fence, { session: { title: "Kept" } });
      await stage.reopen();
      const next = await stage.own();
      expect(next.session.settings).toEqual(settings);
      await stage.store.save(CHANNEL, next.fence, { session: { settings: { mode: "bypass" } } });
      expect((await stage.store.get(session.id))?.settings).toEqual({ mode: "bypass" });
      await stage.signal("1", { command: "mode" });
      const change = { control: "1", outbox: [], session: { settings } };
      const ended = await stage.store.finishControl(CHANNEL, next.fence, change);
      expect(ended.session.settings).toEqual(settings);
      await stage.accept("2");
      const turn = await stage.claim(next);
      await stage.commit(next, turn, { session: { settings: {} } });
      expect((await stage.store.list({ limit: 1 })).sessions[0]?.settings).toEqual({});
    });
  });
}
