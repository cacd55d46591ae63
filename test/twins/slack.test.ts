/** The twin against Slack's own SDK: what the real service does, it does. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { verifySlackRequest } from "@slack/bolt";
import { describe, expect, onTestFinished, test } from "vitest";
import { TestClock } from "../support/clock.ts";
import type { SlackTwin } from "./slack/index.ts";
import { bolt, refusal, start } from "./slack/sdk.ts";

describe("the Web API", () => {
  test("posts, updates and deletes", async () => {
    const { twin, ada, web } = await start();
    const dm = twin.dm(ada);
    const { ts = "" } = await web.chat.postMessage({
      channel: dm.id,
      text: "fallback",
      blocks: [{ type: "markdown", text: "**bold** `code`" }],
      metadata: { event_type: "reply", event_payload: { key: "k" } },
    });
    expect(dm.messages()).toMatchObject([{ ts, text: "bold code" }]);
    await web.chat.update({ channel: dm.id, ts, text: "new", blocks: [] });
    expect(dm.messages()).toMatchObject([{ ts, text: "new", message: { metadata: { event_payload: { key: "k" } } } }]);
    await web.chat.delete({ channel: dm.id, ts });
    expect(dm.messages()).toEqual([]);
  });

  test("keeps the blocks that an update does not name", async () => {
    const { twin, ada, web } = await start();
    const dm = twin.dm(ada);
    const blocks = [{ type: "markdown" as const, text: "kept" }];
    const { ts = "" } = await web.chat.postMessage({ channel: dm.id, text: "x", blocks });
    await web.chat.update({ channel: dm.id, ts, text: "new" });
    expect(dm.messages()[0]?.text).toBe("kept");
  });

  test("refuses in Slack's words", async () => {
    const { twin, ada, web } = await start({ markdown: false });
    const dm = twin.dm(ada);
    const { ts } = dm.say(ada, "mine");
    const closed = twin.channel({ hasBot: false });
    const archived = twin.channel();
    archived.archive();
    const post = (channel: string, more: object = { text: "x" }) =>
      refusal(web.apiCall("chat.postMessage", { channel, ...more }));
    expect(await post("C9")).toBe("channel_not_found");
    expect(await post(closed.id)).toBe("not_in_channel");
    expect(await post(twin.channel({ kind: "group", hasBot: false }).id)).toBe("channel_not_found");
    expect(await post(archived.id)).toBe("is_archived");
    expect(await post(dm.id, {})).toBe("no_text");
    expect(await post(dm.id, { text: "x".repeat(40_001) })).toBe("msg_too_long");
    expect(await post(dm.id, { text: "x", blocks: [{ type: "markdown", text: "x" }] })).toBe("invalid_blocks");
    const section = { type: "section", text: { type: "mrkdwn", text: "x".repeat(3000) } };
    expect(await post(dm.id, { text: "x", blocks: Array(5).fill(section) })).toBe("msg_blocks_too_long");
    expect(await post(dm.id, { text: "x", metadata: { event_type: 7 } })).toBe("invalid_metadata_schema");
    expect(await refusal(web.chat.update({ channel: dm.id, ts: "1.000000", text: "x" }))).toBe("message_not_found");
    expect(await refusal(web.chat.update({ channel: dm.id, ts, text: "x" }))).toBe("cant_update_message");
    expect(await refusal(web.chat.update({ channel: dm.id, ts, text: "x".repeat(4001) }))).toBe("msg_too_long");
    expect(await refusal(web.apiCall("no.such"))).toBe("unknown_method");
    expect(await refusal(web.users.info({ user: "U9" }))).toBe("user_not_found");
    expect(await refusal(web.apps.connections.open())).toBe("not_allowed_token_type");
    expect(await refusal(web.apiCall("auth.test", { token: "xoxb-wrong" }))).toBe("invalid_auth");
    twin.scopes.delete("im:history");
    expect(await refusal(web.conversations.history({ channel: dm.id }))).toBe("missing_scope");
  });

  test("says which scopes the token has", async () => {
    const { twin, web } = await start({ scopes: ["chat:write"] });
    const answer = await web.auth.test();
    expect(answer).toMatchObject({ team_id: twin.teamId, user_id: twin.bot.userId });
    expect(answer.response_metadata?.scopes).toEqual(["chat:write"]);
  });

  test("gives the history newest first, threads oldest first, in pages, metadata only where asked", async () => {
    const { twin, ada, web } = await start();
    const chat = twin.channel({ members: [ada] });
    const root = chat.say(ada, "root");
    const metadata = { event_type: "reply", event_payload: { key: "k" } };
    await web.chat.postMessage({ channel: chat.id, text: "answer", thread_ts: root.ts, metadata });
    for (let n = 0; n < 4; n++) chat.say(ada, `${n}`);
    const texts: (string | undefined)[] = [];
    for await (const page of web.paginate("conversations.history", { channel: chat.id, limit: 2 })) {
      texts.push(...((page as { messages?: { text?: string }[] }).messages ?? []).map(({ text }) => text));
    }
    expect(texts).toEqual(["3", "2", "1", "0", "root"]);
    const thread = { channel: chat.id, ts: root.ts };
    const plain = await web.conversations.replies({ ...thread, oldest: "9999999998" });
    expect(plain.messages?.map(({ text }) => text)).toEqual(["root"]);
    const whole = await web.conversations.replies({ ...thread, include_all_metadata: true });
    expect(whole.messages?.map((message) => message.metadata)).toEqual([undefined, metadata]);
    expect((await web.conversations.replies(thread)).messages?.[1]?.metadata).toBeUndefined();
    expect(await refusal(web.conversations.replies({ ...thread, ts: "1.000000" }))).toBe("thread_not_found");
  });

  test("streams a text, for five minutes and 12,000 characters", async () => {
    const clock = new TestClock();
    const { twin, ada, web } = await start({ clock });
    const chat = twin.channel({ members: [ada] });
    const { ts: thread_ts } = chat.say(ada, "go");
    const { ts = "" } = await web.chat.startStream({ channel: chat.id, thread_ts, markdown_text: "one " });
    await web.chat.appendStream({ channel: chat.id, ts, markdown_text: "two" });
    expect(chat.messages(thread_ts)[0]?.text).toBe("one two");
    const long = { channel: chat.id, ts, markdown_text: "x".repeat(12_000) };
    expect(await refusal(web.chat.appendStream(long))).toBe("msg_too_long");
    clock.advance(300_001);
    expect(await refusal(web.chat.stopStream({ channel: chat.id, ts }))).toBe("message_not_in_streaming_state");
  });

  test("takes files", async () => {
    const { twin, ada } = await start({ scopes: ["files:write", "chat:write"] });
    const dm = twin.dm(ada);
    const call = async (method: string, args: Record<string, string>) => {
      const body = new URLSearchParams({ token: twin.botToken, ...args });
      return parsed(await fetch(`${twin.apiUrl}/${method}`, { method: "POST", body }));
    };
    const { upload_url = "", file_id = "" } = await call("files.getUploadURLExternal", {
      filename: "a.txt",
      length: "5",
    });
    expect((await fetch(upload_url, { method: "POST", body: "wrong length" })).status).toBe(400);
    expect((await fetch(upload_url, { method: "POST", body: "hello" })).status).toBe(200);
    await call("files.completeUploadExternal", { files: JSON.stringify([{ id: file_id }]), channel_id: dm.id });
    expect(dm.messages()[0]?.message.files).toMatchObject([{ id: file_id, name: "a.txt", size: 5 }]);
    expect(twin.files.content(file_id)?.bytes.toString()).toBe("hello");
  });

  test("hands out what people share, to whoever may have it", async () => {
    const { twin, ada, web } = await start();
    const dm = twin.dm(ada);
    dm.share(ada, "look", [{ name: "a.txt", type: "text/plain", bytes: Buffer.from("hello") }]);
    const history = await web.conversations.history({ channel: dm.id });
    const id = history.messages?.[0]?.files?.[0]?.id ?? "";
    const { file } = await web.files.info({ file: id });
    expect(file).toMatchObject({ name: "a.txt", mimetype: "text/plain", size: 5, mode: "hosted" });
    const get = (token: string) =>
      fetch(file?.url_private_download ?? "", { headers: { authorization: `Bearer ${token}` } });
    expect(await (await get(twin.botToken)).text()).toBe("hello");
    const page = await get("xoxb-wrong");
    expect([page.redirected, page.headers.get("content-type")]).toEqual([true, "text/html; charset=utf-8"]);
    twin.files.remove(id);
    expect((await get(twin.botToken)).status).toBe(404);
    expect(await refusal(web.files.info({ file: id }))).toBe("file_deleted");
    twin.scopes.delete("files:read");
    expect(await refusal(web.files.info({ file: id }))).toBe("missing_scope");
  });

  test("shares a file of the app's own with the message that links to it", async () => {
    const { twin, ada, web } = await start();
    const dm = twin.dm(ada);
    const { upload_url = "", file_id = "" } = await web.files.getUploadURLExternal({ filename: "a.md", length: 5 });
    expect(await refusal(web.files.completeUploadExternal({ files: [{ id: file_id }] }))).toBe("file_not_found");
    await fetch(upload_url, { method: "POST", body: "hello" });
    const { files } = await web.files.completeUploadExternal({ files: [{ id: file_id, title: "A" }] });
    expect([dm.messages(), twin.files.isShared(file_id)]).toEqual([[], false]);
    await web.chat.postMessage({ channel: dm.id, text: `see <${files?.[0]?.permalink}|a.md>` });
    expect(dm.messages()).toMatchObject([{ text: "see a.md", message: { files: [{ id: file_id, title: "A" }] } }]);
    expect(twin.files.isShared(file_id)).toBe(true);
  });

  test("asks who posts too fast to wait", async () => {
    const limits = { post: { burst: 2, every: 1000 }, update: { burst: 1, every: 1000 } };
    const { twin, ada, web } = await start({ limits });
    const dm = twin.dm(ada);
    for (let n = 0; n < 2; n++) await web.chat.postMessage({ channel: dm.id, text: "x" });
    await expect(web.chat.postMessage({ channel: dm.id, text: "x" })).rejects.toMatchObject({ retryAfter: 1 });
    await web.chat.postMessage({ channel: twin.channel().id, text: "elsewhere" });
  });

  test.each(["drop-before", "drop-after", "5xx", "cut", "refuse"] as const)("fails on purpose: %s", async (kind) => {
    const { twin, ada, web } = await start();
    const dm = twin.dm(ada);
    const fault = twin.fault({ kind, method: "chat.postMessage", error: "fatal_error" });
    await expect(web.chat.postMessage({ channel: dm.id, text: "x" })).rejects.toThrow();
    expect(dm.messages()).toHaveLength(kind === "drop-after" || kind === "cut" ? 1 : 0);
    expect(fault.hits).toBe(1);
    await web.chat.postMessage({ channel: dm.id, text: "x" });
  });
});

describe("Socket Mode", () => {
  test("tells Bolt what happens, and hears that it heard", async () => {
    const { twin, ada } = await start();
    const { heard } = await bolt(twin);
    const chat = twin.channel({ members: [ada] });
    twin.dm(ada).say(ada, "a <b>");
    chat.mention(ada, "hi");
    chat.command(ada, "/switchboard", "go");
    await twin.until(() => twin.deliveries.all.length === 4 && twin.pending().length === 0);
    const mention = `<@${twin.bot.userId}> hi`;
    const said = ["command go", `mention ${mention}`, `message ${mention}`, "message a &lt;b&gt;"];
    expect(new Set(heard)).toEqual(new Set(said));
  });

  test("delivers again, with its number, what was not acknowledged: at once, after a minute, after five", async () => {
    const clock = new TestClock();
    const { twin, ada } = await start({ clock });
    const response = await fetch(`${twin.apiUrl}/apps.connections.open`, {
      method: "POST",
      headers: { authorization: `Bearer ${twin.appToken}` },
    });
    const { WebSocket } = await import("ws");
    const socket = new WebSocket((await parsed(response)).url ?? "");
    onTestFinished(() => socket.terminate());
    const frames: Record<string, unknown>[] = [];
    socket.on("message", (data) => void frames.push(JSON.parse(String(data))));
    await twin.until(() => twin.sockets.size === 1);
    twin.dm(ada).say(ada, "hello");
    const attempts = () => twin.deliveries.all[0]?.attempts;
    for (const [attempt, pause] of [0, 0, 60_000, 300_000].entries()) {
      clock.advance(pause);
      await twin.until(() => attempts() === attempt + 1);
      clock.advance(3000);
    }
    expect(twin.deliveries.all[0]?.state).toBe("given up");
    await expect.poll(() => frames.length).toBe(5);
    expect(frames.slice(1).map(({ retry_attempt, retry_reason }) => [retry_attempt, retry_reason])).toEqual([
      [0, ""],
      [1, "timeout"],
      [2, "timeout"],
      [3, "timeout"],
    ]);
  });

  test("a connection that is dropped leaves its events to the next", async () => {
    const { twin, ada } = await start({ retries: [0, 10], persistent: true });
    const { heard } = await bolt(twin, { clientPingTimeout: 20 });
    twin.sockets.drop("refresh_requested");
    twin.dm(ada).say(ada, "later");
    await twin.until(() => twin.sockets.opened === 2 && twin.pending().length === 0);
    expect(heard).toEqual(["message later"]);
  });

  test("an address is good for one connection", async () => {
    const { twin } = await start();
    const { WebSocket } = await import("ws");
    const ticket = twin.sockets.ticket();
    const url = `${twin.apiUrl.replace("http", "ws").replace("/api", "/link/")}?ticket=${ticket}`;
    const first = new WebSocket(url);
    await new Promise((resolve) => first.once("open", resolve));
    const second = new WebSocket(url);
    const error = await new Promise((resolve) => second.once("error", resolve));
    expect(String(error)).toMatch(/401/);
    first.terminate();
  });
});

describe("request URLs", () => {
  test("are called with a signature, and again with a number where they fail", async () => {
    const { twin, ada } = await start({ mode: "http", retries: [0, 0], persistent: true });
    const calls: { retry: unknown; right: boolean; type: unknown }[] = [];
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const { headers } = request;
      const right = isSigned(twin, headers, Buffer.concat(chunks).toString());
      calls.push({ retry: headers["x-slack-retry-num"], right, type: headers["content-type"] });
      response.writeHead(calls.length < 3 ? 503 : 200).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    twin.requests.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/slack`;
    const dm = twin.dm(ada);
    dm.say(ada, "hello");
    await twin.until(() => twin.pending().length === 0);
    dm.command(ada, "/switchboard", "x");
    await twin.until(() => twin.pending().length === 0);
    expect(calls.map(({ retry }) => retry)).toEqual([undefined, "1", "2", undefined]);
    expect(calls.every(({ right }) => right)).toBe(true);
    expect(calls.at(-1)?.type).toBe("application/x-www-form-urlencoded");
  });
});

function isSigned(twin: SlackTwin, headers: Record<string, unknown>, body: string): boolean {
  verifySlackRequest({
    signingSecret: twin.signingSecret,
    body,
    headers: {
      "x-slack-signature": String(headers["x-slack-signature"]),
      "x-slack-request-timestamp": Number(headers["x-slack-request-timestamp"]),
    },
  });
  return true;
}

async function parsed(response: Response): Promise<Record<string, string | undefined>> {
  return (await response.json()) as Record<string, string | undefined>;
}
