import { createServer } from "node:http";
import { inspect } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { createLocalGovernor } from "../../adapters/shared/governor.ts";
import type { DeliveryError } from "../../src/channel.ts";
import type { Governor } from "../../src/governor.ts";
import { eventually } from "../support/eventually.ts";
import { taking } from "../support/intake.ts";
import { adapterOn, stage, talk } from "./telegram-stage.ts";

const { signal } = new AbortController();
const key = { key: "k", signal };
const preview = { urgency: "preview", signal } as const;
const final = { urgency: "final", signal } as const;

describe("receiving from Telegram", () => {
  it("confirms an update only when it is taken", async () => {
    const { twin, adapter } = await stage();
    await eventually(() => adapter.health().state === "connected", "connected");
    const other = adapterOn(twin);
    onTestFinished(() => other.close());
    await adapter.stop();

    let open = () => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    const ada = twin.user();
    const chat = twin.privateChat(ada);
    for (const text of ["a", "b"]) chat.say(ada, text);
    const seen: string[] = [];
    await other.start(
      taking(async ({ text }) => {
        seen.push(text);
        if (text === "b") await opened;
        return { status: "queued", position: 1 };
      }),
    );
    await eventually(() => seen.includes("b"), "both are offered");
    expect(twin.pendingUpdates()).toHaveLength(2);
    open();
    await twin.until(() => twin.pendingUpdates().length === 0);
  });

  it("tells Telegram at stop what was taken", async () => {
    const { twin, adapter } = await talk({ timing: { pollSeconds: 25 } });
    await adapter.stop();
    expect(twin.pendingUpdates()).toEqual([]);
  });

  it("keeps no offset that could confirm what nobody has seen", async () => {
    const { twin, taken, ada } = await talk();
    await twin.until(() => twin.calls("getUpdates").at(-1)?.params.offset === undefined && twin.polling);
    const message = {
      message_id: 900,
      date: 1,
      from: ada,
      chat: { id: ada.id, type: "private" },
      text: "numbered lower",
    };
    twin.push({ update_id: 17, message });
    await eventually(() => taken.some(({ text }) => text === "numbered lower"), "it arrives");
  });

  it("is soon back where a process that has lost the account polls once more", async () => {
    const { twin, adapter, taken, ada, chat } = await talk({ timing: { conflict: 3_600_000 } });
    await twin.until(() => twin.polling);
    const last = fetch(`${twin.apiRoot}/bot${twin.token}/getUpdates?timeout=50`);
    await eventually(() => adapter.health().state === "failed", "the other poll ends this one's");
    await last;
    await eventually(() => adapter.health().state === "connected", "it polls again");
    chat.say(ada, "still there?");
    await eventually(() => taken.some(({ text }) => text === "still there?"), "it arrives");
  });

  it("hears a forum's topics apart, answers in them, and counts what it passes over", async () => {
    const { twin, adapter, taken, logged } = await stage({}, { privacyMode: false });
    const ada = twin.user();
    const forum = twin.group({ title: "Forum", forum: true });
    const topic = forum.topic(ada, "Plans");
    forum.say(ada, "in the topic", { threadId: topic });
    forum.say(ada, `@${twin.bot.username} in general`);
    const edited = forum.say(ada, "typo");
    forum.edit(edited.message_id, "no typo");
    forum.edit(edited.message_id, "really none");
    await eventually(() => adapter.ignored.get("update kind edited_message") === 2, "edits are counted");
    expect(taken.map(({ channel, text, addressed }) => [channel, text, addressed])).toEqual([
      [`telegram:${forum.id}/${topic}`, "in the topic", false],
      [`telegram:${forum.id}`, "in general", true],
      [`telegram:${forum.id}`, "typo", false],
    ]);
    expect(logged.filter(({ fields }) => inspect(fields).includes("edited_message"))).toHaveLength(1);

    await adapter.send(`telegram:${forum.id}/${topic}`, "an answer", key);
    await adapter.typing(`telegram:${forum.id}/${topic}`, signal);
    expect(forum.messages()).toMatchObject([{ text: "an answer", threadId: topic }]);
    expect(forum.actions()).toMatchObject([{ action: "typing", threadId: topic }]);
  });

  it("shows the token nowhere, whatever goes wrong", async () => {
    const { twin, adapter, channel, logged } = await talk();
    const said: unknown[] = [];
    for (const kind of ["drop-before", "cut", "5xx", "refuse", "429", "refuse-entities"] as const) {
      twin.fault({ kind, method: "sendMessage" });
      said.push(await adapter.send(channel, "**x**", key).catch((error: unknown) => error));
    }
    await twin.stop();
    said.push(await adapter.send(channel, "x", key).catch((error: unknown) => error));
    said.push(await adapter.probe(signal));
    await eventually(() => adapter.health().detail?.includes("ECONNREFUSED") === true, "it can't be reached");
    const everything = inspect([said, logged, adapter.health()], { depth: 20, showHidden: true });
    expect(everything).toContain("ECONNREFUSED");
    expect(everything).not.toContain(twin.token);
    expect(everything).not.toContain(twin.token.split(":")[1]);
  });

  it("gives up a reply that trickles", async () => {
    const server = createServer((_request, response) => {
      response.writeHead(200, { "content-length": 1000 });
      response.write("{");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const adapter = adapterOn({ apiRoot: `http://127.0.0.1:${port}`, token: "1:x" }, { timing: { deadline: 100 } });
    onTestFinished(() => adapter.close());
    await expect(adapter.send("telegram:1", "x", key)).rejects.toMatchObject({ kind: "unknown" });
    expect(await adapter.probe(signal)).toMatchObject({ state: "failed", detail: expect.stringContaining("100 ms") });
  });

  it("probes without receiving", async () => {
    const { twin, adapter, taken } = await talk();
    await adapter.stop();
    const chat = twin.privateChat(twin.user());
    const other = adapterOn(twin);
    onTestFinished(() => other.close());
    expect(await other.probe(signal)).toEqual({ state: "connected" });
    twin.fault({ kind: "refuse", error: { code: 401, description: "Unauthorized" } });
    expect(await other.probe(signal)).toMatchObject({ state: "failed", detail: expect.stringContaining("@BotFather") });
    expect(chat.messages()).toEqual([]);
    expect(taken).toHaveLength(1);
  });
});

describe("writing to Telegram", () => {
  it("formats, and does without where Telegram refuses that", async () => {
    const { twin, adapter, chat, channel, logged } = await talk();
    await adapter.send(channel, "**bold** [l](https://a.b)", key);
    twin.fault({ kind: "refuse-entities", times: 2 });
    const ref = await adapter.send(channel, "a `code`", key);
    await adapter.edit(channel, ref, "b `code`", final);
    expect(chat.messages()).toMatchObject([
      { text: "bold l", entities: [{ type: "bold" }, { type: "text_link", url: "https://a.b" }] },
      { text: "b code", entities: [] },
    ]);
    expect(logged.filter(({ level }) => level === "warn")).toHaveLength(2);
    expect(twin.calls("sendMessage")[0]?.params).toMatchObject({ link_preview_options: { is_disabled: true } });
  });

  it("sends long answers whole, with valid formatting, to the last fence", async () => {
    const { adapter, chat, channel } = await talk();
    const code = Array.from({ length: 400 }, (_, index) => `const value${index} = compute(${index});`).join("\n");
    const parts = adapter.split(`Intro **bold**.\n\n\`\`\`ts\n${code}\n\`\`\`\n\nThe *end*.`);
    for (const part of parts) await adapter.send(channel, part, key);
    const shown = chat.messages();
    expect(shown.length).toBeGreaterThan(3);
    expect(shown.map(({ text }) => text).join("\n")).toBe(`Intro bold.\n\n${code}\n\nThe end.`);
    for (const { entities } of shown.slice(1, -1)) expect(entities).toMatchObject([{ type: "pre", language: "ts" }]);
  });

  it("makes half a text look whole in a preview", async () => {
    const { adapter, chat, channel } = await talk();
    const ref = await adapter.send(channel, "…", key);
    await adapter.edit(channel, ref, "see **bo", preview);
    expect(chat.messages()).toMatchObject([{ text: "see bo", entities: [{ type: "bold", offset: 4, length: 2 }] }]);
    await adapter.edit(channel, ref, "see **bo", final);
    expect(chat.messages()).toMatchObject([{ text: "see **bo", entities: [] }]);
  });

  it("lets a final text wait for the preview before it, so that none can overtake it", async () => {
    const { twin, adapter, chat, channel } = await talk();
    const ref = await adapter.send(channel, "…", key);
    twin.fault({ kind: "latency", method: "editMessageText", delayMs: 200 });
    const controller = new AbortController();
    const early = adapter.edit(channel, ref, "preview", { urgency: "preview", signal: controller.signal });
    await twin.until(() => twin.calls("editMessageText").length === 1);
    controller.abort();
    await early;
    await adapter.edit(channel, ref, "final", final);
    expect(chat.messages()[0]?.versions.map(({ text }) => text)).toEqual(["…", "preview", "final"]);
  });

  it("swallows a limit that hits a preview, and keeps the pause for the final text", async () => {
    const { twin, adapter, channel } = await talk();
    const ref = await adapter.send(channel, "…", key);
    twin.fault({ kind: "429", method: "editMessageText", retryAfter: 30 });
    await adapter.edit(channel, ref, "one", preview);
    await adapter.edit(channel, ref, "two", preview);
    await adapter.typing(channel, signal);
    const failure: DeliveryError = await adapter.edit(channel, ref, "three", final).then(
      () => expect.fail("it was done"),
      (error) => error,
    );
    expect(failure).toMatchObject({ kind: "limited" });
    expect(failure.retryAfter).toBeGreaterThan(0);
    expect(failure.retryAfter).toBeLessThanOrEqual(30_000);
    expect(twin.calls("editMessageText")).toHaveLength(1);
    expect(twin.calls("sendChatAction")).toHaveLength(0);
  });

  it("begins no preview that is given up before its turn", async () => {
    const asked: (() => void)[] = [];
    const governor = (): Governor => ({
      reserve: async () => ({ status: "held", held: "all", wait: 0 }),
      spare: () => new Promise((resolve) => asked.push(() => resolve(true))),
      pause: async () => {},
    });
    const { adapter, chat, channel } = await talk({ governor });
    const ref = await adapter.send(channel, "…", key);
    const controller = new AbortController();
    const early = adapter.edit(channel, ref, "preview", { urgency: "preview", signal: controller.signal });
    const second = adapter.edit(channel, ref, "second", preview);
    controller.abort();
    await Promise.all([early, second]);
    const ending = adapter.edit(channel, ref, "final", final);
    for (const answer of asked) answer();
    await ending;
    expect(asked).toHaveLength(1);
    expect(chat.messages()[0]?.versions.map(({ text }) => text)).toEqual(["…", "final"]);
  });

  it("asks one governor for all that it sends, by the bot's id and never its secret", async () => {
    const accounts: unknown[] = [];
    const { twin, adapter } = await talk({
      governor: (account, overall) => {
        accounts.push(account, overall);
        return createLocalGovernor({ now: () => 0, after: () => () => {} }, overall);
      },
      pace: { overall: { burst: 7, every: 0 } },
    });
    expect(accounts).toEqual([`telegram:${twin.bot.id}`, { burst: 7, every: 0 }]);
    expect(adapter.exclusive).toBe(`telegram:${twin.bot.id}`);
    expect(adapterOn({ apiRoot: twin.apiRoot, token: "no-colon-and-secret" }).exclusive).toBe("telegram:telegram");
  });

  it("keeps a pause that another replica was asked for", async () => {
    const shared = createLocalGovernor({ now: () => Date.now(), after: () => () => {} }, { burst: 100, every: 0 });
    const { twin, adapter, channel } = await talk({ governor: () => shared });
    const other = adapterOn(twin, { governor: () => shared });
    onTestFinished(() => other.close());
    twin.fault({ kind: "429", method: "sendMessage", retryAfter: 30 });
    await expect(adapter.send(channel, "one", key)).rejects.toMatchObject({ kind: "limited" });
    await expect(other.send(channel, "two", key)).rejects.toMatchObject({ kind: "limited" });
    await other.typing(channel, signal);
    expect(twin.calls("sendMessage")).toHaveLength(1);
    expect(twin.calls("sendChatAction")).toHaveLength(0);
  });

  it("says where a group has gone", async () => {
    const { twin, adapter } = await stage();
    const ada = twin.user();
    const old = twin.group({ title: "Old", type: "group" });
    const next = old.migrate(ada);
    await expect(adapter.send(`telegram:${old.id}`, "x", key)).rejects.toMatchObject({
      kind: "refused",
      message: expect.stringContaining(String(next.id)),
    });
  });

  it("writes the menu only where it differs, and later where it failed", async () => {
    const { twin, adapter, logged } = await talk();
    const menu = [
      { name: "help", summary: "Says what there is" },
      { name: "Not Allowed", summary: "Telegram refuses such a name" },
    ];
    await adapter.announce(menu);
    await adapter.announce(menu);
    expect(twin.calls("setMyCommands").map(({ params }) => params.commands)).toEqual([
      [{ command: "help", description: "Says what there is" }],
    ]);
    twin.fault({ kind: "5xx", method: ["getMyCommands", "getUpdates"], times: 3 });
    await adapter.announce([{ name: "new", summary: "Starts anew" }]);
    expect(logged.some(({ message }) => message.includes("menu"))).toBe(true);
    await twin.until(() => twin.calls("setMyCommands").length === 2);
  });
});
