import { describe, expect, test } from "vitest";
import type { SessionPatch } from "../../../src/model.ts";
import { answer, CHANNEL, type OpenHarness, said, setStage } from "./stage.ts";

export function describeTurns(open: OpenHarness): void {
  describe("claim", () => {
    const stage = setStage(open);

    test("gives the message that waits longest", async () => {
      await stage.accept("1", "2");
      const lease = await stage.own();
      const turn = await stage.claim(lease);
      expect(turn).toEqual({
        id: turn.id,
        attempt: 1,
        startedAt: stage.now(),
        messages: [expect.objectContaining({ id: "1", text: "message 1" })],
      });
      expect(await stage.store.queue(CHANNEL)).toMatchObject({ running: turn, waiting: [{ id: "2" }] });
      expect(await stage.store.receipt(CHANNEL, "1")).toEqual({
        id: "1",
        receipt: { at: stage.now(), state: "running", attempt: 1 },
      });
      expect(await stage.store.receipt(CHANNEL, "2")).toMatchObject({ position: 1 });
    });

    test("gives nothing where nothing waits", async () => {
      const lease = await stage.own();
      expect(await stage.store.claim(CHANNEL, lease.fence, 1)).toBeUndefined();
    });

    test("collects up to as many as asked for", async () => {
      await stage.accept("1", "2", "3", "4");
      const lease = await stage.own();
      const turn = await stage.claim(lease, 3);
      expect(turn.messages.map(({ id }) => id)).toEqual(["1", "2", "3"]);
      expect(await stage.store.receipt(CHANNEL, "4")).toMatchObject({ position: 1 });
      const { next } = await stage.commit(lease, turn, { take: 3 });
      expect(next?.messages.map(({ id }) => id)).toEqual(["4"]);
      for (const id of ["1", "2", "3"]) {
        expect((await stage.store.receipt(CHANNEL, id))?.receipt.state).toBe("answered");
      }
    });

    test("gives the turn in flight again, one attempt higher", async () => {
      await stage.accept("1");
      const first = await stage.claim(await stage.own());
      await stage.reopen();
      stage.advance(10);
      const second = await stage.claim(await stage.own());
      expect(second).toEqual({ ...first, attempt: 2, startedAt: stage.now() });
      expect((await stage.store.receipt(CHANNEL, "1"))?.receipt).toMatchObject({ state: "running", attempt: 2 });
    });

    test("gives a cancelled turn as it is", async () => {
      await stage.accept("1");
      const lease = await stage.own();
      const first = await stage.claim(lease);
      await stage.signal("2", { cancel: "turn" });
      const again = await stage.claim(lease);
      expect(again).toEqual({
        ...first,
        cancelled: { by: expect.any(String), reason: "stopped by Ann", at: stage.now() },
      });
    });
  });

  describe("commitTurn", () => {
    const stage = setStage(open);

    test("records everything in one step and claims the next turn", async () => {
      await stage.accept("1", "2");
      const lease = await stage.own();
      const turn = await stage.claim(lease);
      stage.advance(1_000);
      const stats = { turns: 1, failed: 0, tokensIn: 3, tokensOut: 4, firstTextMs: 5, lastTurnMs: 6 };
      const ended = await stage.commit(lease, turn, {
        transcript: [said(turn, "Hello"), said(turn, "again")],
        session: { title: "Named", stats, agentState: { at: [1, null] } },
        outbox: [answer("Hello"), { kind: "notice", text: "again", ref: "ref-1" }],
        take: 1,
      });
      expect(ended).toEqual({
        status: "ended",
        outbox: [
          { id: expect.any(String), kind: "answer", text: "Hello", state: "pending", attempts: 0 },
          { id: expect.any(String), kind: "notice", text: "again", ref: "ref-1", state: "pending", attempts: 0 },
        ],
        next: expect.objectContaining({
          attempt: 1,
          startedAt: stage.now(),
          messages: [expect.objectContaining({ id: "2" })],
        }),
      });
      expect(ended.next?.id).not.toBe(turn.id);
      await stage.reopen();
      expect((await stage.store.receipt(CHANNEL, "1"))?.receipt).toEqual({ at: stage.now(), state: "answered" });
      const after = await stage.own();
      expect(after).toMatchObject({ interrupted: ended.next, outbox: ended.outbox, waiting: 0 });
      expect(after.session).toEqual({
        ...lease.session,
        title: "Named",
        stats,
        agentState: { at: [1, null] },
        updatedAt: stage.now(),
        lastActivityAt: stage.now(),
      });
      expect((await stage.store.transcript(lease.session.id, { limit: 10 })).entries).toEqual([
        said(turn, "Hello"),
        said(turn, "again"),
      ]);
    });

    test("claims nothing where it isn't asked to, or nothing waits", async () => {
      await stage.accept("1", "2");
      const lease = await stage.own();
      const ended = await stage.commit(lease, await stage.claim(lease), { take: 0 });
      expect(ended).toEqual({ status: "ended", outbox: [] });
      expect((await stage.store.queue(CHANNEL)).running).toBeUndefined();
      const last = await stage.commit(lease, await stage.claim(lease), { take: 5 });
      expect(last).toEqual({ status: "ended", outbox: [] });
      expect(await stage.store.stats()).toMatchObject({ queued: 0, inFlight: 0, undelivered: 0 });
    });

    test("writes nothing of a turn that was cancelled first", async () => {
      await stage.accept("1", "2");
      const lease = await stage.own();
      const turn = await stage.claim(lease);
      await stage.signal("3", { cancel: "turn" });
      const commit = { turn: turn.id, transcript: [said(turn, "late")], session: { title: "late" }, take: 1 };
      expect(await stage.store.commitTurn(CHANNEL, lease.fence, { ...commit, outbox: [answer("late")] })).toEqual({
        status: "cancelled",
      });
      expect((await stage.store.pending(CHANNEL, lease.fence)).outbox).toEqual([]);
      expect((await stage.store.transcript(lease.session.id, { limit: 10 })).entries).toEqual([]);
      expect((await stage.store.current(CHANNEL))?.title).toBe(lease.session.title);
      expect((await stage.store.queue(CHANNEL)).running?.id).toBe(turn.id);
    });

    test("refuses a turn that is not in flight", async () => {
      await stage.accept("1", "2");
      const lease = await stage.own();
      const turn = await stage.claim(lease);
      const { next } = await stage.commit(lease, turn, { take: 1 });
      if (next === undefined) throw new Error("nothing claimed");
      // Whoever calls again is refused, or told what he was told before: nothing is written.
      await stage.commit(lease, turn, { outbox: [answer("twice")] }).catch((error: unknown) => {
        expect(error).toMatchObject({ code: "STALE_FENCE" });
      });
      expect((await stage.store.pending(CHANNEL, lease.fence)).outbox).toEqual([]);
      await stage.commit(lease, next);
      for (const other of [turn.id, "t0", ""]) {
        await expect(stage.commit(lease, { ...turn, id: other })).rejects.toMatchObject({ code: "STALE_FENCE" });
      }
    });

    test("removes the session's error for null", async () => {
      await stage.accept("1", "2");
      const lease = await stage.own();
      const error = { code: "AGENT", message: "broken", at: 1 };
      const { next } = await stage.commit(lease, await stage.claim(lease), { session: { error }, take: 1 });
      expect((await stage.store.current(CHANNEL))?.error).toEqual(error);
      if (next === undefined) throw new Error("nothing claimed");
      await stage.commit(lease, next, { session: { error: null } });
      expect(await stage.store.current(CHANNEL)).not.toHaveProperty("error");
    });
  });

  describe("failTurn", () => {
    const stage = setStage(open);

    test("retry keeps the turn in flight; the next claim is another attempt", async () => {
      await stage.accept("1", "2");
      const lease = await stage.own();
      const turn = await stage.claim(lease);
      const failed = await stage.fail(lease, turn, "retry", {
        retryAt: stage.now() + 500,
        session: { title: "Failing" },
        transcript: [said(turn, "half")],
        outbox: [{ kind: "notice", text: "Trying again." }],
        take: 1,
      });
      expect(failed).toMatchObject({ status: "ended", outbox: [{ text: "Trying again." }] });
      expect(failed.next).toBeUndefined();
      await stage.reopen();
      expect(await stage.store.queue(CHANNEL)).toMatchObject({
        running: { id: turn.id, attempt: 1, retryAt: stage.now() + 500 },
        waiting: [{ id: "2" }],
      });
      const after = await stage.own();
      expect(after).toMatchObject({ session: { title: "Failing" }, outbox: [{ text: "Trying again." }] });
      const again = await stage.claim(after);
      expect(again).toEqual({ ...turn, attempt: 2, startedAt: stage.now() });
      expect((await stage.store.transcript(lease.session.id, { limit: 5 })).entries).toEqual([said(turn, "half")]);
    });

    test("requeue keeps the turn in flight; the next claim is the same attempt", async () => {
      await stage.accept("1");
      const lease = await stage.own();
      const first = await stage.claim(lease);
      await stage.fail(lease, first, "retry");
      const second = await stage.claim(lease);
      await stage.fail(lease, second, "requeue");
      await stage.reopen();
      const next = await stage.own();
      expect(await stage.claim(next)).toEqual({ ...first, attempt: 2 });
      expect(await stage.claim(next)).toEqual({ ...first, attempt: 2 });
    });

    test("park makes dead letters and goes on with the next", async () => {
      await stage.accept("1", "2", "3");
      const lease = await stage.own();
      const turn = await stage.claim(lease, 2);
      const { outbox, next } = await stage.fail(lease, turn, "park", {
        cause: "no answer",
        outbox: [{ kind: "notice", text: "Parked." }],
        take: 1,
      });
      expect(outbox).toMatchObject([{ text: "Parked." }]);
      expect(next?.messages.map(({ id }) => id)).toEqual(["3"]);
      await stage.reopen();
      for (const id of ["1", "2"]) {
        expect(await stage.store.receipt(CHANNEL, id)).toEqual({
          id,
          receipt: { at: stage.now(), state: "failed", cause: "no answer" },
        });
      }
      const letters = await stage.store.deadLetters({ limit: 10 });
      expect(new Map(letters.map((letter) => [letter.id, letter]))).toEqual(
        new Map(
          turn.messages.map((message) => [
            `${CHANNEL}#${message.id}`,
            {
              id: `${CHANNEL}#${message.id}`,
              channel: CHANNEL,
              message,
              cause: "no answer",
              attempts: 1,
              at: stage.now(),
            },
          ]),
        ),
      );
      expect(await stage.store.stats()).toMatchObject({ deadLetters: 2, inFlight: 1, queued: 0 });
    });

    test("cancel drops the messages with the cancellation's reason and goes on with the next", async () => {
      await stage.accept("1", "2");
      const lease = await stage.own();
      const turn = await stage.claim(lease);
      await stage.signal("3", { cancel: "turn", reason: "enough" });
      const { next } = await stage.fail(lease, turn, "cancel", { cause: "aborted", take: 1 });
      expect(next?.messages.map(({ id }) => id)).toEqual(["2"]);
      expect((await stage.store.receipt(CHANNEL, "1"))?.receipt).toMatchObject({ state: "dropped", reason: "enough" });
      expect(await stage.store.deadLetters({ limit: 10 })).toEqual([]);
    });

    test("a cancelled turn ends as cancelled whatever its outcome", async () => {
      await stage.accept("1");
      const lease = await stage.own();
      const turn = await stage.claim(lease);
      await stage.signal("2", { cancel: "turn", reason: "enough" });
      const { outbox } = await stage.fail(lease, turn, "park", { outbox: [{ kind: "notice", text: "Failed." }] });
      expect(outbox).toEqual([]);
      expect((await stage.store.receipt(CHANNEL, "1"))?.receipt).toMatchObject({ state: "dropped", reason: "enough" });
      expect(await stage.store.deadLetters({ limit: 10 })).toEqual([]);
      expect((await stage.store.queue(CHANNEL)).running).toBeUndefined();
    });

    test("a cancellation survives a requeue and a restart", async () => {
      await stage.accept("1");
      const lease = await stage.own();
      const turn = await stage.claim(lease);
      await stage.signal("2", { cancel: "turn" });
      await stage.fail(lease, turn, "requeue");
      await stage.reopen();
      const next = await stage.own();
      expect(next.interrupted?.cancelled).toBeDefined();
      const again = await stage.claim(next);
      expect(again.cancelled).toBeDefined();
      await stage.fail(next, again, "cancel");
      expect((await stage.store.queue(CHANNEL)).running).toBeUndefined();
    });
  });

  describe("save", () => {
    const stage = setStage(open);

    test("changes the session, and nothing that isn't named", async () => {
      const lease = await stage.own();
      stage.advance(5);
      const error = { code: "AGENT", message: "broken", at: 1 };
      await stage.store.save(CHANNEL, lease.fence, { session: { pinned: true, error, agentState: "kept" } });
      await stage.store.save(CHANNEL, lease.fence, { session: { title: "New" } });
      await stage.reopen();
      const { lastActivityAt: _, ...stored } = (await stage.store.current(CHANNEL)) ?? lease.session;
      const { lastActivityAt: __, ...before } = lease.session;
      expect(stored).toEqual({
        ...before,
        title: "New",
        pinned: true,
        error,
        agentState: "kept",
        updatedAt: stage.now(),
      });
    });

    test("gives the session another agent, and takes away the state of the one before for null", async () => {
      const lease = await stage.own();
      const agentState = { deep: [null, { a: null }] };
      const save = (session: SessionPatch) => stage.store.save(CHANNEL, lease.fence, { session });
      await save({ agentState });
      await save({ agent: "other; 50%" });
      expect(await stage.store.current(CHANNEL)).toMatchObject({ agent: "other; 50%", agentState });
      await save({ agent: "third", agentState: null });
      await save({ agentState: null });
      await stage.reopen();
      const found = await stage.store.current(CHANNEL);
      expect(found).toEqual({ ...lease.session, agent: "third", updatedAt: expect.any(Number) });
      expect((await stage.store.list({ limit: 9, agent: "third" })).sessions).toEqual([found]);
      expect((await stage.store.list({ limit: 9, agent: lease.session.agent })).sessions).toEqual([]);
      const next = await stage.own();
      await stage.store.save(CHANNEL, next.fence, { session: { agentState: false } });
      expect(await stage.store.current(CHANNEL)).toMatchObject({ agentState: false });
    });

    test("keeps the preview of the turn in flight, for every attempt, and of no other turn", async () => {
      await stage.accept("1", "2");
      const lease = await stage.own();
      const turn = await stage.claim(lease);
      await stage.store.save(CHANNEL, lease.fence, { preview: "ref-1" });
      await stage.reopen();
      const next = await stage.own();
      expect(next.interrupted).toEqual({ ...turn, preview: "ref-1" });
      const again = await stage.claim(next);
      expect(again.preview).toBe("ref-1");
      const ended = await stage.commit(next, again, { take: 1 });
      expect(ended.next).not.toHaveProperty("preview");
    });
  });
}
