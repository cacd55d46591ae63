/** The web adapter through its two doors: what core calls, and what a page asks for. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { SwitchboardError } from "../../src/errors.ts";
import { temporaryFolder } from "../support/gateway.ts";
import { ROOM, WebStage } from "./web-stage.ts";

describe("a message from the page", () => {
  test("is on the page and in the queue before it is acknowledged", async () => {
    const stage = await WebStage.open();
    const response = await stage.post({ id: "message-1", text: " hello \n" });
    expect(response.status).toBe(202);
    expect(stage.taken).toMatchObject([
      { channel: ROOM, id: "message-1", text: "hello", sender: { id: "web:owner" }, addressed: true, direct: true },
    ]);
    expect(await stage.store.journalPage(ROOM, 10)).toMatchObject([{ key: "in:message-1", body: { text: "hello" } }]);
  });

  test("sent again is the same message", async () => {
    const stage = await WebStage.open();
    for (let i = 0; i < 3; i++) expect((await stage.post({ id: "message-1", text: "hello" })).status).toBe(202);
    expect(stage.taken).toHaveLength(1);
    expect(await stage.store.journalPage(ROOM, 10)).toHaveLength(1);
    expect((await stage.store.queue(ROOM)).waiting).toHaveLength(1);
  });

  test("is not acknowledged while the store is away, and is after", async () => {
    const stage = await WebStage.open();
    stage.fault = new SwitchboardError("STORE_FULL", "The disk is full.");
    const refused = await stage.post({ id: "message-1", text: "hello" });
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({
      error: { code: "STORE_FULL", remedy: expect.stringMatching(/lost/) },
    });
    stage.fault = undefined;
    expect((await stage.post({ id: "message-1", text: "hello" })).status).toBe(202);
    expect(stage.taken).toHaveLength(1);
  });

  test.each([
    ["no JSON", "{"],
    ["no object", "7"],
    ["null", "null"],
    ["a list", "[]"],
    ["no id", { text: "x" }],
    ["an empty id", { id: "", text: "x" }],
    ["an odd id", { id: "a/b", text: "x" }],
    ["a long id", { id: "x".repeat(65), text: "x" }],
    ["an id that is no text", { id: 7, text: "x" }],
    ["no text", { id: "message-1" }],
    ["an empty text", { id: "message-1", text: " \n " }],
    ["a text that is none", { id: "message-1", text: ["x"] }],
    ["a huge text", { id: "message-1", text: "x".repeat(100_001) }],
  ])("that can't be one is refused with the reason: %s", async (_, body) => {
    const stage = await WebStage.open();
    const response = await stage.post(body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { code: "REQUEST_INVALID", message: expect.stringMatching(/\w/) },
    });
    expect(stage.taken).toEqual([]);
    expect(await stage.store.journalPage(ROOM, 10)).toEqual([]);
  });

  test("from a form of another site, or to a channel that can't be one, is refused", async () => {
    const stage = await WebStage.open();
    const body = { id: "message-1", text: "x" };
    expect((await stage.post(body, "room", "text/plain")).status).toBe(400);
    for (const channel of ["a%2Fb", "a:b", "x".repeat(65), "%00"]) {
      expect((await stage.post(body, channel)).status, channel).toBe(400);
    }
    expect(stage.taken).toEqual([]);
  });

  test("finds no door before the start and after the stop", async () => {
    const stage = await WebStage.open();
    await stage.adapter.stop();
    const response = await stage.post({ id: "message-1", text: "x" });
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ error: { code: "STORE_CLOSED" } });
    expect(stage.adapter.health()).toEqual({ state: "stopped" });
    await stage.say("late", "sending goes on to work");
    expect(await stage.store.journalPage(ROOM, 10)).toHaveLength(1);
  });
});

describe("an answer", () => {
  test("is shown once however often it is sent, and grows in its place", async () => {
    const stage = await WebStage.open();
    const ref = await stage.say("answer-1", "one");
    expect(await stage.say("answer-1", "one")).toBe(ref);
    await stage.say("answer-2", "two");
    await stage.edit(ref, "one and more");
    await stage.edit(ref, "one and more", "final");
    const page = await stage.read("/channels/room/messages");
    expect(page).toMatchObject({
      messages: [
        { role: "bot", html: "<p>one and more</p>", growing: false },
        { role: "bot", html: "<p>two</p>" },
      ],
      more: false,
    });
  });

  test("that the store can't take is reported as certainly not delivered", async () => {
    const stage = await WebStage.open();
    await stage.store.close();
    await expect(stage.say("answer-1", "one")).rejects.toMatchObject({ name: "DeliveryError", kind: "unavailable" });
  });

  test("of any length is split into parts that say it all", async () => {
    const stage = await WebStage.open();
    const words = Array.from({ length: 20_000 }, (_, i) => `word${i}`);
    const parts = stage.adapter.split(words.join(" "));
    expect(parts.length).toBeGreaterThan(1);
    for (const part of parts) expect(part.length).toBeLessThanOrEqual(stage.adapter.limits.maxTextLength);
    expect(parts.join(" ").split(/\s+/)).toEqual(words);
    expect(stage.adapter.split(" \n ")).toEqual([]);
  });
});

describe("the list of channels", () => {
  test("says what each is about, whether it works, and goes on where it ended", async () => {
    const stage = await WebStage.open();
    for (let i = 0; i < 55; i++) {
      await stage.post({ id: `message-${i}`, text: `about ${i}` }, `room-${i}`);
      await stage.claim(`room-${i}`);
      stage.clock.advance(60_000);
    }
    const first = await stage.read("/channels");
    expect(first.channels).toHaveLength(50);
    expect(first.channels[0]).toEqual({
      id: "room-54",
      title: "about 54",
      at: expect.any(Number),
      busy: true,
      failed: false,
      asks: 0,
    });
    const second = await stage.read(`/channels?cursor=${encodeURIComponent(first.cursor)}`);
    expect(second.channels.map((channel: { id: string }) => channel.id)).toEqual(
      [4, 3, 2, 1, 0].map((i) => `room-${i}`),
    );
  });

  test("earlier messages come page by page, with what became of them", async () => {
    const stage = await WebStage.open();
    for (let i = 0; i < 60; i++) await stage.post({ id: `message-${i}`, text: `text ${i}` });
    const newest = await stage.read("/channels/room/messages");
    expect(newest.messages).toHaveLength(50);
    expect(newest.more).toBe(true);
    const before = newest.messages[0].order;
    const older = await stage.read(`/channels/room/messages?before=${before}`);
    expect(older.messages.map((message: { text: string }) => message.text)).toEqual(
      Array.from({ length: 10 }, (_, i) => `text ${i}`),
    );
    expect(older.more).toBe(false);
    expect(older.receipts["message-0"]).toEqual({ state: "queued" });
    expect((await stage.get("/channels/room/messages?before=x")).status).toBe(400);
  });
});

describe("the page's files", () => {
  function built(): string {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "public/assets"), { recursive: true });
    writeFileSync(join(folder, "public/index.html"), "<title>page</title>");
    writeFileSync(join(folder, "public/assets/index-abc.js"), "run()");
    writeFileSync(join(folder, "secret.txt"), "secret");
    return join(folder, "public");
  }

  test("are served with their types, and nothing beside them", async () => {
    const stage = await WebStage.open({ publicDir: built() });
    const page = await stage.get("/");
    expect(page.headers.get("content-type")).toContain("text/html");
    expect(page.headers.get("cache-control")).toBe("no-cache");
    expect(await page.text()).toBe("<title>page</title>");
    const script = await stage.get("/assets/index-abc.js");
    expect(script.headers.get("content-type")).toContain("javascript");
    expect(script.headers.get("cache-control")).toContain("immutable");
    for (const path of [
      "/../secret.txt",
      "/%2e%2e/secret.txt",
      "/..%2fsecret.txt",
      "/assets",
      "/assets/",
      "//etc/passwd",
    ]) {
      expect((await stage.get(path)).status, path).toBe(404);
    }
  });

  test("may stand under a folder of the address", async () => {
    const stage = await WebStage.open({ publicDir: built(), mount: "/chat" });
    expect((await stage.get("/chat")).headers.get("location")).toBe("/chat/");
    expect(await (await stage.get("/chat/")).text()).toContain("page");
    expect((await stage.get("/chat/channels")).status).toBe(200);
  });

  test("that were not built are asked for in words", async () => {
    const stage = await WebStage.open({ publicDir: join(temporaryFolder(), "none") });
    const response = await stage.get("/");
    expect(response.status).toBe(503);
    expect(await response.text()).toContain("npm run build");
  });

  test("learn the commands and what is worth a try", async () => {
    const stage = await WebStage.open();
    expect(await stage.read("/about")).toEqual({
      commands: [{ name: "help", summary: "List the commands" }],
      suggestions: ["slow 10"],
    });
  });
});
