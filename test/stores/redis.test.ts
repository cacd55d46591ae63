/** What stands in Redis: how long, how much, and that all of it comes out as it went in. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ChannelId, channelId } from "../../src/model.ts";
import type { Lease, Store } from "../../src/store.ts";
import { NO_STATS } from "../conformance/store/stage.ts";
import { eventually } from "../support/eventually.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import {
  ANN,
  asking,
  CHANNEL,
  claim,
  commit,
  deliver,
  event,
  FRESH,
  fail,
  own,
  Place,
  questions,
  ROOM,
  YES,
} from "./redis-stage.ts";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis({ appendfsync: "off" });
});
afterAll(() => server.stop());

const kindOf = (key: string) => key.split(":")[2];
const line = (text: string) => ({ role: "user", text, at: 1, turn: "t" }) as const;

describe("what expires", () => {
  test("strangers leave nothing for ever", async () => {
    const place = new Place(server);
    const store = await place.open({ dedupeFor: 1_000 });
    for (let index = 0; index < 40; index += 1) await store.refuse(event(`${index}`), "no");
    expect(await store.refuse(event("39"), "no")).toBe("duplicate");
    expect(await place.keys()).not.toEqual([]);
    expect(await place.kept()).toEqual([]);
    await eventually(async () => (await place.keys()).length === 0, "all of it is gone");
    expect(await store.refuse(event("39"), "no")).toBe("refused");
  });

  test("one who is refused and then heard is kept", async () => {
    const place = new Place(server);
    const store = await place.open();
    for (const arrive of [
      (channel: ChannelId) => store.accept(event("2", { channel }), ROOM),
      (channel: ChannelId) => store.signal(event("2", { channel }), { command: "new", args: "", reason: "" }),
      (channel: ChannelId) => own(store, channel),
    ]) {
      const channel = channelId("local", String(arrive));
      await store.refuse(event("1", { channel }), "no");
      await arrive(channel);
    }
    expect((await place.kept()).filter((key) => key.includes(":c:"))).toHaveLength(3);
  });

  test("the memory for duplicates goes in time, and what is written to it late as well", async () => {
    const place = new Place(server);
    const store = await place.open({ dedupeFor: 1_000 });
    const lease = await own(store);
    const buckets = async () => (await place.keys()).filter((key) => key.includes(":r:"));
    const turn = await claim(store, lease, "runs");
    for (const id of ["waits", "dropped"]) await store.accept(event(id), ROOM);
    for (let index = 0; index < 30; index += 1) await store.refuse(event(`${index}`), "no");
    expect(await buckets()).toHaveLength(1);
    await eventually(async () => (await buckets()).length === 0, "the bucket is gone");
    // Their receipts went with it.
    await commit(store, lease, turn);
    expect(await store.receipt(CHANNEL, "runs")).toMatchObject({ receipt: { state: "answered" } });
    await fail(store, lease, await claim(store, lease));
    const [letter] = await store.deadLetters({ limit: 1 });
    await store.replay(letter?.id ?? "");
    await store.signal(event("stop"), { command: "stop", args: "", cancel: "all", reason: "Ann said so" });
    expect(await store.receipt(CHANNEL, "waits")).toMatchObject({ receipt: { state: "dropped" } });
    expect((await place.kept()).filter((key) => key.includes(":r:"))).toEqual([]);
    for (let index = 30; index < 60; index += 1) await store.refuse(event(`${index}`), "no");
    expect((await place.kept()).filter((key) => key.includes(":r:"))).toEqual([]);
    expect(await buckets()).not.toEqual([]);
  });

  test("an archived session is kept as long as it must be, and then goes with all its keys", async () => {
    const place = new Place(server);
    const store = await place.open({ keep: 1_000 });
    const lease = await own(store);
    const { id } = lease.session;
    const mine = async () => (await place.keys()).filter((key) => key.endsWith(id) || key.includes(":a:"));
    await commit(store, lease, await claim(store, lease, "1"), { transcript: [line("hello")] });
    const { ask } = await store.openAsk(CHANNEL, lease.fence, asking());
    await store.signal(event("2"), { command: "new", args: "", reason: "" });
    await store.finishControl(CHANNEL, lease.fence, { control: "2", outbox: [], renew: FRESH });
    place.clock.advance(999);
    await store.unattended("b");
    expect(await mine()).toHaveLength(4);
    expect(await store.transcript(id, { limit: 9 })).toEqual({ entries: [line("hello")] });
    place.clock.advance(1);
    await store.unattended("b");
    expect(await mine()).toEqual([]);
    expect(JSON.stringify(await place.dump({ audit: false }))).not.toContain(id);
    expect(await store.get(id)).toBeUndefined();
    expect(await store.list({ limit: 9, archived: true })).toMatchObject({ sessions: [{ title: "A chat" }] });
    await expect(store.answerAsk(ask.id, YES)).rejects.toMatchObject({ code: "ASK_UNKNOWN" });
    await expect(store.remove(id)).rejects.toMatchObject({ code: "SESSION_UNKNOWN" });
  });

  test("nothing archived expires where it is kept for ever", async () => {
    const place = new Place(server);
    const store = await place.open({ keep: 0 });
    const lease = await own(store);
    await store.signal(event("1"), { command: "new", args: "", reason: "" });
    await store.finishControl(CHANNEL, lease.fence, { control: "1", outbox: [], renew: FRESH });
    place.clock.advance(1e12);
    await store.unattended("b");
    expect(await store.get(lease.session.id)).toMatchObject({ id: lease.session.id });
  });
});

describe("removing", () => {
  test("a session's keys are gone, and what remains of its channel expires", async () => {
    const place = new Place(server);
    const store = await place.open();
    const lease = await own(store);
    const session = await fill(store, lease);
    const { entries } = await store.audit({ limit: 99 });
    for (const id of [lease.session.id, session]) await store.remove(id);
    // The audit log and the figures alone.
    expect((await place.kept()).map(kindOf)).toEqual(["n", "y"]);
    expect(await store.audit({ limit: 99 })).toMatchObject({ entries });
    expect([...new Set((await place.keys()).map(kindOf))].sort()).toEqual(["c", "n", "r", "y"]);
    expect(await store.asks({ limit: 9 })).toEqual({ asks: [] });
    const rest = JSON.stringify(await place.dump({ audit: false }));
    for (const id of [lease.session.id, session]) expect(rest).not.toContain(id);
    expect(await store.stats()).toEqual(NO_STATS);
    expect(await store.unattended("a")).toEqual([]);
    expect(await store.accept(event("waits"), ROOM)).toMatchObject({ status: "duplicate" });
  });

  test("the archived one first: the channel keeps what it has", async () => {
    const place = new Place(server);
    const store = await place.open();
    const lease = await own(store);
    await fill(store, lease);
    const before = await store.queue(CHANNEL);
    await store.remove(lease.session.id);
    expect(await store.queue(CHANNEL)).toEqual(before);
    expect((await store.pending(CHANNEL, lease.fence)).outbox).not.toEqual([]);
    expect(await place.kept()).toEqual(expect.arrayContaining([expect.stringContaining(":c:")]));
  });

  test("no id comes back, not even when all that a channel had has expired", async () => {
    const place = new Place(server);
    const store = await place.open({ dedupeFor: 1_000 });
    const seen = new Set<string>();
    const live = async (round: number) => {
      const lease = await own(store);
      const ids = [lease.session.id, String(lease.fence)];
      for (let index = 0; index < 3; index += 1) {
        const turn = await claim(store, lease, `${round} ${index}`);
        const end = await commit(store, lease, turn, { outbox: [{ kind: "answer", text: "x" }] });
        ids.push(turn, ...(end.status === "ended" ? end.outbox.map(({ id }) => id) : []));
      }
      for (const id of ids) {
        expect(seen).not.toContain(id);
        seen.add(id);
      }
      await store.remove(lease.session.id);
    };
    await live(1);
    await live(2);
    await eventually(async () => (await place.keys()).every((key) => kindOf(key) === "n"), "all of it is gone");
    place.clock.advance(10_000);
    await live(3);
  });
});

describe("what goes in comes out", () => {
  const PIECES = [
    "%",
    "%25",
    "%0041",
    "#",
    ";",
    ",",
    " ",
    "\n",
    "\t",
    "\0",
    "{",
    "}",
    ":",
    "a",
    "é",
    "\u2028",
    "\ufeff",
  ];
  const odd = fc
    .array(fc.constantFrom(...PIECES, "🙂", "\ud83d", "\udc00", "x".repeat(300)), { minLength: 1, maxLength: 6 })
    .map((pieces) => pieces.join(""));

  test("ids and names of any kind", async () => {
    const place = new Place(server);
    const store = await place.open();
    let round = 0;
    await fc.assert(
      fc.asyncProperty(odd, fc.uniqueArray(odd, { minLength: 4, maxLength: 4 }), odd, async (native, ids, name) => {
        const channel = channelId(`local${++round}`, native);
        const [first = "", second = "", third = "", command = ""] = ids;
        for (const id of [first, second, third]) await store.accept(event(id, { channel, text: name }), ROOM);
        await store.signal(event(command, { channel }), { command: name, args: name, reason: name });
        expect(await store.unattended("a")).toContain(channel);
        const lease = await own(store, channel);
        expect(lease.session.channel).toBe(channel);
        expect(lease.controls).toMatchObject([{ id: command, command: name, args: name }]);

        const turn = await store.claim(channel, lease.fence, 1);
        expect(turn?.messages).toMatchObject([{ id: first, text: name }]);
        await fail(store, lease, turn?.id ?? "", { cause: name });
        expect(await store.receipt(channel, first)).toMatchObject({
          id: first,
          receipt: { state: "failed", cause: name },
        });
        const letter = { id: `${channel}#${first}`, channel, message: { id: first } };
        expect(await store.deadLetters({ channel, limit: 9 })).toMatchObject([letter]);
        await store.replay(letter.id);
        expect(await store.queue(channel)).toMatchObject({ waiting: [{ id: second }, { id: third }, { id: first }] });
        expect(await store.amend({ channel, id: third, text: null }, name)).toBe(true);
        expect(await store.receipt(channel, third)).toMatchObject({ receipt: { state: "dropped", reason: name } });

        const next = await claim(store, lease);
        await commit(store, lease, next, {
          outbox: [
            { kind: "answer", text: name, ref: name },
            { kind: "answer", text: "b" },
          ],
        });
        const [, entry] = (await store.pending(channel, lease.fence)).outbox;
        const settle = store.settleDelivery.bind(store, channel, lease.fence, entry?.id ?? "");
        await settle({ status: "placed", ref: name });
        await settle({ status: "sending", at: 7 });
        expect((await store.pending(channel, lease.fence)).outbox).toMatchObject([
          { text: name, ref: name },
          { text: "b", ref: name, state: "sending", since: 7 },
        ]);
        await store.finishControl(channel, lease.fence, { control: command, outbox: [] });
        expect(await store.receipt(channel, command)).toMatchObject({ id: command, receipt: { state: "answered" } });
        expect((await store.pending(channel, lease.fence)).controls).toEqual([]);

        const draft = asking({
          request: questions(...ids),
          key: name,
          outbox: [{ kind: "notice", text: name }],
        });
        const { ask } = await store.openAsk(channel, lease.fence, draft);
        expect(ask).toMatchObject({ request: draft.request, key: name, answers: {} });
        expect(await store.accept(event(`${name}!`, { channel, answers: name, replyTo: name }), ROOM)).toEqual({
          status: "aside",
        });
        const message = { id: `${name}!` };
        const say = { id: `${name}!`, command: "say", answers: name, replyTo: name, message };
        expect((await store.pending(channel, lease.fence)).controls).toMatchObject([say]);
        const cards = (await store.pending(channel, lease.fence)).outbox.filter(({ card }) => card?.ask === ask.id);
        expect(cards.map(({ card }) => card?.question)).toEqual(ids);
        for (const [index, { id }] of cards.entries()) {
          const shown = { ref: `${name}${index}`, version: 1 };
          await store.settleDelivery(channel, lease.fence, id, { status: "delivered", shown });
        }
        await store.answerAsk(ask.id, { by: ANN, via: "message", question: first, value: name });
        const refs = ids.map((question, index) => ({ ref: `${name}${index}`, question }));
        expect(await store.ask(ask.id)).toMatchObject({
          version: 2,
          shown: refs,
          answers: { [first]: { value: name } },
        });
        expect(await store.remindAsk(ask.id, 0, undefined)).toBe(true);
        const edits = (await store.pending(channel, lease.fence)).outbox.filter(({ card }) => card?.ask === ask.id);
        expect(edits.map(({ ref }) => ref)).toEqual([...refs.map(({ ref }) => ref), undefined]);
        expect(edits.at(-1)).toMatchObject({ replyTo: `${name}0`, card: { reminder: true } });
        const withdraw = { asks: [ask.id], reason: name };
        await store.finishControl(channel, lease.fence, { control: `${name}!`, outbox: [], withdraw });
        expect((await store.ask(ask.id))?.end).toMatchObject({ state: "withdrawn", reason: name });
        const { entries } = await store.audit({ limit: 9_999 });
        expect(entries.at(-1)).toMatchObject({ channel, reason: name });
        expect(entries.at(-2)).toMatchObject({ channel, question: first, value: name });

        await store.journalPut(channel, name, { name });
        expect(await store.journalSince(channel, 0, 9)).toMatchObject([{ key: name, body: { name } }]);
        expect(await store.hold(name, "a")).toBe(true);
        await store.letGo(name, "a");
        const recent = (await store.queue(channel)).recent.map(({ id }) => id);
        expect(recent).toEqual([`${name}!`, command, third, second, first]);
        await store.remove(lease.session.id);
      }),
      { numRuns: 40 },
    );
  });

  test("an answer of 300 parts, and one of a million characters", async () => {
    const place = new Place(server);
    const store = await place.open();
    const lease = await own(store);
    const outbox = Array.from({ length: 300 }, (_, part) => ({ kind: "answer", text: `part ${part} ✓` }) as const);
    const end = await commit(store, lease, await claim(store, lease, "1"), { outbox });
    expect(end).toMatchObject({ outbox });
    expect((await store.pending(CHANNEL, lease.fence)).outbox).toEqual(end.status === "ended" ? end.outbox : []);
    const text = "é🙂\n".repeat(250_000);
    await commit(store, lease, await claim(store, lease, "2"), {
      outbox: [{ kind: "answer", text }],
      transcript: [line(text)],
    });
    expect((await store.pending(CHANNEL, lease.fence)).outbox.at(-1)?.text).toBe(text);
    expect((await store.transcript(lease.session.id, { limit: 1 })).entries).toEqual([line(text)]);
  });

  test("a turn of more pieces than a script can take at once ends in one step all the same", async () => {
    const place = new Place(server);
    const store = await place.open();
    const lease = await own(store);
    const outbox = Array.from({ length: 5_000 }, (_, part) => ({ kind: "answer", text: `${part}` }) as const);
    const transcript = Array.from({ length: 9_000 }, (_, index) => line(`${index}`));
    await commit(store, lease, await claim(store, lease, "1"), { outbox, transcript });
    expect((await store.pending(CHANNEL, lease.fence)).outbox.map(({ text }) => text)).toEqual(
      outbox.map(({ text }) => text),
    );
    expect((await store.transcript(lease.session.id, { limit: 2 })).entries.map(({ text }) => text)).toEqual([
      "8998",
      "8999",
    ]);
    expect(await store.queue(CHANNEL)).toMatchObject({ waiting: [], recent: [{ receipt: { state: "answered" } }] });
  });
});

describe("transcripts", () => {
  test("are bounded, and their pages stay good while they grow", async () => {
    const place = new Place(server);
    const store = await place.open();
    const lease = await own(store);
    const { id } = lease.session;
    let said = 0;
    const grow = async (count: number) => {
      const transcript = Array.from({ length: count }, () => line(`${said++}`));
      await commit(store, lease, await claim(store, lease, `${said}`), { transcript });
    };
    const textsOf = async (page: { limit: number; before?: number }) => {
      const { entries, before } = await store.transcript(id, page);
      return { texts: entries.map(({ text }) => text), before };
    };
    await grow(1_500);
    const newest = await textsOf({ limit: 2 });
    expect(newest).toEqual({ texts: ["1498", "1499"], before: 1_498 });
    await grow(1_000);
    const list = (await place.keys()).filter((key) => key.includes(`:t:${id}`));
    const length = Number(await server.command("LLEN", list[0] ?? ""));
    expect(length).toBeGreaterThanOrEqual(2_000);
    expect(length).toBeLessThan(2_100);
    // The page that was asked for before 500 entries went is followed by the same one.
    expect(await textsOf({ limit: 2, before: 1_498 })).toEqual({ texts: ["1496", "1497"], before: 1_496 });
    const all: string[] = [];
    let before: number | undefined;
    do {
      const page: { texts: string[]; before: number | undefined } = await textsOf({
        limit: 301,
        ...(before === undefined ? {} : { before }),
      });
      all.unshift(...page.texts);
      before = page.before;
    } while (before !== undefined);
    expect(all).toEqual(Array.from({ length }, (_, index) => `${2_500 - length + index}`));
    expect(await textsOf({ limit: 5, before: 100 })).toEqual({ texts: [], before: undefined });
  });
});

/** One of everything that a channel can have, in two sessions, with receipts in buckets. Gives the current session's id. */
async function fill(store: Store, lease: Lease): Promise<string> {
  const { fence } = lease;
  for (let index = 0; index < 40; index += 1) await store.refuse(event(`spam ${index}`), "no");
  const outbox = [{ kind: "answer", text: "x", ref: "r" }] as const;
  for (const round of ["old", "new"]) {
    await commit(store, lease, await claim(store, lease, round), { transcript: [line(round)], outbox });
    await store.openAsk(CHANNEL, fence, asking({ outbox, dueAt: 7 }));
    const { ask } = await store.openAsk(CHANNEL, fence, asking({ request: questions("a", "b"), outbox }));
    await deliver(store, lease);
    await store.answerAsk(ask.id, { by: ANN, via: "message", question: "a", value: "one" });
    const decided = await store.openAsk(CHANNEL, fence, asking({ outbox }));
    await store.answerAsk(decided.ask.id, YES);
    if (round === "new") break;
    await store.signal(event("renew"), { command: "new", args: "", reason: "" });
    await store.finishControl(CHANNEL, fence, { control: "renew", outbox, session: { pinned: true }, renew: FRESH });
  }
  await store.save(CHANNEL, fence, { session: { pinned: true, error: { code: "X", message: "x", at: 1 } } });
  for (const id of ["runs", "waits", "waits, too"]) await store.accept(event(id), ROOM);
  await store.claim(CHANNEL, fence, 1);
  await store.save(CHANNEL, fence, { preview: "p" });
  await store.signal(event("stop"), { command: "stop", args: "", cancel: "turn", reason: "stop it" });
  return (await store.current(CHANNEL))?.id ?? "";
}
