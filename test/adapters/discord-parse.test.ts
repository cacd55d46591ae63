import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseDelete, parseInteraction, parseMessage, parseUpdate } from "../../adapters/discord/parse.ts";
import { parsePress } from "../../adapters/discord/press.ts";
import { timeOf } from "../../adapters/discord/snowflake.ts";

const ME = "1180000000000000001";
const ROLE = "1180000000000000002";
const ADA = "1180000000000000007";
const BOB = "1180000000000000008";
const me = { id: ME, roles: new Set([ROLE]) };
const ada = { id: ADA, username: "ada", global_name: "Ada L" };
const bot = { id: ME, username: "bot", bot: true };
const base = {
  id: "1180000000000000100",
  channel_id: "1180000000000000050",
  guild_id: "1180000000000000040",
  type: 0,
  author: ada,
  mentions: [],
};

const eventOf = (message: object) => {
  const parsed = parseMessage({ ...base, ...message }, "dc", me);
  if ("ignored" in parsed) throw new Error(parsed.ignored);
  return parsed.event;
};

describe("parsing a message", () => {
  it("a direct one", () => {
    expect(parseMessage({ ...base, guild_id: undefined, content: " hello " }, "dc", me)).toEqual({
      event: {
        channel: "dc:1180000000000000050",
        id: "1180000000000000100",
        sender: { id: `dc:${ADA}`, name: "Ada L" },
        text: "hello",
        sentAt: timeOf("1180000000000000100"),
        addressed: true,
        direct: true,
      },
    });
  });

  it.each<[string, object, object]>([
    ["small talk is overheard", { content: "hi all" }, { text: "hi all", addressed: false, direct: false }],
    ["a mention", { content: `<@${ME}> do it` }, { text: "do it", addressed: true }],
    ["a mention of the old kind", { content: `<@!${ME}> do it` }, { text: "do it", addressed: true }],
    ["a mention of the bot's role", { content: `<@&${ROLE}> do it` }, { text: "do it", addressed: true }],
    ["a mention of another role", { content: "<@&1180000000000000009> x" }, { addressed: false }],
    ["a mention behind", { content: `do it <@${ME}>` }, { text: "do it", addressed: true }],
    ["a mention within", { content: `so <@${ME}> what` }, { text: "so what", addressed: true }],
    ["mentions in a row", { content: `so <@${ME}> <@${ME}> what` }, { text: "so what", addressed: true }],
    [
      "somebody else's mention",
      { content: `ask <@${BOB}> x`, mentions: [{ id: BOB, username: "bob", global_name: "Bob" }] },
      { text: "ask @Bob x", addressed: false },
    ],
    ["a nickname", { content: "x", member: { nick: "Countess" } }, { sender: { id: `dc:${ADA}`, name: "Countess" } }],
    [
      "a reply to the bot",
      {
        content: "yes",
        type: 19,
        message_reference: { message_id: "1180000000000000099" },
        referenced_message: { author: bot },
      },
      { text: "yes", addressed: true },
    ],
    [
      "a reply to a person",
      {
        content: "yes",
        type: 19,
        message_reference: { message_id: "1180000000000000099" },
        referenced_message: { author: ada },
      },
      { addressed: false, replyTo: "1180000000000000099" },
    ],
    [
      "files",
      {
        content: `<@${ME}> look`,
        attachments: [
          { filename: "a.png", content_type: "image/png", size: 7, url: "https://cdn/a.png" },
          { url: "https://cdn/b" },
        ],
      },
      {
        text: "look\n[file: a.png (image/png, 7 bytes)](https://cdn/a.png)\n[file: unnamed (unknown type)](https://cdn/b)",
      },
    ],
    [
      "a file alone",
      { content: "", attachments: [{ filename: "a", url: "https://cdn/a", size: 1 }] },
      { text: "[file: a (unknown type, 1 bytes)](https://cdn/a)" },
    ],
  ])("%s", (_name, message, expected) => {
    expect(eventOf(message)).toMatchObject(expected);
  });

  it("files that can be had are attached", () => {
    const url = "https://cdn/attachments/1/2/a.png?ex=1&hm=2&";
    const id = "1180000000000000300";
    const png = { id, filename: "a\n.png", content_type: "image/png", size: 7, url };
    const odd = [null, 7, {}, { ...png, id: "7" }, { ...png, url: "file:///etc/passwd" }, { ...png, url: "https://[" }];
    const { files } = eventOf({ content: "look", attachments: [...odd, png, { id, url, size: -1, content_type: 7 }] });
    expect(files).toEqual([
      { id: `${base.id}/${id}/${url}`, name: "a .png", type: "image/png", size: 7 },
      { id: `${base.id}/${id}/${url}`, name: "unnamed", type: "application/octet-stream", size: 0 },
    ]);
    expect(eventOf({ content: "look", attachments: 7 })).not.toHaveProperty("files");
  });

  it("a reply to the bot names its message, and none of a person", () => {
    const reply = { message_reference: { message_id: "1180000000000000099" }, referenced_message: { author: bot } };
    const event = eventOf({ content: "yes", type: 19, ...reply });
    expect(event).toMatchObject({ answers: "1180000000000000099" });
    expect(event).not.toHaveProperty("replyTo");
    const forward = { ...reply.message_reference, type: 1 };
    expect(eventOf({ content: "yes", ...reply, message_reference: forward })).not.toHaveProperty("answers");
  });

  it.each<[object, string]>([
    [{ content: "x", author: bot }, "not from a person"],
    [{ content: "x", webhook_id: "1180000000000000003" }, "not from a person"],
    [{ content: "x", author: { ...ada, system: true } }, "not from a person"],
    [{ content: "" }, "message without text"],
    [{ content: `<@${ME}>` }, "message without text"],
    [{ content: "joined", type: 7 }, "message of Discord's own"],
    [{ content: "x", channel_id: 7 }, "malformed message"],
  ])("passes over %j", (message, reason) => {
    expect(parseMessage({ ...base, ...message }, "dc", me)).toEqual({ ignored: reason });
  });

  it("takes an edit only from a person", () => {
    const edited = { ...base, content: `<@${ME}> better`, edited_timestamp: "2026-11-21T00:00:00Z" };
    const change = { channel: "dc:1180000000000000050", id: base.id, text: "better" };
    expect(parseUpdate(edited, "dc", me)).toEqual({ changes: [change] });
    expect(parseUpdate({ ...edited, edited_timestamp: null }, "dc", me)).toHaveProperty("ignored");
    expect(parseUpdate({ ...edited, author: bot }, "dc", me)).toHaveProperty("ignored");
  });

  it("takes deletions, one and many", () => {
    const place = { channel_id: base.channel_id, guild_id: base.guild_id };
    const gone = (id: string) => ({ channel: "dc:1180000000000000050", id, text: null });
    expect(parseDelete({ ...place, id: base.id }, "dc")).toEqual({ changes: [gone(base.id)] });
    expect(parseDelete({ ...place, ids: [base.id, 7, ADA] }, "dc")).toEqual({ changes: [gone(base.id), gone(ADA)] });
    expect(parseDelete({ ids: [base.id] }, "dc")).toHaveProperty("ignored");
  });
});

describe("parsing an interaction", () => {
  const interaction = {
    id: "1180000000000000200",
    token: "aW50ZXJhY3Rpb246_-",
    type: 2,
    channel_id: base.channel_id,
    data: { type: 1, name: "status" },
  };

  it("a slash command reads as typed", () => {
    const data = { type: 1, name: "model", options: [{ type: 3, name: "text", value: "fast one" }] };
    const member = { user: ada, nick: "Countess" };
    expect(parseInteraction({ ...interaction, data, member, guild_id: base.guild_id }, "dc")).toEqual({
      id: interaction.id,
      token: interaction.token,
      event: {
        channel: "dc:1180000000000000050",
        id: interaction.id,
        sender: { id: `dc:${ADA}`, name: "Countess" },
        text: "/model fast one",
        sentAt: timeOf(interaction.id),
        addressed: true,
        direct: false,
      },
    });
    expect(parseInteraction({ ...interaction, user: ada }, "dc")).toMatchObject({
      event: { text: "/status", direct: true },
    });
  });

  it.each<[object, string]>([
    [{ type: 3 }, "interaction of type 3"],
    [{ data: { type: 2, name: "x" } }, "interaction of type 2"],
    [{ token: "a/../b" }, "malformed interaction"],
    [{ user: undefined }, "malformed interaction"],
  ])("passes over %j", (change, reason) => {
    expect(parseInteraction({ ...interaction, user: ada, ...change }, "dc")).toEqual({ ignored: reason });
    const odd = { ...interaction, user: ada, type: { toString: 0 } };
    expect(parseInteraction(odd, "dc")).toEqual({ ignored: "interaction of type unknown" });
  });
});

it("never throws, and never gives an empty text", () => {
  const snowflake = fc.constantFrom(ME, ADA, base.id, base.channel_id);
  const user = fc.oneof(fc.record({ id: snowflake, username: fc.string(), bot: fc.anything() }), fc.anything());
  const used = fc.record({
    custom_id: fc.oneof(fc.constantFrom("b:x", "s:x", "f:x", "f:x¦y"), fc.anything()),
    values: fc.anything(),
    components: fc.oneof(fc.array(fc.record({ component: fc.anything(), components: fc.anything() })), fc.anything()),
  });
  const attachment = fc.record({
    id: fc.oneof(snowflake, fc.anything()),
    url: fc.oneof(fc.webUrl(), fc.string()),
    filename: fc.oneof(fc.string({ unit: "binary" }), fc.anything()),
    size: fc.anything(),
  });
  const message = fc.record(
    {
      id: fc.oneof(snowflake, fc.anything()),
      channel_id: fc.oneof(snowflake, fc.anything()),
      token: fc.oneof(fc.constant("token"), fc.anything()),
      application_id: fc.oneof(snowflake, fc.anything()),
      message: fc.oneof(fc.record({ author: fc.constant(bot), components: fc.anything() }), fc.anything()),
      type: fc.oneof(fc.constantFrom(0, 2, 3, 5, 19), fc.anything()),
      author: user,
      user,
      content: fc.oneof(fc.string(), fc.constantFrom(`<@${ME}>`, `<@&${ROLE}> x`)),
      mentions: fc.oneof(fc.array(user), fc.anything()),
      attachments: fc.oneof(fc.array(fc.oneof(attachment, fc.anything())), fc.anything()),
      edited_timestamp: fc.oneof(fc.constant("now"), fc.anything()),
      referenced_message: fc.anything(),
      message_reference: fc.oneof(fc.record({ message_id: snowflake }), fc.anything()),
      data: fc.oneof(fc.record({ name: fc.string(), options: fc.anything() }), used, fc.anything()),
      ids: fc.anything(),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.oneof(fc.anything(), message), (raw) => {
      const said = parseMessage(raw, "dc", me);
      if ("event" in said) {
        expect(said.event.text.trim()).not.toBe("");
        for (const { id, name, size } of said.event.files ?? []) {
          expect([id, name]).not.toContain("");
          expect(size).toBeGreaterThanOrEqual(0);
        }
      }
      const called = parseInteraction(raw, "dc");
      const pressing = parsePress(raw, "dc", me);
      if ("at" in pressing && pressing.press) expect(pressing.press.data).not.toBe("");
      if ("event" in called) expect(called.event.text).toMatch(/^\/./);
      for (const changed of [parseUpdate(raw, "dc", me), parseDelete(raw, "dc")]) {
        if ("changes" in changed) expect(changed.changes).not.toEqual([]);
      }
    }),
    { numRuns: 1500 },
  );
});
