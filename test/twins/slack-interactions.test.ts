/** What people do with an app's buttons, selects and modals: as the real service tells Slack's own SDK, the twin does. */
import { webApi } from "@slack/bolt";
import { describe, expect, test } from "vitest";
import { TestClock } from "../support/clock.ts";
import type { TwinOptions } from "./slack/index.ts";
import { bolt, refusal, start } from "./slack/sdk.ts";

describe("interactions", () => {
  const text = (said: string) => ({ type: "plain_text" as const, text: said });
  const button = { type: "button", action_id: "approve", text: text("Approve"), value: "v", style: "primary" };
  const option = (value: string) => ({ text: text(`option ${value}`), value });
  const select = {
    type: "static_select",
    action_id: "model",
    placeholder: text("Which?"),
    options: ["a", "b"].map(option),
  };
  const actions = (...elements: object[]) => [{ type: "actions", elements }];
  const view = (change: object = {}) => ({
    type: "modal" as const,
    callback_id: "form",
    private_metadata: "remembered",
    title: text("Why?"),
    submit: text("Send"),
    blocks: [
      {
        type: "input" as const,
        block_id: "b",
        label: text("Reason"),
        element: { type: "plain_text_input" as const, action_id: "a" },
      },
    ],
    ...change,
  });

  /** A message with actions in a thread. */
  async function asked(options: TwinOptions = {}) {
    const started = await start(options);
    const { twin, ada, web } = started;
    const bob = twin.user("Bob");
    const chat = twin.channel({ members: [ada, bob] });
    const { ts: thread_ts } = chat.say(ada, "go");
    const message = { channel: chat.id, thread_ts, text: "May I?", blocks: actions(button, select) };
    const { ts } = await post(web, message);
    return { ...started, bob, chat, ts, thread: thread_ts };
  }

  test("are told to Bolt, which answers them", async () => {
    const { twin, ada, bob, chat, ts, thread } = await asked();
    const { app } = await bolt(twin);
    const heard: unknown[] = [];
    app.action("approve", async ({ body, ack, respond, client, context }) => {
      await ack();
      if (body.type !== "block_actions") return;
      heard.push([body.user.id, body.channel?.id, body.message?.ts, body.container.thread_ts, body.actions]);
      await respond({ text: "<https://a.b|*noted*>", response_type: "ephemeral", replace_original: false });
      await client.views.open({ trigger_id: body.trigger_id, view: view() });
      expect(context.botUserId).toBe(twin.bot.userId);
    });
    app.action("model", async ({ action, ack }) => {
      heard.push("selected_option" in action ? action.selected_option : undefined);
      await ack();
    });
    app.view("form", async ({ view, ack }) => {
      const { value } = view.state.values.b?.a ?? {};
      heard.push([view.private_metadata, value]);
      await (value === "good" ? ack() : ack({ response_action: "errors", errors: { b: "not good" } }));
    });

    expect(chat.actions(ts)).toEqual([
      { type: "button", label: "Approve", style: "primary" },
      {
        type: "static_select",
        label: "Which?",
        options: [
          { label: "option a", value: "a" },
          { label: "option b", value: "b" },
        ],
      },
    ]);
    const click = chat.click(ada, ts, "Approve");
    expect(await click.acknowledged).toBe(true);
    await twin.until(() => twin.modals(ada).length === 1);
    expect(heard[0]).toEqual([
      ada.id,
      chat.id,
      ts,
      thread,
      [{ ...button, block_id: expect.any(String), action_ts: expect.any(String) }],
    ]);
    expect(click.told).toEqual(["noted"]);
    expect([chat.whispers(ada).length, chat.whispers(bob).length, twin.modals(bob).length]).toEqual([1, 0, 0]);
    expect(await chat.choose(bob, ts, "Which?", "b").acknowledged).toBe(true);
    expect(heard[1]).toEqual(option("b"));

    const [modal] = twin.modals(ada);
    expect([modal?.title, modal?.labels]).toEqual(["Why?", ["Reason"]]);
    await modal?.submit("bad");
    expect([modal?.open, modal?.errors]).toEqual([true, { b: "not good" }]);
    await modal?.submit("good");
    expect([modal?.open, twin.modals(ada)]).toEqual([false, []]);
    expect(heard.slice(2)).toEqual([
      ["remembered", "bad"],
      ["remembered", "good"],
    ]);
    expect(() => chat.click(ada, ts, "Nothing")).toThrow(/Nothing/);
    expect(() => chat.choose(ada, ts, "Which?", "c")).toThrow(/no choice c/);
  });

  test("are not told again where they were not acknowledged", async () => {
    const { twin, ada, chat, ts } = await asked({ pressWithin: 20 });
    const { app } = await bolt(twin);
    let heard = 0;
    app.action("approve", async () => void heard++);
    expect(await chat.click(ada, ts, "Approve").acknowledged).toBe(false);
    await twin.until(() => twin.pending().length === 0);
    await expect.poll(() => heard).toBe(1);
  });

  test("open a modal once, for three seconds", async () => {
    const clock = new TestClock();
    const { twin, web, ada, chat, ts } = await asked({ clock });
    const open = (trigger_id: string, change = {}) => refusal(web.views.open({ trigger_id, view: view(change) }));
    const { trigger } = chat.click(ada, ts, "Approve");
    expect(await open(trigger, { title: text("x".repeat(25)) })).toBe("invalid_arguments");
    expect(await open(trigger, { submit: undefined })).toBe("invalid_arguments");
    expect(await open(trigger, { private_metadata: "x".repeat(3001) })).toBe("invalid_arguments");
    clock.advance(3000);
    expect(await open(trigger)).toBe("ok");
    expect(await open(trigger)).toBe("exchanged_trigger_id");
    expect(await open("1.2.3")).toBe("invalid_trigger_id");
    const late = chat.click(ada, ts, "Approve").trigger;
    clock.advance(3001);
    expect(await open(late)).toBe("expired_trigger_id");
    expect(twin.modals(ada)).toHaveLength(1);
  });

  test("give an address for five answers in half an hour", async () => {
    const clock = new TestClock();
    const { twin, web, ada, bob, chat, ts, thread } = await asked({ clock });
    const addressOf = (number: number) => {
      const payload = twin.deliveries.all.filter(({ notice }) => notice.type === "interactive")[number]?.notice.payload;
      return String((payload as Record<string, unknown>).response_url);
    };
    const respond = async (address: string, body: object) => {
      const response = await fetch(address, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      return `${response.status} ${await response.text()}`;
    };
    chat.click(ada, ts, "Approve");
    const address = addressOf(0);
    expect(await respond(address, { response_type: "ephemeral", text: "for you", thread_ts: thread })).toBe("200 ok");
    expect(chat.whispers(ada)).toMatchObject([{ text: "for you", thread }]);
    expect(chat.whispers(bob)).toEqual([]);
    expect(await respond(address, { response_type: "in_channel", text: "for all" })).toBe("200 ok");
    expect(await respond(address, { replace_original: true, text: "instead" })).toBe("200 ok");
    expect(chat.messages().map((shown) => shown.text)).toEqual(["instead", "for all"]);
    expect(chat.actions(ts)).toEqual([]);
    expect(await respond(address, { delete_original: true })).toBe("200 ok");
    expect(await respond(address, { text: "the fifth" })).toBe("200 ok");
    expect(await respond(address, { text: "the sixth" })).toBe('404 {"ok":false,"error":"used_url"}');
    expect(chat.messages().map((shown) => shown.text)).toEqual(["for all"]);

    const { ts: other } = await post(web, { channel: chat.id, text: "x", blocks: actions(button) });
    chat.click(ada, other, "Approve");
    clock.advance(30 * 60_000 + 1);
    expect(await respond(addressOf(1), { text: "late" })).toBe('404 {"ok":false,"error":"expired_url"}');
  });

  test("stand in blocks that Slack checks", async () => {
    const { web, chat, ts } = await asked();
    const check = async (elements: unknown) => {
      const blocks = [{ type: "actions", elements }];
      const call = web.apiCall("chat.postMessage", { channel: chat.id, text: "x", blocks });
      return await call.then(
        () => "ok",
        (error: unknown) =>
          error instanceof webApi.WebAPIPlatformError ? error.data.response_metadata?.messages : error,
      );
    };
    const at = (pointer: string) => `[json-pointer:/blocks/0/elements${pointer}]`;
    const many = (count: number) => Array.from({ length: count }, (_, n) => ({ ...button, action_id: `${n}` }));
    expect(await check(many(25))).toBe("ok");
    expect(await check(many(26))).toEqual([`[ERROR] no more than 25 items allowed ${at("")}`]);
    expect(await check([])).toEqual([`[ERROR] must have at least 1 item ${at("")}`]);
    expect(await check([{ ...button, text: text("x".repeat(76)) }])).toEqual([
      `[ERROR] must be less than 76 characters ${at("/0/text/text")}`,
    ]);
    expect(await check([{ ...button, text: text(" ") }])).toEqual([
      `[ERROR] must be more than 0 characters ${at("/0/text/text")}`,
    ]);
    expect(await check([button, button])).toEqual([
      `[ERROR] \`action_id\` "approve" already exists ${at("/1/action_id")}`,
    ]);
    expect(await check([{ ...button, action_id: "x".repeat(256) }])).toEqual([
      `[ERROR] must be less than 256 characters ${at("/0/action_id")}`,
    ]);
    const options = Array.from({ length: 101 }, (_, n) => option(`${n}`));
    expect(await check([{ ...select, options }])).toEqual([
      `[ERROR] no more than 100 items allowed ${at("/0/options")}`,
    ]);
    expect(await check([{ ...button, style: "default" }])).toEqual([
      `[ERROR] must be a valid enum value ${at("/0/style")}`,
    ]);

    await web.chat.update({ channel: chat.id, ts, text: "kept" });
    expect(chat.actions(ts)).toHaveLength(2);
    await web.chat.update({ channel: chat.id, ts, text: "taken away", blocks: [] });
    expect(chat.actions(ts)).toEqual([]);
  });

  test("are answered to one person alone", async () => {
    const { twin, web, ada, bob, chat, thread } = await asked();
    await web.chat.postEphemeral({ channel: chat.id, user: ada.id, thread_ts: thread, text: "*for* you" });
    expect(chat.whispers(ada)).toMatchObject([{ text: "for you", thread }]);
    expect([chat.whispers(bob), chat.messages(thread).length]).toEqual([[], 1]);
    const tell = (user: string) => refusal(web.chat.postEphemeral({ channel: chat.id, user, text: "x" }));
    expect(await tell(twin.user("Elsewhere").id)).toBe("user_not_in_channel");
    chat.kick();
    expect(await tell(ada.id)).toBe("not_in_channel");
  });
});

async function post(web: webApi.WebClient, message: Record<string, unknown>): Promise<{ ts: string }> {
  const reply: Record<string, unknown> = { ...(await web.apiCall("chat.postMessage", message)) };
  return { ts: String(reply.ts) };
}
