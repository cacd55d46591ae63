import { describe, expect, test } from "vitest";
import { ANN, answer, CHANNEL, event, KEEP, type OpenHarness, REPLICA, said, setStage } from "./stage.ts";

export function describeCommands(open: OpenHarness): void {
  describe("signal", () => {
    const stage = setStage(open);

    test("records a command, with a receipt that is queued until it is finished", async () => {
      const lease = await stage.own();
      const stored = await stage.store.signal(event("1", { replyTo: "0" }), {
        command: "why",
        args: "0 x",
        reason: "",
      });
      expect(stored).toEqual({ status: "stored", effect: { cancelledTurn: null, dropped: 0 } });
      expect((await stage.store.pending(CHANNEL, lease.fence)).controls).toEqual([
        {
          id: "1",
          command: "why",
          args: "0 x",
          sender: ANN,
          at: stage.now(),
          replyTo: "0",
          effect: { cancelledTurn: null, dropped: 0 },
        },
      ]);
      expect(await stage.store.receipt(CHANNEL, "1")).toEqual({
        id: "1",
        receipt: { at: stage.now(), state: "queued" },
      });
      await stage.store.finishControl(CHANNEL, lease.fence, { control: "1", outbox: [] });
      expect((await stage.store.receipt(CHANNEL, "1"))?.receipt.state).toBe("answered");
    });

    test("needs no session", async () => {
      await stage.signal("1", { command: "help" });
      await stage.reopen();
      expect((await stage.own()).controls).toMatchObject([{ id: "1", command: "help" }]);
    });

    test("cancels the turn in flight and leaves what waits", async () => {
      await stage.accept("1", "2");
      const lease = await stage.own();
      const turn = await stage.claim(lease);
      const stored = await stage.signal("3", { cancel: "turn" });
      expect(stored).toEqual({ status: "stored", effect: { cancelledTurn: turn.id, dropped: 0 } });
      const { running, waiting } = await stage.store.queue(CHANNEL);
      expect(running?.cancelled).toEqual({ by: expect.any(String), reason: "stopped by Ann", at: stage.now() });
      expect(waiting.map(({ id }) => id)).toEqual(["2"]);
      expect((await stage.store.pending(CHANNEL, lease.fence)).controls).toMatchObject([
        { effect: { cancelledTurn: turn.id, dropped: 0 } },
      ]);
    });

    test("cancels everything, with receipts that say why", async () => {
      await stage.accept("1", "2", "3");
      const lease = await stage.own();
      const turn = await stage.claim(lease);
      const stored = await stage.signal("4", { cancel: "all", reason: "a new start" });
      expect(stored).toEqual({ status: "stored", effect: { cancelledTurn: turn.id, dropped: 2 } });
      await stage.reopen();
      const queue = await stage.store.queue(CHANNEL);
      expect(queue.running?.cancelled?.reason).toBe("a new start");
      expect(queue.waiting).toEqual([]);
      for (const id of ["2", "3"]) {
        expect(await stage.store.receipt(CHANNEL, id)).toEqual({
          id,
          receipt: { at: stage.now(), state: "dropped", reason: "a new start" },
        });
      }
      await stage.accept("5");
      expect(await stage.store.receipt(CHANNEL, "5")).toMatchObject({ position: 1 });
    });

    test("cancels a turn once", async () => {
      await stage.accept("1");
      await stage.claim(await stage.own());
      await stage.signal("2", { cancel: "turn", reason: "first" });
      expect(await stage.signal("3", { cancel: "all", reason: "second" })).toEqual({
        status: "stored",
        effect: { cancelledTurn: null, dropped: 0 },
      });
      expect((await stage.store.queue(CHANNEL)).running?.cancelled?.reason).toBe("first");
    });

    test("has nothing to cancel in a quiet channel", async () => {
      expect(await stage.signal("1", { cancel: "all" })).toMatchObject({ effect: { cancelledTurn: null, dropped: 0 } });
    });

    test("does nothing twice", async () => {
      await stage.signal("1");
      await stage.accept("2");
      expect(await stage.signal("1", { cancel: "all" })).toEqual({ status: "duplicate" });
      expect((await stage.store.queue(CHANNEL)).waiting).toHaveLength(1);
      expect((await stage.own()).controls).toHaveLength(1);
    });
  });

  describe("finishControl", () => {
    const stage = setStage(open);

    test("ends each command once, in any order, and leaves the others", async () => {
      const lease = await stage.own();
      await stage.signal("1", { command: "a" });
      await stage.signal("2", { command: "b" });
      await stage.signal("3", { command: "c" });
      stage.advance(7);
      const end = { control: "2", outbox: [{ kind: "notice" as const, text: "Done." }], session: { title: "Named" } };
      const ended = await stage.store.finishControl(CHANNEL, lease.fence, end);
      expect(ended.outbox).toMatchObject([{ kind: "notice", text: "Done.", state: "pending", attempts: 0 }]);
      expect(ended.session).toMatchObject({ id: lease.session.id, title: "Named", updatedAt: stage.now() });
      const twice = await stage.store.finishControl(CHANNEL, lease.fence, { ...end, session: { title: "Again" } });
      expect(twice.session).toEqual(ended.session);
      // Whoever calls again may be told what he was told before.
      expect([[], ended.outbox]).toContainEqual(twice.outbox);
      await stage.reopen();
      const after = await stage.own();
      expect(after.controls.map(({ command }) => command)).toEqual(["a", "c"]);
      expect(after.outbox).toEqual(ended.outbox);
    });

    test("ignores an unknown command", async () => {
      const lease = await stage.own();
      const ended = await stage.store.finishControl(CHANNEL, lease.fence, { control: "9", outbox: [answer("x")] });
      expect(ended).toEqual({ session: lease.session, outbox: [] });
    });

    test("renew archives the session and makes another current", async () => {
      await stage.accept("1", "2");
      const lease = await stage.own();
      const turn = await stage.claim(lease);
      await stage.commit(lease, turn, { transcript: [said(turn, "old")], session: { agentState: "old" } });
      await stage.signal("3", { command: "new" });
      stage.advance(9);
      const renew = { source: "channel" as const, agent: "other", title: "Anew" };
      const { session } = await stage.store.finishControl(CHANNEL, lease.fence, { control: "3", outbox: [], renew });
      expect(session).toMatchObject({ ...renew, channel: CHANNEL, createdAt: stage.now() });
      expect(session.id).not.toBe(lease.session.id);
      expect(session).not.toHaveProperty("agentState");
      await stage.reopen();
      expect(await stage.store.current(CHANNEL)).toEqual(session);
      const archived = await stage.store.get(lease.session.id);
      expect(archived).toMatchObject({ archivedAt: stage.now(), agentState: "old" });
      expect((await stage.store.transcript(lease.session.id, { limit: 5 })).entries).toEqual([said(turn, "old")]);
      expect((await stage.store.transcript(session.id, { limit: 5 })).entries).toEqual([]);
      expect(await stage.own()).toMatchObject({ session: { id: session.id }, waiting: 1 });
      expect(await stage.store.stats()).toMatchObject({ sessions: 2 });
    });

    test("an archived session goes when it was kept for as long as it should, the current one never", async () => {
      const lease = await stage.own();
      await stage.accept("1");
      const turn = await stage.claim(lease);
      await stage.commit(lease, turn, { transcript: [said(turn, "a")] });
      await stage.signal("2", { command: "new" });
      const renew = { source: "channel" as const, agent: "demo", title: "Anew" };
      await stage.store.finishControl(CHANNEL, lease.fence, { control: "2", outbox: [], renew });
      const sweep = async () => {
        await stage.store.heartbeat(REPLICA);
        await stage.store.unattended(REPLICA);
      };
      stage.advance(KEEP - 1);
      await sweep();
      expect((await stage.store.transcript(lease.session.id, { limit: 1 })).entries).toHaveLength(1);
      stage.advance(2);
      await sweep();
      expect(await stage.store.get(lease.session.id)).toBeUndefined();
      expect((await stage.store.transcript(lease.session.id, { limit: 1 })).entries).toEqual([]);
      expect((await stage.store.list({ limit: 9, archived: true })).sessions).toMatchObject([{ title: "Anew" }]);
      expect(await stage.store.stats()).toMatchObject({ sessions: 1 });
    });

    test("what a turn leaves after a renewal belongs to the session that it ran in", async () => {
      await stage.accept("1");
      const lease = await stage.own();
      const turn = await stage.claim(lease);
      await stage.signal("2", { command: "new", cancel: "all" });
      const renew = { source: "channel" as const, agent: "other", title: "Anew" };
      const { session } = await stage.store.finishControl(CHANNEL, lease.fence, { control: "2", outbox: [], renew });
      const patch = { agentState: "of the old one" };
      await stage.fail(lease, turn, "cancel", { transcript: [said(turn, "half")], session: patch });
      expect(await stage.store.get(session.id)).not.toHaveProperty("agentState");
      expect(await stage.store.get(lease.session.id)).toMatchObject(patch);
      expect((await stage.store.transcript(session.id, { limit: 5 })).entries).toEqual([]);
      expect((await stage.store.transcript(lease.session.id, { limit: 5 })).entries).toHaveLength(1);
    });

    test("replays a dead letter in the same step, and ignores one that is gone", async () => {
      await stage.accept("1", "2");
      const lease = await stage.own();
      await stage.fail(lease, await stage.claim(lease), "park");
      await stage.signal("3", { command: "retry" });
      await stage.signal("4", { command: "retry" });
      const replay = `${CHANNEL}#1`;
      await stage.store.finishControl(CHANNEL, lease.fence, { control: "3", outbox: [], replay });
      expect((await stage.store.queue(CHANNEL)).waiting.map(({ id }) => id)).toEqual(["2", "1"]);
      await stage.store.finishControl(CHANNEL, lease.fence, { control: "4", outbox: [answer("again")], replay });
      expect((await stage.store.queue(CHANNEL)).waiting.map(({ id }) => id)).toEqual(["2", "1"]);
      expect(await stage.store.pending(CHANNEL, lease.fence)).toMatchObject({
        controls: [],
        outbox: [{ text: "again" }],
      });
    });
  });
}
