import { describe, expect, test } from "vitest";
import type { Ask, AuditEntry, ChannelId } from "../../../src/model.ts";
import type { AskQuery } from "../../../src/store.ts";
import { APPROVED, BOB, openAsk, openShown, PERMISSION, PLAN, QUESTIONS } from "./ask-drafts.ts";
import { ANN, CHANNEL, type OpenHarness, setStage } from "./stage.ts";

const CHANNELS: readonly ChannelId[] = [CHANNEL, "web:other", "odd:a b,c;d"];
const REQUESTS = [PLAN, PERMISSION, QUESTIONS];

export function describeAskLists(open: OpenHarness): void {
  describe("lists of asks", () => {
    const stage = setStage(open);

    /** Several in each channel, some at the same moment. */
    async function openMany(): Promise<Ask[]> {
      const leases = await Promise.all(CHANNELS.map((channel) => stage.own(channel)));
      const opened: Ask[] = [];
      for (let index = 0; index < 18; index += 1) {
        const lease = leases[index % 3];
        const request = REQUESTS[Math.floor(index / 3) % 3];
        if (lease === undefined || request === undefined) throw new Error("missing");
        opened.push((await openAsk(stage.store, lease, { request, dueAt: stage.now() + 100 })).ask);
        if (index % 4 === 0) stage.advance(1);
      }
      return opened;
    }

    async function pages(query: AskQuery): Promise<string[]> {
      const found: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await stage.store.asks(cursor === undefined ? query : { ...query, cursor });
        expect(page.asks.length).toBeLessThanOrEqual(query.limit);
        if (page.cursor !== undefined) expect(page.asks).toHaveLength(query.limit);
        found.push(...page.asks.map(({ id }) => id));
        cursor = page.cursor;
      } while (cursor !== undefined);
      return found;
    }

    test("give the open ones, oldest first, in pages", async () => {
      const opened = await openMany();
      const { asks, cursor } = await stage.store.asks({ limit: 18 });
      expect(cursor).toBeUndefined();
      expect(asks.map(({ openedAt }) => openedAt)).toEqual(opened.map(({ openedAt }) => openedAt));
      expect(new Map(asks.map((ask) => [ask.id, ask]))).toEqual(new Map(opened.map((ask) => [ask.id, ask])));
      await stage.reopen();
      for (const limit of [1, 2, 5, 17, 19, 100]) {
        expect(await pages({ limit }), `limit ${limit}`).toEqual(asks.map(({ id }) => id));
      }
    });

    test("are narrowed by channel and kind", async () => {
      const opened = await openMany();
      for (const limit of [1, 2, 3, 50]) {
        for (const channel of [undefined, ...CHANNELS]) {
          for (const kind of [undefined, "plan", "permission", "questions"] as const) {
            const query = { limit, ...(channel && { channel }), ...(kind && { kind }) };
            const expected = opened.filter(
              (ask) => (!channel || ask.channel === channel) && (!kind || ask.request.kind === kind),
            );
            const found = await pages(query);
            expect(found.toSorted()).toEqual(expected.map(({ id }) => id).toSorted());
            if (channel) expect(found).toEqual(expected.map(({ id }) => id));
          }
        }
      }
      expect(await stage.store.asks({ limit: 5, channel: "web:none" })).toEqual({ asks: [] });
    });

    test("leave out what has ended, also between two pages", async () => {
      const opened = await openMany();
      const first = await stage.store.asks({ limit: 6 });
      const inPage = first.asks.map(({ id }) => id);
      const rest = opened.map(({ id }) => id).filter((id) => !inPage.includes(id));
      const [decided = "", expired = ""] = [inPage.at(-1), rest[0]];
      await stage.store.answerAsk(decided, APPROVED);
      await stage.store.endAsk(expired, { state: "expired" });
      const second = await stage.store.asks({ limit: 100, cursor: first.cursor ?? "" });
      expect(second.asks.map(({ id }) => id).toSorted()).toEqual(rest.slice(1).toSorted());
      expect((await stage.store.asks({ limit: 100 })).asks).toHaveLength(16);
    });

    test("give what is due, the longest due first", async () => {
      const lease = await stage.own();
      const other = await stage.own("web:other");
      const now = stage.now();
      const due = async (at: number | undefined, of = lease) =>
        (await openAsk(stage.store, of, at === undefined ? {} : { dueAt: at })).ask.id;
      const [c, a, b] = [await due(now + 30), await due(now + 10), await due(now + 20, other)];
      const [never, past, ended] = [await due(undefined), await due(now - 1), await due(now - 2)];
      await stage.store.endAsk(ended, { state: "expired" });
      const ids = async (limit = 9) => (await stage.store.dueAsks(limit)).map(({ id }) => id);
      expect(await ids()).toEqual([past]);
      stage.advance(9);
      expect(await ids()).toEqual([past]);
      stage.advance(1);
      expect(await ids()).toEqual([past, a]);
      await stage.reopen();
      stage.advance(100);
      expect(await ids()).toEqual([past, a, b, c]);
      expect(await ids(2)).toEqual([past, a]);
      expect(await stage.store.dueAsks(9)).toEqual(await Promise.all([past, a, b, c].map((id) => stage.store.ask(id))));
      await stage.store.remindAsk(a, 0, stage.now() + 5);
      await stage.store.remindAsk(c, 0, undefined);
      await stage.store.remindAsk(never, 0, now - 5);
      expect(await ids()).toEqual([never, past, b]);
      stage.advance(5);
      expect(await ids()).toEqual([never, past, b, a]);
    });

    test("have nothing of a session that was removed", async () => {
      const lease = await stage.own();
      await openShown(stage.store, lease, { dueAt: 1 });
      const other = await openAsk(stage.store, await stage.own("web:other"), { dueAt: 2 });
      await stage.store.remove(lease.session.id);
      await stage.reopen();
      expect(await stage.store.asks({ limit: 9 })).toEqual({ asks: [other.ask] });
      expect(await stage.store.asks({ limit: 9, channel: CHANNEL })).toEqual({ asks: [] });
      expect(await stage.store.dueAsks(9)).toEqual([other.ask]);
      expect((await stage.store.queue(CHANNEL)).asks).toBe(0);
      expect((await stage.own()).asks).toEqual([]);
      expect((await stage.store.audit({ limit: 9 })).entries).toHaveLength(2);
    });
  });

  describe("the audit log", () => {
    const stage = setStage(open);

    async function log(limit: number, after?: string): Promise<{ entries: AuditEntry[]; after?: string }> {
      const entries: AuditEntry[] = [];
      let last = after;
      for (;;) {
        const page = await stage.store.audit(last === undefined ? { limit } : { limit, after: last });
        expect(page.entries.length).toBeLessThanOrEqual(limit);
        if (page.after === undefined) expect(page.entries).toEqual([]);
        entries.push(...page.entries);
        last = page.after ?? last;
        if (page.entries.length === 0) return { entries, ...(last === undefined ? {} : { after: last }) };
      }
    }

    test("is empty at first", async () => {
      expect(await stage.store.audit({ limit: 9 })).toEqual({ entries: [] });
    });

    test("tells who did what, where and when", async () => {
      const lease = await stage.own();
      const text = `${"ж".repeat(199)}!?`;
      const { ask } = await openAsk(stage.store, lease, { request: { ...QUESTIONS, text } });
      const common = { ask: ask.id, channel: CHANNEL, session: lease.session.id, kind: "questions" };
      const entry = { ...common, text: `${"ж".repeat(199)}!` };
      const opened = { ...entry, at: stage.now(), what: "opened" };
      const [colour, size] = QUESTIONS.questions.map(({ id }) => id) as [string, string];
      stage.advance(1);
      await stage.store.answerAsk(ask.id, { by: BOB, via: "message", question: size, value: 'large\n;"%' });
      const first = { ...entry, at: stage.now(), what: "answered", by: BOB, via: "message" };
      stage.advance(1);
      await stage.store.answerAsk(ask.id, { by: ANN, via: "button", question: colour, value: "r" });
      await stage.store.answerAsk(ask.id, { by: BOB, via: "button", question: colour, value: "r" });
      const last = { ...entry, at: stage.now(), by: ANN, via: "button" };
      expect((await stage.store.audit({ limit: 9 })).entries).toEqual([
        opened,
        { ...first, question: size, value: 'large\n;"%' },
        { ...last, what: "answered", question: colour, value: "r" },
        { ...last, what: "decided", verdict: { kind: "answered" } },
      ]);
    });

    test("tells of every end", async () => {
      const lease = await stage.own();
      const reason = '50%; "so",\n\tда 🙂';
      const verdict = { kind: "rejected", reason } as const;
      const of = async (request = PERMISSION) => (await openAsk(stage.store, lease, { request })).ask.id;
      const [decided, expired, withdrawn, silent] = [await of(), await of(), await of(), await of()];
      await stage.store.answerAsk(decided, { by: ANN, via: "command", verdict });
      await stage.store.endAsk(expired, { state: "expired" });
      await stage.store.endAsk(withdrawn, { state: "withdrawn", reason, by: BOB });
      await stage.store.endAsk(silent, { state: "withdrawn", reason });
      await stage.reopen();
      const entry = {
        ...{ at: stage.now(), channel: CHANNEL, session: lease.session.id },
        ...{ kind: "permission", text: PERMISSION.text },
      };
      expect((await stage.store.audit({ limit: 9 })).entries.slice(4)).toEqual([
        { ...entry, ask: decided, what: "decided", by: ANN, via: "command", verdict },
        { ...entry, ask: expired, what: "expired" },
        { ...entry, ask: withdrawn, what: "withdrawn", by: BOB, reason },
        { ...entry, ask: silent, what: "withdrawn", reason },
      ]);
    });

    test("has what was asked of questions without a text of their own", async () => {
      await openAsk(stage.store, await stage.own(), { request: { ...QUESTIONS, text: "" } });
      const [entry] = (await stage.store.audit({ limit: 1 })).entries;
      expect(entry?.text).toContain("Which colour?");
    });

    test("is read in pages, oldest first, and goes on from any of them later", async () => {
      const ids: string[] = [];
      const more = async () => {
        for (const channel of CHANNELS) {
          const lease = await stage.own(channel);
          ids.push((await openAsk(stage.store, lease, { request: PLAN })).ask.id);
          stage.advance(1);
        }
      };
      for (let round = 0; round < 5; round += 1) await more();
      const half = await log(7);
      expect(half.entries.map(({ ask }) => ask)).toEqual(ids);
      for (const limit of [1, 4, 15, 99]) expect((await log(limit)).entries).toEqual(half.entries);
      await stage.reopen();
      // The clock was set back: what is new comes after what was there all the same.
      stage.advance(-3_600_000);
      await more();
      const rest = await log(2, half.after);
      expect(rest.entries.map(({ ask }) => ask)).toEqual(ids.slice(15));
      expect((await log(99)).entries).toEqual([...half.entries, ...rest.entries]);
      expect(await log(9, rest.after)).toMatchObject({ entries: [] });
    });
  });
}
