import { describe, expect, test } from "vitest";
import { ANN, CHANNEL, NOBODY, type OpenHarness, REPLICA, setStage } from "./stage.ts";

const BOB = { id: "telegram:7", name: "Bob" };

export function describeAsks(open: OpenHarness): void {
  describe("asks", () => {
    const stage = setStage(open);

    async function openAsk() {
      const lease = await stage.own();
      const ask = await stage.store.openAsk(CHANNEL, lease.fence, {
        kind: "permission",
        text: "May I?",
        turn: "t1",
        outbox: [{ kind: "notice", text: "May I?" }],
      });
      return { lease, ask };
    }

    test("are opened with what is said about them", async () => {
      const { lease, ask } = await openAsk();
      expect(ask).toEqual({
        id: expect.stringMatching(/^\S{8,}$/),
        channel: CHANNEL,
        session: lease.session.id,
        turn: "t1",
        kind: "permission",
        text: "May I?",
        openedAt: stage.now(),
      });
      expect((await stage.store.pending(CHANNEL, lease.fence)).outbox).toMatchObject([{ text: "May I?" }]);
    });

    test("are decided once, by the first, and the owner gets a command for it", async () => {
      const { ask } = await openAsk();
      await stage.reopen();
      const first = await stage.store.decideAsk(ask.id, { yes: true }, ANN);
      const decision = { answer: { yes: true }, by: ANN, at: stage.now() };
      expect(first).toEqual({ status: "decided", decision });
      stage.advance(10);
      expect(await stage.store.decideAsk(ask.id, "no", BOB)).toEqual({ status: "already", decision });
      await stage.reopen();
      expect(await stage.store.decideAsk(ask.id, "no", BOB)).toEqual({ status: "already", decision });
      expect(await stage.store.unattended(NOBODY)).toEqual([CHANNEL]);
      const lease = await stage.own();
      expect(lease.controls).toMatchObject([{ command: "ask", args: ask.id, sender: ANN }]);
      const control = lease.controls[0]?.id ?? "";
      await stage.store.finishControl(CHANNEL, lease.fence, { control, outbox: [] });
      expect((await stage.store.pending(CHANNEL, lease.fence)).controls).toEqual([]);
    });

    test("have one winner of many at once", async () => {
      const { ask, lease } = await openAsk();
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) => stage.store.decideAsk(ask.id, index, index % 2 === 0 ? ANN : BOB)),
      );
      expect(answers.filter(({ status }) => status === "decided")).toHaveLength(1);
      expect(new Set(answers.map(({ decision }) => decision.answer)).size).toBe(1);
      expect((await stage.store.pending(CHANNEL, lease.fence)).controls).toHaveLength(1);
    });

    test("are reminded of when due, until they are decided", async () => {
      const { ask } = await openAsk();
      expect(await stage.store.askReminded(ask.id, 100)).toBe(true);
      stage.advance(99);
      expect(await stage.store.askReminded(ask.id, 100)).toBe(false);
      await stage.reopen();
      stage.advance(1);
      expect(await stage.store.askReminded(ask.id, 100)).toBe(true);
      expect(await stage.store.askReminded(ask.id, 0)).toBe(true);
      await stage.store.decideAsk(ask.id, null, ANN);
      stage.advance(1_000);
      expect(await stage.store.askReminded(ask.id, 0)).toBe(false);
      expect(await stage.store.askReminded("ask_unknown", 0)).toBe(false);
    });

    test("are unknown where there is none, and with their session removed", async () => {
      const { ask, lease } = await openAsk();
      const unknown = { code: "ASK_UNKNOWN" };
      await expect(stage.store.decideAsk("ask_unknown", 1, ANN)).rejects.toMatchObject(unknown);
      await stage.store.heartbeat(REPLICA);
      await stage.store.remove(lease.session.id);
      await expect(stage.store.decideAsk(ask.id, 1, ANN)).rejects.toMatchObject(unknown);
    });
  });
}
