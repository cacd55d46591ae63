import { describe, expect, test } from "vitest";
import { asking } from "./ask-drafts.ts";
import { answer, CHANNEL, event, NO_STATS, NOBODY, type OpenHarness, ROOM, said, setStage } from "./stage.ts";

export function describeOperators(open: OpenHarness): void {
  describe("dead letters", () => {
    const stage = setStage(open);

    async function park(...ids: string[]): Promise<void> {
      await stage.accept(...ids);
      const lease = await stage.own();
      for (const _ of ids) {
        await stage.fail(lease, await stage.claim(lease), "park", { cause: "no answer" });
        stage.advance(1);
      }
    }

    test("are replayed at the end of the inbox, as if new", async () => {
      await park("1", "2");
      await stage.accept("3");
      await stage.store.replay(`${CHANNEL}#1`);
      expect(await stage.store.receipt(CHANNEL, "1")).toMatchObject({ receipt: { state: "queued" }, position: 2 });
      expect((await stage.store.deadLetters({ limit: 9 })).map(({ message }) => message?.id)).toEqual(["2"]);
      expect(await stage.store.stats()).toMatchObject({ deadLetters: 1, queued: 2 });
      const lease = await stage.own();
      const { next } = await stage.commit(lease, await stage.claim(lease), { take: 1 });
      expect(next).toMatchObject({ attempt: 1, messages: [{ id: "1", text: "message 1" }] });
    });

    test("can fail, be replayed and be parked again", async () => {
      await park("1");
      await stage.store.replay(`${CHANNEL}#1`);
      const lease = await stage.own();
      const turn = await stage.claim(lease);
      await stage.fail(lease, turn, "retry");
      await stage.fail(lease, await stage.claim(lease), "park", { cause: "worse" });
      expect(await stage.store.deadLetters({ limit: 9 })).toMatchObject([{ cause: "worse", attempts: 2 }]);
      expect(await stage.store.stats()).toMatchObject({ deadLetters: 1 });
    });

    test("are discarded; their receipts stay", async () => {
      await park("1");
      await stage.store.discard(`${CHANNEL}#1`);
      expect(await stage.store.deadLetters({ limit: 9 })).toEqual([]);
      expect(await stage.store.receipt(CHANNEL, "1")).toMatchObject({
        receipt: { state: "failed", cause: "no answer" },
      });
      expect(await stage.store.stats()).toMatchObject({ deadLetters: 0, queued: 0 });
    });

    test("are unknown where there is none", async () => {
      await park("1");
      await stage.store.discard(`${CHANNEL}#1`);
      const unknown = { code: "DEAD_LETTER_UNKNOWN" };
      await expect(stage.store.discard(`${CHANNEL}#1`)).rejects.toMatchObject(unknown);
      await expect(stage.store.replay(`${CHANNEL}#1`)).rejects.toMatchObject(unknown);
      await expect(stage.store.replay("")).rejects.toMatchObject(unknown);
    });

    test("are listed by channel and up to a limit", async () => {
      await park("1", "2", "3");
      await stage.store.accept(event("1", { channel: "web:other" }), ROOM);
      const other = await stage.own("web:other");
      await stage.fail(other, await stage.claim(other), "park");
      await stage.reopen();
      const ofChannel = await stage.store.deadLetters({ channel: CHANNEL, limit: 9 });
      expect(new Set(ofChannel.map(({ message }) => message?.id))).toEqual(new Set(["1", "2", "3"]));
      expect(await stage.store.deadLetters({ limit: 9 })).toHaveLength(4);
      expect(await stage.store.deadLetters({ limit: 2 })).toHaveLength(2);
      expect(await stage.store.deadLetters({ channel: CHANNEL, limit: 2 })).toHaveLength(2);
      expect(await stage.store.deadLetters({ channel: "web:none", limit: 2 })).toEqual([]);
    });
  });

  describe("remove", () => {
    const stage = setStage(open);

    test("leaves nothing of the current session", async () => {
      await stage.accept("1", "2", "3");
      const lease = await stage.own();
      const { session } = lease;
      const turn = await stage.claim(lease);
      await stage.commit(lease, turn, { transcript: [said(turn, "Hello")], outbox: [answer("Hello")], take: 1 });
      await stage.signal("4", { command: "status" });
      await stage.store.openAsk(CHANNEL, lease.fence, asking({ outbox: [answer("?")] }));
      await stage.store.remove(session.id);
      for (const restarted of [false, true]) {
        if (restarted) await stage.reopen();
        expect(await stage.store.get(session.id)).toBeUndefined();
        expect(await stage.store.current(CHANNEL)).toBeUndefined();
        expect(await stage.store.transcript(session.id, { limit: 9 })).toEqual({ entries: [] });
        expect(await stage.store.list({ limit: 9, archived: true })).toEqual({ sessions: [] });
        expect(await stage.store.list({ limit: 9, channel: CHANNEL })).toEqual({ sessions: [] });
        const { running, waiting } = await stage.store.queue(CHANNEL);
        expect([running, waiting]).toEqual([undefined, []]);
        expect(await stage.store.unattended(NOBODY)).toEqual([]);
        expect(await stage.store.stats()).toEqual(NO_STATS);
      }
      for (const id of ["1", "2", "3", "4"]) {
        expect(await stage.store.accept(event(id), ROOM)).toMatchObject({ status: "duplicate" });
      }
      for (const id of ["2", "3", "4"]) {
        expect((await stage.store.receipt(CHANNEL, id))?.receipt.state).toBe("dropped");
      }
    });

    test("lets the channel start over, with ids that were not used before", async () => {
      await stage.accept("1");
      const lease = await stage.own();
      const turn = await stage.claim(lease);
      const { outbox } = await stage.commit(lease, turn, { transcript: [said(turn, "Hello")], outbox: [answer("a")] });
      await stage.store.remove(lease.session.id);
      await stage.accept("2");
      const next = await stage.own();
      expect(next).toMatchObject({ waiting: 1, controls: [], outbox: [] });
      expect(next.session.id).not.toBe(lease.session.id);
      const again = await stage.claim(next);
      const ended = await stage.commit(next, again, { outbox: [answer("b")] });
      expect(again.id).not.toBe(turn.id);
      expect(ended.outbox[0]?.id).not.toBe(outbox[0]?.id);
      expect((await stage.store.transcript(next.session.id, { limit: 9 })).entries).toEqual([]);
    });

    test("leaves the current session alone where it removes an archived one", async () => {
      await stage.accept("1", "2");
      const lease = await stage.own();
      const turn = await stage.claim(lease);
      await stage.signal("3", { command: "new" });
      const renew = { source: "channel" as const, agent: "demo", title: "Anew" };
      const { session } = await stage.store.finishControl(CHANNEL, lease.fence, { control: "3", outbox: [], renew });
      await stage.store.remove(lease.session.id);
      expect(await stage.store.get(lease.session.id)).toBeUndefined();
      expect(await stage.store.current(CHANNEL)).toEqual(session);
      expect(await stage.store.stats()).toMatchObject({ sessions: 1, queued: 1, inFlight: 1 });
      await stage.commit(lease, turn, { transcript: [said(turn, "late")], outbox: [answer("late")] });
      expect((await stage.store.pending(CHANNEL, lease.fence)).outbox).toHaveLength(1);
      expect((await stage.store.transcript(session.id, { limit: 9 })).entries).toEqual([]);
    });

    test("rejects an unknown session", async () => {
      const lease = await stage.own();
      await expect(stage.store.remove("ses_unknown")).rejects.toMatchObject({ code: "SESSION_UNKNOWN" });
      await stage.store.remove(lease.session.id);
      await expect(stage.store.remove(lease.session.id)).rejects.toMatchObject({ code: "SESSION_UNKNOWN" });
    });
  });
}
