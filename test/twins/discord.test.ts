import { once } from "node:events";
import {
  Client,
  Events,
  GatewayIntentBits,
  LabelBuilder,
  MessageFlags,
  ModalBuilder,
  TextInputBuilder,
  TextInputStyle,
} from "discord.js";
import { describe, expect, it, onTestFinished } from "vitest";
import WebSocket from "ws";
import { TestClock } from "../support/clock.ts";
import { eventually } from "../support/eventually.ts";
import { type DiscordTwin, shownText, startDiscordTwin, type TwinOptions } from "./discord/index.ts";

async function start(options: TwinOptions = {}) {
  const twin = await startDiscordTwin(options);
  onTestFinished(() => twin.stop());
  const ada = twin.user({ username: "ada" });
  const room = twin.guild("Team").text("general");
  return { twin, ada, room };
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

async function call(
  twin: DiscordTwin,
  method: string,
  path: string,
  body?: unknown,
  token = twin.token,
): Promise<Answer> {
  const response = await fetch(`${twin.apiUrl}/v10${path}`, {
    method,
    headers: { authorization: `Bot ${token}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === "" ? {} : JSON.parse(text) };
}

const list = async (twin: DiscordTwin, path: string) =>
  (await call(twin, "GET", path)).body as unknown as { content: string }[];

/** A bare client of the gateway. */
class Peer {
  readonly received: { op: number; t: string | null; s: number | null; d: Record<string, unknown> }[] = [];
  readonly socket: WebSocket;
  closed: number | undefined;

  constructor(twin: DiscordTwin) {
    this.socket = new WebSocket(`${twin.gateway.url}/?v=10&encoding=json`);
    this.socket.on("message", (data) => this.received.push(JSON.parse(String(data))));
    this.socket.on("close", (code) => {
      this.closed = code;
    });
    onTestFinished(() => this.socket.terminate());
  }

  async send(op: number, d: unknown): Promise<void> {
    if (this.socket.readyState === WebSocket.CONNECTING) await once(this.socket, "open");
    this.socket.send(JSON.stringify({ op, d }));
  }

  identify(twin: DiscordTwin, intents = (1 << 0) | (1 << 9) | (1 << 12) | (1 << 15), token = twin.token) {
    return this.send(2, { token, intents, properties: {} });
  }

  async got(type: string) {
    const find = () => this.received.find(({ t }) => t === type);
    await eventually(
      () => find() !== undefined,
      () => `${type}; ${this.received.map(({ t, op }) => t ?? op)}`,
    );
    return find();
  }
}

describe("the Discord twin over REST", () => {
  it("refuses in Discord's words", async () => {
    const { twin, room, ada } = await start();
    const messages = `/channels/${room.id}/messages`;
    const theirs = room.say(ada, "mine").id;
    const refusals: [method: string, path: string, body: unknown, status: number, code: number][] = [
      ["GET", "/nowhere", undefined, 404, 0],
      ["DELETE", "/users/@me", undefined, 405, 0],
      ["GET", "/channels/1180000000000000009", undefined, 404, 10003],
      ["POST", messages, { content: " \n" }, 400, 50006],
      ["POST", messages, { content: "x".repeat(2001) }, 400, 50035],
      ["POST", messages, { content: "x", nonce: "n".repeat(26) }, 400, 50035],
      ["GET", `${messages}?limit=101`, undefined, 400, 50035],
      ["PATCH", `${messages}/${theirs}`, { content: "x" }, 403, 50005],
      ["PATCH", `${messages}/1180000000000000009`, { content: "x" }, 404, 10008],
    ];
    for (const [method, path, body, status, code] of refusals) {
      expect(await call(twin, method, path, body), `${method} ${path}`).toMatchObject({
        status,
        body: { code, message: expect.any(String) },
      });
    }
    expect(await call(twin, "GET", "/users/@me", undefined, "wrong")).toMatchObject({
      status: 401,
      body: { message: "401: Unauthorized", code: 0 },
    });
    for (const [barrier, code] of [
      ["muted", 50013],
      ["removed", 50001],
      ["closed", 50007],
      ["locked", 50083],
    ] as const) {
      room.barrier = barrier;
      expect((await call(twin, "POST", messages, { content: "x" })).body.code).toBe(code);
    }
  });

  it("gives back the message of a nonce that it knows, for some minutes, and shows no nonce afterwards", async () => {
    const clock = new TestClock();
    const { twin, room } = await start({ clock });
    const messages = `/channels/${room.id}/messages`;
    const post = (more: object = {}) =>
      call(twin, "POST", messages, { content: "x", nonce: "n1", enforce_nonce: true, ...more });
    const first = await post();
    expect(first.body).toMatchObject({ nonce: "n1", content: "x" });
    expect((await post({ content: "y" })).body).toMatchObject({ id: first.body.id, content: "x" });
    expect((await list(twin, messages))[0]).not.toHaveProperty("nonce");
    room.remove(String(first.body.id));
    expect(await post()).toMatchObject({ status: 404, body: { code: 10008 } });
    expect((await post({ enforce_nonce: false })).status).toBe(200);
    clock.advance(600_000);
    expect((await post()).status).toBe(200);
    expect(room.messages()).toHaveLength(2);
  });

  it("takes files with a message, and changes them with it", async () => {
    const { twin, room } = await start({ uploadLimit: 10 });
    const messages = `/channels/${room.id}/messages`;
    const form = async (method: string, path: string, json: object, ...texts: readonly string[]) => {
      const body = new FormData();
      body.set("payload_json", JSON.stringify(json));
      for (const [i, text] of texts.entries()) body.set(`files[${i}]`, new Blob([text]), `${text}.txt`);
      const response = await fetch(`${twin.apiUrl}/v10${path}`, {
        method,
        headers: { authorization: `Bot ${twin.token}` },
        body,
      });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    };
    const files = () => room.messages().map((message) => message.files.map(({ name, text }) => `${name}: ${text}`));
    const { body } = await form("POST", messages, { content: "" }, "one", "two");
    expect(body.attachments).toMatchObject([
      { filename: "one.txt", size: 3, url: expect.stringContaining("one.txt") },
      {},
    ]);
    expect(files()).toEqual([["one.txt: one", "two.txt: two"]]);

    const message = `${messages}/${body.id}`;
    await call(twin, "PATCH", message, { content: "they stay" });
    expect(files()).toEqual([["one.txt: one", "two.txt: two"]]);
    const [, two] = body.attachments as { id: string }[];
    await form("PATCH", message, { attachments: [{ id: two?.id }, { id: 0 }] }, "three");
    await form("PATCH", message, {}, "four");
    expect(files()).toEqual([["two.txt: two", "three.txt: three", "four.txt: four"]]);
    await form("PATCH", message, { attachments: [{ id: "0" }] }, "five");
    expect(files()).toEqual([["five.txt: five"]]);
    expect(await form("PATCH", message, { attachments: [{ id: 1 }] }, "six")).toMatchObject({ body: { code: 50146 } });
    await call(twin, "PATCH", message, { attachments: [] });
    expect(files()).toEqual([[]]);

    const large = await form("POST", messages, { content: "x" }, "eleven char");
    expect(large).toEqual({ status: 413, body: { code: 40005, message: "Request entity too large" } });
    room.fileless = true;
    expect(await form("POST", messages, { content: "x" }, "one")).toMatchObject({ body: { code: 50013 } });
    expect(room.messages()).toHaveLength(1);
  });

  it("gives files to whoever has a link that holds, for a day", async () => {
    const clock = new TestClock();
    const { twin, ada, room } = await start({ clock });
    const bytes = Buffer.from([0, 255, 128]);
    const { id } = room.say(ada, "look", { files: [{ name: "my plan.bin", type: "application/x-a", bytes }] });
    const path = `/channels/${room.id}/messages/${id}`;
    const link = async () => {
      const { body } = await call(twin, "GET", path);
      return (body.attachments as { url: string }[])[0]?.url ?? "";
    };
    const get = async (url: string) => {
      const response = await fetch(url);
      return [response.status, response.headers.get("content-type"), Buffer.from(await response.arrayBuffer())];
    };
    const gone = [404, "text/plain;charset=UTF-8", Buffer.from("This content is no longer available.")];
    const first = await link();
    expect(first).toMatch(/\/my_plan\.bin\?ex=[0-9a-f]+&is=[0-9a-f]+&hm=[0-9a-f]{64}&$/);
    expect(await get(first)).toEqual([200, "application/x-a", bytes]);
    expect(await get(first.replace(/hm=./, "hm=x"))).toEqual(gone);
    expect(await get(first.replace(/\?.*/, ""))).toEqual(gone);
    clock.advance(24 * 3_600_000);
    expect(await get(first)).toEqual(gone);
    const second = await link();
    expect(await get(second)).toEqual([200, "application/x-a", bytes]);
    twin.expireLinks();
    expect(await get(second)).toEqual(gone);
    const third = await link();
    room.remove(id);
    expect(await get(third)).toEqual(gone);
  });

  it("pages through history as Discord does: newest first, those closest to what is named", async () => {
    const { twin, room, ada } = await start();
    const ids = Array.from({ length: 10 }, (_, i) => room.say(ada, `${i}`).id);
    const said = async (query: string) =>
      (await list(twin, `/channels/${room.id}/messages?${query}`)).map(({ content }) => content).join("");
    expect(await said("")).toBe("9876543210");
    expect(await said("limit=3")).toBe("987");
    expect(await said(`limit=3&after=${ids[2]}`)).toBe("543");
    expect(await said(`limit=3&before=${ids[5]}`)).toBe("432");
    expect(await said(`limit=3&around=${ids[5]}`)).toBe("654");
    room.unreadable = true;
    expect(await said("")).toBe("");
  });

  it("hides what people say where Message Content is switched off", async () => {
    const { twin, room, ada } = await start({ contentGranted: false });
    room.say(ada, "secret");
    room.mention(ada, "for the bot");
    const dm = twin.dm(ada);
    dm.say(ada, "private");
    const said = async (channel: string) =>
      (await list(twin, `/channels/${channel}/messages`)).map(({ content }) => content);
    expect(await said(room.id)).toEqual([`<@${twin.bot.id}> for the bot`, ""]);
    expect(await said(dm.id)).toEqual(["private"]);
  });

  it("limits each route of a channel, and all together, and says so in its headers", async () => {
    const clock = new TestClock();
    const { twin, room } = await start({ clock, limits: { route: { limit: 2, per: 5000 }, global: 4 } });
    const other = twin.guild("Other").text("general");
    const post = (channel: string) => call(twin, "POST", `/channels/${channel}/messages`, { content: "x" });
    const [first, second, third] = [await post(room.id), await post(room.id), await post(room.id)];
    expect(first?.headers.get("x-ratelimit-remaining")).toBe("1");
    expect(second?.headers.get("x-ratelimit-remaining")).toBe("0");
    expect(third).toMatchObject({ status: 429, body: { global: false, retry_after: 5 } });
    expect(third?.headers.get("retry-after")).toBe("5");
    expect((await post(other.id)).status).toBe(200);
    const overall = await post(other.id);
    expect(overall).toMatchObject({ status: 429, body: { global: true } });
    expect(overall.headers.get("x-ratelimit-global")).toBe("true");
    clock.advance(1000);
    expect((await post(other.id)).status).toBe(200);
    expect(room.messages()).toHaveLength(2);
  });

  it("breaks where it is told to, before or after the effect", async () => {
    const { twin, room } = await start();
    const method = "POST /channels/:channel/messages";
    const post = () => call(twin, "POST", `/channels/${room.id}/messages`, { content: "x" });
    const expected = [
      ["drop-before", 0, "dropped"],
      ["drop-after", 1, "lost"],
      ["cut", 2, "lost"],
      ["5xx", 2, "error"],
      ["429", 2, "error"],
    ] as const;
    for (const [kind, shown, outcome] of expected) {
      twin.fault({ kind, method, channel: room });
      await post().catch(() => {});
      await twin.until(() => twin.calls(method).at(-1)?.outcome === outcome, { label: kind });
      expect(room.messages(), kind).toHaveLength(shown);
    }
    twin.fault({ kind: "hang-after", method, times: 1 });
    const controller = new AbortController();
    const hanging = fetch(`${twin.apiUrl}/v10/channels/${room.id}/messages`, {
      method: "POST",
      headers: { authorization: `Bot ${twin.token}`, "content-type": "application/json" },
      body: JSON.stringify({ content: "x" }),
      signal: controller.signal,
    });
    await twin.until(() => room.messages().length === 3);
    controller.abort();
    await expect(hanging).rejects.toThrow();
  });

  it("registers commands whole, and refuses bad ones", async () => {
    const { twin } = await start();
    const path = `/applications/${twin.bot.id}/commands`;
    expect((await call(twin, "PUT", path, [{ name: "Help", description: "x" }])).body.code).toBe(50035);
    expect((await call(twin, "PUT", path, [{ name: "help", description: "" }])).body.code).toBe(50035);
    await call(twin, "PUT", path, [{ name: "help", description: "Says what there is" }]);
    expect(await list(twin, path)).toMatchObject([
      { name: "help", application_id: twin.bot.id, id: expect.any(String) },
    ]);
  });
});

describe("the Discord twin's interactions", () => {
  it("wait three seconds for the one acknowledgement", async () => {
    const clock = new TestClock();
    const { twin, room, ada } = await start({ clock });
    const answer = (id: string, token: string) =>
      call(twin, "POST", `/interactions/${id}/${token}/callback`, { type: 4, data: { content: "hi", flags: 64 } });
    const [early, late] = [room.command(ada, "help"), room.command(ada, "help")];
    clock.advance(2999);
    expect((await answer(early().id, early().token)).status).toBe(204);
    expect((await answer(early().id, early().token)).body.code).toBe(40060);
    clock.advance(2);
    expect(late().state).toBe("missed");
    expect((await answer(late().id, late().token)).body.code).toBe(10062);
    expect(early()).toMatchObject({ state: "replied", replies: [{ ephemeral: true }] });
    expect(room.messages()).toEqual([]);
  });

  it("can be deferred, followed up, changed and taken away, for fifteen minutes", async () => {
    const clock = new TestClock();
    const { twin, room, ada } = await start({ clock });
    const interaction = room.command(ada, "help");
    const { id, token } = interaction();
    await call(twin, "POST", `/interactions/${id}/${token}/callback`, { type: 5 });
    expect(interaction().state).toBe("thinking");
    const webhook = `/webhooks/${twin.bot.id}/${token}`;
    await call(twin, "PATCH", `${webhook}/messages/@original`, { content: "first" });
    await call(twin, "POST", webhook, { content: "second" });
    expect(room.messages().map(({ text }) => text)).toEqual(["first", "second"]);
    await call(twin, "DELETE", `${webhook}/messages/@original`);
    expect(room.messages().map(({ text }) => text)).toEqual(["second"]);
    clock.advance(900_001);
    expect((await call(twin, "POST", webhook, { content: "third" })).body.code).toBe(10015);
  });
});

const button = (label: unknown, custom_id: unknown, more: object = {}) => ({
  ...{ type: 2, style: 2, label, custom_id },
  ...more,
});
const row = (...components: object[]) => ({ type: 1, components });
const select = (options: readonly object[], more: object = {}) => ({
  ...{ type: 3, custom_id: "s", placeholder: "Choose…", options },
  ...more,
});
const option = (index: number) => ({ label: `option ${index}`, value: `${index}` });

describe("the Discord twin's components", () => {
  it.each<[string, unknown, path: string, code: string]>([
    ["six rows", Array.from({ length: 6 }, (_, i) => row(button("a", `${i}`))), "", "BASE_TYPE_MAX_LENGTH"],
    ["a button outside of a row", [button("a", "a")], "0.type", "UNION_TYPE_CHOICES"],
    ["an empty row", [row()], "0.components", "BASE_TYPE_BAD_LENGTH"],
    [
      "six buttons in a row",
      [row(...[0, 1, 2, 3, 4, 5].map((i) => button("a", `${i}`)))],
      "0.components",
      "BASE_TYPE_BAD_LENGTH",
    ],
    ["a long label", [row(button("x".repeat(81), "a"))], "0.components.0.label", "BASE_TYPE_MAX_LENGTH"],
    ["a blank label", [row(button(" ", "a"))], "0.components.0", "BUTTON_COMPONENT_MISSING_LABEL_OR_EMOJI"],
    ["a button without a style", [row(button("a", "a", { style: 9 }))], "0.components.0.style", "BASE_TYPE_CHOICES"],
    ["a button without a name", [row(button("a", undefined))], "0.components.0.custom_id", "BASE_TYPE_REQUIRED"],
    ["a long name", [row(button("a", "x".repeat(101)))], "0.components.0.custom_id", "BASE_TYPE_BAD_LENGTH"],
    [
      "one name twice",
      [row(button("a", "a")), row(button("b", "a"))],
      "1.components.0.custom_id",
      "COMPONENT_CUSTOM_ID_DUPLICATED",
    ],
    [
      "a select beside a button",
      [row(button("a", "a"), select([option(1)]))],
      "0.components.1",
      "COMPONENT_LAYOUT_WIDTH_EXCEEDED",
    ],
    ["a select without options", [row(select([]))], "0.components.0.options", "BASE_TYPE_BAD_LENGTH"],
    [
      "a select of 26",
      [row(select(Array.from({ length: 26 }, (_, i) => option(i))))],
      "0.components.0.options",
      "BASE_TYPE_BAD_LENGTH",
    ],
    [
      "one value twice",
      [row(select([option(1), option(1)]))],
      "0.components.0.options.1.value",
      "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
    ],
  ])("are refused: %s", async (_name, components, path, code) => {
    const { twin, room } = await start();
    const messages = `/channels/${room.id}/messages`;
    const posted = await call(twin, "POST", messages, { content: "x", components });
    expect(posted).toMatchObject({ status: 400, body: { code: 50035, message: "Invalid Form Body" } });
    const at = ["components", ...path.split(".").filter((part) => part !== "")];
    let errors = posted.body.errors as Record<string, unknown>;
    for (const part of at) errors = errors[part] as Record<string, unknown>;
    expect(errors).toMatchObject({ _errors: [{ code, message: expect.any(String) }] });
    expect(room.messages()).toEqual([]);
    const { body } = await call(twin, "POST", messages, { content: "x" });
    const edited = await call(twin, "PATCH", `${messages}/${body.id}`, { content: "y", components });
    expect(edited).toMatchObject({ status: 400, body: { code: 50035 } });
    expect(room.messages()).toMatchObject([{ text: "x" }]);
  });

  it("stay through an edit that does not name them, and go by one that names none", async () => {
    const { twin, room } = await start();
    const messages = `/channels/${room.id}/messages`;
    const { body } = await call(twin, "POST", messages, { content: "x", components: [row(button("a", "a"))] });
    const labels = () => room.messages()[0]?.components.map(({ label }) => label);
    await call(twin, "PATCH", `${messages}/${body.id}`, { content: "y" });
    expect(labels()).toEqual(["a"]);
    await call(twin, "PATCH", `${messages}/${body.id}`, { content: "y", components: [] });
    expect(labels()).toEqual([]);
  });

  it("are used by people: a click that is deferred and followed up, a choice that changes the message", async () => {
    const { twin, room, ada } = await start();
    const peer = new Peer(twin);
    await peer.identify(twin);
    await peer.got("GUILD_CREATE");
    const components = [row(button("Yes", "y")), row(select([option(1), option(2)]))];
    const { body } = await call(twin, "POST", `/channels/${room.id}/messages`, { content: "x", components });
    const ref = String(body.id);
    const click = room.click(ada, ref, "Yes");
    expect(await peer.got("INTERACTION_CREATE")).toMatchObject({
      d: {
        ...{ type: 3, channel_id: room.id, application_id: twin.bot.id, member: { user: { id: ada.id } } },
        ...{ data: { component_type: 2, custom_id: "y" }, message: { id: ref, author: { id: twin.bot.id } } },
      },
    });
    const answer = (used: () => { id: string; token: string }, type: number, data: object = {}) =>
      call(twin, "POST", `/interactions/${used().id}/${used().token}/callback`, { type, data });
    expect((await answer(click, 6)).status).toBe(204);
    expect((await answer(click, 5)).body.code).toBe(40060);
    expect(click().state).toBe("silent");
    await call(twin, "POST", `/webhooks/${twin.bot.id}/${click().token}`, { content: "for you", flags: 64 });
    expect(click().replies).toMatchObject([{ ephemeral: true, message: { content: "for you" } }]);
    expect(room.messages()).toMatchObject([{ content: "x" }]);

    const choice = room.choose(ada, ref, "Choose…", "2");
    expect(choice().data).toMatchObject({ data: { component_type: 3, custom_id: "s", values: ["2"] } });
    expect((await answer(choice, 7, { content: "chosen", components: [] })).status).toBe(204);
    expect(room.messages()).toMatchObject([{ content: "chosen", components: [] }]);
    expect(() => room.click(ada, ref, "Yes")).toThrow("no button Yes");
    expect((await answer(room.command(ada, "help"), 6)).body.code).toBe(50035);
  });

  it("open a modal, which is sent off as an interaction of its own", async () => {
    const { twin, room, ada } = await start();
    const { body } = await call(twin, "POST", `/channels/${room.id}/messages`, {
      ...{ content: "x", components: [row(button("Why?", "why"))] },
    });
    const input = { type: 4, custom_id: "text", style: 2 };
    const modal = (more: object = {}) => ({
      ...{ custom_id: "why", title: "Why?", components: [{ type: 18, label: "The reason", component: input }] },
      ...more,
    });
    const click = room.click(ada, String(body.id), "Why?");
    const open = (used: () => { id: string; token: string }, data: object) =>
      call(twin, "POST", `/interactions/${used().id}/${used().token}/callback`, { type: 9, data });
    for (const bad of [
      { title: "x".repeat(46) },
      { custom_id: "" },
      { components: [] },
      { components: [{ type: 18, label: "x".repeat(46), component: input }] },
      { components: [{ type: 18, label: "x", component: { ...input, style: 7 } }] },
      { components: [row(button("a", "a"))] },
    ]) {
      expect(await open(click, modal(bad)), JSON.stringify(bad)).toMatchObject({ status: 400, body: { code: 50035 } });
    }
    expect((await open(click, modal())).status).toBe(204);
    expect(click()).toMatchObject({ state: "modal", modal: { title: "Why?", label: "The reason", paragraph: true } });
    const sent = room.submit(click, "because");
    expect(sent().data).toMatchObject({
      ...{ type: 5, message: { id: body.id } },
      data: { custom_id: "why", components: [{ component: { type: 4, custom_id: "text", value: "because" } }] },
    });
    expect((await open(sent, modal())).body.code).toBe(50035);
    const old = room.click(ada, String(body.id), "Why?");
    const asRow = { components: [row({ ...input, label: "The reason" })] };
    expect((await open(old, modal(asRow))).status).toBe(204);
  });
});

it("lets the bot reply to what is there, and to what is not where that may be", async () => {
  const { twin, room, ada } = await start();
  const said = room.say(ada, "hello");
  const reply = (message_reference: object) =>
    call(twin, "POST", `/channels/${room.id}/messages`, { content: "x", message_reference });
  expect((await reply({ message_id: said.id })).body).toMatchObject({ type: 19, referenced_message: { id: said.id } });
  const gone = { message_id: twin.id() };
  expect((await reply(gone)).body).toMatchObject({ code: 50035, errors: { message_reference: expect.anything() } });
  expect((await reply({ message_id: "here", fail_if_not_exists: false })).body.code).toBe(50035);
  const { body } = await reply({ ...gone, fail_if_not_exists: false });
  expect(body).toMatchObject({ type: 0, content: "x" });
  expect(body).not.toHaveProperty("message_reference");
  room.unreadable = true;
  expect((await reply({ message_id: said.id })).body.code).toBe(160002);
});

describe("the Discord twin's gateway", () => {
  it("greets, identifies, dispatches in order, and acknowledges heartbeats", async () => {
    const { twin, room, ada } = await start();
    const peer = new Peer(twin);
    await peer.identify(twin);
    const ready = await peer.got("READY");
    expect(peer.received[0]).toMatchObject({ op: 10, d: { heartbeat_interval: 41_250 } });
    expect(ready).toMatchObject({ s: 1, d: { user: { id: twin.bot.id }, guilds: [{ unavailable: true }] } });
    expect(await peer.got("GUILD_CREATE")).toMatchObject({ s: 2, d: { channels: [{ id: room.id }] } });
    const thread = room.thread(ada, "Plans");
    thread.say(ada, "hello");
    expect(await peer.got("THREAD_CREATE")).toMatchObject({ s: 3, d: { parent_id: room.id } });
    expect(await peer.got("MESSAGE_CREATE")).toMatchObject({ s: 4, d: { content: "hello", channel_id: thread.id } });
    await peer.send(1, 4);
    await eventually(() => peer.received.some(({ op }) => op === 11), "acknowledged");
    expect(twin.gateway.sessions()).toMatchObject([{ acknowledged: 4, connected: true }]);
  });

  it("replays to who resumes, and to nobody else", async () => {
    const { twin, room, ada } = await start();
    const first = new Peer(twin);
    await first.identify(twin);
    const { d } = (await first.got("READY")) ?? {};
    room.say(ada, "one");
    await first.got("MESSAGE_CREATE");
    twin.gateway.drop();
    await eventually(() => first.closed !== undefined, "cut");
    room.say(ada, "two");
    const second = new Peer(twin);
    await second.send(6, { token: twin.token, session_id: d?.session_id, seq: 3 });
    await second.got("RESUMED");
    expect(second.received.filter(({ op }) => op === 0).map(({ t, s, d }) => [t, s, d.content])).toEqual([
      ["MESSAGE_CREATE", 4, "two"],
      ["RESUMED", 5, undefined],
    ]);
    twin.gateway.forget();
    const third = new Peer(twin);
    await third.send(6, { token: twin.token, session_id: d?.session_id, seq: 3 });
    await eventually(() => third.received.some(({ op, d }) => op === 9 && (d as unknown) === false), "it is void");
  });

  it.each([
    ["a wrong token", 4004, (peer: Peer, twin: DiscordTwin) => peer.identify(twin, 1, "wrong")],
    ["an intent that is not granted", 4014, (peer: Peer, twin: DiscordTwin) => peer.identify(twin, 1 << 1)],
    ["an intent that there is not", 4013, (peer: Peer, twin: DiscordTwin) => peer.identify(twin, 1 << 29)],
    ["what is not authenticated", 4003, (peer: Peer) => peer.send(8, {})],
    [
      "an unknown opcode",
      4001,
      async (peer: Peer, twin: DiscordTwin) => {
        await peer.identify(twin);
        await peer.send(99, {});
      },
    ],
    [
      "a second identify",
      4005,
      async (peer: Peer, twin: DiscordTwin) => {
        await peer.identify(twin);
        await peer.identify(twin);
      },
    ],
  ] as const)("closes on %s with %i", async (_name, code, act) => {
    const { twin } = await start();
    const peer = new Peer(twin);
    await act(peer, twin);
    await eventually(
      () => peer.closed === code,
      () => `closed with ${peer.closed}`,
    );
  });

  it("sends only what the intents cover, and no content without the privileged one", async () => {
    const { twin, room, ada } = await start();
    const peer = new Peer(twin);
    await peer.identify(twin, (1 << 0) | (1 << 9));
    await peer.got("GUILD_CREATE");
    twin.dm(ada).say(ada, "private");
    room.say(ada, "secret");
    expect(await peer.got("MESSAGE_CREATE")).toMatchObject({ d: { content: "", channel_id: room.id } });
  });

  it("can be deaf: heartbeats are acknowledged, and nothing else comes, also not by a resume", async () => {
    const { twin, room, ada } = await start();
    const peer = new Peer(twin);
    await peer.identify(twin);
    const { d } = (await peer.got("READY")) ?? {};
    await peer.got("GUILD_CREATE");
    twin.gateway.deafen();
    room.say(ada, "lost");
    await peer.send(8, { guild_id: room.guildId, user_ids: twin.bot.id, limit: 1 });
    await peer.send(1, 2);
    await eventually(() => peer.received.some(({ op }) => op === 11), "acknowledged");
    expect(peer.received.some(({ t }) => t === "MESSAGE_CREATE" || t === "GUILD_MEMBERS_CHUNK")).toBe(false);
    expect(d?.session_id).toBeDefined();
    const anew = new Peer(twin);
    await anew.identify(twin);
    await anew.got("GUILD_CREATE");
    room.say(ada, "heard");
    expect(await anew.got("MESSAGE_CREATE")).toMatchObject({ d: { content: "heard" } });
  });
});

it("is a Discord to discord.js", async () => {
  const { twin, room, ada } = await start();
  const client = new Client({
    intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages, GatewayIntentBits.MessageContent],
    rest: { api: twin.apiUrl },
  });
  onTestFinished(() => client.destroy());
  client.on(Events.MessageCreate, async (message) => {
    if (!message.author.bot) await message.reply(`echo: ${message.content}`);
  });
  client.on(Events.InteractionCreate, async (interaction) => {
    if (interaction.isChatInputCommand()) await interaction.reply(`you said ${interaction.options.getString("text")}`);
    if (interaction.isButton()) {
      const field = new TextInputBuilder().setCustomId("field").setStyle(TextInputStyle.Short);
      const label = new LabelBuilder().setLabel("Your name").setTextInputComponent(field);
      await interaction.showModal(new ModalBuilder().setCustomId("form").setTitle("Who?").addLabelComponents(label));
    }
    if (interaction.isModalSubmit()) {
      await interaction.deferReply({ flags: MessageFlags.Ephemeral });
      await interaction.editReply(`hello, ${interaction.fields.getTextInputValue("field")}`);
    }
    if (interaction.isStringSelectMenu()) {
      await interaction.deferUpdate();
      await interaction.editReply({ content: `chosen: ${interaction.values}`, components: [] });
    }
  });
  const ready = once(client, Events.ClientReady);
  await client.login(twin.token);
  await ready;
  expect(client.guilds.cache.map(({ name }) => name)).toEqual(["Team"]);
  const said = room.say(ada, "**hello**");
  await twin.until(() => room.messages().length === 1);
  expect(room.messages()).toMatchObject([{ text: "echo: hello", replyTo: said.id }]);
  const interaction = room.command(ada, "say", "this");
  await twin.until(() => interaction().state === "replied");
  expect(room.messages().at(-1)?.text).toBe("you said this");
  const { body } = await call(twin, "POST", `/channels/${room.id}/messages`, {
    ...{ content: "x", components: [row(button("Name", "n")), row(select([option(1), option(2)]))] },
  });
  const ref = String(body.id);
  const click = room.click(ada, ref, "Name");
  await twin.until(() => click().state === "modal");
  const sent = room.submit(click, "Ada");
  await twin.until(() => sent().state === "replied");
  expect(sent().replies).toMatchObject([{ ephemeral: true, message: { content: "hello, Ada" } }]);
  room.choose(ada, ref, "Choose…", "2");
  await twin.until(() => room.messages().at(-1)?.text === "chosen: 2");
  expect(room.messages().at(-1)).toMatchObject({ id: ref, components: [] });
});

it.each([
  ["a **b** *c* __d__ ~~e~~ `f` ||g||", "a b c d e f g"],
  ["# Title\n-# small\n> quote\n> more\n- item\n1. one", "Title\nsmall\nquote\nmore\n• item\n1. one"],
  ["```js\nlet **a**;\n```", "let **a**;"],
  ["[label](<https://a.b/c>) and <https://a.b>", "label and https://a.b"],
  ["\\*no\\* snake\\_case https://a.b/x_y_z", "*no* snake_case https://a.b/x_y_z"],
])("shows %j as Discord does", (content, text) => {
  expect(shownText(content)).toBe(text);
});
