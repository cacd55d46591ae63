import { inspect } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import type { DeliveryError } from "../../src/channel.ts";
import type { InboundEvent } from "../../src/model.ts";
import { eventually } from "../support/eventually.ts";
import { taking } from "../support/intake.ts";
import { adapterOn, stage } from "./discord-stage.ts";

const { signal } = new AbortController();
const preview = { urgency: "preview", signal } as const;
const final = { urgency: "final", signal } as const;
const POST = "POST /channels/:channel/messages";
const PATCH = "PATCH /channels/:channel/messages/:message";
const CALLBACK = "POST /interactions/:interaction/:token/callback";

let keys = 0;
const send = () => ({ key: `key ${keys++}`, signal });

/** Connected, with a channel of a server in which Ada has called the bot. */
async function talk(options?: Parameters<typeof stage>[0], twinOptions?: Parameters<typeof stage>[1]) {
  const staged = await stage(options, twinOptions);
  const { twin, adapter, taken } = staged;
  await eventually(() => twin.gateway.connected, "connected");
  const ada = twin.user({ username: "ada" });
  const guild = twin.guild("Team");
  const room = guild.text("general");
  room.mention(ada, "hello");
  await eventually(() => taken.length === 1, "the first message arrives");
  await eventually(() => staged.gaps() === 1, "the start is told");
  return { ...staged, adapter, ada, guild, room, channel: `discord:${room.id}` as const };
}

const texts = (events: readonly InboundEvent[]) => events.map(({ text }) => text);

describe("receiving from Discord", () => {
  it("hears channels, threads, forum posts and direct messages apart, and knows when it is spoken to", async () => {
    const { twin, adapter, taken, ada, guild, room } = await talk();
    const thread = room.thread(ada, "Plans");
    const { thread: post } = guild.forum("help").post(ada, "How?", "a question");
    const dm = twin.dm(ada);
    room.say(ada, "small talk");
    const ref = await adapter.send(`discord:${room.id}`, "an answer", send());
    room.say(ada, "thanks", { replyTo: ref });
    room.say(ada, `<@&${guild.botRole}> by role`);
    thread.say(ada, "in the thread");
    thread.mention(ada, "in the thread, to the bot");
    dm.say(ada, "in private");
    await eventually(
      () => taken.length === 8,
      () => `all arrive: ${texts(taken)}`,
    );
    const heard = taken.map(({ channel, text, addressed, follows = false, direct }) => [
      channel.slice("discord:".length),
      text,
      ...(addressed ? ["addressed"] : []),
      ...(follows ? ["follows"] : []),
      ...(direct ? ["direct"] : []),
    ]);
    expect(heard.sort()).toEqual(
      [
        [room.id, "hello", "addressed"],
        [room.id, "small talk"],
        [room.id, "thanks", "addressed"],
        [room.id, "by role", "addressed"],
        [thread.id, "in the thread", "follows"],
        [thread.id, "in the thread, to the bot", "addressed"],
        [post.id, "a question", "follows"],
        [dm.id, "in private", "addressed", "direct"],
      ].sort(),
    );
    expect(adapter.sources([`discord:${thread.id}`])).toContain(`discord:${room.id}`);
  });

  it("asks whether a channel that nobody spoke of is a thread", async () => {
    const { twin, ada, room } = await talk();
    const thread = room.thread(ada, "Plans");
    const later = adapterOn(twin);
    onTestFinished(() => later.close());
    const [, message] = [thread.say(ada, "one"), thread.say(ada, "two")];
    const events = await later.history(`discord:${thread.id}`, 0, 10, signal);
    expect(events).toMatchObject([
      { text: "one", follows: true, addressed: false, direct: false },
      { text: "two", follows: true, id: message.id },
    ]);
  });

  it("tells of edits and deletions, and not of what Discord itself adds", async () => {
    const { amended, ada, room, channel } = await talk();
    const [a, b, c] = ["a", "b", "c"].map((text) => room.mention(ada, text));
    room.unfurl(a?.id ?? "");
    room.edit(a?.id ?? "", "better");
    room.remove(b?.id ?? "");
    room.remove(a?.id ?? "", c?.id ?? "");
    await eventually(() => amended.length === 4, "the changes arrive");
    expect(amended).toEqual([
      { channel, id: a?.id, text: "better" },
      { channel, id: b?.id, text: null },
      { channel, id: a?.id, text: null },
      { channel, id: c?.id, text: null },
    ]);
  });

  it.each([
    ["is cut", "drop"],
    ["is to be made anew", "reconnect"],
    ["is closed for an unknown error", "4000"],
  ])("resumes where the connection %s, and misses nothing", async (_name, how) => {
    const { twin, adapter, taken, gaps, ada, room } = await talk();
    const { gateway } = twin;
    if (how === "drop") gateway.drop();
    else if (how === "reconnect") gateway.reconnect();
    else gateway.close(Number(how));
    await eventually(() => !gateway.connected, "it is off");
    for (const text of ["one", "two", "three"]) room.mention(ada, text);
    await eventually(
      () => taken.length === 4,
      () => `all arrive: ${texts(taken)}`,
    );
    expect(texts(taken)).toEqual(["hello", "one", "two", "three"]);
    await eventually(() => adapter.health().state === "connected", "it is well again");
    expect([gateway.identifies(), gateway.resumes(), gaps()]).toEqual([1, 1, 1]);
  });

  it.each([["is void"], ["can't be resumed any more"]])("tells core of a gap where the session %s", async (name) => {
    const { twin, gaps, ada, room, adapter, channel } = await talk();
    if (name === "is void") {
      twin.gateway.invalidate();
    } else {
      twin.gateway.forget();
      twin.gateway.drop();
    }
    await eventually(() => !twin.gateway.connected, "it is off");
    const missed = room.mention(ada, "missed");
    await eventually(() => gaps() === 2, "the gap is told");
    expect(twin.gateway.identifies()).toBe(2);
    const events = await adapter.history(channel, 0, 10, signal);
    expect(events.at(-1)).toMatchObject({ id: missed.id, text: "missed", addressed: true, direct: false });
  });

  it("goes on from what was taken: what core has in hand is not acknowledged, and not offered twice", async () => {
    const { twin, adapter, ada, room } = await talk();
    await adapter.stop();
    const other = adapterOn(twin);
    onTestFinished(() => other.close());
    let open = () => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    const offered: string[] = [];
    await other.start(
      taking(async ({ text }) => {
        offered.push(text);
        if (text === "b") await opened;
        return { status: "queued", position: 1 };
      }),
    );
    await eventually(() => other.health().state === "connected", "it receives");
    for (const text of ["a", "b", "c"]) room.mention(ada, text);
    await eventually(() => offered.includes("b"), "b is offered");
    const before = twin.gateway.sessions().at(-1);
    twin.gateway.drop();
    await eventually(() => twin.gateway.resumes() === 1, "it resumes");
    // The session's last two events are b and c.
    await eventually(() => twin.gateway.sessions().at(-1)?.acknowledged === (before?.sequence ?? 0) - 2, "from b on");
    room.mention(ada, "d");
    open();
    await eventually(() => offered.includes("d"), "the rest arrives");
    expect(offered).toEqual(["a", "b", "c", "d"]);
  });

  it("notices that it is deaf, and connects anew", async () => {
    const { twin, taken, gaps, logged, ada, room, adapter, channel } = await talk({
      timing: { quiet: 50, answer: 50 },
    });
    twin.gateway.deafen();
    room.mention(ada, "into the void");
    await eventually(() => gaps() === 2, "the gap is told");
    expect(logged.some(({ message }) => message.includes("sends no events"))).toBe(true);
    expect(texts(taken)).toEqual(["hello"]);
    expect(texts(await adapter.history(channel, 0, 10, signal))).toEqual(["hello", "into the void"]);
    room.mention(ada, "heard again");
    await eventually(() => texts(taken).includes("heard again"), "it hears");
  });

  it("takes quiet for quiet where Discord answers", async () => {
    const { twin } = await talk({ timing: { quiet: 20, answer: 5_000 } });
    const asked = () => twin.gateway.received.filter(({ op }) => op === 8).length;
    await eventually(() => asked() >= 4, "it asks again and again");
    expect(twin.gateway.identifies()).toBe(1);
  });

  it("does what it can without Message Content, and notices when it is switched on", async () => {
    const { twin, adapter, taken, ada, room } = await talk({}, { contentGranted: false });
    expect(adapter.health()).toMatchObject({ state: "degraded", detail: expect.stringMatching(/Developer Portal/) });
    room.say(ada, "can't be seen");
    twin.dm(ada).say(ada, "in private");
    await eventually(() => taken.length === 2, "the direct one arrives");
    expect(texts(taken)).toEqual(["hello", "in private"]);
    expect(adapter.ignored.get("message without text")).toBe(1);
    twin.contentGranted = true;
    await eventually(() => adapter.health().state === "connected", "it is noticed");
    room.say(ada, "seen now");
    await eventually(() => texts(taken).includes("seen now"), "it arrives");
  });

  it("does without Message Content also where Discord only says so at the gateway", async () => {
    const { twin, adapter } = await talk();
    // The switch goes off between the question and the connection.
    twin.fault({ kind: "latency", method: "GET /applications/@me", delayMs: 1 });
    twin.gateway.rejecting = 4014;
    twin.gateway.drop();
    await eventually(() => /Message Content/.test(adapter.health().detail ?? ""), "it says what is wrong");
    twin.gateway.rejecting = undefined;
    await eventually(() => adapter.health().state === "connected", "it connects");
  });

  it("waits where Discord begins no more sessions today", async () => {
    const { twin, adapter } = await stage();
    await eventually(() => twin.gateway.connected, "connected");
    twin.sessionsLeft = 0;
    twin.gateway.invalidate();
    await eventually(() => /less often/.test(adapter.health().detail ?? ""), "it says so");
    expect(twin.gateway.identifies()).toBe(1);
  });

  it("shows the token nowhere, whatever goes wrong", async () => {
    const { twin, adapter, channel, logged, ada, room } = await talk();
    const said: unknown[] = [];
    for (const kind of ["drop-before", "cut", "5xx", "refuse", "429"] as const) {
      const fault = twin.fault({ kind, times: 10 });
      said.push(await adapter.send(channel, "**x**", send()).catch((error: unknown) => error));
      const interaction = room.command(ada, "help")();
      await twin.until(() => twin.calls(CALLBACK).some(({ params }) => params.token === interaction.token));
      fault.remove();
    }
    await twin.stop();
    said.push(await adapter.send(channel, "x", send()).catch((error: unknown) => error));
    said.push(await adapter.probe(signal));
    await eventually(() => adapter.health().detail?.includes("ECONNREFUSED") === true, "it can't be reached");
    const everything = inspect([said, logged, adapter.health()], { depth: 20, showHidden: true });
    expect(everything).toContain("ECONNREFUSED");
    for (const secret of [twin.token, twin.token.split(".")[2], "interaction-token"]) {
      expect(everything).not.toContain(secret);
    }
  });

  it("probes without receiving", async () => {
    const { twin } = await talk();
    const other = adapterOn(twin);
    onTestFinished(() => other.close());
    const sessions = twin.gateway.identifies();
    expect(await other.probe(signal)).toEqual({ state: "connected" });
    twin.contentGranted = false;
    expect(await other.probe(signal)).toMatchObject({ detail: expect.stringContaining("Message Content") });
    twin.fault({ kind: "refuse", times: 10, error: { status: 401, code: 0, message: "401: Unauthorized" } });
    const wrong = adapterOn(twin);
    onTestFinished(() => wrong.close());
    expect(await wrong.probe(signal)).toMatchObject({
      state: "failed",
      detail: expect.stringContaining("Developer Portal"),
    });
    expect(twin.gateway.identifies()).toBe(sessions);
  });

  it("names its account by the bot's id, and never by its secret", async () => {
    const { twin, adapter } = await stage();
    expect(adapter.exclusive).toBe(`discord:${twin.bot.id}`);
    expect(adapterOn({ apiUrl: twin.apiUrl, token: "no.bot-and-secret" }).exclusive).toBe("discord:discord");
  });
});

describe("slash commands", () => {
  it("are taken, and acknowledged to who used them alone", async () => {
    const { taken, ada, room, channel } = await talk();
    const interaction = room.command(ada, "model", "fast one");
    await eventually(() => interaction().state === "replied", "it is acknowledged");
    expect(taken.at(-1)).toMatchObject({ channel, id: interaction().id, text: "/model fast one", addressed: true });
    expect(interaction().replies).toMatchObject([
      { ephemeral: true, message: { content: expect.stringContaining("/model") } },
    ]);
    expect(room.messages()).toEqual([]);
  });

  it("are acknowledged only when they are taken, and not at all where that is too late", async () => {
    const { twin, adapter, ada, room } = await talk();
    await adapter.stop();
    const other = adapterOn(twin);
    onTestFinished(() => other.close());
    let away = true;
    const offered: string[] = [];
    await other.start(
      taking(async ({ text }) => {
        offered.push(text);
        if (away) throw new Error("the disk is full");
        return { status: "command" };
      }),
    );
    await eventually(() => other.health().state === "connected", "it receives");
    const late = room.command(ada, "late");
    await eventually(() => offered.length > 3, "it is offered again and again");
    expect(late().state).toBe("waiting");
    await eventually(() => other.health().state === "connected", "it is given up");
    away = false;
    const inTime = room.command(ada, "in-time");
    await eventually(() => inTime().state === "replied", "the next one is taken");
    expect(late().state).not.toBe("replied");
    expect(offered.at(-1)).toBe("/in-time");
  });

  it.each([
    [10062, "Unknown interaction"],
    [40060, "Interaction has already been acknowledged."],
  ])("stay taken where Discord answers %i", async (code, message) => {
    const { twin, adapter, taken, ada, room } = await talk();
    twin.fault({ kind: "refuse", method: CALLBACK, error: { status: 404, code, message } });
    room.command(ada, "help");
    room.mention(ada, "next");
    await eventually(() => taken.length === 3, "both arrive");
    expect(texts(taken)).toEqual(["hello", "/help", "next"]);
    expect(adapter.health().state).toBe("connected");
  });

  it("are registered only where they differ, and later where that failed", async () => {
    const { twin, adapter, logged } = await talk();
    const put = () => twin.calls("PUT /applications/:application/commands");
    const menu = [
      { name: "help", summary: "Says what there is" },
      { name: "Not Allowed", summary: "Discord refuses such a name" },
    ];
    await adapter.announce(menu);
    await adapter.announce(menu);
    await adapter.announce([...menu].reverse());
    expect(put()).toHaveLength(1);
    expect(twin.commands).toMatchObject([{ name: "help", description: "Says what there is" }]);
    twin.fault({ kind: "5xx", method: "GET /applications/:application/commands" });
    await adapter.announce([{ name: "new", summary: "Starts anew" }]);
    expect(logged.some(({ message }) => message.includes("slash commands"))).toBe(true);
    expect(put()).toHaveLength(1);
    twin.gateway.drop();
    await twin.until(() => put().length === 2);
    expect(twin.commands).toMatchObject([{ name: "new" }]);
  });
});

describe("writing to Discord", () => {
  it("calls nobody, unfolds no page, and marks each post", async () => {
    const { twin, adapter, room, channel } = await talk();
    await adapter.send(channel, "@everyone see https://a.b/c", send());
    const [call] = twin.calls(POST);
    expect(call?.params).toMatchObject({ allowed_mentions: { parse: [] }, enforce_nonce: true, flags: 4 });
    expect(String(call?.params.nonce).length).toBeLessThanOrEqual(25);
    const [posted] = room.messages();
    expect(posted?.text).toBe("@everyone see https://a.b/c");
    expect(posted?.content).toMatch(/[\u2061-\u2064]{20}$/);
    await adapter.edit(channel, posted?.id ?? "", "@here", final);
    expect(twin.calls(PATCH)[0]?.params).toMatchObject({ allowed_mentions: { parse: [] } });
  });

  it("shows a send once, however often its reply is lost, and whoever repeats it", async () => {
    const { twin, adapter, room, channel } = await talk();
    twin.fault({ kind: "drop-after", method: POST });
    twin.fault({ kind: "5xx", method: POST });
    const options = send();
    const ref = await adapter.send(channel, "once", options);
    const other = adapterOn(twin);
    onTestFinished(() => other.close());
    expect(await other.send(channel, "once", options)).toBe(ref);
    expect(room.messages()).toMatchObject([{ id: ref, text: "once" }]);
  });

  it("stays in doubt where a later try certainly failed", async () => {
    const { twin, adapter, room, channel } = await talk();
    twin.fault({ kind: "drop-after", method: POST });
    twin.fault({ kind: "429", method: POST, retryAfter: 5 });
    const sending = adapter.send(channel, "once", send());
    await expect(sending).rejects.toMatchObject({ kind: "unknown", retryAfter: expect.any(Number) });
    expect(room.messages()).toHaveLength(1);
  });

  it("finds a send again when Discord has forgotten its nonce, and knows when there is none", async () => {
    const { twin, adapter, ada, room, channel } = await talk({}, { nonceWindow: 0 });
    const since = Date.now() - 60_000;
    const options = { key: "the key", signal };
    twin.fault({ kind: "hang-after", method: POST, times: 1 });
    const lost = adapterOn(twin, { timing: { deadline: 300 } });
    onTestFinished(() => lost.close());
    const given = new AbortController();
    const sending = lost.send(channel, "lost", { ...options, signal: given.signal });
    await eventually(() => room.messages().length === 1, "it is posted");
    given.abort();
    await expect(sending).rejects.toMatchObject({ kind: "unknown" });
    for (let i = 0; i < 250; i++) room.say(ada, `talk ${i}`);
    expect(await adapter.lookup(channel, "the key", since, signal)).toBe(room.messages()[0]?.id);
    expect(await adapter.lookup(channel, "another key", since, signal)).toBeUndefined();
    expect(await adapter.lookup(channel, "the key", Date.now() + 60_000, signal)).toBeUndefined();

    room.unreadable = true;
    await expect(adapter.lookup(channel, "another key", since, signal)).rejects.toMatchObject({
      kind: "refused",
      message: expect.stringContaining("message history"),
    });
    await expect(adapter.history(channel, since, 10, signal)).rejects.toMatchObject({ kind: "refused" });
    twin.fault({ kind: "5xx", times: 10 });
    await expect(adapter.lookup(channel, "the key", since, signal)).rejects.toMatchObject({ kind: "unavailable" });
  });

  it("reads what was said after a time, oldest first, as much as is asked for", async () => {
    const { adapter, ada, room, channel, taken } = await talk();
    const said = Array.from({ length: 230 }, (_, i) => room.mention(ada, `${i}`));
    await adapter.send(channel, "not a person's", send());
    await eventually(() => taken.length === 231, "all arrive");
    const events = await adapter.history(channel, 0, 500, signal);
    expect(events).toEqual(taken);
    const after = events[100]?.sentAt ?? 0;
    const later = await adapter.history(channel, after, 20, signal);
    expect(later).toEqual(events.filter(({ sentAt }) => sentAt > after).slice(0, 20));
    expect(await adapter.history(channel, Date.now() + 60_000, 10, signal)).toEqual([]);
    expect(said).toHaveLength(230);
  });

  it("keeps to Discord's buckets by itself", async () => {
    const { twin, adapter, room, channel } = await talk({}, { limits: { route: { limit: 3, per: 300 } } });
    for (let i = 0; i < 8; i++) await adapter.send(channel, `${i}`, send());
    expect(room.messages().map(({ text }) => text)).toEqual(["0", "1", "2", "3", "4", "5", "6", "7"]);
    expect(twin.calls(POST).filter(({ status }) => status === 429)).toEqual([]);
  });

  it("swallows a limit that hits a preview, and keeps the pause for the final text", async () => {
    const { twin, adapter, channel } = await talk();
    const ref = await adapter.send(channel, "…", send());
    twin.fault({ kind: "429", method: PATCH, retryAfter: 30 });
    await adapter.edit(channel, ref, "one", preview);
    await adapter.edit(channel, ref, "two", preview);
    await adapter.typing(channel, signal);
    const failure: DeliveryError = await adapter.edit(channel, ref, "three", final).then(
      () => expect.fail("it was done"),
      (error) => error,
    );
    expect(failure).toMatchObject({ kind: "limited" });
    expect(failure.retryAfter).toBeGreaterThan(0);
    expect(failure.retryAfter).toBeLessThanOrEqual(31_000);
    expect(twin.calls(PATCH)).toHaveLength(1);
    expect(twin.calls("POST /channels/:channel/typing")).toHaveLength(0);
  });

  it("pauses everywhere where Discord asks for that", async () => {
    const { twin, adapter, ada, channel } = await talk();
    const dm = twin.dm(ada);
    twin.fault({ kind: "429", method: POST, retryAfter: 30, global: true });
    await expect(adapter.send(channel, "x", send())).rejects.toMatchObject({ kind: "limited" });
    await expect(adapter.send(`discord:${dm.id}`, "x", send())).rejects.toMatchObject({ kind: "limited" });
    expect(twin.calls(POST)).toHaveLength(1);
  });

  it("makes half a text look whole in a preview, and lets no preview overtake the final text", async () => {
    const { twin, adapter, room, channel } = await talk();
    const ref = await adapter.send(channel, "…", send());
    await adapter.edit(channel, ref, "see **bo", preview);
    expect(room.messages()[0]?.content).toBe("see **bo**");
    twin.fault({ kind: "latency", method: PATCH, delayMs: 200 });
    const controller = new AbortController();
    const early = adapter.edit(channel, ref, "preview", { urgency: "preview", signal: controller.signal });
    await twin.until(() => twin.calls(PATCH).length === 2);
    controller.abort();
    await early;
    await adapter.edit(channel, ref, "final", final);
    expect(room.messages()[0]?.versions.slice(2)).toEqual(["preview", "final"]);
  });

  it("sends nothing that is not permitted when its turn has come, also behind Discord's own pace", async () => {
    const { twin, adapter, room, channel } = await talk({}, { limits: { route: { limit: 1, per: 400 } } });
    await adapter.send(channel, "first", send());
    let mine = true;
    const sending = adapter.send(channel, "stale", { ...send(), permit: () => mine });
    mine = false;
    await expect(sending).rejects.toMatchObject({ kind: "unavailable" });
    expect(twin.calls(POST)).toHaveLength(1);
    expect(room.messages()).toHaveLength(1);
  });

  it("says what is to be done where it may not write", async () => {
    const { twin, adapter, room, channel } = await talk();
    room.barrier = "muted";
    await expect(adapter.send(channel, "x", send())).rejects.toMatchObject({
      kind: "refused",
      message: expect.stringMatching(/50013.*right to send/),
    });
    const options = send();
    room.barrier = undefined;
    const ref = await adapter.send(channel, "x", options);
    room.remove(ref);
    await expect(adapter.edit(channel, ref, "y", final)).rejects.toMatchObject({ kind: "gone" });
    await expect(adapter.send(channel, "x", options)).rejects.toMatchObject({
      kind: "refused",
      message: expect.stringContaining("deleted"),
    });
    expect(twin.calls(POST)).toHaveLength(3);
  });
});
