/** Calls that come twice because their answer got lost, and calls that come long after they were given up. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Store } from "../../src/store.ts";
import { startCutProxy } from "../support/cut-proxy.ts";
import { eventually } from "../support/eventually.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { LateProxy } from "./late-proxy.ts";
import {
  ANN,
  asking,
  CHANNEL,
  claim,
  deliver,
  event,
  FRESH,
  fail,
  NOTHING,
  own,
  Place,
  ROOM,
  YES,
} from "./redis-stage.ts";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis({ appendfsync: "off" });
});
afterAll(() => server.stop());

describe("a call whose answer got lost", () => {
  test("is answered as the first time, and nothing is written twice", async () => {
    const place = new Place(server);
    const store = await place.open();
    const lease = await own(store);
    const { fence } = lease;
    const twice = async <Answer>(what: string, call: () => Promise<Answer>): Promise<Answer> => {
      const first = await call();
      const before = await place.dump();
      expect(await call(), what).toEqual(first);
      expect(await place.dump(), what).toEqual(before);
      return first;
    };
    const outbox = [
      { kind: "answer", text: "x", ref: "r" },
      { kind: "notice", text: "y" },
    ] as const;
    const change = (turn: string) => ({
      turn,
      session: { title: turn, agentState: { turn } },
      transcript: [{ role: "user", text: turn, at: 1, turn } as const],
      outbox,
    });
    const run = async () => (await twice("claim", () => store.claim(CHANNEL, fence, 1)))?.id ?? "";
    const end = (turn: string, outcome: "retry" | "requeue" | "suspend" | "park" | "cancel", take = 1) =>
      twice(outcome, () => store.failTurn(CHANNEL, fence, { ...change(turn), outcome, cause: "c", retryAt: 9, take }));

    for (const id of ["1", "2", "3", "4"]) await store.accept(event(id), ROOM);
    const first = await run();
    const committed = await twice("commit", () => store.commitTurn(CHANNEL, fence, { ...change(first), take: 1 }));
    const second = committed.status === "ended" ? (committed.next?.id ?? "") : "";
    await twice("preview", () => store.save(CHANNEL, fence, { preview: "p", session: { pinned: true } }));
    for (const outcome of ["retry", "requeue", "requeue", "retry"] as const) {
      await end(second, outcome);
      expect(await run()).toBe(second);
    }
    await twice("open", async () => {
      if ((await store.queue(CHANNEL)).asks === 0) await store.openAsk(CHANNEL, fence, asking({ turn: second }));
    });
    await end(second, "suspend");
    expect(await twice("claim", () => store.claim(CHANNEL, fence, 1))).toBeUndefined();
    await store.endAsk((await store.asks({ limit: 1 })).asks[0]?.id ?? "", { state: "expired" });
    expect(await run()).toBe(second);
    const third = (await end(second, "park")).next?.id ?? "";
    expect(third).not.toBe("");
    await store.signal(event("stop"), { command: "stop", args: "", cancel: "turn", reason: "r" });
    await end(third, "cancel", 0);
    const { ask } = await store.openAsk(CHANNEL, fence, asking({ outbox }));
    await deliver(store, lease);
    await store.accept(event("5"), ROOM);
    const said = (await store.pending(CHANNEL, fence)).controls.find(({ command }) => command === "say");
    const withdraw = { asks: [ask.id], reason: "another plan" };
    const enqueue = said?.message ?? fault("no message");
    await twice("enqueue", () => store.finishControl(CHANNEL, fence, { control: "5", outbox, enqueue, withdraw }));
    expect(await store.queue(CHANNEL)).toMatchObject({ asks: 0, waiting: [{ id: "4" }, { id: "5" }] });
    await deliver(store, lease);
    await twice("finish", () =>
      store.finishControl(CHANNEL, fence, {
        control: "stop",
        session: { title: "Stopped" },
        outbox,
        renew: FRESH,
        replay: `${CHANNEL}#2`,
      }),
    );
    expect(await store.queue(CHANNEL)).toMatchObject({ waiting: [{ id: "4" }, { id: "5" }, { id: "2" }] });
    await store.signal(event("resume"), { command: "resume", args: "", reason: "" });
    await twice("restore", () =>
      store.finishControl(CHANNEL, fence, { control: "resume", outbox: [], restore: lease.session.id }),
    );
    expect(await store.current(CHANNEL)).toMatchObject({ id: lease.session.id, title: "Stopped" });

    const [, ...entries] = (await store.pending(CHANNEL, fence)).outbox;
    const settle = (outcome: Parameters<Store["settleDelivery"]>[3], index = 0) =>
      twice(outcome.status, () => store.settleDelivery(CHANNEL, fence, entries[index]?.id ?? "", outcome));
    await settle({ status: "placed", ref: "p" });
    await settle({ status: "sending", at: 5 });
    await settle({ status: "failed", notBefore: 7 });
    await settle({ status: "failed", notBefore: 8, forgetRef: true });
    await settle({ status: "sending", at: 9 });
    await settle({ status: "failed", notBefore: 8 });
    expect((await store.pending(CHANNEL, fence)).outbox[1]).toMatchObject({ attempts: 3, state: "pending" });
    await settle({ status: "delivered" });
    await settle({ status: "parked", cause: "blocked" }, 1);
    await twice("release", () => store.release(CHANNEL, fence));
  });

  test("what comes in is a duplicate the second time, with the receipt of the first", async () => {
    const place = new Place(server);
    const store = await place.open();
    await store.accept(event("1"), ROOM);
    await store.refuse(event("2"), "no");
    await store.signal(event("3"), { command: "stop", args: "", cancel: "all", reason: "r" });
    await store.accept(event("4"), ROOM);
    await store.accept(event("5"), { ...ROOM, max: 1 });
    const before = await place.dump();
    const states = await Promise.all(["1", "2", "3", "4", "5"].map((id) => store.accept(event(id), ROOM)));
    expect(states).toMatchObject([
      { status: "duplicate", receipt: { receipt: { state: "dropped", reason: "r" } } },
      { status: "duplicate", receipt: { receipt: { state: "dropped", reason: "no" } } },
      { status: "duplicate" },
      { status: "duplicate", receipt: { receipt: { state: "queued" }, position: 1 } },
      { status: "duplicate", receipt: { receipt: { state: "dropped" } } },
    ]);
    expect(await store.signal(event("3"), { command: "stop", args: "", cancel: "all", reason: "r" })).toEqual({
      status: "duplicate",
    });
    expect(await store.refuse(event("4"), "no")).toBe("duplicate");
    expect(await place.dump()).toEqual(before);
  });

  test("what can't be told from a new call by what it left: asks, amendments, dead letters, removals", async () => {
    const place = new Place(server);
    const proxy = await startCutProxy(server.port, { counts: ([name = ""]) => /^eval/i.test(name) });
    const store = await place.open({ url: place.urlAt(proxy.url) });
    const lease = await own(store);
    const { fence, session } = lease;
    for (const id of ["1", "2"]) await fail(store, lease, await claim(store, lease, id));
    for (const id of ["3", "4"]) await store.accept(event(id), ROOM);
    const lost = async <Answer>(what: string, call: () => Promise<Answer>, scripts = 1): Promise<Answer> => {
      const cut = proxy.cut(scripts, "after");
      await expect(call(), what).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
      await cut;
      await eventually(() => succeeds(store.stats()), "it is connected again");
      return await call();
    };
    const draft = asking({ outbox: [{ kind: "notice", text: "May I?" }] });
    const { ask, outbox } = await lost("ask", () => store.openAsk(CHANNEL, fence, draft));
    expect(ask).toMatchObject({ session: session.id, channel: CHANNEL, request: { text: "May I?" }, version: 1 });
    expect(outbox).toMatchObject([{ kind: "notice" }, { kind: "card", card: { ask: ask.id } }]);
    expect((await store.pending(CHANNEL, fence)).outbox).toEqual(outbox);
    expect((await store.audit({ limit: 9 })).entries).toHaveLength(1);
    // The same once more is another one.
    const { ask: other } = await store.openAsk(CHANNEL, fence, draft);
    expect(other.id).not.toBe(ask.id);
    await deliver(store, lease);
    expect(await lost("remind", () => store.remindAsk(ask.id, 0, 77))).toBe(true);
    expect(await store.ask(ask.id)).toMatchObject({ reminders: 1, dueAt: 77 });
    expect(await store.remindAsk(ask.id, 0, 77)).toBe(true);
    expect(await store.ask(ask.id)).toMatchObject({ reminders: 2 });
    expect((await deliver(store, lease)).map(({ card }) => card)).toEqual([
      { ask: ask.id, reminder: true },
      { ask: ask.id, reminder: true },
    ]);
    expect(await lost("answer", () => store.answerAsk(ask.id, YES))).toMatchObject({ ask: { end: { by: ANN } } });
    expect(await lost("end", () => store.endAsk(other.id, { state: "expired" }))).toMatchObject({
      ask: { version: 2, end: { state: "expired" } },
    });
    expect((await store.audit({ limit: 9 })).entries.map(({ what }) => what)).toEqual([
      ...["opened", "opened", "decided", "expired"],
    ]);
    expect(await deliver(store, lease)).toHaveLength(4);
    expect(await lost("amend", () => store.amend({ channel: CHANNEL, id: "3", text: "new" }, "r"), 2)).toBe(true);
    expect(await lost("drop", () => store.amend({ channel: CHANNEL, id: "4", text: null }, "r"), 2)).toBe(true);
    expect(await store.amend({ channel: CHANNEL, id: "4", text: null }, "r")).toBe(false);
    await lost("replay", () => store.replay(`${CHANNEL}#1`));
    await expect(store.replay(`${CHANNEL}#1`)).rejects.toMatchObject({ code: "DEAD_LETTER_UNKNOWN" });
    await lost("discard", () => store.discard(`${CHANNEL}#2`));
    await expect(store.discard(`${CHANNEL}#2`)).rejects.toMatchObject({ code: "DEAD_LETTER_UNKNOWN" });
    expect(await store.queue(CHANNEL)).toMatchObject({ waiting: [{ id: "3", text: "new" }, { id: "1" }] });
    await lost("remove", () => store.remove(session.id));
    await expect(store.remove(session.id)).rejects.toMatchObject({ code: "SESSION_UNKNOWN" });
  });
});

describe("a command that comes after newer ones", () => {
  /** `late` is cut off and called again, `newer` follows, and then the first `late` arrives: it must do nothing. */
  async function tooLate(
    late: (store: Store, fence: number, turn: string) => Promise<unknown>,
    newer: (store: Store, fence: number, turn: string) => Promise<unknown>,
  ): Promise<void> {
    const place = new Place(server);
    const proxy = await LateProxy.start(server.port);
    const store = await place.open({ url: place.urlAt(proxy.url) });
    const { fence } = await own(store);
    for (const id of ["1", "2"]) await store.accept(event(id), ROOM);
    const turn = (await store.claim(CHANNEL, fence, 1))?.id ?? "";
    proxy.hold();
    const lost = expect(late(store, fence, turn)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await proxy.breakAfter(CHANNEL);
    await lost;
    await eventually(() => succeeds(store.stats()), "it is connected again");
    await late(store, fence, turn);
    await newer(store, fence, turn);
    const before = await place.dump();
    await proxy.deliver();
    expect(await place.dump()).toEqual(before);
    // The owner itself goes on.
    await store.save(CHANNEL, fence, { preview: "newest" });
    expect(await store.queue(CHANNEL)).toMatchObject({ running: { preview: "newest" } });
  }

  const next = (store: Store, fence: number, turn: string) =>
    store.commitTurn(CHANNEL, fence, { ...NOTHING, turn, take: 1 });

  test("a preview does not become that of the next turn", async () => {
    await tooLate((store, fence) => store.save(CHANNEL, fence, { preview: "old" }), next);
  });

  test("an older preview does not replace a newer one", async () => {
    await tooLate(
      (store, fence) => store.save(CHANNEL, fence, { preview: "old" }),
      (store, fence) => store.save(CHANNEL, fence, { preview: "new" }),
    );
  });

  test("a failure does not put back the attempt that followed it", async () => {
    const transcript = [{ role: "user", text: "once", at: 1, turn: "t" }] as const;
    await tooLate(
      (store, fence, turn) =>
        store.failTurn(CHANNEL, fence, { ...NOTHING, turn, outcome: "retry", cause: "", transcript }),
      (store, fence) => store.claim(CHANNEL, fence, 1),
    );
  });

  test("what ended stays ended; what came in is in once", async () => {
    await tooLate(next, (store, fence) => store.save(CHANNEL, fence, { session: { title: "newer" } }));
    await tooLate(
      (store) => store.accept(event("3"), ROOM),
      (store) => store.accept(event("4"), ROOM),
    );
    await tooLate(
      (store) => store.signal(event("3"), { command: "stop", args: "", reason: "" }),
      (store, fence) => store.finishControl(CHANNEL, fence, { control: "3", outbox: [] }),
    );
  });

  test("a schedule that has run since does not run again", async () => {
    const daily = {
      ...{ id: "daily", channel: CHANNEL, cron: "0 9 * * *", timezone: "UTC", prompt: "What is new?", by: ANN },
      ...({ origin: "command", missed: "run", createdAt: 1, nextAt: 5 } as const),
    };
    await tooLate(
      (store) => store.putSchedule(daily),
      (store) => store.moveSchedule("daily", { from: 5, to: 9 }),
    );
  });

  test("nor does it matter to the next owner, whose own time begins anew", async () => {
    const place = new Place(server);
    const proxy = await startCutProxy(server.port, { counts: ([name = ""]) => /^eval/i.test(name) });
    const [a, b] = [await place.open({ url: place.urlAt(proxy.url) }), await place.open()];
    const { fence } = await own(a, CHANNEL, "a");
    const cut = proxy.cut(1, "before");
    await expect(a.save(CHANNEL, fence, { session: { title: "x" } })).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
    });
    await cut;
    await eventually(() => succeeds(a.save(CHANNEL, fence, { session: { title: "x" } })), "it is connected again");
    await a.release(CHANNEL, fence);
    const lease = await own(b, CHANNEL, "b");
    await b.save(CHANNEL, lease.fence, { session: { title: "y" } });
    expect(await b.current(CHANNEL)).toMatchObject({ title: "y" });
  });
});

function fault(what: string): never {
  throw new Error(what);
}

async function succeeds(call: Promise<unknown>): Promise<boolean> {
  return await call.then(
    () => true,
    () => false,
  );
}
