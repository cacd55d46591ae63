/** Buttons, selects and forms, over both of Slack's ways to tell of them. */
import { describe, expect, test } from "vitest";
import type { Action, Press } from "../../src/channel.ts";
import { type ChannelId, channelId } from "../../src/model.ts";
import { eventually } from "../support/eventually.ts";
import type { SlackTwin, TwinChat } from "../twins/slack/index.ts";
import { stage } from "./slack-stage.ts";

const never = new AbortController().signal;
const final = { urgency: "final", signal: never } as const;
const send = (...actions: Action[]) => ({ key: `key-${Math.random()}`, signal: never, actions });

const APPROVE: Action = { kind: "button", label: "Approve", data: "ask:approve", style: "primary" };
const REASON: Action = { kind: "form", label: "Reject with reason", data: "ask:reject", prompt: "Why not?" };
const MODEL: Action = {
  kind: "select",
  label: "Which model?",
  data: "ask:model",
  choices: [
    { label: "Small", value: "s" },
    { label: "Large", value: "l" },
  ],
};

const AGAIN = "This could not be stored just now. Please try again.";

const placeIn = (twin: SlackTwin, chat: TwinChat, thread?: string): ChannelId =>
  channelId("slack", [twin.teamId, chat.id, ...(thread === undefined ? [] : [thread])].join("/"));

/** An adapter that receives, and a person with a channel, a thread in it, and a direct conversation. */
async function talk(...[options, twinOptions]: Parameters<typeof stage>) {
  const made = await stage(options, twinOptions);
  const { twin, core, adapter } = made;
  await eventually(() => adapter.health().state === "connected", "it receives");
  const ada = twin.user("Ada Lovelace");
  const [chat, dm] = [twin.channel({ members: [ada] }), twin.dm(ada)];
  const { ts: thread } = chat.mention(ada, "begin");
  await eventually(() => core.taken.length === 1, "it begins");
  const places = { dm: placeIn(twin, dm), thread: placeIn(twin, chat, thread) };
  return { ...made, ada, chat, dm, thread, places };
}

describe.each(["socket", "http"] as const)("a press over %s", (mode) => {
  const config = { mode };

  test("comes from the session that its message stands in, by the person who speaks there", async () => {
    const { adapter, core, ada, chat, thread, places } = await talk({ config });
    const ref = await adapter.send(places.thread, "May I?", send(APPROVE, MODEL));
    expect(await chat.click(ada, ref, "Approve").acknowledged).toBe(true);
    expect(await chat.choose(ada, ref, "Which model?", "l").acknowledged).toBe(true);
    await eventually(() => chat.whispers(ada).length === 2, "it is answered");
    const { sender } = core.taken[0] ?? {};
    expect(sender).toEqual({ id: `slack:${ada.id}`, name: "Ada" });
    expect(core.pressed).toEqual([
      { channel: places.thread, sender, data: "ask:approve" },
      { channel: places.thread, sender, data: "ask:model", value: "l" },
    ]);
    const told = chat.whispers(ada).map((whisper) => [whisper.text, whisper.thread]);
    expect(told).toEqual(
      expect.arrayContaining([
        ["done: ask:approve", thread],
        ["done: ask:model", thread],
      ]),
    );
  });

  test("is acknowledged in time, however long core takes, and answered when it is known", async () => {
    const { adapter, core, ada, dm, places } = await talk({ config, timing: { answerWithin: 20 } });
    const { passed, open } = gate();
    core.decidePress = async () => {
      await passed;
      return { ok: true, text: "Approved." };
    };
    const ref = await adapter.send(places.dm, "May I?", send(APPROVE));
    const press = dm.click(ada, ref, "Approve");
    expect(await press.acknowledged).toBe(true);
    expect(dm.whispers(ada)).toEqual([]);
    open();
    await eventually(() => press.told.length > 0, "it is answered");
    expect(press.told).toEqual(["Approved."]);
  });

  test("that can't be stored is to be repeated, says the bot", async () => {
    const { adapter, core, ada, dm, places } = await talk({ config });
    core.decidePress = () => Promise.reject(new Error("the disk is full"));
    const ref = await adapter.send(places.dm, "May I?", send(APPROVE));
    const press = dm.click(ada, ref, "Approve");
    expect(await press.acknowledged).toBe(true);
    await eventually(() => press.told.length > 0, "it is answered");
    expect(press.told).toEqual([AGAIN]);
  });

  test("opens a form, which remembers where it belongs, and lets itself be corrected", async () => {
    const { twin, adapter, core, ada, chat, thread, places } = await talk({ config });
    const answers = [
      { ok: false, text: "**Too short**, say more." },
      { ok: true, text: "Rejected." },
    ];
    core.decidePress = async () => {
      const answer = answers.shift();
      if (answer === undefined) throw new Error("the disk is full");
      return answer;
    };
    const ref = await adapter.send(places.thread, "May I?", send(APPROVE, REASON));
    chat.click(ada, ref, "Reject with reason");
    await twin.until(() => twin.modals(ada).length === 1);
    const [form] = twin.modals(ada);
    expect([form?.title, form?.labels]).toEqual(["Reject with reason", ["Why not?"]]);
    await form?.submit("no");
    expect([form?.open, Object.values(form?.errors ?? {})]).toEqual([true, ["Too short, say more."]]);
    await form?.submit("it is late");
    expect(form?.open).toBe(false);
    const { sender } = core.taken[0] ?? {};
    const pressed: Press[] = ["no", "it is late"].map((value) => ({
      channel: places.thread,
      sender: sender ?? { id: "", name: "" },
      data: "ask:reject",
      value,
    }));
    expect(core.pressed).toEqual(pressed);
    await eventually(() => chat.whispers(ada).length === 1, "it is answered");
    expect(chat.whispers(ada)[0]).toMatchObject({ text: "Rejected.", thread });

    chat.click(ada, ref, "Reject with reason");
    await twin.until(() => twin.modals(ada).length === 1);
    const [again] = twin.modals(ada);
    await again?.submit("once more");
    expect([again?.open, Object.values(again?.errors ?? {})]).toEqual([true, [AGAIN]]);
    expect(core.pressed).toHaveLength(2);
  });

  test("of a form that core is slow to take closes it, and is answered when it is known", async () => {
    const { twin, adapter, core, ada, dm, places } = await talk({ config, timing: { answerWithin: 20 } });
    const { passed, open } = gate();
    core.decidePress = async () => {
      await passed;
      return { ok: false, text: "Ada was faster." };
    };
    const ref = await adapter.send(places.dm, "May I?", send(REASON));
    const press = dm.click(ada, ref, "Reject with reason");
    await twin.until(() => twin.modals(ada).length === 1);
    await twin.modals(ada)[0]?.submit("it is late");
    expect(twin.modals(ada)).toEqual([]);
    open();
    await eventually(() => press.told.length > 0, "it is answered");
    expect(press.told).toEqual(["Ada was faster."]);
  });

  test("does not wait behind messages that core can't take", async () => {
    const { adapter, core, ada, dm, places } = await talk({ config });
    core.decide = () => Promise.reject(new Error("full"));
    dm.say(ada, "held up");
    await eventually(() => core.offered.length > 1, "it is offered");
    const ref = await adapter.send(places.dm, "May I?", send(APPROVE));
    const press = dm.click(ada, ref, "Approve");
    await eventually(() => press.told.length > 0, "it is answered");
    expect(press.told).toEqual(["done: ask:approve"]);
  });

  test("that core has in hand is waited for by stop, and acknowledged", async () => {
    const { adapter, core, ada, dm, places } = await talk({ config });
    const { passed, open } = gate();
    core.decidePress = async () => {
      await passed;
      return { ok: true, text: "Approved." };
    };
    const ref = await adapter.send(places.dm, "May I?", send(APPROVE));
    const press = dm.click(ada, ref, "Approve");
    await eventually(() => core.offeredPresses.length === 1, "it is offered");
    const stopping = adapter.stop();
    open();
    await stopping;
    expect(await press.acknowledged).toBe(true);
    expect(press.told).toEqual(["Approved."]);
  });
});

describe("the session of a press", () => {
  test("is the channel where it has no threads, also once people reply below the message", async () => {
    const { twin, adapter, core, ada } = await talk({ config: { sessionPer: "channel" } });
    const chat = twin.channel({ members: [ada] });
    const ref = await adapter.send(placeIn(twin, chat), "May I?", send(APPROVE));
    await chat.click(ada, ref, "Approve").acknowledged;
    chat.say(ada, "hm", { thread: ref });
    const user = twin.bot.userId;
    const button = { type: "button", action_id: "button:ask:approve", value: "ask:approve" };
    await chat.act(ada, ref, button, { message: { user, ts: ref, thread_ts: ref } }).acknowledged;
    expect(core.pressed.map(({ channel }) => channel)).toEqual([placeIn(twin, chat), placeIn(twin, chat)]);
  });

  test("is the thread of a direct conversation, or of the assistant", async () => {
    const { twin, adapter, core, ada, dm } = await talk();
    for (const thread of [dm.say(ada, "hello").ts, dm.assistant(ada)]) {
      const ref = await adapter.send(placeIn(twin, dm, thread), "May I?", send(APPROVE));
      await dm.click(ada, ref, "Approve").acknowledged;
      expect(core.pressed.at(-1)?.channel).toBe(placeIn(twin, dm, thread));
    }
  });
});

describe("whoever pressed is told", () => {
  const forms = [
    { where: "thread", first: "chat.postEphemeral", second: "response_url" },
    { where: "dm", first: "response_url", second: "chat.postEphemeral" },
  ] as const;

  test.each(forms)("in another way where $first fails ($where)", async ({ where, first, second }) => {
    const { twin, adapter, ada, chat, dm, thread, places } = await talk();
    const place = where === "dm" ? dm : chat;
    const ref = await adapter.send(places[where], "May I?", send(APPROVE));
    twin.fault({ method: first, kind: "5xx" });
    place.click(ada, ref, "Approve");
    await eventually(() => place.whispers(ada).length === 1, "it is answered");
    const [whisper] = place.whispers(ada);
    expect([whisper?.text, whisper?.thread]).toEqual(["done: ask:approve", where === "dm" ? undefined : thread]);
    expect([twin.calls(first), twin.calls(second)]).toMatchObject([[{ outcome: "error" }], [{ outcome: "ok" }]]);
    expect(place.messages().map(({ text }) => text)).toEqual(["May I?"]);
  });

  test("not at all where nothing works, and the next one all the same", async () => {
    const { twin, adapter, core, ada, dm, places, logged } = await talk();
    const ref = await adapter.send(places.dm, "May I?", send(APPROVE));
    twin.fault({ method: ["chat.postEphemeral", "response_url"], kind: "drop-before", times: 2 });
    dm.click(ada, ref, "Approve");
    const failed = "a person could not be told what became of a press";
    await eventually(() => logged.some(({ message }) => message === failed), "it is logged");
    const next = dm.click(ada, ref, "Approve");
    await eventually(() => next.told.length > 0, "it is answered");
    expect(core.pressed).toHaveLength(2);
  });

  test("that a form could not be opened, whatever Slack has against it", async () => {
    const { twin, adapter, core, ada, dm, places } = await talk();
    const ref = await adapter.send(places.dm, "May I?", send(REASON));
    for (const error of ["expired_trigger_id", "exchanged_trigger_id", "internal_error"]) {
      twin.fault({ method: "views.open", kind: "refuse", error });
      const press = dm.click(ada, ref, "Reject with reason");
      expect(await press.acknowledged).toBe(true);
      await eventually(() => press.told.length > 0, "it is answered");
      expect(press.told).toEqual(["The form could not be opened. Please try again."]);
    }
    expect(core.pressed).toEqual([]);
  });
});

describe("actions stand below the text", () => {
  const shown = (chat: TwinChat) => chat.messages().map(({ ts, text }) => [text, chat.actions(ts)]);
  const approve = { type: "button", label: "Approve", style: "primary" };

  test("each under a name of its own, with what it means", async () => {
    const { adapter, dm, places } = await talk();
    await adapter.send(places.dm, "May I?", send(APPROVE, MODEL, REASON));
    const text = (said: string) => ({ type: "plain_text", text: said, emoji: false });
    expect(dm.messages()[0]?.message.blocks?.[1]).toEqual({
      type: "actions",
      block_id: expect.any(String),
      elements: [
        {
          type: "button",
          action_id: "button:ask:approve",
          text: text("Approve"),
          value: "ask:approve",
          style: "primary",
        },
        {
          type: "static_select",
          action_id: "select:ask:model",
          placeholder: text("Which model?"),
          options: [
            { text: text("Small"), value: "s" },
            { text: text("Large"), value: "l" },
          ],
        },
        { type: "button", action_id: "form:ask:reject", text: text("Reject with reason"), value: "Why not?" },
      ],
    });
  });

  test("in Slack's own markup where the workspace knows no Markdown", async () => {
    const { twin, adapter, dm, places } = await talk({}, { markdown: false });
    const ref = await adapter.send(places.dm, "**May** I?", send(APPROVE));
    expect(shown(dm)).toEqual([["May I?", [approve]]]);
    await adapter.edit(places.dm, ref, "**Or** not?", { ...final, actions: [MODEL] });
    expect(dm.actions(ref)).toMatchObject([{ type: "static_select", label: "Which model?" }]);
    await adapter.edit(places.dm, ref, "**Yes.**", final);
    expect(shown(dm)).toEqual([["Yes.", []]]);
    expect(twin.calls("chat.postMessage")).toHaveLength(2);
    expect(twin.calls("chat.update")).toHaveLength(2);
  });

  test("without formatting where Slack takes none, and the text alone where it takes no blocks", async () => {
    const { twin, adapter, dm, places } = await talk();
    const refuse = (times: number) => {
      const blocked = ({ blocks }: Record<string, unknown>) => typeof blocks === "string" && blocks !== "[]";
      twin.fault({ kind: "refuse", error: "invalid_blocks", when: blocked, times });
    };
    refuse(2);
    const ref = await adapter.send(places.dm, "**May** I < you?", send(APPROVE));
    expect(shown(dm)).toEqual([["May I < you?", [approve]]]);
    refuse(3);
    await adapter.edit(places.dm, ref, "**Or** not?", { ...final, actions: [APPROVE] });
    expect(shown(dm)).toEqual([["Or not?", []]]);
    await adapter.edit(places.dm, ref, "**So?**", { ...final, actions: [APPROVE] });
    expect(shown(dm)).toEqual([["So?", [approve]]]);
  });

  test("through previews, until they are taken away", async () => {
    const { adapter, dm, places } = await talk();
    const ref = await adapter.send(places.dm, "May", send());
    await adapter.edit(places.dm, ref, "May I", { urgency: "preview", signal: never, actions: [APPROVE] });
    expect(shown(dm)).toEqual([["May I", [approve]]]);
    await adapter.edit(places.dm, ref, "May I", { urgency: "preview", signal: never });
    expect(shown(dm)).toEqual([["May I", []]]);
  });

  test("in the place of the session, whatever the message replies to", async () => {
    const { adapter, chat, dm, thread, places } = await talk();
    const first = await adapter.send(places.dm, "May I?", send(APPROVE));
    await adapter.send(places.dm, "Still: may I?", { ...send(), replyTo: first });
    await adapter.send(places.thread, "And here?", { ...send(), replyTo: first });
    expect(dm.messages(null).map(({ text }) => text)).toEqual(["May I?", "Still: may I?"]);
    expect(chat.messages(thread).map(({ text }) => text)).toEqual(["And here?"]);
  });
});

test("a press that Slack has not signed does nothing", async () => {
  const { twin, adapter, core, ada, dm, places } = await talk({ config: { mode: "http" } });
  const ref = await adapter.send(places.dm, "May I?", send(APPROVE));
  await dm.click(ada, ref, "Approve").acknowledged;
  const payload = twin.deliveries.all.find(({ notice }) => notice.type === "interactive")?.notice.payload;
  const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
  const { headers, method } = twin.requests.signed(`${body}&x=y`, "application/x-www-form-urlencoded");
  const forged = await fetch(twin.requests.url, { method: method ?? "POST", headers: headers ?? {}, body });
  expect(forged.status).toBe(401);
  expect(core.offeredPresses).toHaveLength(1);
});

function gate() {
  let open = () => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}
