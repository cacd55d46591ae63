import { inspect } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { eventually } from "../support/eventually.ts";
import { adapterOn, stage, talk } from "./telegram-stage.ts";

const { signal } = new AbortController();
const key = { key: "k", signal };
const preview = { urgency: "preview", signal } as const;
const final = { urgency: "final", signal } as const;

describe("buttons below messages of a Telegram bot", () => {
  const approve = { kind: "button", label: "Approve", data: "yes", style: "primary" } as const;
  const explain = { kind: "button", label: "Explain it to me in full", data: "why" } as const;

  async function asked() {
    const staged = await talk();
    const ref = await staged.adapter.send(staged.channel, "**Shall** I?", { ...key, actions: [approve, explain] });
    const press = (label = "Approve") => staged.chat.press(staged.ada, Number(ref), label);
    const told = async (query: string) => {
      await staged.twin.until(() => staged.twin.told(query) !== undefined, { label: "the person is told" });
      return staged.twin.told(query);
    };
    return { ...staged, ref, press, told };
  }

  it("stay below an edited text only where the edit says so", async () => {
    const { twin, adapter, chat, channel, ref } = await asked();
    const keyboard = {
      inline_keyboard: [
        [{ text: "Approve", callback_data: "yes", style: "primary" }],
        [{ text: "Explain it to me in full", callback_data: "why" }],
      ],
    };
    const shown = () => chat.messages()[0];
    expect(shown()).toMatchObject({ text: "Shall I?", entities: [{ type: "bold" }], replyMarkup: keyboard });
    twin.fault({ kind: "refuse-entities" });
    await adapter.edit(channel, ref, "**Will** I?", { ...final, actions: [approve, explain] });
    expect(shown()).toMatchObject({ text: "Will I?", entities: [], replyMarkup: keyboard });
    await adapter.edit(channel, ref, "Shall **I?", { ...preview, actions: [approve, explain] });
    expect(shown()).toMatchObject({ text: "Shall I?", entities: [{ type: "bold" }], replyMarkup: keyboard });
    await adapter.edit(channel, ref, "I shall.", final);
    await adapter.edit(channel, ref, "I shall.", { ...final, actions: [] });
    expect(shown()).toMatchObject({ text: "I shall." });
    expect(shown()).not.toHaveProperty("replyMarkup");
  });

  it("say in a line what they did, and in a window what they did not", async () => {
    const { core, press, told } = await asked();
    expect(await told(press())).toEqual({ text: "done: yes", alert: false });
    core.decidePress = async () => ({ ok: false, text: "Not yours to **decide**." });
    expect(await told(press())).toEqual({ text: "Not yours to decide.", alert: true });
    core.decidePress = async () => ({ ok: true, text: "" });
    expect(await told(press())).toEqual({ text: "", alert: false });
    core.decidePress = async () => ({ ok: true, text: "x".repeat(500) });
    expect(await told(press())).toEqual({ text: "x".repeat(200), alert: false });
  });

  it("are confirmed only when taken, and come again until then, in their order among the messages", async () => {
    const { twin, adapter, core, chat, ada, press, told } = await asked();
    await twin.until(() => twin.pendingUpdates().length === 0);
    let away = true;
    core.decidePress = async () => {
      if (away) throw new Error("the disk is full");
      return { ok: true, text: "taken" };
    };
    const query = press();
    chat.say(ada, "well?");
    await eventually(() => core.offeredPresses.length >= 2, "it is offered again");
    expect(adapter.health()).toMatchObject({ state: "degraded", detail: expect.stringContaining("the disk is full") });
    expect(twin.pendingUpdates()).toHaveLength(2);
    expect(twin.told(query)).toBeUndefined();
    expect(core.texts()).not.toContain("well?");
    away = false;
    expect(await told(query)).toEqual({ text: "taken", alert: false });
    await twin.until(() => twin.pendingUpdates().length === 0);
    expect(core.texts()).toContain("well?");
    expect(core.pressed).toHaveLength(1);
  });

  it("come again after a crash that left them in doubt", async () => {
    const { twin, adapter, core, press, told } = await asked();
    core.decidePress = () => new Promise(() => {});
    const query = press();
    await eventually(() => core.offeredPresses.length === 1, "it is offered");
    await adapter.close();
    core.decidePress = async () => ({ ok: true, text: "taken" });
    const next = adapterOn(twin);
    onTestFinished(() => next.close());
    await next.start(core);
    expect(await told(query)).toEqual({ text: "taken", alert: false });
    expect(core.offeredPresses[1]).toEqual(core.offeredPresses[0]);
  });

  it("log an answer that comes too late, and go on", async () => {
    const { twin, adapter, core, logged, press, told } = await asked();
    twin.fault({
      kind: "refuse",
      method: "answerCallbackQuery",
      error: { code: 400, description: "query is too old" },
    });
    twin.fault({ kind: "drop-before", method: "answerCallbackQuery" });
    press();
    press();
    await eventually(() => core.pressed.length === 2, "both are taken");
    const untold = () => logged.filter(({ message }) => message.includes("was not told"));
    await eventually(() => untold().length === 2, "both answers fail");
    expect(inspect(untold())).toMatch(/query is too old/);
    expect(inspect(untold())).not.toContain(twin.token);
    expect(await told(press())).toEqual({ text: "done: yes", alert: false });
    expect(adapter.health()).toEqual({ state: "connected" });
  });

  it("end the spinner of what they pass over", async () => {
    const { twin, adapter, core, ada } = await asked();
    twin.push({ callback_query: { id: "of-inline-mode", from: ada, inline_message_id: "AAA", data: "yes" } });
    await twin.until(() => twin.calls("answerCallbackQuery").length === 1);
    expect(twin.calls("answerCallbackQuery")[0]?.params).toEqual({ callback_query_id: "of-inline-mode" });
    expect(adapter.ignored.get("callback query without message")).toBe(1);
    expect(core.offeredPresses).toEqual([]);
  });

  it("belong to the topic that their message stands in; Telegram does not say which where that is old or gone", async () => {
    const { twin, adapter, core } = await stage({}, { privacyMode: false });
    const ada = twin.user({ first_name: "Ada" });
    const forum = twin.group({ title: "Forum", forum: true });
    const topic = forum.topic(ada, "Plans");
    const ref = await adapter.send(`telegram:${forum.id}/${topic}`, "Shall I?", { ...key, actions: [approve] });
    forum.press(ada, Number(ref), "Approve");
    await eventually(() => core.pressed.length === 1, "it is taken");
    forum.remove(Number(ref));
    forum.click(ada, Number(ref), "yes");
    await eventually(() => core.pressed.length === 2, "it is taken, too");
    const sender = { id: `telegram:${ada.id}`, name: "Ada" };
    expect(core.pressed).toEqual([
      { channel: `telegram:${forum.id}/${topic}`, sender, data: "yes" },
      { channel: `telegram:${forum.id}`, sender, data: "yes", inexact: true },
    ]);
  });

  it("stand below replies, which are posted as plain messages where the other one is gone", async () => {
    const { twin, adapter, chat, channel, ref } = await asked();
    await adapter.send(channel, "Well?", { ...key, replyTo: ref, actions: [approve] });
    chat.remove(Number(ref));
    await adapter.send(channel, "Well??", { ...key, replyTo: ref });
    await adapter.send(channel, "Well???", { ...key, replyTo: "-1" });
    expect(chat.messages()).toMatchObject([
      { text: "Well?", replyTo: Number(ref), replyMarkup: { inline_keyboard: [[{ text: "Approve" }]] } },
      { text: "Well??" },
      { text: "Well???" },
    ]);
    expect(chat.messages()[1]).not.toHaveProperty("replyTo");
    expect(twin.calls("sendMessage").at(-2)?.params.reply_parameters).toEqual({
      message_id: Number(ref),
      allow_sending_without_reply: true,
    });
    expect(twin.calls("sendMessage").at(-1)?.params).not.toHaveProperty("reply_parameters");
  });
});
