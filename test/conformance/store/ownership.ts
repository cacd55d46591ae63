import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { ChannelId } from "../../../src/model.ts";
import { asking } from "./ask-drafts.ts";
import { answer, CHANNEL, event, FRESH, NOBODY, type OpenHarness, REPLICA, ROOM, setStage } from "./stage.ts";

const STALE = expect.objectContaining({ code: "STALE_FENCE" });

export function describeOwnership(open: OpenHarness): void {
  describe("ownership", () => {
    const stage = setStage(open);

    test("makes a session where there is none, and gives it again", async () => {
      const first = await stage.own();
      expect(first.session).toEqual({
        ...FRESH,
        id: expect.stringMatching(/^ses_\S{16,}$/),
        channel: CHANNEL,
        pinned: false,
        createdAt: stage.now(),
        updatedAt: stage.now(),
        lastActivityAt: stage.now(),
        stats: { turns: 0, failed: 0, tokensIn: 0, tokensOut: 0 },
      });
      const again = await stage.store.acquire(CHANNEL, REPLICA, { ...FRESH, title: "Another" });
      expect(again).toMatchObject({ status: "owned", lease: { session: first.session } });
      expect(await stage.store.current(CHANNEL)).toEqual(first.session);
      expect(await stage.store.stats()).toMatchObject({ sessions: 1 });
    });

    test("makes a session with the project, and with the source of the message that it begins with", async () => {
      await stage.store.accept(event("1", { source: "cron" }), ROOM);
      await stage.store.accept(event("2"), ROOM);
      const fresh = { ...FRESH, project: "web/site; 50%", settings: { model: "a/b", effort: "high" } };
      await stage.store.acquire(CHANNEL, REPLICA, fresh);
      expect(await stage.store.current(CHANNEL)).toMatchObject({ ...fresh, source: "cron" });
      await stage.store.accept(event("3", { channel: "web:other" }), ROOM);
      await stage.store.accept(event("4", { channel: "web:other", source: "cron" }), ROOM);
      await stage.store.acquire("web:other", REPLICA, { ...FRESH, source: "setup" });
      expect(await stage.store.current("web:other")).toMatchObject({ source: "setup" });
      expect(await stage.store.current("web:other")).not.toHaveProperty("project");
      const there = await stage.own("web:third");
      await stage.store.accept(event("5", { channel: "web:third", source: "cron" }), ROOM);
      await stage.reopen();
      expect((await stage.own("web:third")).session).toEqual(there.session);
      expect((await stage.own()).session).toMatchObject({ ...fresh, source: "cron" });
      expect((await stage.store.list({ limit: 9, source: "cron" })).sessions).toMatchObject([{ channel: CHANNEL }]);
    });

    test("gives what there is to go on with", async () => {
      await stage.accept("1", "2", "3");
      const before = await stage.own();
      const turn = await stage.claim(before);
      await stage.store.save(CHANNEL, before.fence, { preview: "ref-1" });
      await stage.signal("4", { command: "status" });
      await stage.store.accept(event("5"), { max: 0, fullNotice: "No." });
      await stage.reopen();
      const lease = await stage.own();
      expect(lease.interrupted).toEqual({ ...turn, preview: "ref-1" });
      expect(lease.waiting).toBe(2);
      expect(lease.controls).toMatchObject([{ id: "4", command: "status" }]);
      expect(lease.outbox).toMatchObject([{ kind: "notice", text: "No." }]);
    });

    test("has nothing to go on with in a quiet channel", async () => {
      const lease = await stage.own();
      const { fence, session } = lease;
      expect(lease).toEqual({ fence, session, waiting: 0, asks: [], controls: [], outbox: [] });
    });

    test("keeps the channel with an owner that is alive", async () => {
      const lease = await stage.own();
      await stage.store.heartbeat(REPLICA);
      expect(await stage.store.acquire(CHANNEL, "replica-2", FRESH)).toEqual({ status: "elsewhere", owner: REPLICA });
      await stage.store.save(CHANNEL, lease.fence, { session: { title: "Still mine" } });
    });

    test("gives the channel to another after a release", async () => {
      const lease = await stage.own();
      await stage.store.release(CHANNEL, lease.fence);
      expect(await stage.store.acquire(CHANNEL, "replica-2", FRESH)).toMatchObject({ status: "owned" });
    });

    test("lets fences grow, across releases and restarts", async () => {
      const first = await stage.own();
      const second = await stage.own();
      await stage.store.release(CHANNEL, second.fence);
      const third = await stage.own();
      await stage.reopen();
      const fourth = await stage.own();
      const fences = [first, second, third, fourth].map(({ fence }) => fence);
      expect(fences).toEqual([...new Set(fences)].sort((a, b) => a - b));
    });

    test("takes a stale release for what it is", async () => {
      const first = await stage.own();
      const second = await stage.own();
      await stage.store.release(CHANNEL, first.fence);
      await stage.store.save(CHANNEL, second.fence, { session: { title: "Mine" } });
      await stage.store.release("web:nobody", 1);
    });

    const lost = {
      "a newer acquire": async (fence: number) => {
        const lease = await stage.own();
        expect(lease.fence).toBeGreaterThan(fence);
      },
      "a release": (fence: number) => stage.store.release(CHANNEL, fence),
      "a restart": () => stage.reopen(),
      "the removal of the session": async () => {
        const session = await stage.store.current(CHANNEL);
        await stage.store.remove(session?.id ?? "");
      },
    };
    for (const [how, lose] of Object.entries(lost)) {
      test(`refuses every write of an owner that lost the channel by ${how}`, async () => {
        await stage.accept("1", "2");
        const lease = await stage.own();
        const turn = await stage.claim(lease);
        await stage.signal("3", { command: "status" });
        await stage.store.accept(event("4"), { max: 0, fullNotice: "No." });
        const [entry] = (await stage.own()).outbox;
        const owned = await stage.own();
        await lose(owned.fence);
        const before = [
          await stage.store.queue(CHANNEL),
          await stage.store.stats(),
          await stage.store.current(CHANNEL),
        ];
        const { fence } = owned;
        const end = { turn: turn.id, transcript: [], session: {}, outbox: [answer("no")], take: 1 };
        const writes = [
          stage.store.claim(CHANNEL, fence, 1),
          stage.store.commitTurn(CHANNEL, fence, end),
          stage.store.failTurn(CHANNEL, fence, { ...end, outcome: "park", cause: "no" }),
          stage.store.save(CHANNEL, fence, { session: { title: "no" } }),
          stage.store.pending(CHANNEL, fence),
          stage.store.finishControl(CHANNEL, fence, { control: "3", outbox: [answer("no")] }),
          stage.store.settleDelivery(CHANNEL, fence, entry?.id ?? "", { status: "delivered" }),
          stage.store.openAsk(CHANNEL, fence, asking({ outbox: [answer("no")] })),
        ];
        for (const { status, reason } of (await Promise.allSettled(writes)) as PromiseRejectedResult[]) {
          expect([status, reason]).toEqual(["rejected", STALE]);
        }
        const after = [await stage.store.queue(CHANNEL), await stage.store.stats(), await stage.store.current(CHANNEL)];
        expect(after).toEqual(before);
      });
    }

    test("never lets a write of the last owner come behind an acquire", async () => {
      // Wherever in the write the acquire falls.
      for (let moments = 0; moments < 12; moments += 1) {
        const channel: ChannelId = `web:${moments}`;
        await stage.store.accept(event("1", { channel }), ROOM);
        const first = await stage.own(channel);
        const turn = await stage.claim(first);
        const committing = stage.commit(first, turn, { outbox: [answer("done")] }).catch((error: unknown) => error);
        for (let moment = 0; moment < moments; moment += 1) await nextTurn();
        const second = await stage.own(channel);
        const commit = await committing;
        if (commit instanceof Error) expect(commit).toEqual(STALE);
        expect(second.interrupted).toEqual(commit instanceof Error ? turn : undefined);
        expect(second.outbox).toHaveLength(commit instanceof Error ? 0 : 1);
      }
    });

    test("finds the channels that nobody works on, and only those with work", async () => {
      await stage.accept("1");
      await stage.store.accept(event("1", { channel: "web:owned" }), ROOM);
      await stage.own("web:owned");
      await stage.own("web:quiet");
      await stage.store.signal(event("1", { channel: "web:command" }), { command: "x", args: "", reason: "" });
      await stage.store.refuse(event("1", { channel: "web:refused" }), "not allowed");
      await stage.store.accept(event("1", { channel: "web:notice" }), { max: 0, fullNotice: "No." });
      expect(new Set(await stage.store.unattended(NOBODY))).toEqual(new Set([CHANNEL, "web:command", "web:notice"]));
      await stage.reopen();
      const orphans = await stage.store.unattended(NOBODY);
      expect(new Set(orphans)).toEqual(new Set([CHANNEL, "web:owned", "web:command", "web:notice"]));
      expect(orphans).toHaveLength(4);
    });

    test("shows an owner its own channels with work: a hint may have been lost", async () => {
      await stage.accept("1");
      await stage.own();
      await stage.own("web:quiet");
      expect(await stage.store.unattended(REPLICA)).toEqual([CHANNEL]);
      expect(await stage.store.unattended(NOBODY)).toEqual([]);
    });

    test("gives what only one may have to one", async () => {
      expect(await stage.store.hold("receive:bot", REPLICA)).toBe(true);
      expect(await stage.store.hold("receive:bot", REPLICA)).toBe(true);
      await stage.store.letGo("receive:bot", REPLICA);
      await stage.store.letGo("receive:bot", REPLICA);
      expect(await stage.store.hold("receive:bot", REPLICA)).toBe(true);
      await stage.reopen();
      expect(await stage.store.hold("receive:bot", REPLICA)).toBe(true);
    });

    test("counts who beats as alive", async () => {
      const { self, replicas, lasts, lost } = await stage.store.heartbeat(REPLICA);
      expect(replicas).toContain(self);
      expect(lasts).toBeGreaterThan(0);
      expect(lost).toBe(false);
      expect((await stage.store.heartbeat(REPLICA)).self).toBe(self);
    });

    test("counts a channel as done only when its turn, commands and replies are", async () => {
      await stage.accept("1");
      const lease = await stage.own();
      const turn = await stage.claim(lease);
      await stage.signal("2", { command: "status" });
      const { outbox } = await stage.commit(lease, turn, { outbox: [answer("done")] });
      await stage.store.release(CHANNEL, lease.fence);
      expect(await stage.store.unattended(NOBODY)).toEqual([CHANNEL]);
      const next = await stage.own();
      await stage.store.finishControl(CHANNEL, next.fence, { control: "2", outbox: [] });
      await stage.store.heartbeat(REPLICA);
      await stage.store.release(CHANNEL, next.fence);
      expect(await stage.store.unattended(NOBODY)).toEqual([CHANNEL]);
      const last = await stage.own();
      await stage.store.settleDelivery(CHANNEL, last.fence, outbox[0]?.id ?? "", { status: "delivered" });
      await stage.store.release(CHANNEL, last.fence);
      expect(await stage.store.unattended(NOBODY)).toEqual([]);
      await stage.store.heartbeat(REPLICA);
      await stage.accept("3");
      await stage.reopen();
      expect(await stage.store.unattended(NOBODY)).toEqual([CHANNEL]);
    });
  });
}
