import { describe, expect, test } from "vitest";
import type { Session } from "../../../src/model.ts";
import type { Lease } from "../../../src/store.ts";
import { openShown, PLAN, read } from "./ask-drafts.ts";
import {
  answer,
  CHANNEL,
  event,
  FRESH,
  KEEP,
  NOBODY,
  type OpenHarness,
  REPLICA,
  ROOM,
  said,
  setStage,
} from "./stage.ts";

export function describeRestore(open: OpenHarness): void {
  describe("restore", () => {
    const stage = setStage(open);

    /** A session with something said in it that was archived, its channel's lease, and the session that followed. */
    async function archive(): Promise<{ lease: Lease; old: Session; current: Session }> {
      const lease = await stage.own();
      await stage.accept("1");
      const turn = await stage.claim(lease);
      const stats = { turns: 1, failed: 0, tokensIn: 5, tokensOut: 7, cost: 0.5, costSource: "prices" } as const;
      const settings = { mode: "plan", model: "a/b-1", note: "no;\n50%" } as const;
      const session = { title: "Old; 50%", stats, settings, agentState: { deep: [1, null, "✓"] } };
      await stage.commit(lease, turn, { transcript: [said(turn, "Hello")], session });
      const current = await renew(lease, "2");
      const old = await stage.store.get(lease.session.id);
      if (old === undefined) throw new Error("the archived session is gone");
      return { lease, old, current };
    }

    async function renew(lease: Lease, control: string): Promise<Session> {
      await stage.signal(control, { command: "new" });
      const end = { control, outbox: [], renew: { ...FRESH, agent: "other", title: "Anew" } };
      return (await stage.store.finishControl(CHANNEL, lease.fence, end)).session;
    }

    async function restore(lease: Lease, control: string, session: string) {
      await stage.signal(control, { command: "resume", args: session });
      const end = { control, outbox: [answer("resumed")], restore: session };
      return await stage.store.finishControl(CHANNEL, lease.fence, end);
    }

    async function sweep(): Promise<void> {
      await stage.store.heartbeat(REPLICA);
      await stage.store.unattended(REPLICA);
    }

    test("makes an archived session current again as it was, and archives the one that was", async () => {
      const { lease, old, current } = await archive();
      await stage.accept("3");
      const stats = await stage.store.stats();
      stage.advance(90_000);
      const { session, outbox } = await restore(lease, "4", old.id);
      const { archivedAt, ...kept } = old;
      expect(archivedAt).toBe(stage.now() - 90_000);
      expect(session).toEqual({ ...kept, updatedAt: stage.now(), lastActivityAt: stage.now() });
      expect(outbox).toMatchObject([{ text: "resumed" }]);
      for (const restarted of [false, true]) {
        if (restarted) await stage.reopen();
        expect(await stage.store.current(CHANNEL)).toEqual(session);
        expect(await stage.store.get(old.id)).toEqual(session);
        expect(await stage.store.get(current.id)).toMatchObject({ archivedAt: stage.now(), title: "Anew" });
        const { sessions } = await stage.store.list({ limit: 9 });
        expect(sessions).toEqual([session]);
        expect((await stage.store.list({ limit: 9, archived: true })).sessions).toHaveLength(2);
        expect(await stage.store.list({ limit: 9, from: stage.now() })).toEqual({ sessions: [session] });
        expect(await stage.store.stats()).toEqual({ ...stats, undelivered: 1 });
      }
      const next = await stage.own();
      expect(next).toMatchObject({ session, waiting: 1 });
      const turn = await stage.claim(next);
      await stage.commit(next, turn, { transcript: [said(turn, "Again")], session: { title: "Still here" } });
      const { entries } = await stage.store.transcript(old.id, { limit: 9 });
      expect(entries.map(({ text }) => text)).toEqual(["Hello", "Again"]);
      expect((await stage.store.transcript(current.id, { limit: 9 })).entries).toEqual([]);
      expect((await stage.store.current(CHANNEL))?.title).toBe("Still here");
    });

    test("withdraws the asks of the session that was current", async () => {
      const { lease, old } = await archive();
      const { id } = await openShown(stage.store, lease, { request: PLAN });
      await restore(lease, "3", old.id);
      expect((await read(stage.store, id)).end).toMatchObject({ state: "withdrawn", at: stage.now() });
      expect((await stage.own()).asks).toEqual([]);
      expect(await stage.store.accept(event("4"), ROOM)).toMatchObject({ status: "queued" });
    });

    test("leaves everything as it is where there is no such session to restore", async () => {
      const { lease, old, current } = await archive();
      const other = await stage.own("web:other");
      const elsewhere = other.session.id;
      await stage.store.signal(event("1", { channel: "web:other" }), { command: "new", args: "", reason: "" });
      const end = { control: "1", outbox: [], renew: FRESH };
      await stage.store.finishControl("web:other", other.fence, end);
      const { id: ask } = await openShown(stage.store, lease, { request: PLAN });
      await stage.store.remove(old.id);
      const wrong = { gone: old.id, "another channel's": elsewhere, current: current.id, unknown: "ses_x", empty: "" };
      for (const [why, id] of Object.entries(wrong)) {
        stage.advance(1);
        const ended = await restore(lease, `no ${why}`, id);
        expect(ended, why).toMatchObject({ session: { id: current.id }, outbox: [{ text: "resumed" }] });
        expect(ended.session).not.toHaveProperty("archivedAt");
        expect((await stage.store.receipt(CHANNEL, `no ${why}`))?.receipt.state).toBe("answered");
      }
      expect(await stage.store.current(CHANNEL)).toMatchObject({ id: current.id });
      expect(await stage.store.get(elsewhere)).toHaveProperty("archivedAt");
      expect((await read(stage.store, ask)).end).toBeUndefined();
      expect((await stage.store.list({ limit: 9 })).sessions).toHaveLength(2);
    });

    test("is done once where the call is repeated", async () => {
      const { lease, old, current } = await archive();
      const first = await restore(lease, "3", old.id);
      const twice = await stage.store.finishControl(CHANNEL, lease.fence, {
        ...{ control: "3", outbox: [answer("resumed")], restore: old.id },
      });
      expect(twice.session).toEqual(first.session);
      expect((await stage.store.pending(CHANNEL, lease.fence)).outbox).toHaveLength(1);
      // A later command has made the other one current again: what is repeated must not undo it.
      await restore(lease, "4", current.id);
      const late = await stage.store.finishControl(CHANNEL, lease.fence, {
        ...{ control: "3", outbox: [], restore: old.id },
      });
      expect(late.session.id).toBe(current.id);
      expect(await stage.store.get(old.id)).toHaveProperty("archivedAt");
    });

    test("keeps a session for as long as it is current, and then for as long as any that is archived", async () => {
      const { lease, old } = await archive();
      stage.advance(KEEP / 2);
      await restore(lease, "3", old.id);
      stage.advance(KEEP / 2 + 1);
      await sweep();
      expect(await stage.store.current(CHANNEL)).toMatchObject({ id: old.id });
      await stage.reopen();
      stage.advance(2 * KEEP);
      await sweep();
      expect(await stage.store.current(CHANNEL)).toMatchObject({ id: old.id });
      expect((await stage.store.transcript(old.id, { limit: 9 })).entries).toHaveLength(1);
      expect(await stage.store.stats()).toMatchObject({ sessions: 1 });
      await renew(await stage.own(), "4");
      stage.advance(KEEP - 1);
      await sweep();
      expect(await stage.store.get(old.id)).toHaveProperty("archivedAt");
      stage.advance(2);
      await sweep();
      expect(await stage.store.get(old.id)).toBeUndefined();
    });

    test("gives one that was archived again soon its whole time", async () => {
      const { lease, old } = await archive();
      stage.advance(KEEP / 2);
      await restore(lease, "3", old.id);
      await renew(lease, "4");
      stage.advance(KEEP / 2 + 1);
      await sweep();
      expect(await stage.store.get(old.id)).toHaveProperty("archivedAt");
      expect((await stage.store.transcript(old.id, { limit: 9 })).entries).toHaveLength(1);
      stage.advance(KEEP / 2);
      await sweep();
      expect(await stage.store.get(old.id)).toBeUndefined();
    });

    test("brings back a pinned one, and one that has an error, as they were", async () => {
      const lease = await stage.own();
      const error = { code: "AGENT", message: "it broke", at: 5 };
      await stage.store.save(CHANNEL, lease.fence, { session: { pinned: true, error } });
      await renew(lease, "1");
      const { session } = await restore(lease, "2", lease.session.id);
      expect(session).toMatchObject({ id: lease.session.id, pinned: true, error });
      expect((await stage.store.list({ limit: 0 })).sessions).toEqual([session]);
      expect(await stage.store.stats()).toMatchObject({ byStatus: { error: 1 } });
    });

    test("leaves the cancelled turn to the session that it ran in", async () => {
      const { lease, old, current } = await archive();
      await stage.accept("3");
      const turn = await stage.claim(lease);
      await stage.signal("4", { command: "resume", cancel: "turn" });
      const end = { control: "4", outbox: [], restore: old.id };
      await stage.store.finishControl(CHANNEL, lease.fence, end);
      const patch = { agentState: "of the other" };
      await stage.fail(lease, turn, "cancel", { transcript: [said(turn, "half")], session: patch });
      expect(await stage.store.get(old.id)).toMatchObject({ agentState: old.agentState });
      expect(await stage.store.get(current.id)).toMatchObject({ ...patch, archivedAt: stage.now() });
      expect((await stage.store.transcript(current.id, { limit: 5 })).entries).toHaveLength(1);
      expect(await stage.store.unattended(NOBODY)).toEqual([]);
    });
  });
}
