/** The event stream: what a page that connects, comes back, or is slow gets to see. */

import { expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { taking } from "../support/intake.ts";
import { Events, ROOM, WebStage } from "./web-stage.ts";

test("a new page gets the newest messages at once, then each change as it happens", async () => {
  const stage = await WebStage.open();
  await stage.post({ id: "message-1", text: "hello" });
  const events = await stage.stream();
  const page = await events.nextOf("page");
  expect(page.data).toMatchObject({
    messages: [{ key: "in:message-1", role: "user", id: "message-1", text: "hello" }],
    receipts: { "message-1": { state: "queued" } },
  });
  const ref = await stage.say("answer", "one");
  expect((await events.nextOf("message")).data).toMatchObject({ html: "<p>one</p>", growing: false });
  await stage.edit(ref, "one **two");
  const grown = await events.nextOf("message");
  expect(grown.data).toMatchObject({ html: "<p>one <strong>two</strong></p>", growing: true });
  await stage.edit(ref, "one **two**", "final");
  const final = await events.nextOf("message");
  expect(final.data).toMatchObject({ growing: false, order: grown.data.order });
  expect(final.id).toBeGreaterThan(grown.id ?? 0);
});

test("a page that comes back gets what it missed, each message once with its newest text", async () => {
  const stage = await WebStage.open();
  const ref = await stage.say("first", "one");
  const before = await stage.stream();
  const { id = 0 } = await before.nextOf("page");
  await before.close();
  await stage.say("second", "two");
  for (const text of ["a", "ab", "abc"]) await stage.edit(ref, text);
  await stage.say("third", "three");
  for (const way of ["query", "header"]) {
    const events = await (way === "query"
      ? stage.stream({ after: id })
      : stage.stream({ after: 0, lastEventId: String(id) }));
    const seen = [await events.next(), await events.next(), await events.next()];
    expect(seen).toMatchObject([
      { name: "message", data: { html: "<p>two</p>" } },
      { name: "message", data: { html: "<p>abc</p>" } },
      { name: "message", data: { html: "<p>three</p>" } },
    ]);
    expect((await events.next())?.name).not.toBe("message");
  }
});

test("a stream cut anywhere and resumed from its last event loses and repeats nothing", async () => {
  const stage = await WebStage.open();
  const expected = Array.from({ length: 120 }, (_, i) => `<p>text ${i}</p>`);
  let last: number | undefined;
  const shown = new Map<string, string>();
  let written = 0;
  for (let cut = 1; shown.size < expected.length; cut++) {
    // Some arrive between two connections, some during one.
    for (let i = 0; i < 7 && written < expected.length; i++) await stage.say(`key-${written}`, `text ${written++}`);
    const events = await stage.stream(last === undefined ? {} : { after: last });
    for (let read = 0; read < cut % 5; read++) {
      const event = await events.next();
      if (event?.id !== undefined) {
        expect(event.id).toBeGreaterThan(last ?? -1);
        last = event.id;
      }
      const messages = event?.name === "page" ? event.data.messages : event?.name === "message" ? [event.data] : [];
      for (const { key, html } of messages) {
        expect(shown.has(key)).toBe(false);
        shown.set(key, html);
      }
    }
    await events.close();
  }
  expect([...shown.values()]).toEqual(expected);
});

test("a page that knows more than the store starts over", async () => {
  const stage = await WebStage.open();
  await stage.say("answer", "of a new store");
  const events = await stage.stream({ after: 1_000 });
  expect((await events.next())?.name).toBe("page");
});

test("the state follows the queue: queued with its place, running, answered", async () => {
  const stage = await WebStage.open();
  const events = await stage.stream();
  for (const id of ["message-1", "message-2", "message-3"]) await stage.post({ id, text: id });
  const queued = await events.until("state", ({ data }) => data.waiting.length === 3);
  expect(queued.data).toMatchObject({
    waiting: ["message-1", "message-2", "message-3"],
    receipts: { "message-2": { state: "queued" } },
    now: stage.clock.now(),
  });
  const { fence, turn } = await stage.claim("room");
  const running = await events.until("state", ({ data }) => data.running !== undefined);
  expect(running.data).toMatchObject({
    running: { ids: ["message-1"], attempt: 1, startedAt: stage.clock.now() },
    waiting: ["message-2", "message-3"],
  });
  await stage.store.commitTurn(ROOM, fence, { turn: turn.id, transcript: [], session: {}, outbox: [], take: 0 });
  const done = await events.until("state", ({ data }) => data.running === undefined);
  expect(done.data.receipts["message-1"]).toEqual({ state: "answered" });
});

test("failures and drops come with their reasons, and a retry with its time", async () => {
  const stage = await WebStage.open();
  const events = await stage.stream();
  await stage.post({ id: "message-1", text: "one" });
  const { fence, turn } = await stage.claim("room");
  const failure = { turn: turn.id, transcript: [], session: {}, outbox: [], take: 0 };
  const retryAt = stage.clock.now() + 5_000;
  await stage.store.failTurn(ROOM, fence, { ...failure, outcome: "retry", cause: "a hiccup", retryAt });
  await events.until("state", ({ data }) => data.running?.retryAt === retryAt);
  await stage.store.claim(ROOM, fence, 1);
  await stage.store.failTurn(ROOM, fence, { ...failure, outcome: "park", cause: "the program ended with 1" });
  const failed = await events.until("state", ({ data }) => data.receipts["message-1"]?.state === "failed");
  expect(failed.data.receipts["message-1"].cause).toBe("the program ended with 1");
  stage.refusal = "not allowed";
  expect((await stage.post({ id: "message-2", text: "two" })).status).toBe(202);
  const dropped = await events.until("state", ({ data }) => data.receipts["message-2"] !== undefined);
  expect(dropped.data.receipts["message-2"]).toEqual({ state: "dropped", reason: "not allowed" });
});

test("the list of channels follows on the same stream, at most once a second", async () => {
  const stage = await WebStage.open();
  const events = await stage.stream({ channel: "elsewhere" });
  expect((await events.nextOf("channels")).data).toEqual({ channels: [] });
  await stage.post({ id: "message-1", text: "about fish" });
  await stage.claim("room");
  stage.clock.advance(1_000);
  const listed = await events.nextOf("channels");
  expect(listed.data.channels).toMatchObject([{ id: "room", title: "about fish", busy: true }]);
});

test("a lost hint is made up for by the beat", async () => {
  const stage = await WebStage.open();
  const deaf = { ...bound(stage.store), watch: () => () => {} };
  const { createWebAdapter } = await import("../../adapters/web/index.ts");
  const adapter = createWebAdapter({ name: "web", store: deaf, clock: stage.clock, commands: () => [] });
  await adapter.start(taking(async () => ({ status: "command" })));
  const response = await adapter.fetch(new Request("http://localhost/channels/room/events"));
  if (response.body === null) throw new Error("no stream");
  const events = new Events(response.body);
  await events.nextOf("channels");
  await stage.say("answer", "unheard");
  stage.clock.advance(15_000);
  expect((await events.nextOf("message")).data.html).toBe("<p>unheard</p>");
  await events.nextOf("beat");
  await adapter.close();
});

/** The store's methods as plain functions, so that one of them can be replaced. */
function bound(store: WebStage["store"]) {
  return {
    journalPut: store.journalPut.bind(store),
    journalSince: store.journalSince.bind(store),
    journalPage: store.journalPage.bind(store),
    queue: store.queue.bind(store),
    list: store.list.bind(store),
    receipt: store.receipt.bind(store),
  };
}

test("a page that does not read holds nothing up, and gets the newest when it does", async () => {
  const stage = await WebStage.open();
  let reads = 0;
  const { createWebAdapter } = await import("../../adapters/web/index.ts");
  const store = {
    ...bound(stage.store),
    watch: stage.store.watch.bind(stage.store),
    journalSince: (...args: Parameters<typeof stage.store.journalSince>) => {
      reads++;
      return stage.store.journalSince(...args);
    },
  };
  const adapter = createWebAdapter({ name: "web", store, clock: stage.clock, commands: () => [] });
  await adapter.start(taking(async () => ({ status: "command" })));
  const { body } = await adapter.fetch(new Request("http://localhost/channels/room/events"));
  if (body === null) throw new Error("no stream");
  const ref = await stage.say("answer", "0");
  for (let i = 1; i <= 200; i++) await stage.edit(ref, `${i}`);
  expect(reads).toBeLessThan(5);
  const events = new Events(body);
  const seen: string[] = [];
  await events.until("page", ({ data }) => {
    seen.push(...data.messages.map((message: { html: string }) => message.html));
    return true;
  });
  if (!seen.includes("<p>200</p>")) await events.until("message", ({ data }) => data.html === "<p>200</p>");
  await adapter.close();
});

test("streams outlive the stop, since answers still arrive, and end with the close", async () => {
  const stage = await WebStage.open();
  const events = await stage.stream();
  await events.nextOf("channels");
  await stage.adapter.stop();
  await stage.say("late", "still said");
  expect((await events.nextOf("message")).data.html).toBe("<p>still said</p>");
  await stage.adapter.close();
  for (let event = await events.next(); event !== undefined; event = await events.next())
    expect(event.name).not.toBe("");
  expect((await stage.get("/channels/room/events")).status).toBe(503);
});

test("a page that has gone is forgotten, and one that only asks for the headers opens nothing", async () => {
  const stage = await WebStage.open();
  let looks = 0;
  const { createWebAdapter } = await import("../../adapters/web/index.ts");
  const store = {
    ...bound(stage.store),
    watch: stage.store.watch.bind(stage.store),
    queue: (channel: typeof ROOM) => {
      looks++;
      return stage.store.queue(channel);
    },
  };
  const adapter = createWebAdapter({ name: "web", store, clock: stage.clock, commands: () => [] });
  await adapter.start(taking(async () => ({ status: "command" })));
  const head = await adapter.fetch(new Request("http://localhost/channels/room/events", { method: "HEAD" }));
  expect([head.status, head.body]).toEqual([200, null]);
  const { body } = await adapter.fetch(new Request("http://localhost/channels/room/events"));
  if (body === null) throw new Error("no stream");
  const events = new Events(body);
  await events.nextOf("channels");
  await events.close();
  const before = looks;
  await stage.post({ id: "message-1", text: "x" });
  stage.clock.advance(60_000);
  await eventually(async () => (await stage.store.queue(ROOM)).waiting.length === 1, "queued");
  expect(looks).toBe(before);
  await adapter.close();
});
