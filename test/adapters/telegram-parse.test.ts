import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseUpdate, updateId } from "../../adapters/telegram/parse.ts";

const me = { id: 42, username: "My_Bot" };
const ada = { id: 7, is_bot: false, first_name: "Ada", last_name: "L" };
const group = { id: -100123, type: "supergroup", title: "Team" };
const bot = { id: 42, is_bot: true, first_name: "Bot" };

const parse = (message: object) =>
  parseUpdate(
    { update_id: 1, message: { message_id: 5, date: 1_700_000_000, chat: group, from: ada, ...message } },
    "tg",
    me,
  );
const mention = (offset: number, length = 7) => ({ type: "mention", offset, length });

function eventOf(message: object) {
  const parsed = parse(message);
  if (!("event" in parsed)) throw new Error(JSON.stringify(parsed));
  return parsed.event;
}

describe("parsing an update", () => {
  it("a private message", () => {
    expect(parse({ chat: { id: 7, type: "private" }, text: " hello " })).toEqual({
      event: {
        channel: "tg:7",
        id: "5",
        sender: { id: "tg:7", name: "Ada L" },
        text: "hello",
        sentAt: 1_700_000_000_000,
        addressed: true,
        direct: true,
      },
    });
  });

  it.each<[string, object, object]>([
    ["a group's small talk is overheard", { text: "hi all" }, { text: "hi all", addressed: false, direct: false }],
    ["a mention", { text: "@my_bot do it", entities: [mention(0)] }, { text: "do it", addressed: true }],
    ["a mention behind", { text: "do it @My_Bot", entities: [mention(6)] }, { text: "do it", addressed: true }],
    ["a mention within", { text: "so @my_bot what", entities: [mention(3)] }, { text: "so what", addressed: true }],
    ["a mention behind an emoji", { text: "😀 @my_bot x", entities: [mention(3)] }, { text: "😀 x", addressed: true }],
    [
      "somebody else's mention",
      { text: "@you_bot x", entities: [mention(0, 8)] },
      { text: "@you_bot x", addressed: false },
    ],
    [
      "a mention without username",
      { text: "Bot x", entities: [{ type: "text_mention", offset: 0, length: 3, user: bot }] },
      { text: "x", addressed: true },
    ],
    ["a caption", { caption: "@my_bot see", caption_entities: [mention(0)] }, { text: "see", addressed: true }],
    ["a command", { text: "/stop" }, { text: "/stop", addressed: true }],
    ["a command for this bot", { text: "/stop@my_BOT now" }, { text: "/stop now", addressed: true }],
    ["a path is no command", { text: "/usr/bin" }, { text: "/usr/bin", addressed: false }],
    [
      "a reply to the bot",
      { text: "yes", reply_to_message: { message_id: 3, from: bot } },
      { addressed: true, text: "yes", answers: "3" },
    ],
    [
      "a reply to a person",
      { text: "yes", reply_to_message: { message_id: 3, from: ada } },
      { addressed: false, replyTo: "3" },
    ],
    [
      "a topic",
      { text: "x", is_topic_message: true, message_thread_id: 9, reply_to_message: { message_id: 9, from: bot } },
      { channel: "tg:-100123/9", addressed: false },
    ],
    ["a thread of replies is no topic", { text: "x", message_thread_id: 9 }, { channel: "tg:-100123" }],
    [
      "an anonymous administrator",
      { text: "x", from: { id: 1087968824, is_bot: true }, sender_chat: group },
      { sender: { id: "tg:-100123", name: "Team" } },
    ],
  ])("%s", (_name, message, expected) => {
    expect(eventOf(message)).toMatchObject(expected);
  });

  it("a reply names a message of the bot, or one of a person", () => {
    const reply = (from: object) => eventOf({ text: "yes", reply_to_message: { message_id: 3, from } });
    expect(reply(bot)).not.toHaveProperty("replyTo");
    expect(reply(ada)).not.toHaveProperty("answers");
    expect(reply({ id: 43, is_bot: true })).toMatchObject({ text: "yes", addressed: false });
    expect(reply({ id: 43, is_bot: true })).not.toHaveProperty("answers");
    const topic = { is_topic_message: true, message_thread_id: 9, reply_to_message: { message_id: 9, from: bot } };
    expect(eventOf({ text: "first in a topic of the bot", ...topic })).not.toHaveProperty("answers");
  });

  it.each<[object, string]>([
    [{ text: "x", from: { id: 9, is_bot: true } }, "not from a person"],
    [{ text: "x", from: undefined }, "not from a person"],
    [{ text: "/stop@other_bot" }, "command for another bot"],
    [{ photo: [] }, "message without text"],
    [{ text: "@my_bot", entities: [mention(0)] }, "message without text"],
    [{ text: "x", is_automatic_forward: true }, "forward from a linked channel"],
    [{ text: "x", chat: { id: "7" } }, "malformed message"],
  ])("passes over %j", (message, reason) => {
    expect(parse(message)).toEqual({ ignored: reason });
  });

  it("names the kinds that it does not know", () => {
    expect(parseUpdate({ update_id: 1, poll: {} }, "tg", me)).toEqual({ ignored: "update kind poll" });
    expect(parseUpdate({ update_id: 1 }, "tg", me)).toEqual({ ignored: "empty update" });
    expect(parseUpdate([], "tg", me)).toEqual({ ignored: "malformed update" });
  });

  it("never throws, and never gives an empty text", () => {
    const message = fc.record(
      {
        message_id: fc.oneof(fc.integer(), fc.anything()),
        date: fc.anything(),
        chat: fc.oneof(fc.record({ id: fc.integer(), type: fc.constantFrom("private", "group") }), fc.anything()),
        from: fc.oneof(fc.record({ id: fc.integer(), is_bot: fc.boolean() }), fc.anything()),
        text: fc.oneof(fc.string(), fc.constantFrom("@my_bot", "/x@my_bot")),
        entities: fc.oneof(
          fc.array(
            fc.record({ type: fc.constant("mention"), offset: fc.integer({ min: -3, max: 20 }), length: fc.integer() }),
          ),
          fc.anything(),
        ),
        reply_to_message: fc.anything(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.record({ update_id: fc.anything(), message })), (update) => {
        updateId(update);
        const parsed = parseUpdate(update, "tg", me);
        if ("ignored" in parsed) expect(parsed.ignored).not.toBe("");
        else expect("event" in parsed && parsed.event.text.trim()).not.toBe("");
      }),
      { numRuns: 1000 },
    );
  });
});

describe("parsing files", () => {
  const file = (more: object = {}) => ({ file_id: "F", file_unique_id: "u", ...more });
  const pdf = file({ file_name: "a.pdf", mime_type: "application/pdf", file_size: 7 });
  const PDF = "[file: a.pdf (application/pdf, 7 bytes)]";

  it.each<[string, object, object, string]>([
    ["a document", { document: pdf }, { name: "a.pdf", type: "application/pdf", size: 7 }, PDF],
    [
      "a document of which little is told",
      { document: file() },
      { name: "file", type: "application/octet-stream", size: 0 },
      "[file: file (unknown type)]",
    ],
    [
      "an animation, which is a document too",
      { animation: file({ file_id: "A" }), document: pdf },
      { name: "a.pdf", type: "application/pdf", size: 7 },
      PDF,
    ],
    [
      "an audio",
      { audio: file({ file_size: 9 }) },
      { name: "audio.mp3", type: "audio/mpeg", size: 9 },
      "[file: audio.mp3 (audio/mpeg, 9 bytes)]",
    ],
    [
      "a voice message",
      { voice: file({ mime_type: "audio/ogg", file_size: 9 }) },
      { name: "voice.ogg", type: "audio/ogg", size: 9 },
      "[file: voice.ogg (audio/ogg, 9 bytes)]",
    ],
    [
      "a video",
      { video: file({ file_name: "v.mkv", mime_type: "video/x-matroska" }) },
      { name: "v.mkv", type: "video/x-matroska", size: 0 },
      "[file: v.mkv (video/x-matroska)]",
    ],
    [
      "a round video",
      { video_note: file({ length: 240 }) },
      { name: "video.mp4", type: "video/mp4", size: 0 },
      "[file: video.mp4 (video/mp4)]",
    ],
    [
      "a name that pretends to be more",
      { document: file({ file_name: "x\n\u0000/stop\n ", mime_type: "a\nb" }) },
      { name: "x /stop", type: "a b", size: 0 },
      "[file: x /stop (a b)]",
    ],
    [
      "odd values",
      { document: { file_id: "F", file_name: 7, mime_type: [], file_size: -1.5 } },
      { name: "file", type: "application/octet-stream", size: 0 },
      "[file: file (unknown type)]",
    ],
  ])("%s", (_name, message, expected, text) => {
    expect(eventOf(message)).toMatchObject({ files: [{ id: "F", ...expected }], text, addressed: false });
  });

  it("a photo in its largest size", () => {
    const sizes = [
      { ...file({ file_id: "small", width: 90, height: 60, file_size: 1 }) },
      { ...file({ file_id: "large", width: 1280, height: 960, file_size: 3 }) },
      { ...file({ file_id: "middle", width: 320, height: 240, file_size: 2 }) },
    ];
    const photo = { id: "large", name: "photo.jpg", type: "image/jpeg", size: 3 };
    expect(eventOf({ photo: [null, 7, {}, ...sizes, { width: 9e9, height: 9e9 }] })).toMatchObject({ files: [photo] });
  });

  it("the caption says what is said, and to whom", () => {
    const caption = { caption: "@my_bot look", caption_entities: [mention(0)] };
    expect(eventOf({ document: pdf, ...caption })).toMatchObject({ text: `look\n${PDF}`, addressed: true });
    expect(eventOf({ document: pdf, caption: "look" })).toMatchObject({ text: `look\n${PDF}`, addressed: false });
    const only = { caption: "@my_bot", caption_entities: [mention(0)] };
    expect(eventOf({ document: pdf, ...only })).toMatchObject({ text: PDF, addressed: true });
    const reply = { reply_to_message: { message_id: 3, from: bot } };
    expect(eventOf({ document: pdf, ...reply })).toMatchObject({ text: PDF, addressed: true, answers: "3" });
    const direct = { chat: { id: 7, type: "private" } };
    expect(eventOf({ document: pdf, ...direct })).toMatchObject({ text: PDF, addressed: true, direct: true });
    expect(eventOf({ text: "hi" })).not.toHaveProperty("files");
  });

  it.each([
    [{ sticker: file() }],
    [{ document: { file_id: "" } }],
    [{ document: { file_id: 7 } }],
    [{ document: [pdf] }],
    [{ photo: {} }],
    [{ photo: [{ width: 1, height: 1 }] }],
  ])("passes over %j", (message) => {
    expect(parse(message)).toEqual({ ignored: "message without text" });
  });

  it("never throws, and never gives a file without a handle", () => {
    const part = fc.oneof(
      fc.record(
        {
          file_id: fc.oneof(fc.string(), fc.anything()),
          file_name: fc.oneof(fc.string({ unit: "binary" }), fc.anything()),
          mime_type: fc.anything(),
          file_size: fc.oneof(fc.integer(), fc.anything()),
          width: fc.anything(),
        },
        { requiredKeys: [] },
      ),
      fc.anything(),
    );
    const message = fc.record(
      {
        photo: fc.oneof(fc.array(part), fc.anything()),
        document: part,
        voice: part,
        caption: fc.oneof(fc.string(), fc.anything()),
        caption_entities: fc.anything(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(message, (content) => {
        const parsed = parse(content);
        if (!("event" in parsed)) return;
        expect(parsed.event.text.trim()).not.toBe("");
        for (const { id, name, type, size } of parsed.event.files ?? []) {
          expect([id, name, type]).not.toContain("");
          expect(name).not.toMatch(/[\n\r\0]/);
          expect(size).toBeGreaterThanOrEqual(0);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("parsing a press", () => {
  const pressed = (query: object) =>
    parseUpdate(
      {
        update_id: 1,
        callback_query: {
          id: "77",
          from: ada,
          message: { message_id: 5, date: 1, chat: group },
          data: "a:b",
          ...query,
        },
      },
      "tg",
      me,
    );
  const press = { channel: "tg:-100123", sender: { id: "tg:7", name: "Ada L" }, data: "a:b" };
  const message = { message_id: 5, date: 1, chat: group };

  it.each<[string, object, object]>([
    ["below a message of the bot", {}, press],
    ["in a private chat", { message: { ...message, chat: { id: 7, type: "private" } } }, { ...press, channel: "tg:7" }],
    [
      "in a topic",
      { message: { ...message, is_topic_message: true, message_thread_id: 9 } },
      { ...press, channel: "tg:-100123/9" },
    ],
    ["in a thread of replies", { message: { ...message, message_thread_id: 9 } }, press],
    [
      "below a message that is old or gone",
      { message: { chat: group, message_id: 5, date: 0 } },
      { ...press, inexact: true },
    ],
    ["of a person without a name", { from: { id: 8 } }, { ...press, sender: { id: "tg:8", name: "8" } }],
    ["with any data", { data: "\n'\u0000😀" }, { ...press, data: "\n'\u0000😀" }],
  ])("%s", (_name, query, expected) => {
    expect(pressed(query)).toEqual({ press: expected, query: "77" });
  });

  it.each<[object, string]>([
    [{ data: undefined, game_short_name: "chess" }, "callback query without data"],
    [{ data: "" }, "callback query without data"],
    [{ data: 7 }, "callback query without data"],
    [{ message: undefined, inline_message_id: "AAA" }, "callback query without message"],
    [{ message: null }, "callback query without message"],
    [{ message: { ...message, chat: { id: "x" } } }, "callback query without message"],
    [{ from: undefined }, "callback query not from a person"],
    [{ from: { id: "7" } }, "callback query not from a person"],
    [{ from: { id: 9, is_bot: true } }, "callback query not from a person"],
  ])("passes over %j, and answers", (query, reason) => {
    expect(pressed(query)).toEqual({ ignored: reason, query: "77" });
  });

  it.each([[null], [7], [{}], [{ id: 7 }], [[]]])("passes over %j", (query) => {
    const parsed = parseUpdate({ update_id: 1, callback_query: query }, "tg", me);
    expect(parsed).toEqual({ ignored: "malformed callback query" });
  });

  it("never throws, and never gives an empty press", () => {
    const chat = fc.oneof(fc.record({ id: fc.oneof(fc.integer(), fc.anything()) }), fc.anything());
    const parts = {
      id: fc.oneof(fc.string(), fc.anything()),
      from: fc.oneof(fc.record({ id: fc.oneof(fc.integer(), fc.anything()), is_bot: fc.boolean() }), fc.anything()),
      message: fc.oneof(
        fc.record({ chat, message_thread_id: fc.anything(), is_topic_message: fc.boolean() }),
        fc.anything(),
      ),
      data: fc.oneof(fc.string(), fc.anything()),
    };
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.record(parts, { requiredKeys: [] })), (query) => {
        const parsed = parseUpdate({ update_id: 1, callback_query: query }, "tg", me);
        if ("press" in parsed) expect([parsed.press.data, parsed.query]).not.toContain("");
        else expect("ignored" in parsed && parsed.ignored).not.toBe("");
      }),
      { numRuns: 1000 },
    );
  });
});
