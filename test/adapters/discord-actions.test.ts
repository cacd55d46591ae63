import { describe, expect, it, onTestFinished, test } from "vitest";
import { formOf, rowsOf, usedOf } from "../../adapters/discord/components.ts";
import type { Action } from "../../src/channel.ts";
import { eventually } from "../support/eventually.ts";
import { taking } from "../support/intake.ts";
import type { TwinInteraction } from "../twins/discord/index.ts";
import { adapterOn, stage } from "./discord-stage.ts";

const { signal } = new AbortController();
const final = { urgency: "final", signal } as const;
const POST = "POST /channels/:channel/messages";
const CALLBACK = "POST /interactions/:interaction/:token/callback";
const FOLLOW_UP = "PATCH /webhooks/:application/:token/messages/@original";

const APPROVE: Action = { kind: "button", label: "Approve", data: "ask_1:yes:mac", style: "primary" };
const REJECT: Action = { kind: "button", label: "Reject", data: "ask_1:no:mac", style: "danger" };
const REASON: Action = { kind: "form", label: "Reject with reason", data: "ask_1:why:mac", prompt: "Why not?" };
const CHOICES = ["red", "green"].map((value) => ({ label: `The ${value} one`, value }));
const CHOOSE: Action = { kind: "select", label: "Choose…", data: "ask_1:q0:mac", choices: CHOICES };

let keys = 0;
const send = () => ({ key: `key ${keys++}`, signal });

/** Connected, with a message of the bot below which there is one action of each kind. */
async function asked(options?: Parameters<typeof stage>[0]) {
  const staged = await stage(options);
  const { twin, adapter } = staged;
  await eventually(() => adapter.health().state === "connected", "connected");
  const ada = twin.user({ username: "ada" });
  const guild = twin.guild("Team");
  const room = guild.text("general");
  const channel = `discord:${room.id}` as const;
  const ref = await adapter.send(channel, "Shall I?", { ...send(), actions: [APPROVE, REJECT, REASON, CHOOSE] });
  const shown = () => room.messages().find(({ id }) => id === ref)?.components ?? [];
  return { ...staged, ada, guild, room, channel, ref, shown };
}

const replied = (press: () => TwinInteraction) =>
  eventually(
    () => press().state === "replied",
    () => `it is answered, and not ${press().state}`,
  );
const told = (press: () => TwinInteraction) =>
  press().replies.map(({ ephemeral, message }) => (ephemeral ? message.content : "seen by all"));

describe("actions on Discord", () => {
  it("become buttons and selects, in rows", async () => {
    const { shown, adapter, channel, ref } = await asked();
    expect(shown().map(({ kind, label, style, row }) => [kind, label, style, row])).toEqual([
      ["button", "Approve", 1, 0],
      ["button", "Reject", 4, 0],
      ["button", "Reject with reason", 2, 0],
      ["select", "Choose…", undefined, 1],
    ]);
    expect(shown()[3]?.options).toEqual(CHOICES);
    await adapter.edit(channel, ref, "Shall I?", { urgency: "preview", signal });
    expect(shown()).toEqual([]);
  });

  it.each(["channel", "thread", "post", "dm"])("come from a %s as messages do, by the same person", async (kind) => {
    const { twin, adapter, guild, room, ada, taken, pressed } = await asked();
    const places = {
      channel: () => room,
      thread: () => room.thread(ada, "Plans"),
      post: () => guild.forum("help").post(ada, "How?", "a question").thread,
      dm: () => twin.dm(ada),
    };
    const place = places[kind as keyof typeof places]();
    place.mention(ada, "hello");
    await eventually(() => taken.some(({ text }) => text === "hello"), "the message arrives");
    const event = taken.find(({ text }) => text === "hello");
    const channel = `discord:${place.id}` as const;
    const ref = await adapter.send(channel, "Shall I?", { ...send(), actions: [APPROVE] });
    const click = place.click(ada, ref, "Approve");
    await replied(click);
    expect(pressed).toEqual([{ channel, sender: event?.sender, data: APPROVE.data }]);
    expect(event?.channel).toBe(channel);
    expect(told(click)).toEqual(["done: ask\\_1:yes:mac"]);
    expect(place.messages().map(({ text }) => text)).toEqual(
      kind === "channel" ? ["Shall I?", "Shall I?"] : ["Shall I?"],
    );
  });

  it("are acknowledged at once, whatever core is at, and beside what waits in the channel", async () => {
    const { twin, adapter, ada, room, core, pressed } = await asked();
    let decide = () => {};
    core.press = ({ data }) =>
      new Promise((resolve) => {
        decide = () => resolve({ ok: true, text: `decided: ${data.length}` });
      });
    const click = room.click(ada, room.messages()[0]?.id ?? "", "Approve");
    await eventually(() => click().state === "thinking", "it is acknowledged");
    await eventually(() => pressed.length === 1, "it is offered");
    let stopped = false;
    const stopping = adapter.stop().then(() => {
      stopped = true;
    });
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(stopped).toBe(false);
    decide();
    await stopping;
    expect(told(click)).toEqual([`decided: ${APPROVE.data.length}`]);
    expect(twin.calls(FOLLOW_UP)[0]?.params).toMatchObject({ allowed_mentions: { parse: [] } });
  });

  it("that take long are said to, and what comes of them in the end", async () => {
    const { ada, room, ref, core } = await asked({ timing: { slow: 20 } });
    let decide = () => {};
    core.press = () =>
      new Promise((resolve) => {
        decide = () => resolve({ ok: true, text: "Approved." });
      });
    const click = room.click(ada, ref, "Approve");
    await replied(click);
    expect(told(click)).toEqual([expect.stringMatching(/may not have been stored.*again/)]);
    decide();
    await eventually(() => click().versions.length === 2, "it is told");
    expect(told(click)).toEqual(["Approved."]);
  });

  it("that could not be stored are said to be so, with what was written, and can be used again", async () => {
    const { ada, room, ref, core, pressed, logged } = await asked();
    const { press: take } = core;
    core.press = async () => {
      throw new Error("the store is away");
    };
    const click = room.click(ada, ref, "Approve");
    const choice = room.choose(ada, ref, "Choose…", "red");
    const opened = room.click(ada, ref, "Reject with reason");
    await eventually(() => opened().state === "modal", "the form opens");
    const written = "because\n```\nof this\n```\n@everyone";
    const sent = room.submit(opened, written);
    await Promise.all([click, choice, sent].map(replied));
    for (const lost of [click, choice])
      expect(told(lost)).toEqual([expect.stringMatching(/not be stored.*again in a moment\.$/)]);
    const [kept = ""] = told(sent);
    expect(kept).toMatch(/not be stored.*because\n.*of this/s);
    expect(logged.filter(({ level }) => level === "warn")).toHaveLength(3);
    core.press = take;
    const again = room.click(ada, ref, "Approve");
    await replied(again);
    expect(told(again)).toEqual(["done: ask\\_1:yes:mac"]);
    expect(pressed.map(({ value }) => value)).toEqual([undefined, "red", written, undefined]);
  });

  it("open a form that says what it is about, also by a process that never saw it before", async () => {
    const { twin, adapter, ada, room, ref, pressed } = await asked();
    await adapter.stop();
    const other = adapterOn(twin);
    onTestFinished(() => other.close());
    await other.start({
      ...taking(async () => ({ status: "command" })),
      press: async (press) => {
        pressed.push(press);
        return { ok: true, text: "Told." };
      },
    });
    await eventually(() => other.health().state === "connected", "connected");
    const opened = room.click(ada, ref, "Reject with reason");
    await eventually(() => opened().state === "modal", "the form opens");
    expect(opened().modal).toMatchObject({ title: "Reject with reason", label: "Why not?", paragraph: true });
    expect(pressed).toEqual([]);
    const sent = room.submit(opened, "It is late.");
    await replied(sent);
    expect(pressed).toMatchObject([{ data: REASON.data, value: "It is late.", channel: `discord:${room.id}` }]);
    expect(twin.calls(CALLBACK).map(({ params }) => params.type)).toEqual([9, 5]);
  });

  it("are taken also where the first answer comes too late, or was given before", async () => {
    const { twin, adapter, ada, room, ref, pressed } = await asked();
    twin.fault({
      kind: "refuse",
      method: CALLBACK,
      error: { status: 404, code: 10062, message: "Unknown interaction" },
    });
    const late = room.click(ada, ref, "Approve");
    await eventually(() => pressed.length === 1, "it is taken");
    const repeated = room.click(ada, ref, "Reject");
    await replied(repeated);
    room.repeat(repeated);
    await eventually(() => repeated().versions.length === 2, "it is answered again");
    expect(repeated().replies).toHaveLength(1);
    expect(pressed.map(({ data }) => data)).toEqual([APPROVE.data, REJECT.data, REJECT.data]);
    expect(late().replies).toEqual([]);
    expect(twin.calls(FOLLOW_UP).some(({ params }) => params.token === late().token)).toBe(false);
    expect(adapter.health().state).toBe("connected");
  });

  it.each(["drop-before", "drop-after", "5xx", "cut"] as const)(
    "are answered though calls are lost: %s",
    async (kind) => {
      const { twin, ada, room, ref, pressed } = await asked();
      twin.fault({ kind, method: CALLBACK });
      twin.fault({ kind, method: FOLLOW_UP });
      const click = room.click(ada, ref, "Approve");
      await replied(click);
      expect(told(click)).toEqual(["done: ask\\_1:yes:mac"]);
      expect(pressed).toHaveLength(1);
    },
  );

  it("that nobody knows any more are answered politely, and reach nobody", async () => {
    const { ada, room, ref, channel, adapter, pressed } = await asked();
    const [old, theirs] = [room.use(ada, ref, "of an older bot"), room.use(ada, room.say(ada, "hi").id, "b:x")];
    await Promise.all([old, theirs].map(replied));
    for (const click of [old, theirs]) expect(told(click)).toEqual([expect.stringContaining("not in use any more")]);
    await adapter.edit(channel, ref, "Done.", final);
    expect(pressed).toEqual([]);
  });

  it("that come while the connection is cut arrive when it is resumed", async () => {
    const { twin, adapter, ada, room, ref, pressed } = await asked();
    twin.gateway.drop();
    await eventually(() => !twin.gateway.connected, "it is off");
    const click = room.click(ada, ref, "Approve");
    await replied(click);
    expect(pressed).toMatchObject([{ data: APPROVE.data }]);
    expect(twin.gateway.resumes()).toBe(1);
    expect(adapter.health().state).toBe("connected");
  });
});

describe("replies of the bot on Discord", () => {
  it("stand below nothing where the right to read is missing, and are posted once", async () => {
    const { twin, adapter, room, channel, ref } = await asked();
    room.unreadable = true;
    twin.fault({ kind: "drop-after", method: POST, after: 1 });
    const sent = await adapter.send(channel, "A reminder", { ...send(), replyTo: ref });
    expect(room.messages().slice(1)).toMatchObject([{ id: sent, text: "A reminder", replyTo: undefined }]);
  });

  it("call nobody, and stand below nothing where their message is gone", async () => {
    const { twin, adapter, room, channel, ref } = await asked();
    await adapter.send(channel, "one", { ...send(), replyTo: ref, actions: [APPROVE] });
    room.remove(ref);
    await adapter.send(channel, "two", { ...send(), replyTo: ref });
    expect(room.messages().map(({ text, replyTo }) => [text, replyTo])).toEqual([
      ["one", ref],
      ["two", undefined],
    ]);
    expect(twin.calls(POST).at(-1)?.params).toMatchObject({
      allowed_mentions: { parse: [], replied_user: false },
      message_reference: { message_id: ref, fail_if_not_exists: false },
    });
  });

  it("are answered by people, which is told also of what is read later", async () => {
    const { twin, adapter, ada, room, channel, ref, taken } = await asked();
    const said = room.say(ada, "because", { replyTo: ref });
    room.say(ada, "so it is", { replyTo: said.id });
    await eventually(() => taken.length === 2, "both arrive");
    expect(taken).toMatchObject([{ answers: ref }, { replyTo: said.id }]);
    expect(taken[1]).not.toHaveProperty("answers");
    const later = adapterOn(twin);
    onTestFinished(() => later.close());
    expect(await later.history(channel, 0, 10, signal)).toEqual(taken);
    expect(adapter.health().state).toBe("connected");
  });
});

const buttons = (count: number, from = 0): Action[] =>
  Array.from({ length: count }, (_, i) => ({ kind: "button", label: `${from + i}`, data: `${from + i}` }));

test.each<[string, Action[], number[]]>([
  ["twenty buttons", buttons(20), [5, 5, 5, 5]],
  ["a select before nineteen buttons", [CHOOSE, ...buttons(19)], [1, 5, 5, 5, 4]],
  ["a select among nineteen buttons", [...buttons(6), CHOOSE, ...buttons(13, 6)], [1, 5, 5, 5, 4]],
  ["a select among buttons", [...buttons(6), CHOOSE, ...buttons(2, 6)], [5, 1, 1, 2]],
  ["nothing", [], []],
])("%s fit", (_name, actions, sizes) => {
  const rows = rowsOf(actions) as { components: object[] }[];
  expect(rows.map(({ components }) => components.length)).toEqual(sizes);
});

test.each<Action>([
  APPROVE,
  { ...APPROVE, data: "f:x¦y".padEnd(64, "z") },
  { ...REASON, data: "a".repeat(64), prompt: "Why, ¦ of all things, not? ".repeat(20) },
  { ...REASON, prompt: " \n" },
  CHOOSE,
])("an action is known by its name: %j", (action) => {
  const [row] = rowsOf([action]) as { components: { custom_id: string }[] }[];
  const name = row?.components[0]?.custom_id ?? "";
  expect(name.length).toBeLessThanOrEqual(100);
  const used = usedOf(name);
  expect(used).toMatchObject({ kind: action.kind, data: action.data });
  if (action.kind !== "form" || used === undefined) return;
  const { components } = formOf({ label: action.label, custom_id: name }, used) as { components: { label: string }[] };
  const [label = ""] = components.map((field) => field.label);
  expect(label.length).toBeGreaterThan(0);
  expect(label.length).toBeLessThanOrEqual(45);
});
