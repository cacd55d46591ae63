import { describe, expect, test } from "vitest";
import type { ChannelId } from "../../../src/model.ts";
import { answer, CHANNEL, event, NO_STATS, NOBODY, type OpenHarness, ROOM, said, setStage } from "./stage.ts";

export function describeConcurrency(open: OpenHarness): void {
  describe("many at once", () => {
    const stage = setStage(open);

    test("accept one event once, however often it comes", async () => {
      const results = await Promise.all(Array.from({ length: 200 }, () => stage.store.accept(event("1"), ROOM)));
      expect(results.filter(({ status }) => status === "queued")).toHaveLength(1);
      expect(results.filter(({ status }) => status === "duplicate")).toHaveLength(199);
      expect((await stage.store.queue(CHANNEL)).waiting).toHaveLength(1);
      expect(await stage.store.stats()).toMatchObject({ queued: 1 });
    });

    test("never accept more than may wait, and keep the order in which they came", async () => {
      const ids = Array.from({ length: 200 }, (_, index) => `${index}`);
      const results = await Promise.all(ids.map((id) => stage.store.accept(event(id), { ...ROOM, max: 50 })));
      const queued = ids.filter((_, index) => results[index]?.status === "queued");
      expect(queued).toHaveLength(50);
      expect((await stage.store.queue(CHANNEL)).waiting.map(({ id }) => id)).toEqual(queued);
      expect(results.flatMap((result) => (result.status === "queued" ? [result.position] : []))).toEqual(
        queued.map((_, index) => index + 1),
      );
    });

    test("claim one turn, not several", async () => {
      await stage.accept("1", "2");
      const lease = await stage.own();
      const turns = await Promise.all(Array.from({ length: 5 }, () => stage.claim(lease)));
      expect(new Set(turns.map(({ id }) => id)).size).toBe(1);
      expect(turns.map(({ attempt }) => attempt).sort()).toEqual([1, 1, 1, 1, 1]);
      expect((await stage.store.queue(CHANNEL)).waiting).toHaveLength(1);
    });

    test("commit a turn once", async () => {
      await stage.accept("1");
      const lease = await stage.own();
      const turn = await stage.claim(lease);
      const commits = await Promise.allSettled(
        Array.from({ length: 5 }, () => stage.commit(lease, turn, { outbox: [answer("once")] })),
      );
      const { outbox } = await stage.store.pending(CHANNEL, lease.fence);
      expect(outbox).toHaveLength(1);
      expect(commits[0]).toMatchObject({ status: "fulfilled", value: { outbox } });
      // Whoever calls again is refused, or told what he was told before.
      for (const commit of commits) {
        if (commit.status === "fulfilled") expect(commit.value).toEqual({ status: "ended", outbox });
        else expect(commit.reason).toMatchObject({ code: "STALE_FENCE" });
      }
    });

    test("make one session for a channel", async () => {
      const leases = await Promise.all(Array.from({ length: 20 }, () => stage.own()));
      expect(new Set(leases.map(({ session }) => session.id)).size).toBe(1);
      expect(new Set(leases.map(({ fence }) => fence)).size).toBe(20);
      const newest = Math.max(...leases.map(({ fence }) => fence));
      await stage.store.save(CHANNEL, newest, { session: { title: "Mine" } });
      expect(await stage.store.stats()).toMatchObject({ sessions: 1 });
    });

    test("cancel or commit: one of the two, entirely", async () => {
      for (let round = 0; round < 20; round += 1) {
        const channel: ChannelId = `web:${round}`;
        await stage.store.accept(event("1", { channel }), ROOM);
        const lease = await stage.own(channel);
        const turn = await stage.claim(lease);
        const commit = { turn: turn.id, transcript: [said(turn, "a")], session: {}, outbox: [answer("a")], take: 0 };
        const stop = { command: "stop", args: "", reason: "stop", cancel: "turn" as const };
        const order = [
          () => stage.store.commitTurn(channel, lease.fence, commit),
          () => stage.store.signal(event("2", { channel }), stop),
        ];
        if (round % 2 === 1) order.reverse();
        await Promise.all(order.map((step) => step()));
        const { controls, outbox } = await stage.store.pending(channel, lease.fence);
        const cancelled = controls[0]?.effect?.cancelledTurn === turn.id;
        expect(outbox).toHaveLength(cancelled ? 0 : 1);
        expect((await stage.store.transcript(lease.session.id, { limit: 9 })).entries).toHaveLength(cancelled ? 0 : 1);
        expect((await stage.store.queue(channel)).running !== undefined).toBe(cancelled);
      }
    });

    test("run many channels through whole turns", async () => {
      const channels = Array.from({ length: 40 }, (_, index): ChannelId => `web:${index}`);
      const ids = ["1", "2", "3", "4", "5"];
      const answers = await Promise.all(
        channels.map(async (channel) => {
          const lease = await stage.own(channel);
          await Promise.all(ids.map((id) => stage.store.accept(event(id, { channel }), ROOM)));
          const order: string[] = [];
          const spent = { turns: 0, failed: 0, tokensIn: 0, tokensOut: 0, cost: 0 };
          let turn = await stage.store.claim(channel, lease.fence, 1);
          while (turn !== undefined) {
            order.push(...turn.messages.map(({ id }) => id));
            spent.turns += 1;
            spent.cost += 0.25;
            const session = { stats: { ...spent } };
            const { outbox, next } = await stage.commit(lease, turn, { outbox: [answer("a")], session, take: 1 });
            await stage.store.settleDelivery(channel, lease.fence, outbox[0]?.id ?? "", { status: "delivered" });
            turn = next;
          }
          return order;
        }),
      );
      for (const order of answers) expect(order).toEqual(ids);
      expect(await stage.store.stats()).toEqual({
        ...NO_STATS,
        sessions: 40,
        bySource: { ...NO_STATS.bySource, channel: 40 },
        totals: { ...NO_STATS.totals, turns: 200, cost: 50 },
      });
      await stage.reopen();
      expect(await stage.store.unattended(NOBODY)).toEqual([]);
    });
  });
}
