import { describe, expect, onTestFinished, test } from "vitest";
import { manifestOf, REQUIRED_SCOPES } from "../../adapters/slack/manifest.ts";
import { hasRoutes } from "../../src/channel.ts";
import { type ChannelId, channelId } from "../../src/model.ts";
import { Core } from "../conformance/channel.ts";
import { eventually } from "../support/eventually.ts";
import { type SlackTwin, startSlackTwin, type TwinChat } from "../twins/slack/index.ts";
import { adapterOn, Entrance, PATIENT, stage } from "./slack-stage.ts";

const never = new AbortController().signal;
const send = (key = "key") => ({ key, signal: never });
const final = { urgency: "final", signal: never } as const;
const preview = { urgency: "preview", signal: never } as const;

const placeIn = (twin: SlackTwin, chat: TwinChat, thread?: string): ChannelId =>
  channelId("slack", [twin.teamId, chat.id, ...(thread === undefined ? [] : [thread])].join("/"));

const arrived = (core: Core, count: number) =>
  eventually(
    () => core.taken.length >= count,
    () => `${count} events arrive; ${core.texts().join(", ")} did`,
  );

/** A started adapter, a person, and a channel with both. */
async function channelStage(...options: Parameters<typeof stage>) {
  const made = await stage(...options);
  const ada = made.twin.user("Ada Lovelace");
  const chat = made.twin.channel({ members: [ada] });
  return { ...made, ada, chat };
}

async function dmStage(...options: Parameters<typeof stage>) {
  const made = await stage(...options);
  const ada = made.twin.user("Ada Lovelace");
  const chat = made.twin.dm(ada);
  const place = placeIn(made.twin, chat);
  return { ...made, ada, chat, place };
}

describe("conversations", () => {
  test("a mention begins a thread, which answers and replies stay in", async () => {
    const { twin, adapter, core, ada, chat } = await channelStage();
    const { ts } = chat.mention(ada, "what is this?");
    await arrived(core, 1);
    const place = placeIn(twin, chat, ts);
    expect(core.taken[0]).toMatchObject({ channel: place, id: ts, text: "what is this?", addressed: true });
    await adapter.send(place, "an **answer**", send());
    expect(chat.messages(ts).map(({ text }) => text)).toEqual(["an answer"]);
    expect(chat.messages(null)).toEqual([]);

    chat.say(ada, "and that?", { thread: ts });
    await arrived(core, 2);
    expect(core.taken[1]).toMatchObject({ channel: place, text: "and that?", addressed: false, follows: true });
  });

  test("a mention, which Slack tells of twice, is one message", async () => {
    const { twin, core, ada, chat } = await channelStage();
    chat.mention(ada, "once");
    chat.mention(ada, "again");
    await twin.until(() => twin.pending().length === 0);
    expect(twin.deliveries.all).toHaveLength(4);
    expect(core.taken.map(({ text }) => text)).toEqual(["once", "again"]);
  });

  test("one session for the whole channel, where it is configured so", async () => {
    const { twin, adapter, core, ada, chat } = await channelStage({ config: { sessionPer: "channel" } });
    chat.mention(ada, "hello");
    await arrived(core, 1);
    const place = placeIn(twin, chat);
    expect(core.taken[0]).toMatchObject({ channel: place });
    await adapter.send(place, "hi", send());
    expect(chat.messages(null)).toHaveLength(1);
  });

  test("group conversations and private channels need a mention, direct ones don't", async () => {
    const { twin, core, ada } = await channelStage();
    twin.channel({ kind: "mpim", members: [ada] }).mention(ada, "group");
    twin.channel({ kind: "group", members: [ada] }).say(ada, "overheard");
    twin.dm(ada).say(ada, "direct");
    await arrived(core, 3);
    const seen = new Map(core.taken.map(({ text, addressed, direct }) => [text, [addressed, direct]]));
    expect(seen).toEqual(
      new Map([
        ["group", [true, false]],
        ["overheard", [false, false]],
        ["direct", [true, true]],
      ]),
    );
  });

  test("people are named, also those who are spoken of", async () => {
    const { twin, core, ada, chat } = await channelStage();
    const bob = twin.user("Bob Builder");
    chat.sayRaw(ada, `<@${twin.bot.userId}> ask <@${bob.id}> &amp; <@U0NOBODY>`);
    await arrived(core, 1);
    expect(core.taken[0]).toMatchObject({
      sender: { id: `slack:${ada.id}`, name: "Ada" },
      text: "ask @Bob & @U0NOBODY",
    });
    chat.mention(bob, "here");
    await arrived(core, 2);
    expect(twin.calls("users.info")).toHaveLength(3);
  });

  test("names that don't come in time are not waited for", async () => {
    const { twin, core, ada, chat } = await channelStage({ timing: { namesWithin: 20 } });
    twin.fault({ kind: "hang-before", method: "users.info", times: 10 });
    chat.mention(ada, "hello");
    await arrived(core, 1);
    expect(core.taken[0]?.sender.name).toBe(ada.id);
  });

  test("what people change and delete is handed on, what the bot does itself is not", async () => {
    const { twin, adapter, core, ada, chat } = await channelStage();
    const { ts } = chat.mention(ada, "before");
    await arrived(core, 1);
    const place = placeIn(twin, chat, ts);
    const ref = await adapter.send(place, "answer", send());
    await adapter.edit(place, ref, "better answer", final);
    chat.edit(ada, ts, "after");
    chat.remove(ts);
    await twin.until(() => twin.pending().length === 0);
    expect(core.amended).toEqual([
      { channel: place, id: ts, text: "after" },
      { channel: place, id: ts, text: null },
    ]);
    expect(core.taken).toHaveLength(1);
  });

  test("a slash command speaks to the bot", async () => {
    const { twin, adapter, core, ada, chat } = await channelStage();
    await adapter.announce([{ name: "status", summary: "" }]);
    const id = chat.command(ada, "/switchboard", "status");
    chat.command(ada, "/switchboard", "tell me more");
    await arrived(core, 2);
    expect(core.taken[0]).toMatchObject({ channel: placeIn(twin, chat), id, text: "/status", addressed: true });
    expect(core.taken[1]?.text).toBe("tell me more");
  });

  test("events of another workspace are passed over, and said to be", async () => {
    const { twin, adapter } = await channelStage();
    const payload = { type: "event_callback", team_id: "T9", event: { type: "message" } };
    twin.deliveries.add({ type: "events_api", payload, about: "elsewhere" });
    await eventually(() => adapter.health().state === "degraded", "it is said");
    expect(adapter.health().detail).toMatch(/another workspace.*an app of its own/);
    expect(adapter.ignored.get("event of another workspace")).toBe(1);
  });
});

describe("connections", () => {
  test("a lost one is made anew at once, and what was not acknowledged comes again", async () => {
    const { twin, core, ada, chat } = await dmStage();
    await twin.until(() => twin.sockets.size === 1);
    const { passed, open } = gate();
    core.decide = () => passed;
    chat.say(ada, "hello");
    await eventually(() => core.offered.length === 1, "it is offered");
    twin.sockets.drop();
    await twin.until(() => twin.sockets.opened === 2 && twin.sockets.size === 1);
    open();
    await twin.until(() => twin.pending().length === 0);
    expect(core.texts()).toEqual(["hello"]);
    expect(core.gaps).toBe(2);
  });

  test("Slack moves it: nothing is lost, and nothing doubled", async () => {
    const { twin, core, ada, chat } = await dmStage();
    for (let n = 0; n < 5; n++) {
      await twin.until(() => twin.sockets.size === 1);
      chat.say(ada, `before ${n}`);
      twin.sockets.drop("refresh_requested");
      chat.say(ada, `after ${n}`);
      await twin.until(() => twin.sockets.opened === n + 2);
    }
    await twin.until(() => twin.pending().length === 0);
    expect([...core.texts()].sort()).toEqual([0, 1, 2, 3, 4].flatMap((n) => [`after ${n}`, `before ${n}`]).sort());
  });

  test("events that come late or twice keep their id", async () => {
    const { twin, core, ada, chat } = await dmStage();
    chat.say(ada, "one");
    chat.say(ada, "two");
    await arrived(core, 2);
    await twin.until(() => twin.pending().length === 0);
    twin.redeliver();
    await eventually(() => core.offered.length === 4, "both come again");
    expect(core.texts()).toEqual(["one", "two"]);
  });

  test("several replicas share the events of one app", async () => {
    const { twin, core, ada, chat } = await dmStage();
    const other = adapterOn(twin);
    onTestFinished(() => other.close());
    await other.start(core);
    await twin.until(() => twin.sockets.size === 2);
    for (let n = 0; n < 10; n++) chat.say(ada, `${n}`);
    await arrived(core, 10);
    expect(core.offered).toHaveLength(10);
  });

  test("says at its start, and after each gap, that something may have been missed", async () => {
    const { twin, core } = await dmStage();
    await eventually(() => core.gaps === 1, "it says so at the start");
    twin.sockets.drop();
    await eventually(() => core.gaps === 2, "it says so after the gap");
  });

  test("envelopes that nobody wants are acknowledged all the same", async () => {
    const { twin, adapter } = await dmStage();
    twin.deliveries.add({ type: "interactive", payload: { type: "block_actions" }, about: "x" });
    twin.push({ type: "reaction_added" });
    await twin.until(() => twin.deliveries.all.length === 2 && twin.pending().length === 0);
    expect(new Set(adapter.ignored.keys())).toEqual(new Set(["malformed interaction", "event reaction_added"]));
  });
});

describe("posting", () => {
  test("marks each message with its key, and the mark outlives an edit", async () => {
    const { adapter, chat, place } = await dmStage();
    const ref = await adapter.send(place, "one", send("k1"));
    await adapter.edit(place, ref, "two", final);
    expect(chat.messages()[0]).toMatchObject({
      ts: ref,
      text: "two",
      message: { metadata: { event_type: "switchboard_reply", event_payload: { key: "k1" } } },
    });
  });

  test("never repeats by itself what may have happened", async () => {
    const { twin, adapter, chat, place } = await dmStage();
    for (const kind of ["drop-after", "5xx", "429"] as const) {
      twin.fault({ kind, method: "chat.postMessage" });
      await expect(adapter.send(place, kind, send())).rejects.toMatchObject({ name: "DeliveryError" });
    }
    expect(twin.calls("chat.postMessage")).toHaveLength(3);
    expect(chat.messages().map(({ text }) => text)).toEqual(["drop-after"]);
  });

  test("in Slack's own markup where the workspace knows no Markdown, which it remembers", async () => {
    const { twin, adapter, chat, place } = await dmStage({}, { markdown: false });
    const ref = await adapter.send(place, "**one** [two](https://a.b)", send());
    await adapter.edit(place, ref, "**three**", final);
    expect(chat.messages()[0]).toMatchObject({
      text: "three",
      message: { blocks: [{ type: "section", text: { type: "mrkdwn", text: "*three*" } }] },
    });
    expect(twin.calls("chat.postMessage")).toHaveLength(2);
    expect(twin.calls("chat.update")).toHaveLength(1);
  });

  test("without formatting where Slack takes none, once", async () => {
    const { twin, adapter, chat, place } = await dmStage();
    const blocked = ({ blocks }: Record<string, unknown>) => typeof blocks === "string" && blocks !== "[]";
    twin.fault({ kind: "refuse", error: "invalid_blocks", when: blocked, times: 4 });
    const ref = await adapter.send(place, "**one** < two", send());
    expect(chat.messages()[0]).toMatchObject({ text: "one < two" });
    await adapter.edit(place, ref, "**three**", final);
    expect(chat.messages()[0]).toMatchObject({ text: "three", message: { blocks: [] } });
    await adapter.send(place, "**four**", send());
    expect(chat.messages()[1]?.message.blocks).toEqual([{ type: "markdown", text: "**four**" }]);
  });

  test("a pause that Slack asks for holds back what it is for, and nothing else", async () => {
    const { twin, adapter, ada, chat, place } = await dmStage();
    const elsewhere = placeIn(twin, twin.channel({ members: [ada] }));
    const ref = await adapter.send(place, "one", send());
    twin.fault({ kind: "429", method: "chat.postMessage", retryAfter: 60 });
    await expect(adapter.send(place, "two", send())).rejects.toMatchObject({ kind: "limited", retryAfter: 60_000 });
    await expect(adapter.send(place, "two", send())).rejects.toMatchObject({ kind: "limited" });
    expect(twin.calls("chat.postMessage")).toHaveLength(2);
    await adapter.send(elsewhere, "two", send());
    await adapter.edit(place, ref, "edited", final);
    expect(chat.messages().map(({ text }) => text)).toEqual(["edited"]);

    twin.fault({ kind: "429", method: "chat.update", retryAfter: 60 });
    await expect(adapter.edit(place, ref, "again", final)).rejects.toMatchObject({ kind: "limited" });
    await adapter.edit(place, ref, "left out", preview);
    expect(twin.calls("chat.update")).toHaveLength(2);
  });

  test("stays below Slack's own limits", async () => {
    // Slow enough that a pause of this process, after which its calls come in a heap, stays within the one place to spare.
    const limits = { post: { burst: 4, every: 150 }, update: { burst: 11, every: 150 } };
    const pace = { post: { burst: 3, every: 165 }, edit: { burst: 10, every: 165 } };
    const { twin, adapter, place } = await dmStage({ pace }, { limits });
    const ref = await adapter.send(place, "one", send());
    await Promise.all([
      ...Array.from({ length: 10 }, (_, n) =>
        adapter.send(place, `${n}`, { key: `k${n}`, signal: new AbortController().signal }),
      ),
      ...Array.from({ length: 20 }, (_, n) =>
        adapter.edit(place, ref, `edit ${n}`, { urgency: "final", signal: new AbortController().signal }),
      ),
    ]);
    expect(twin.calls().filter(({ outcome }) => outcome === "error")).toEqual([]);
  });

  test("can be given up while it is under way", async () => {
    const { twin, adapter, place } = await dmStage();
    twin.fault({ kind: "hang-after", method: "chat.postMessage" });
    const giveUp = new AbortController();
    const sending = adapter.send(place, "hello", { key: "k", signal: giveUp.signal });
    await twin.until(() => twin.calls("chat.postMessage").length === 1);
    giveUp.abort();
    await expect(sending).rejects.toMatchObject({ kind: "unknown" });
  });
});

describe("the status of a thread", () => {
  const threadStage = async (...options: Parameters<typeof stage>) => {
    const made = await channelStage(...options);
    const { ts } = made.chat.mention(made.ada, "work");
    return { ...made, thread: ts, place: placeIn(made.twin, made.chat, ts) };
  };
  const statuses = (twin: SlackTwin) => twin.statuses.map(({ status }) => status);

  test("says that the bot works, until it has answered", async () => {
    const { twin, adapter, place } = await threadStage();
    await adapter.typing(place, never);
    const ref = await adapter.send(place, "…", send());
    await adapter.typing(place, never);
    await adapter.edit(place, ref, "done", final);
    expect(statuses(twin)).toEqual(["is working…", "", "is working…", ""]);
  });

  test("is done without where the workspace has none", async () => {
    const { twin, adapter, place } = await threadStage({}, { assistant: false });
    await adapter.typing(place, never);
    await adapter.typing(place, never);
    expect(twin.calls("assistant.threads.setStatus")).toHaveLength(1);
  });
});

test("an assistant thread is titled with what was said first", async () => {
  const { twin, core, ada, chat } = await dmStage();
  const thread = chat.assistant(ada);
  chat.say(ada, "Plan the trip\nto Rome", { thread });
  await twin.until(() => twin.title(chat, thread) === "Plan the trip");
  chat.say(ada, "by train", { thread });
  await arrived(core, 2);
  expect(core.taken[1]).toMatchObject({ channel: placeIn(twin, chat, thread), addressed: true });
  expect(twin.calls("assistant.threads.setTitle")).toHaveLength(1);
});

describe("what is in the past", () => {
  test("a post is found by its key, in its thread or conversation, however much was said since", async () => {
    const { twin, adapter, ada, chat } = await channelStage({}, { pageSize: 5 });
    const since = Date.now() - 1000;
    const { ts } = chat.mention(ada, "begin");
    const [whole, thread] = [placeIn(twin, chat), placeIn(twin, chat, ts)];
    const refs = [await adapter.send(whole, "whole", send("w")), await adapter.send(thread, "thread", send("t"))];
    for (let n = 0; n < 12; n++) {
      chat.say(ada, `${n}`, n % 2 === 0 ? { thread: ts } : {});
    }
    expect(await adapter.lookup(whole, "w", since, never)).toBe(refs[0]);
    expect(await adapter.lookup(thread, "t", since, never)).toBe(refs[1]);
    expect(await adapter.lookup(whole, "t", since, never)).toBeUndefined();
    expect(await adapter.lookup(thread, "t", Date.now() + 1000, never)).toBeUndefined();
  });

  test("a post whose reply got lost is found", async () => {
    const { twin, adapter, chat, place } = await dmStage();
    twin.fault({ kind: "drop-after", method: "chat.postMessage" });
    await expect(adapter.send(place, "hello", send("lost"))).rejects.toMatchObject({ kind: "unknown" });
    expect(await adapter.lookup(place, "lost", Date.now() - 5000, never)).toBe(chat.messages()[0]?.ts);
    twin.fault({ kind: "drop-before", method: "chat.postMessage" });
    await expect(adapter.send(place, "hello", send("gone"))).rejects.toMatchObject({ kind: "unknown" });
    expect(await adapter.lookup(place, "gone", Date.now() - 5000, never)).toBeUndefined();
  });

  test("whether it was posted can't be told while Slack is away", async () => {
    const { twin, adapter, place } = await dmStage();
    twin.fault({ kind: "5xx", method: "conversations.history" });
    await expect(adapter.lookup(place, "k", 0, never)).rejects.toMatchObject({ kind: "unavailable" });
    twin.fault({ kind: "429", method: "conversations.history", retryAfter: 30 });
    await expect(adapter.lookup(place, "k", 0, never)).rejects.toMatchObject({ kind: "limited", retryAfter: 30_000 });
  });

  test("what people said is read as it would have come, oldest first", async () => {
    const { adapter, twin, core, ada, chat, place } = await dmStage({}, { pageSize: 3 });
    for (let n = 0; n < 8; n++) chat.say(ada, `${n}`);
    await adapter.send(place, "not by a person", send());
    await arrived(core, 8);
    expect(await adapter.history(place, 0, 100, never)).toEqual(core.taken);
    const after = core.taken[3]?.sentAt ?? 0;
    const later = core.taken.filter(({ sentAt }) => sentAt > after);
    expect(await adapter.history(place, after, 2, never)).toEqual(later.slice(0, 2));
    expect(twin.calls("conversations.history").length).toBeGreaterThan(3);
  });

  test("of a thread, and of those that began beside it meanwhile", async () => {
    const { adapter, twin, core, ada, chat } = await channelStage();
    const { ts } = chat.mention(ada, "known");
    await arrived(core, 1);
    const after = core.taken[0]?.sentAt ?? 0;
    await new Promise((resolve) => setTimeout(resolve, 5));
    chat.say(ada, "more", { thread: ts, silent: true });
    const fresh = chat.mention(ada, "fresh", { silent: true });
    chat.say(ada, "fresh too", { thread: fresh.ts, silent: true });
    chat.say(ada, "overheard", { silent: true });
    const known = placeIn(twin, chat, ts);
    const sources = adapter.sources?.([known, known]) ?? [];
    expect(sources).toEqual([known, placeIn(twin, chat)]);
    const read = await Promise.all(sources.map((source) => adapter.history(source, after, 100, never)));
    const heard = read.map((events) =>
      events.map(({ channel, text, follows, addressed }) => [channel, text, addressed, follows]),
    );
    expect(heard).toEqual([
      [[known, "more", false, true]],
      [
        [placeIn(twin, chat, fresh.ts), "fresh", true, undefined],
        [placeIn(twin, chat, fresh.ts), "fresh too", false, true],
        [expect.anything(), "overheard", false, undefined],
      ],
    ]);
  });

  test("is refused where the bot was removed, or may not read", async () => {
    const { adapter, twin, ada } = await dmStage();
    const chat = twin.channel({ members: [ada] });
    chat.kick();
    await expect(adapter.history(placeIn(twin, chat), 0, 10, never)).rejects.toMatchObject({ kind: "refused" });
    await expect(adapter.history(placeIn(twin, chat, "1.000001"), 0, 10, never)).rejects.toMatchObject({
      kind: "refused",
    });
    chat.invite();
    await expect(adapter.history(placeIn(twin, chat, "1.000001"), 0, 10, never)).rejects.toMatchObject({
      kind: "gone",
    });
    twin.scopes.delete("channels:history");
    await expect(adapter.history(placeIn(twin, chat), 0, 10, never)).rejects.toMatchObject({
      message: /channels:history/,
    });
  });
});

describe("requests of Slack's", () => {
  async function httpStage(options: Parameters<typeof adapterOn>[1] = {}) {
    const twin = await startSlackTwin({ ...PATIENT, mode: "http" });
    const adapter = adapterOn(twin, { ...options, config: { mode: "http" } });
    const entrance = new Entrance();
    entrance.adapter = adapter;
    const url = await entrance.listen();
    const core = new Core();
    onTestFinished(async () => {
      await adapter.close();
      await twin.stop();
      await entrance.close();
    });
    await adapter.start(core);
    await eventually(() => adapter.health().state === "connected", "it receives");
    const post = (body: string, type: string, at?: number) => fetch(url, twin.requests.signed(body, type, at));
    return { twin, adapter, core, url, post };
  }
  const json = "application/json";
  const event = (text: string) =>
    JSON.stringify({
      type: "event_callback",
      team_id: "T0TWIN",
      event: { type: "message", channel: "D1", user: "U1", ts: "1700000000.000100", text, channel_type: "im" },
    });

  test("the address is verified", async () => {
    const { post } = await httpStage();
    const response = await post(JSON.stringify({ type: "url_verification", challenge: "abc" }), json);
    expect([response.status, await response.text()]).toEqual([200, "abc"]);
  });

  test("nothing is taken of whoever can't sign, or signs with an old time", async () => {
    const { adapter, core, url, post } = await httpStage();
    const now = Math.floor(Date.now() / 1000);
    expect((await post(event("x"), json, now - 301)).status).toBe(401);
    expect((await post(event("x"), json, now + 400)).status).toBe(401);
    expect((await fetch(url, { method: "POST", body: event("x") })).status).toBe(401);
    const headers = { "x-slack-signature": `v0=${"0".repeat(64)}`, "x-slack-request-timestamp": `${now}` };
    expect((await fetch(url, { method: "POST", body: event("x"), headers })).status).toBe(401);
    expect((await fetch(url)).status).toBe(405);
    expect(adapter.health()).toMatchObject({ state: "degraded", detail: /signature/ });
    expect((await post(event("y"), json)).status).toBe(200);
    expect(adapter.health().state).toBe("connected");
    expect(core.texts()).toEqual(["y"]);
  });

  test("what core can't take is answered with 503 in time, and taken once when it comes again", async () => {
    const { core, post } = await httpStage({ timing: { answerWithin: 30 } });
    let away = true;
    core.decide = async () => {
      if (away) throw new Error("away");
    };
    expect((await post(event("x"), json)).status).toBe(503);
    expect((await post(event("x"), json)).status).toBe(503);
    away = false;
    // It joins what waits to be tried again: how soon that is, is not for it to say.
    await eventually(async () => (await post(event("x"), json)).status === 200, "taken");
    expect((await post(event("x"), json)).status).toBe(200);
    expect(core.taken).toHaveLength(1);
  });

  test("slash commands and interactions come as forms", async () => {
    const { twin, core, adapter, post } = await httpStage();
    const ada = twin.user("Ada");
    twin.requests.url = ""; // Posted by hand below.
    const form = "application/x-www-form-urlencoded";
    const command = new URLSearchParams({
      command: "/switchboard",
      text: "stop",
      channel_id: "C1",
      user_id: ada.id,
      trigger_id: "1.2.3",
      team_id: "T0TWIN",
    });
    await adapter.announce([{ name: "stop", summary: "" }]);
    expect((await post(command.toString(), form)).status).toBe(200);
    expect(core.taken[0]).toMatchObject({ id: "1.2.3", text: "/stop" });
    expect((await post(new URLSearchParams({ payload: "{}" }).toString(), form)).status).toBe(200);
    expect((await post("nonsense", form)).status).toBe(200);
    expect((await post("{", json)).status).toBe(200);
  });

  test("its address is its own name, and it checks who calls", async () => {
    const { adapter } = await httpStage();
    if (!hasRoutes(adapter)) throw new Error("no routes");
    expect([adapter.mount, adapter.caller]).toEqual(["/slack", "platform"]);
    expect(hasRoutes(adapterOn((await stage()).twin))).toBe(false);
  });
});

describe("the account", () => {
  test("is tried without receiving anything", async () => {
    const twin = await startSlackTwin();
    const adapter = adapterOn(twin);
    const wrong = adapterOn({ ...account(twin), botToken: "xoxb-wrong" });
    const wrongApp = adapterOn({ ...account(twin), appToken: "xapp-wrong" });
    onTestFinished(async () => {
      await Promise.all([adapter.close(), wrong.close(), wrongApp.close()]);
      await twin.stop();
    });
    expect(await adapter.probe(never)).toEqual({ state: "connected" });
    expect(await wrong.probe(never)).toMatchObject({ state: "failed", detail: /xoxb/ });
    expect(await wrongApp.probe(never)).toMatchObject({ state: "failed", detail: /xapp/ });
    twin.scopes.delete("chat:write");
    expect(await adapter.probe(never)).toMatchObject({ state: "failed", detail: /chat:write/ });
    expect(twin.sockets.opened).toBe(0);
  });

  test("a bot token where the app's belongs is told apart", async () => {
    const twin = await startSlackTwin();
    const adapter = adapterOn({ ...account(twin), appToken: twin.botToken });
    onTestFinished(async () => {
      await adapter.close();
      await twin.stop();
    });
    await adapter.start(new Core());
    await eventually(() => adapter.health().state === "failed", "it is said");
    expect(adapter.health().detail).toMatch(/appToken.*xapp/);
  });

  test("can be let go at any moment of its start", async () => {
    const twin = await startSlackTwin();
    onTestFinished(() => twin.stop());
    for (const method of ["auth.test", "apps.connections.open"]) {
      twin.clearFaults();
      twin.fault({ kind: "hang-before", method, times: 10 });
      const before = twin.calls(method).length;
      const adapter = adapterOn(twin);
      await adapter.start(new Core());
      await twin.until(() => twin.calls(method).length > before);
      await adapter.stop();
      await adapter.close();
      expect(adapter.health().state).toBe("stopped");
    }
    expect(twin.sockets.opened).toBe(0);
  });
});

describe("the manifest", () => {
  const commands = [{ name: "help" }, { name: "stop" }];

  test("asks for every scope that is needed, and tells Slack where to deliver", () => {
    const socket = manifestOf({ mode: "socket", url: "", commands });
    expect(socket).toMatchObject({
      features: { slash_commands: [{ command: "/switchboard", usage_hint: "[help | stop] or a message" }] },
      oauth_config: { scopes: { bot: expect.arrayContaining([...REQUIRED_SCOPES]) } },
      settings: {
        socket_mode_enabled: true,
        event_subscriptions: { bot_events: expect.arrayContaining(["app_mention"]) },
      },
    });
    expect(JSON.stringify(socket)).not.toContain("request_url");
    const url = "https://gate.example.org/slack";
    expect(manifestOf({ mode: "http", url, commands })).toMatchObject({
      features: { slash_commands: [{ url }] },
      settings: {
        socket_mode_enabled: false,
        event_subscriptions: { request_url: url },
        interactivity: { request_url: url },
      },
    });
  });
});

function gate() {
  let open = () => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}

function account({ apiUrl, botToken, appToken, signingSecret }: SlackTwin) {
  return { apiUrl, botToken, appToken, signingSecret };
}
