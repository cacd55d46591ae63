/** What people can do about messages, through the adapter's two doors: what core calls, and what a page asks for. */
import { describe, expect, test } from "vitest";
import type { Action } from "../../src/channel.ts";
import { SwitchboardError } from "../../src/errors.ts";
import { ROOM, WebStage } from "./web-stage.ts";

const ACTIONS: readonly Action[] = [
  { kind: "button", label: "Approve", data: "a:approve", style: "primary" },
  { kind: "button", label: "Later", data: "a:later" },
  { kind: "select", label: "Choose", data: "a:choose", choices: [{ label: "Blue", value: "b" }] },
  { kind: "form", label: "Reject with reason", data: "a:reason", prompt: "Why?" },
];

async function shown(stage: WebStage) {
  return (await stage.read("/channels/room/messages")).messages;
}

describe("a message with actions", () => {
  test("has them on the page, loses them with an edit that has none, and may get others", async () => {
    const stage = await WebStage.open();
    const ref = await stage.say("card", "May I?", { actions: ACTIONS });
    expect(await shown(stage)).toMatchObject([{ key: ref, html: "<p>May I?</p>", growing: false, actions: ACTIONS }]);
    await stage.edit(ref, "Approved.", "final");
    expect((await shown(stage))[0]).toMatchObject({ html: "<p>Approved.</p>" });
    expect((await shown(stage))[0]).not.toHaveProperty("actions");
    await stage.edit(ref, "And now?", "final", { actions: ACTIONS.slice(0, 1) });
    expect((await shown(stage))[0].actions).toEqual(ACTIONS.slice(0, 1));
    await stage.edit(ref, "Done.", "final", { actions: [] });
    expect((await shown(stage))[0]).not.toHaveProperty("actions");
  });

  test("comes on the stream, and so does each change of it", async () => {
    const stage = await WebStage.open();
    const events = await stage.stream();
    await events.nextOf("page");
    const ref = await stage.say("card", "May I?", { actions: ACTIONS });
    expect((await events.nextOf("message")).data.actions).toEqual(ACTIONS);
    await stage.edit(ref, "Approved.", "final");
    expect((await events.nextOf("message")).data).not.toHaveProperty("actions");
  });

  test("that an older or stranger hand wrote into the journal shows what can be read", async () => {
    const stage = await WebStage.open();
    const actions = [7, null, { kind: "lever" }, { kind: "button", label: " ", data: "a", style: "loud" }];
    await stage.store.journalPut(ROOM, "out:card", { role: "bot", text: "odd", at: 1, actions });
    await stage.store.journalPut(ROOM, "out:other", { role: "bot", text: "odd", at: 1, actions: "none" });
    const [card, other] = await shown(stage);
    expect(card.actions).toEqual([{ kind: "button", label: "…", data: "a" }]);
    expect(other).not.toHaveProperty("actions");
  });
});

describe("a press", () => {
  test("is core's to answer, and the answer is plain text", async () => {
    const stage = await WebStage.open();
    stage.answer = { text: "**Ada** decided \\*first\\* with `yes` & <b>", ok: false };
    const response = await stage.press({ data: "a:approve" });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ text: "Ada decided *first* with yes & <b>", ok: false });
    await stage.press({ data: "a:reason", value: " too late\n" });
    const sender = { id: "web:owner", name: "You" };
    expect(stage.pressed).toEqual([
      { channel: ROOM, sender, data: "a:approve" },
      { channel: ROOM, sender, data: "a:reason", value: " too late\n" },
    ]);
  });

  test("is not acknowledged while the store is away, and is after", async () => {
    const stage = await WebStage.open();
    stage.fault = new SwitchboardError("STORE_FULL", "The disk is full.");
    const refused = await stage.press({ data: "a:approve" });
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ error: { code: "STORE_FULL" } });
    expect(stage.adapter.health().state).toBe("degraded");
    stage.fault = undefined;
    expect((await stage.press({ data: "a:approve" })).status).toBe(200);
    expect(stage.adapter.health().state).toBe("connected");
  });

  test.each([
    ["no JSON", "{"],
    ["no object", "7"],
    ["null", "null"],
    ["no data", {}],
    ["empty data", { data: "" }],
    ["data of 65 bytes", { data: "x".repeat(65) }],
    ["data beyond ASCII", { data: "ä" }],
    ["data with a line break", { data: "a\nb" }],
    ["data that is no text", { data: 7 }],
    ["a value that is no text", { data: "a", value: 7 }],
    ["a null value", { data: "a", value: null }],
    ["an empty value", { data: "a", value: " \n" }],
    ["a huge value", { data: "a", value: "x".repeat(10_001) }],
  ])("that can't be one is refused with the reason: %s", async (_, body) => {
    const stage = await WebStage.open();
    const response = await stage.press(body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { code: "REQUEST_INVALID", message: expect.stringMatching(/\w/) },
    });
    expect(stage.pressed).toEqual([]);
  });

  test("from a form of another site, to an odd channel, or while the gateway stops is refused", async () => {
    const stage = await WebStage.open();
    expect((await stage.press({ data: "a" }, "room", "text/plain")).status).toBe(400);
    expect((await stage.press({ data: "a" }, "a:b")).status).toBe(400);
    await stage.adapter.stop();
    expect((await stage.press({ data: "a" })).status).toBe(503);
    expect(stage.pressed).toEqual([]);
  });
});

describe("a reply", () => {
  test("of the bot names the earlier message, also after an edit", async () => {
    const stage = await WebStage.open();
    const card = await stage.say("card", "May I?", { actions: ACTIONS });
    const reminder = await stage.say("reminder", "Still waiting", { actions: ACTIONS, replyTo: card });
    expect(await stage.say("reminder", "Still waiting", { actions: ACTIONS, replyTo: card })).toBe(reminder);
    await stage.edit(reminder, "Approved.", "final");
    const messages = await shown(stage);
    expect(messages).toMatchObject([{ key: card }, { key: reminder, replyTo: card, html: "<p>Approved.</p>" }]);
    expect(messages[0]).not.toHaveProperty("replyTo");
  });

  test("to a message of another platform, or at the end of a long chain, is posted all the same", async () => {
    const stage = await WebStage.open();
    await stage.say("stray", "stray", { replyTo: "telegram-7" });
    let ref = await stage.say("0", "0");
    for (let i = 1; i < 60; i++) {
      ref = await stage.say(`${i}`, `${i}`, { replyTo: ref });
      expect(ref.length).toBeLessThan(300);
    }
    expect((await shown(stage)).at(-1).html).toBe("<p>59</p>");
    expect((await stage.read("/channels/room/messages?before=2")).messages[0]).not.toHaveProperty("replyTo");
  });

  test("of a person says which message it answers", async () => {
    const stage = await WebStage.open();
    const card = await stage.say("card", "Which colour?", { actions: ACTIONS });
    await stage.post({ id: "message-1", text: "blue", answers: card });
    expect(stage.taken).toMatchObject([{ id: "message-1", text: "blue", answers: card }]);
    expect((await shown(stage))[1]).toMatchObject({ role: "user", text: "blue", replyTo: card });
    await stage.post({ id: "message-2", text: "plain" });
    expect(stage.taken[1]).not.toHaveProperty("answers");
    for (const answers of ["telegram-7", 7, "", null, `out:${"x".repeat(600)}`]) {
      expect((await stage.post({ id: "message-3", text: "x", answers })).status).toBe(400);
    }
  });
});
