import { describe, expect, test } from "vitest";
import type { TranscriptEntry } from "../../../src/model.ts";
import type { Hint } from "../../../src/store.ts";
import { APPROVED, asking, openAsk, openShown } from "./ask-drafts.ts";
import {
  ANN,
  answer,
  CHANNEL,
  event,
  FRESH,
  NO_STATS,
  NOBODY,
  type OpenHarness,
  REPLICA,
  ROOM,
  said,
  setStage,
} from "./stage.ts";

export function describeViews(open: OpenHarness): void {
  describe("queue and receipts", () => {
    const stage = setStage(open);

    test("know nothing of what never was", async () => {
      expect(await stage.store.queue(CHANNEL)).toEqual({ waiting: [], asks: 0, commands: 0, recent: [] });
      expect(await stage.store.receipt(CHANNEL, "1")).toBeUndefined();
      expect(await stage.store.current(CHANNEL)).toBeUndefined();
      expect(await stage.store.get("ses_unknown")).toBeUndefined();
      expect(await stage.store.transcript("ses_unknown", { limit: 1 })).toEqual({ entries: [] });
    });

    test("give the newest messages and commands first, at least ten, as they stand", async () => {
      for (let index = 1; index <= 60; index += 1) {
        if (index % 3 === 0) await stage.signal(`${index}`, { command: "status" });
        else await stage.accept(`${index}`);
      }
      const { recent } = await stage.store.queue(CHANNEL);
      expect(recent.length).toBeGreaterThanOrEqual(10);
      expect(recent.map(({ id }) => id)).toEqual(recent.map((_, index) => `${60 - index}`));
      for (const view of recent) expect(view).toEqual(await stage.store.receipt(CHANNEL, view.id));
      expect(recent[1]).toEqual({ id: "59", receipt: { at: stage.now(), state: "queued" }, position: 40 });
    });

    test("count positions from the next to run", async () => {
      await stage.accept("1", "2", "3");
      const lease = await stage.own();
      const turn = await stage.claim(lease);
      const positions = async () =>
        Promise.all(["1", "2", "3"].map(async (id) => (await stage.store.receipt(CHANNEL, id))?.position));
      expect(await positions()).toEqual([undefined, 1, 2]);
      await stage.commit(lease, turn, { take: 1 });
      expect(await positions()).toEqual([undefined, undefined, 1]);
    });
  });

  describe("transcript", () => {
    const stage = setStage(open);

    test("pages from the newest to the oldest, each in order", async () => {
      const lease = await stage.own();
      const all: TranscriptEntry[] = [];
      for (let index = 0; index < 7; index += 1) {
        await stage.accept(`${index}`);
        const turn = await stage.claim(lease);
        const user: TranscriptEntry = { role: "user", text: `u${index}`, at: index, turn: turn.id, sender: ANN };
        const transcript = index === 3 ? [] : [user, said(turn, `a${index}`), said(turn, `b${index}`)];
        await stage.commit(lease, turn, { transcript });
        all.push(...transcript);
      }
      await stage.reopen();
      for (const limit of [1, 2, 3, 4, 5, 17, 18, 19, 100]) {
        const read: TranscriptEntry[] = [];
        let before: number | undefined;
        do {
          const page: { limit: number; before?: number } = before === undefined ? { limit } : { limit, before };
          const { entries, before: older } = await stage.store.transcript(lease.session.id, page);
          expect(entries.length).toBe(Math.min(limit, all.length - read.length));
          read.unshift(...entries);
          before = older;
        } while (before !== undefined);
        expect(read, `limit ${limit}`).toEqual(all);
      }
    });

    test("keeps a cursor good while more is said", async () => {
      const lease = await stage.own();
      await stage.accept("1", "2");
      const turn = await stage.claim(lease);
      const { next } = await stage.commit(lease, turn, { transcript: [said(turn, "a"), said(turn, "b")], take: 1 });
      const { before } = await stage.store.transcript(lease.session.id, { limit: 1 });
      if (next === undefined || before === undefined) throw new Error("missing");
      await stage.commit(lease, next, { transcript: [said(next, "c")] });
      const page = await stage.store.transcript(lease.session.id, { limit: 5, before });
      expect(page.entries.map(({ text }) => text)).toEqual(["a"]);
    });
  });

  describe("stats", () => {
    const stage = setStage(open);

    test("count what there is, across restarts", async () => {
      await stage.accept("1", "2", "3");
      await stage.store.accept(event("1", { channel: "web:other" }), ROOM);
      const lease = await stage.own();
      await stage.own("web:other");
      await stage.own("web:third");
      const turn = await stage.claim(lease);
      await stage.fail(lease, turn, "park", { outbox: [answer("a"), answer("b")], take: 1 });
      const bySource = { ...NO_STATS.bySource, channel: 3 };
      const byStatus = { running: 1, waiting: 0, error: 0 };
      const counted = { sessions: 3, queued: 2, inFlight: 1, undelivered: 2, deadLetters: 1 };
      const stats = { ...NO_STATS, ...counted, bySource, byStatus };
      expect(await stage.store.stats()).toEqual(stats);
      await stage.reopen();
      expect(await stage.store.stats()).toEqual(stats);
      await stage.signal("4", { cancel: "all" });
      expect(await stage.store.stats()).toEqual({ ...stats, queued: 1 });
    });
  });

  describe("what is returned", () => {
    const stage = setStage(open);

    test("doesn't change later", async () => {
      await stage.accept("1", "2");
      const lease = await stage.own();
      const turn = await stage.claim(lease);
      const queue = await stage.store.queue(CHANNEL);
      const copy = structuredClone([lease, turn, queue]);
      await stage.store.save(CHANNEL, lease.fence, { session: { title: "New" }, preview: "ref-1" });
      await stage.signal("3", { cancel: "all" });
      expect([lease, turn, queue]).toEqual(copy);
    });
  });

  describe("watch", () => {
    const stage = setStage(open);

    test("hints at what each change gives to do, when it is done", async () => {
      const hints: Hint[] = [];
      const stop = stage.store.watch((hint) => hints.push(hint));
      const expectHint = async (kind: Hint["kind"], change: () => Promise<unknown>) => {
        hints.length = 0;
        await change();
        await expect.poll(() => hints).toContainEqual({ channel: CHANNEL, kind });
      };
      await expectHint("inbox", () => stage.accept("1"));
      const lease = await stage.own();
      await expectHint("outbox", () => stage.store.accept(event("2"), { ...ROOM, max: 1 }));
      await expectHint("outbox", () => stage.store.accept(event("3"), { max: 0, fullNotice: "No." }));
      await expectHint("state", () => stage.claim(lease));
      await expectHint("control", () => stage.signal("4", { cancel: "turn" }));
      const turn = await stage.claim(lease);
      await expectHint("state", () => stage.fail(lease, turn, "cancel"));
      await stage.accept("5");
      const next = await stage.claim(lease);
      await expectHint("state", () => stage.fail(lease, next, "park"));
      await expectHint("inbox", () => stage.store.replay(`${CHANNEL}#5`));
      await expectHint("state", () => stage.store.save(CHANNEL, lease.fence, { session: { title: "New" } }));
      await expectHint("journal", () => stage.store.journalPut(CHANNEL, "k", 1));
      await expectHint("state", () => stage.store.remove(lease.session.id));
      stop();
      hints.length = 0;
      await stage.accept("6");
      expect(hints).toEqual([]);
    });

    test("hints at what asks give to do", async () => {
      const hints: Hint[] = [];
      stage.store.watch((hint) => hints.push(hint));
      const expectHints = async (kinds: readonly Hint["kind"][], change: () => Promise<unknown>) => {
        hints.length = 0;
        await change();
        for (const kind of kinds) await expect.poll(() => hints).toContainEqual({ channel: CHANNEL, kind });
      };
      await stage.accept("1");
      const lease = await stage.own();
      const begin = async () => {
        const turn = await stage.claim(lease);
        const shown = await openShown(stage.store, lease, { turn: turn.id });
        await stage.fail(lease, turn, "suspend");
        return { turn, shown };
      };
      await expectHints(["state"], () => openAsk(stage.store, lease));
      const [plan] = (await stage.store.asks({ channel: CHANNEL, limit: 1 })).asks;
      await expectHints(["control"], () => stage.store.answerAsk(plan?.id ?? "", APPROVED));
      const { shown } = await begin();
      await expectHints(["control"], () => stage.accept("2"));
      await expectHints(["outbox"], () => stage.store.remindAsk(shown.id, 0, undefined));
      await expectHints(["control", "outbox", "inbox", "state"], () => stage.store.answerAsk(shown.id, APPROVED));
      const { shown: withdrawn } = await begin();
      const withdraw = { asks: [withdrawn.id], reason: "enough" };
      const enqueue = { id: "5", sender: ANN, text: "go", sentAt: 1, acceptedAt: 1 };
      await expectHints(["outbox", "inbox"], () =>
        stage.store.finishControl(CHANNEL, lease.fence, { control: "2", outbox: [], withdraw }),
      );
      const { turn } = await begin();
      await expectHints(["control", "inbox"], () => stage.signal("3", { cancel: "turn" }));
      await expectHints(["outbox"], () => stage.fail(lease, turn, "cancel"));
      await expectHints(["inbox"], () =>
        stage.store.finishControl(CHANNEL, lease.fence, { control: "3", outbox: [], enqueue }),
      );
      const last = await stage.claim(lease);
      await openShown(stage.store, lease, { turn: last.id });
      await expectHints(["outbox"], () => stage.commit(lease, last));
    });

    test("a listener that throws harms neither the change nor the others", async () => {
      const hints: Hint[] = [];
      stage.store.watch(() => {
        throw new Error("listener");
      });
      stage.store.watch((hint) => hints.push(hint));
      await stage.accept("1");
      await expect.poll(() => hints).toContainEqual({ channel: CHANNEL, kind: "inbox" });
      expect((await stage.store.queue(CHANNEL)).waiting).toHaveLength(1);
    });
  });

  describe("close", () => {
    const stage = setStage(open);

    test("waits for writes under way", async () => {
      const writes = Array.from({ length: 50 }, (_, index) => stage.store.accept(event(`${index}`), ROOM));
      await stage.store.close();
      await Promise.all(writes);
      await stage.reopen();
      expect((await stage.store.queue(CHANNEL)).waiting).toHaveLength(50);
    });

    test("refuses every later call", async () => {
      const { store } = stage;
      const lease = await stage.own();
      await store.close();
      const { fence } = lease;
      const end = { turn: "t1", transcript: [], session: {}, outbox: [], take: 0 };
      const schedule = {
        ...{ id: "x", channel: CHANNEL, cron: "* * * * *", timezone: "UTC", prompt: "Hello" },
        ...({ origin: "command", missed: "skip", createdAt: 1, nextAt: 1 } as const),
      };
      const calls = [
        store.accept(event("1"), ROOM),
        stage.signal("2"),
        store.refuse(event("3"), "not allowed"),
        store.amend({ channel: CHANNEL, id: "1", text: null }, "deleted"),
        store.acquire(CHANNEL, REPLICA, FRESH),
        store.acquire("web:other", REPLICA, FRESH),
        store.release(CHANNEL, fence),
        store.heartbeat(REPLICA),
        store.unattended(NOBODY),
        store.hold("x", REPLICA),
        store.letGo("x", REPLICA),
        store.claim(CHANNEL, fence, 1),
        store.commitTurn(CHANNEL, fence, end),
        store.failTurn(CHANNEL, fence, { ...end, outcome: "park", cause: "" }),
        store.save(CHANNEL, fence, {}),
        store.pending(CHANNEL, fence),
        store.finishControl(CHANNEL, fence, { control: "1", outbox: [] }),
        store.settleDelivery(CHANNEL, fence, "1", { status: "delivered" }),
        store.openAsk(CHANNEL, fence, asking()),
        store.answerAsk("ask_1", APPROVED),
        store.endAsk("ask_1", { state: "expired" }),
        store.remindAsk("ask_1", 1, undefined),
        store.ask("ask_1"),
        store.asks({ limit: 1 }),
        store.dueAsks(1),
        store.audit({ limit: 1 }),
        store.replay("x"),
        store.discard("x"),
        store.remove("x"),
        store.get("x"),
        store.current(CHANNEL),
        store.list({ limit: 1 }),
        store.transcript("x", { limit: 1 }),
        store.receipt(CHANNEL, "1"),
        store.queue(CHANNEL),
        store.deadLetters({ limit: 1 }),
        store.stats(),
        store.putSchedule({ ...schedule, by: ANN }),
        store.removeSchedule("x"),
        store.schedule("x"),
        store.schedules({ limit: 1 }),
        store.dueSchedules(1),
        store.moveSchedule("x", { from: 1, to: 2 }),
        store.journalPut(CHANNEL, "k", 1),
        store.journalSince(CHANNEL, 0, 1),
        store.journalPage(CHANNEL, 1),
      ];
      for (const result of await Promise.allSettled(calls)) {
        expect(result).toMatchObject({ status: "rejected", reason: { code: "STORE_CLOSED" } });
      }
      await store.close();
    });
  });
}
