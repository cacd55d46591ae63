import { Api, Bot, GrammyError, HttpError, InputFile } from "grammy";
import type { Update } from "grammy/types";
import { afterEach, describe, expect, test } from "vitest";
import { hugeUpdate, malformedUpdates, readUpdate, updateNames } from "../fixtures/telegram/index.ts";
import { startTelegramTwin, type TelegramTwin, type TwinOptions } from "./telegram/index.ts";

const started: TelegramTwin[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((twin) => twin.stop()));
});

async function start(options: TwinOptions = {}) {
  const twin = await startTelegramTwin(options);
  started.push(twin);
  const api = new Api(twin.token, { apiRoot: twin.apiRoot });
  const ada = twin.user({ first_name: "Ada" });
  return { twin, api, ada, chat: twin.privateChat(ada) };
}

async function refusalOf(call: Promise<unknown>): Promise<GrammyError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof GrammyError) return error;
  throw new Error("the call was not refused", { cause: error });
}

async function expectRefusal(call: Promise<unknown>, code: number, description: string): Promise<GrammyError> {
  const error = await refusalOf(call);
  expect({ code: error.error_code, description: error.description }).toEqual({ code, description });
  return error;
}

const ids = (updates: readonly Update[]) => updates.map((update) => update.update_id);
const texts = (updates: readonly Update[]) => updates.map((update) => update.message?.text);

describe("a grammY bot", () => {
  test("receives what people write, and answers", async () => {
    const { twin, ada, chat } = await start();
    const bot = new Bot(twin.token, { client: { apiRoot: twin.apiRoot } });
    bot.on("message:text", async (ctx) => {
      await ctx.reply(`you said ${ctx.message.text}`);
    });
    const running = bot.start();
    chat.say(ada, "one");
    await twin.until(() => chat.messages().length === 1);
    chat.say(ada, "two");
    await twin.until(() => chat.messages().length === 2 && twin.pendingUpdates().length === 0);
    await bot.stop();
    await running;
    expect(chat.messages().map((message) => message.text)).toEqual(["you said one", "you said two"]);
    expect(bot.botInfo).toMatchObject({ username: "switchboard_bot", can_read_all_group_messages: false });
  });

  test("sends forms and files as well as JSON", async () => {
    const { twin, chat } = await start();
    const upload = new Api(twin.token, { apiRoot: twin.apiRoot });
    const certificate = new InputFile(Buffer.from("a certificate"), "cert.pem");
    await upload.setWebhook("https://example.org/hook", { certificate, allowed_updates: ["message"] });
    expect(twin.webhook?.url).toBe("https://example.org/hook");
    expect(await upload.getWebhookInfo()).toMatchObject({ allowed_updates: ["message"] });

    const form = new URLSearchParams({ chat_id: String(chat.id), text: "grüße", parse_mode: "HTML" });
    const answer = await fetch(`${twin.apiRoot}/bot${twin.token}/SENDmessage`, { method: "POST", body: form });
    expect(await answer.json()).toMatchObject({ ok: true, result: { text: "grüße" } });
  });
});

describe("getUpdates", () => {
  test("repeats what is not confirmed and forgets what is", async () => {
    const { twin, api, ada, chat } = await start();
    for (const text of ["a", "b", "c"]) chat.say(ada, text);
    const first = await api.getUpdates();
    const [one = 0, two = 0, three = 0] = ids(first);
    expect([two, three]).toEqual([one + 1, one + 2]);
    expect(await api.getUpdates()).toEqual(first);
    expect(ids(await api.getUpdates({ offset: two, limit: 1 }))).toEqual([two]);
    expect(ids(await api.getUpdates())).toEqual([two, three]);
    expect(ids(await api.getUpdates({ offset: -1 }))).toEqual([three]);
    expect(await api.getUpdates({ offset: three + 1 })).toEqual([]);
    expect(twin.pendingUpdates()).toEqual([]);
  });

  test("waits, and hands out together what was written together", async () => {
    const { twin, api, ada, chat } = await start();
    const waiting = api.getUpdates({ timeout: 30 });
    await twin.until(() => twin.polling);
    for (const text of ["a", "b", "c"]) chat.say(ada, text);
    expect(texts(await waiting)).toEqual(["a", "b", "c"]);
  });

  test("keeps what was on the way to a client that is gone", async () => {
    const { twin, api, ada, chat } = await start();
    const client = new AbortController();
    const waiting = api.getUpdates({ timeout: 30 }, client.signal as never);
    await twin.until(() => twin.polling);
    client.abort();
    await expect(waiting).rejects.toThrow();
    await twin.until(() => twin.calls("getUpdates").at(-1)?.outcome === "aborted");
    chat.say(ada, "still here");
    expect(texts(await api.getUpdates({ timeout: 30 }))).toEqual(["still here"]);
  });

  test("ends the older of two pollers", async () => {
    const { twin, api } = await start();
    const older = refusalOf(api.getUpdates({ timeout: 30 }));
    await twin.until(() => twin.polling);
    const newer = api.getUpdates({ timeout: 30 });
    expect(await older).toMatchObject({
      error_code: 409,
      description: "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
    });
    twin.push({ message: null });
    expect(await newer).toHaveLength(1);
  });

  test("is refused while a webhook is set, and setting one ends it", async () => {
    const { twin, api } = await start();
    const waiting = expectRefusal(api.getUpdates({ timeout: 30 }), 409, "Conflict: terminated by setWebhook request");
    await twin.until(() => twin.polling);
    await api.setWebhook("https://example.org/hook");
    await waiting;
    await expectRefusal(
      api.getUpdates(),
      409,
      "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
    );
    await api.deleteWebhook();
    expect(await api.getUpdates()).toEqual([]);
  });

  test("gives only the kinds that the bot asked for, from then on", async () => {
    const { twin, api, ada, chat } = await start();
    await api.getUpdates({ allowed_updates: ["edited_message"] });
    const { message_id: id } = chat.say(ada, "not wanted");
    chat.edit(id, "wanted");
    const updates = await api.getUpdates();
    expect(updates.map((update) => update.edited_message?.text)).toEqual(["wanted"]);
    twin.push({ message: null });
    expect(twin.pendingUpdates()).toHaveLength(2);
  });

  test("delivers again, with the same ids, after a confirmation", async () => {
    const { twin, api, ada, chat } = await start();
    chat.say(ada, "a");
    chat.say(ada, "b");
    const first = await api.getUpdates();
    const offset = (ids(first).at(-1) ?? 0) + 1;
    await api.getUpdates({ offset });
    twin.redeliverAll();
    expect(await api.getUpdates({ offset })).toEqual(first);
    expect(await api.getUpdates({ offset })).toEqual([]);
  });

  test("carries any raw update", async () => {
    const { twin, api } = await start();
    const raw = [...updateNames.map(readUpdate), ...malformedUpdates(), hugeUpdate(), 7, null];
    for (const update of raw) twin.push(update);
    const updates = await api.getUpdates();
    expect(updates).toHaveLength(raw.length);
    expect(updates[0]).toMatchObject(readUpdate(updateNames[0] ?? ""));
  });
});

describe("files", () => {
  const bytes = Buffer.from([0, 255, 128]);

  test("come with a message, and lie on the server once they were asked for", async () => {
    const { twin, api, ada, chat } = await start();
    chat.send(ada, { name: "a.pdf", type: "application/pdf", bytes, caption: "see /this" });
    chat.send(ada, { kind: "photo", bytes: Buffer.alloc(900) });
    const [first, second] = await api.getUpdates();
    const document = { file_name: "a.pdf", mime_type: "application/pdf", file_size: 3 };
    expect(first?.message).toMatchObject({
      document,
      caption: "see /this",
      caption_entities: [{ type: "bot_command", offset: 4, length: 5 }],
    });
    expect(second?.message?.photo?.map(({ file_size }) => file_size)).toEqual([300, 450, 900]);
    const { file_path = "" } = await api.getFile(first?.message?.document?.file_id ?? "");
    const get = async (path: string, token = twin.token) => {
      const response = await fetch(`${twin.apiRoot}/file/bot${token}/${path}`);
      return [response.status, Buffer.from(await response.arrayBuffer())];
    };
    const refusal = (error_code: number, description: string) => [
      error_code,
      Buffer.from(JSON.stringify({ ok: false, error_code, description })),
    ];
    expect(await get(file_path)).toEqual([200, bytes]);
    expect(await get("photos/file_3")).toEqual(refusal(404, "Not Found"));
    expect(await get(file_path, "1:other")).toEqual(refusal(401, "Unauthorized"));
    expect(twin.calls("file").map(({ outcome }) => outcome)).toEqual(["ok", "error"]);
  });

  test("can be too large, or gone", async () => {
    const { twin, api, ada, chat } = await start();
    const id = (size: number) => chat.send(ada, { bytes, size }).document?.file_id ?? "";
    const limit = 20 * 1024 * 1024;
    const kept = id(limit);
    expect(await api.getFile(kept)).toMatchObject({ file_size: limit });
    await expectRefusal(api.getFile(id(limit + 1)), 400, "Bad Request: file is too big");
    twin.loseFile(kept);
    const gone = "Bad Request: wrong file_id or the file is temporarily unavailable";
    await expectRefusal(api.getFile(kept), 400, gone);
  });

  test("are seen in a group where they reply to the bot, or mention it", async () => {
    const { twin, api, ada } = await start();
    const group = twin.group({ title: "Team", members: [ada] });
    const { message_id } = await api.sendMessage(group.id, "hello");
    group.send(ada, { bytes });
    group.send(ada, { bytes, caption: "for you" }, { replyTo: message_id });
    group.send(ada, { bytes }, { replyTo: message_id });
    group.send(ada, { bytes, caption: "@switchboard_bot" });
    const seen = (await api.getUpdates()).map(({ message }) => message?.caption);
    expect(seen).toEqual(["for you", undefined, "@switchboard_bot"]);
  });
});

describe("messages", () => {
  test("are posted, edited and deleted, and every version is kept", async () => {
    const { twin, api, chat } = await start();
    const sent = await api.sendMessage(chat.id, "thinking");
    const keyboard = { inline_keyboard: [[{ text: "Stop", callback_data: "stop" }]] };
    await api.editMessageText(chat.id, sent.message_id, "the answer", { reply_markup: keyboard });
    expect(chat.messages()).toMatchObject([{ id: sent.message_id, text: "the answer", replyMarkup: keyboard }]);
    await api.editMessageText(chat.id, sent.message_id, "the answer");
    const [message] = chat.messages();
    expect(message?.replyMarkup).toBeUndefined();
    expect(message?.versions.map((version) => version.text)).toEqual(["thinking", "the answer", "the answer"]);
    await api.deleteMessage(chat.id, sent.message_id);
    expect(chat.messages()).toEqual([]);
    await expectRefusal(api.deleteMessage(chat.id, sent.message_id), 400, "Bad Request: message to delete not found");
    expect(twin.calls().map((call) => [call.method, call.outcome])).toEqual([
      ["sendMessage", "ok"],
      ["editMessageText", "ok"],
      ["editMessageText", "ok"],
      ["deleteMessage", "ok"],
      ["deleteMessage", "error"],
    ]);
  });

  test("are numbered per account in private chats and per supergroup", async () => {
    const { twin, api, ada, chat } = await start({ privacyMode: false });
    const bob = twin.user();
    const [other, group] = [twin.privateChat(bob), twin.group({ title: "G", members: [ada, bob] })];
    expect(chat.say(ada, "1").message_id).toBe(1);
    expect(other.say(bob, "2").message_id).toBe(2);
    expect(group.say(bob, "1").message_id).toBe(1);
    expect((await api.sendMessage(chat.id, "3")).message_id).toBe(3);
    expect((await api.sendMessage(group.id, "2")).message_id).toBe(2);
  });

  test("are refused as Telegram refuses them", async () => {
    const { twin, api, ada, chat } = await start();
    const { message_id: id } = await api.sendMessage(chat.id, "hello");
    const { message_id: theirs } = chat.say(ada, "mine");
    const send = (text: string, other: object = {}) => api.sendMessage(chat.id, text, other);
    await expectRefusal(send(""), 400, "Bad Request: message text is empty");
    await expectRefusal(send(" \n "), 400, "Bad Request: text must be non-empty");
    await expectRefusal(send("x".repeat(4097)), 400, "Bad Request: message is too long");
    await expectRefusal(send("😀".repeat(2049)), 400, "Bad Request: message is too long");
    await expectRefusal(send("x".repeat(32_769)), 400, "Bad Request: text is too long");
    await expectRefusal(
      send("hi", { reply_parameters: { message_id: 999 } }),
      400,
      "Bad Request: message to be replied not found",
    );
    await expectRefusal(api.sendMessage(4711, "hi"), 400, "Bad Request: chat not found");
    await expectRefusal(api.sendMessage("", "hi"), 400, "Bad Request: chat_id is empty");
    await expectRefusal(api.editMessageText(chat.id, 999, "hi"), 400, "Bad Request: message to edit not found");
    await expectRefusal(api.editMessageText(chat.id, theirs, "hi"), 400, "Bad Request: message can't be edited");
    await expectRefusal(
      api.editMessageText(chat.id, id, " hello\n"),
      400,
      "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message",
    );
    await expectRefusal(api.editMessageText(chat.id, id, "😀".repeat(2049)), 400, "Bad Request: MESSAGE_TOO_LONG");
    await expectRefusal(
      api.sendChatAction(chat.id, "sing" as never),
      400,
      "Bad Request: wrong parameter action in request",
    );
    await expectRefusal(api.raw.getFile({ file_id: "no" }), 400, "Bad Request: invalid file_id");
    const unknown = await fetch(`${twin.apiRoot}/bot${twin.token}/sendTelepathy`);
    expect([unknown.status, await unknown.json()]).toEqual([
      404,
      { ok: false, error_code: 404, description: "Not Found: method not found" },
    ]);
    expect(chat.messages()).toHaveLength(1);
  });

  test("may be 4096 UTF-16 units long after the formatting is read", async () => {
    const { api, chat } = await start();
    await api.sendMessage(chat.id, `<b>${"x".repeat(4096)}</b>`, { parse_mode: "HTML" });
    await api.sendMessage(chat.id, "😀".repeat(2048));
    expect(chat.messages().map((message) => message.text.length)).toEqual([4096, 4096]);
  });

  test("show typing and commands", async () => {
    const { twin, api, chat } = await start();
    await api.sendChatAction(chat.id, "typing");
    expect(twin.actions(chat)).toMatchObject([{ action: "typing" }]);
    const commands = [{ command: "stop", description: "Stop the turn" }];
    await api.setMyCommands(commands);
    expect(await api.getMyCommands()).toEqual(commands);
    await expectRefusal(
      api.setMyCommands([{ command: "not one", description: "" }]),
      400,
      "Bad Request: BOT_COMMAND_INVALID",
    );
  });

  test("reply to others, and without them where that is allowed", async () => {
    const { api, chat } = await start();
    const { message_id } = await api.sendMessage(chat.id, "first");
    const reply = await api.sendMessage(chat.id, "second", { reply_parameters: { message_id } });
    expect(reply.reply_to_message?.message_id).toBe(message_id);
    chat.remove(message_id);
    const parameters = { message_id, allow_sending_without_reply: true };
    const alone = await api.sendMessage(chat.id, "third", { reply_parameters: parameters });
    expect(alone.reply_to_message).toBeUndefined();
    expect(chat.messages().map(({ replyTo }) => replyTo)).toEqual([message_id, undefined]);
  });
});

describe("buttons", () => {
  const TOO_OLD = "Bad Request: query is too old and response timeout expired or query ID is invalid";
  const keyboard = (...buttons: object[]) => ({ reply_markup: { inline_keyboard: [buttons] } }) as never;

  test("that are pressed reach the bot, which tells the person once", async () => {
    const { twin, api, ada, chat } = await start();
    const yes = { text: "Yes", callback_data: "yes", style: "primary" };
    const { message_id: id } = await api.sendMessage(chat.id, "Shall I?", keyboard(yes));
    const query = chat.press(ada, id, "Yes");
    const [update] = await api.getUpdates();
    expect(update?.callback_query).toMatchObject({
      id: query,
      from: { id: ada.id },
      data: "yes",
      message: { message_id: id, text: "Shall I?", reply_markup: { inline_keyboard: [[yes]] } },
    });
    expect(twin.told(query)).toBeUndefined();
    expect(await api.answerCallbackQuery(query, { text: "done", show_alert: true })).toBe(true);
    expect(twin.told(query)).toEqual({ text: "done", alert: true });
    await expectRefusal(api.answerCallbackQuery(query), 400, TOO_OLD);
    const late = chat.press(ada, id, "Yes");
    expect(late).not.toBe(query);
    twin.expireCallbacks();
    await expectRefusal(api.answerCallbackQuery(late), 400, TOO_OLD);
    await expectRefusal(api.answerCallbackQuery("1", { text: "x".repeat(201) }), 400, "Bad Request: MESSAGE_TOO_LONG");
    expect(() => chat.press(ada, id, "No")).toThrow('no button No, but ["Yes"]');
  });

  test("come with forwarded messages, and without content below those that are gone", async () => {
    const { twin, api, ada, chat } = await start();
    const { message_id: id } = await api.sendMessage(
      chat.id,
      "Shall I?",
      keyboard({ text: "Yes", callback_data: "y" }),
    );
    const bob = twin.user();
    const group = twin.group({ title: "G", members: [ada, bob] });
    const copy = chat.forward(ada, id, group);
    group.press(bob, copy.message_id, "Yes");
    chat.remove(id);
    chat.click(ada, id, "forged");
    const presses = (await api.getUpdates()).map((update) => update.callback_query);
    expect(presses).toMatchObject([
      { from: { id: bob.id }, data: "y", message: { chat: { id: group.id }, forward_origin: { type: "user" } } },
      { from: { id: ada.id }, data: "forged", message: { chat: { id: chat.id }, message_id: id, date: 0 } },
    ]);
    expect(presses[1]?.message).not.toHaveProperty("text");
  });

  test("are kept, changed and taken away by edits", async () => {
    const { api, chat } = await start();
    const yes = keyboard({ text: "Yes", callback_data: "y" });
    const { message_id: id } = await api.sendMessage(chat.id, "Shall I?", yes);
    const unchanged = await refusalOf(api.editMessageText(chat.id, id, "Shall I?", yes));
    expect(unchanged.description).toContain("message is not modified");
    await api.editMessageText(chat.id, id, "Shall I?", keyboard({ text: "No", callback_data: "n" }));
    expect(chat.messages()[0]?.replyMarkup).toEqual({ inline_keyboard: [[{ text: "No", callback_data: "n" }]] });
    await api.editMessageText(chat.id, id, "Shall I?", { reply_markup: { inline_keyboard: [] } });
    expect(chat.messages()[0]).not.toHaveProperty("replyMarkup");
  });

  const unparsed = "Bad Request: can't parse inline keyboard button: ";
  test.each([
    [{ text: "", callback_data: "x" }, "Bad Request: inline keyboard button text must be non-empty"],
    [{ text: "x", callback_data: "x".repeat(65) }, "Bad Request: BUTTON_DATA_INVALID"],
    [{ text: "x", callback_data: "é".repeat(33) }, "Bad Request: BUTTON_DATA_INVALID"],
    [{ text: "x", callback_data: "" }, `${unparsed}Text buttons are unallowed in the inline keyboard`],
    [{ text: "x" }, `${unparsed}Text buttons are unallowed in the inline keyboard`],
    [{ callback_data: "x" }, `${unparsed}Can't find field "text"`],
    [{ text: 7, callback_data: "x" }, `${unparsed}Field "text" must be of type String`],
    [{ text: "x", callback_data: "x", style: "pink" }, `${unparsed}Invalid button style specified`],
    [{ text: "x".repeat(10_240), callback_data: "x" }, "Bad Request: REPLY_MARKUP_TOO_LONG"],
  ])("%j is refused", async (button, description) => {
    const { api, chat } = await start();
    const { message_id: id } = await api.sendMessage(chat.id, "Shall I?");
    await expectRefusal(api.sendMessage(chat.id, "hi", keyboard(button)), 400, description);
    await expectRefusal(api.editMessageText(chat.id, id, "hi", keyboard(button)), 400, description);
    expect(chat.messages()).toHaveLength(1);
  });
});

describe("formatting", () => {
  test("HTML becomes entities", async () => {
    const { api, chat } = await start();
    const html =
      '😀 <b>bold <i>both</i></b> <a href="https://example.org/?a=1&amp;b=2">link</a> &lt;tag&gt;\n' +
      '<pre><code class="language-ts">let x;</code></pre>\n<blockquote expandable>long</blockquote>';
    const sent = await api.sendMessage(chat.id, html, { parse_mode: "HTML" });
    expect(sent.text).toBe("😀 bold both link <tag>\nlet x;\nlong");
    expect(sent.entities).toEqual([
      { type: "bold", offset: 3, length: 9 },
      { type: "italic", offset: 8, length: 4 },
      { type: "text_link", offset: 13, length: 4, url: "https://example.org/?a=1&b=2" },
      { type: "pre", offset: 24, length: 6, language: "ts" },
      { type: "expandable_blockquote", offset: 31, length: 4 },
    ]);
    expect(chat.messages()[0]?.entities).toEqual(sent.entities);
  });

  test.each([
    ["é <x>y</x>", `Unsupported start tag "x" at byte offset 3`],
    ["<b>bold", `Can't find end tag corresponding to start tag "b"`],
    ["<b>bold</i>", `Unmatched end tag at byte offset 7, expected "</b>", found "</i>"`],
    ["bold</b>", "Unexpected end tag at byte offset 4"],
    ["a <b", "Unclosed start tag at byte offset 2"],
    ["1 < 2", `Unsupported start tag "" at byte offset 2`],
  ])("HTML %j is refused", async (html, reason) => {
    const { api, chat } = await start();
    await expectRefusal(
      api.sendMessage(chat.id, html, { parse_mode: "HTML" }),
      400,
      `Bad Request: can't parse entities: ${reason}`,
    );
  });

  test("entities follow the text when it is trimmed, and empty ones go", async () => {
    const { api, chat } = await start();
    const sent = await api.sendMessage(chat.id, "\n a\r\nbold  ", {
      entities: [
        { type: "bold", offset: 5, length: 6 },
        { type: "italic", offset: 2, length: 0 },
      ],
    });
    expect(sent).toMatchObject({ text: "a\nbold", entities: [{ type: "bold", offset: 2, length: 4 }] });
  });

  test.each([
    ["hi", 3, 1, "entity begins after the end of the text at UTF-16 offset 3"],
    ["hi", 0, 3, "entity beginning at UTF-16 offset 0 ends after the end of the text at UTF-16 offset 3"],
    ["😀", 1, 1, "entity begins in a middle of a UTF-16 symbol at byte offset"],
    ["a😀", 0, 2, "entity beginning at UTF-16 offset 0 ends in a middle of a UTF-16 symbol at byte offset"],
    ["hi", -1, 1, "receive an entity with incorrect offset -1"],
  ])("entities of %j at %i+%i are refused", async (text, offset, length, reason) => {
    const { api, chat } = await start();
    const error = await refusalOf(api.sendMessage(chat.id, text, { entities: [{ type: "bold", offset, length }] }));
    expect(error.error_code).toBe(400);
    expect(error.description).toContain(`Bad Request: ${reason}`);
  });
});

describe("links", () => {
  test.each([
    ["/docs/readme.md", "URL host is empty"],
    ["http://localhost:8080/", "Wrong HTTP URL"],
    ["ftp://example.org", "Unsupported URL protocol"],
  ])("to %j are refused as entities and passed over in HTML", async (url, reason) => {
    const { api, chat } = await start();
    const entities = [{ type: "text_link" as const, offset: 0, length: 4, url }];
    await expectRefusal(
      api.sendMessage(chat.id, "here", { entities }),
      400,
      `Bad Request: entity URL '${url}' is invalid: ${reason}`,
    );
    const sent = await api.sendMessage(chat.id, `<a href="${url}">here</a>`, { parse_mode: "HTML" });
    expect(sent.entities).toBeUndefined();
  });
});

describe("groups", () => {
  test("in privacy mode show the bot what is meant for it", async () => {
    const { twin, api, ada } = await start();
    const bob = twin.user();
    const group = twin.group({ title: "G", members: [ada, bob] });
    const { message_id: ours } = await api.sendMessage(group.id, "hello all");
    group.say(ada, "just talk");
    group.say(ada, "@other_bot hi");
    group.say(ada, "/go@other_bot");
    group.say(ada, "mail me at ada@switchboard_bot");
    group.say(ada, "hey @Switchboard_bot!");
    group.say(ada, "/stop@switchboard_bot");
    group.say(ada, "/stop");
    group.say(bob, "why?", { replyTo: ours });
    group.post(bob, { new_chat_members: [ada] });
    const updates = await api.getUpdates();
    expect(texts(updates)).toEqual(["hey @Switchboard_bot!", "/stop@switchboard_bot", "/stop", "why?", undefined]);
    expect(updates[0]?.message?.entities).toEqual([{ type: "mention", offset: 4, length: 16 }]);
    expect(updates[1]?.message?.entities).toEqual([{ type: "bot_command", offset: 0, length: 21 }]);
    expect(updates[3]?.message?.reply_to_message?.from?.id).toBe(twin.bot.id);
    twin.privacyMode = false;
    group.say(ada, "all heard");
    expect(texts(await api.getUpdates({ offset: -1 }))).toEqual(["all heard"]);
  });

  test("with topics keep each message in its own", async () => {
    const { twin, api, ada, chat } = await start({ privacyMode: false });
    const group = twin.group({ title: "G", members: [ada], forum: true });
    const thread = group.topic(ada, "Pumps");
    group.say(ada, "start", { threadId: thread });
    const [, update] = await api.getUpdates();
    expect(update?.message).toMatchObject({
      message_thread_id: thread,
      is_topic_message: true,
      reply_to_message: { message_id: thread, forum_topic_created: { name: "Pumps" } },
    });
    await api.sendMessage(group.id, "started", { message_thread_id: thread });
    expect(group.messages()).toMatchObject([{ text: "started", threadId: thread }]);
    await expectRefusal(
      api.sendMessage(group.id, "lost", { message_thread_id: 999 }),
      400,
      "Bad Request: message thread not found",
    );
    await api.sendMessage(chat.id, "no topics here", { message_thread_id: 999 });
    expect(chat.messages()).toHaveLength(1);
  });

  test("close to a bot that was blocked, removed or left behind", async () => {
    const { twin, api, ada, chat } = await start();
    twin.block(ada);
    await expectRefusal(api.sendMessage(chat.id, "hi"), 403, "Forbidden: bot was blocked by the user");
    await expectRefusal(api.sendChatAction(chat.id, "typing"), 403, "Forbidden: bot was blocked by the user");
    twin.unblock(ada);
    await api.sendMessage(chat.id, "hi again");

    const [large, small] = [twin.group({ title: "L" }), twin.group({ title: "S", type: "group" })];
    large.kick(ada);
    await expectRefusal(api.sendMessage(large.id, "hi"), 403, "Forbidden: bot was kicked from the supergroup chat");
    large.admit(ada);
    await api.sendMessage(large.id, "hi");
    small.kick(ada);
    await expectRefusal(api.sendMessage(small.id, "hi"), 403, "Forbidden: bot was kicked from the group chat");
    small.admit(ada);
    const moved = small.migrate(ada);
    const error = await expectRefusal(
      api.sendMessage(small.id, "hi"),
      400,
      "Bad Request: group chat was upgraded to a supergroup chat",
    );
    expect(error.parameters).toEqual({ migrate_to_chat_id: moved.id });
    await api.sendMessage(moved.id, "hi");
    const updates = await api.getUpdates();
    expect(updates.slice(0, 2).map((update) => update.my_chat_member?.new_chat_member.status)).toEqual([
      "kicked",
      "member",
    ]);
    expect(updates.at(-2)?.message?.migrate_to_chat_id).toBe(moved.id);
    expect(updates.at(-1)?.message?.migrate_from_chat_id).toBe(small.id);
  });
});

describe("tokens", () => {
  test("that are wrong are refused by their form", async () => {
    const { twin } = await start();
    const other = new Api("4839574812:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", { apiRoot: twin.apiRoot });
    await expectRefusal(other.getMe(), 401, "Unauthorized");
    const malformed = new Api("nonsense", { apiRoot: twin.apiRoot });
    await expectRefusal(malformed.getMe(), 404, "Not Found");
    expect(twin.calls()).toEqual([]);
  });
});

describe("faults", () => {
  test("drop the connection before or after the effect, or cut the reply", async () => {
    const { twin, api, chat } = await start();
    for (const kind of ["drop-before", "drop-after"] as const) {
      twin.fault({ method: "sendMessage", kind });
      await expect(api.sendMessage(chat.id, kind)).rejects.toThrow(HttpError);
    }
    twin.fault({ method: "sendMessage", kind: "cut" });
    // grammY's own HTTP client waits for the rest of such a reply until its time-out, so this asks the built-in one.
    const cut = await fetch(`${twin.apiRoot}/bot${twin.token}/sendMessage?chat_id=${chat.id}&text=cut`);
    await expect(cut.text()).rejects.toThrow("terminated");
    await api.sendMessage(chat.id, "none");
    expect(chat.messages().map((message) => message.text)).toEqual(["drop-after", "cut", "none"]);
    expect(twin.calls("sendMessage").map((call) => [call.outcome, call.effect])).toEqual([
      ["dropped", false],
      ["lost", true],
      ["lost", true],
      ["ok", true],
    ]);
  });

  test("refuse", async () => {
    const { twin, api, chat } = await start();
    twin.fault({ kind: "429", retryAfter: 7 });
    const error = await expectRefusal(api.sendMessage(chat.id, "a"), 429, "Too Many Requests: retry after 7");
    expect(error.parameters).toEqual({ retry_after: 7 });
    twin.fault({ kind: "5xx" });
    await expect(api.sendMessage(chat.id, "b")).rejects.toThrow(HttpError);
    expect(twin.calls("sendMessage").at(-1)).toMatchObject({ outcome: "error", status: 502 });
    twin.fault({ kind: "refuse", error: { code: 403, description: "Forbidden: user is deactivated" } });
    await expectRefusal(api.sendMessage(chat.id, "c"), 403, "Forbidden: user is deactivated");
    twin.fault({ kind: "refuse-entities", times: Number.POSITIVE_INFINITY });
    const bold = { entities: [{ type: "bold" as const, offset: 0, length: 1 }] };
    expect((await refusalOf(api.sendMessage(chat.id, "d", bold))).description).toContain("can't parse entities");
    await api.sendMessage(chat.id, "d");
    expect(chat.messages().map((message) => message.text)).toEqual(["d"]);
  });

  test("keep a client waiting, before or after the effect", async () => {
    const { twin, api, chat } = await start();
    for (const kind of ["hang-before", "hang-after"] as const) {
      twin.fault({ kind });
      const client = new AbortController();
      const sending = api.sendMessage(chat.id, kind, undefined, client.signal as never);
      await twin.until(() => twin.calls("sendMessage").at(-1)?.params.text === kind);
      await twin.until(() => twin.calls("sendMessage").at(-1)?.outcome === "hanging");
      client.abort();
      await expect(sending).rejects.toThrow();
    }
    twin.fault({ kind: "latency", delayMs: 1 });
    await api.sendMessage(chat.id, "late");
    expect(chat.messages().map((message) => message.text)).toEqual(["hang-after", "late"]);
  });

  test("strike where they are aimed, as often as they are told", async () => {
    const { twin, api, ada, chat } = await start();
    const other = twin.privateChat(twin.user());
    const fault = twin.fault({
      method: ["sendMessage", "editMessageText"],
      chat,
      kind: "429",
      after: 1,
      times: 2,
      when: ({ text }) => text !== "spared",
    });
    const outcomes: string[] = [];
    for (const [id, text] of [
      [chat.id, "first"],
      [chat.id, "spared"],
      [other.id, "elsewhere"],
      [chat.id, "hit"],
      [chat.id, "hit"],
      [chat.id, "over"],
    ] as const) {
      outcomes.push(
        await api.sendMessage(id, text).then(
          () => "ok",
          (error: GrammyError) => String(error.error_code),
        ),
      );
    }
    expect(outcomes).toEqual(["ok", "ok", "ok", "429", "429", "ok"]);
    expect(fault.hits).toBe(2);
    twin.fault({ kind: "5xx" });
    twin.clearFaults();
    await api.sendMessage(ada.id, "clear");
  });

  test("by chance repeat with their seed", async () => {
    const run = async (seed: number) => {
      const { twin, api, chat } = await start({ seed });
      twin.fault({ method: "sendChatAction", kind: "429", probability: 0.5 });
      for (let n = 0; n < 40; n++)
        await api
          .sendChatAction(chat.id, "typing")
          .catch((error: unknown) => expect(error).toBeInstanceOf(GrammyError));
      return twin.calls("sendChatAction").map((call) => call.outcome);
    };
    const [first, again, other] = [await run(3), await run(3), await run(4)];
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
    expect(new Set(first)).toEqual(new Set(["ok", "error"]));
  });
});

describe("limits", () => {
  test("count messages and edits, per chat and overall", async () => {
    let now = 1_763_700_000_000;
    const clock = { now: () => now, after: () => () => undefined };
    const { twin, api, chat } = await start({
      clock,
      limits: { perChatPerSecond: 2, perGroupPerMinute: 3, overallPerSecond: 100 },
    });
    const group = twin.group({ title: "G" });
    const { message_id: id } = await api.sendMessage(chat.id, "a");
    await api.editMessageText(chat.id, id, "b");
    await expectRefusal(api.editMessageText(chat.id, id, "c"), 429, "Too Many Requests: retry after 1");
    now += 1000;
    await api.editMessageText(chat.id, id, "c");
    for (const text of ["1", "2", "3"]) {
      await api.sendMessage(group.id, text);
      now += 1000;
    }
    const error = await refusalOf(api.sendMessage(group.id, "4"));
    expect(error.parameters).toEqual({ retry_after: 57 });
    expect(twin.calls("sendMessage")[0]?.at).toBe(1_763_700_000_000);
  });
});

describe("until", () => {
  test("names what did not come, and passes on what a predicate throws", async () => {
    const { twin, api, chat } = await start();
    await api.sendMessage(chat.id, "hi");
    await expect(twin.until(() => false, { timeoutMs: 1, label: "the moon" })).rejects.toThrow(
      /the moon did not happen within 1 ms; the last calls:\n {2}1 sendMessage ok/,
    );
    const broken = twin.until(() => {
      if (twin.pendingUpdates().length > 0) throw new Error("broken predicate");
      return false;
    });
    twin.push({});
    await expect(broken).rejects.toThrow("broken predicate");
  });
});
