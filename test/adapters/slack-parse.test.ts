import { describe, expect, it } from "vitest";
import { type Context, parseCallback, parseCommand } from "../../adapters/slack/parse.ts";
import { decode } from "../../adapters/slack/text.ts";

const context: Context = {
  name: "slack",
  me: { team: "T1", user: "UBOT" },
  sessionPer: "thread",
  nameOf: (user) => ({ U1: "Ada", U2: "Bob" })[user] ?? user,
};

const message = {
  type: "message",
  user: "U1",
  text: "hello",
  channel: "C1",
  channel_type: "channel",
  ts: "1700000000.000100",
};

const parse = (event: unknown, with_: Partial<Context> = {}) =>
  parseCallback({ type: "event_callback", team_id: "T1", event }, { ...context, ...with_ });

describe("a message", () => {
  it("in a direct conversation speaks to the bot, in the conversation as a whole", () => {
    expect(parse({ ...message, channel: "D1", channel_type: "im" })).toEqual({
      event: {
        channel: "slack:T1/D1",
        id: "1700000000.000100",
        sender: { id: "slack:U1", name: "Ada" },
        text: "hello",
        sentAt: 1_700_000_000_000,
        addressed: true,
        direct: true,
      },
    });
  });

  it.each<[string, object, Partial<Context>, object]>([
    ["in a channel is overheard", {}, {}, { channel: "slack:T1/C1/1700000000.000100", addressed: false }],
    [
      "that mentions the bot begins a thread",
      { text: "<@UBOT> do it" },
      {},
      { channel: "slack:T1/C1/1700000000.000100", addressed: true, text: "do it", direct: false },
    ],
    [
      "that is told as a mention is the same one",
      { type: "app_mention", text: "<@UBOT> do it", channel_type: undefined },
      {},
      { channel: "slack:T1/C1/1700000000.000100", id: "1700000000.000100", addressed: true, text: "do it" },
    ],
    [
      "in a thread follows it",
      { thread_ts: "1600000000.000001" },
      {},
      { channel: "slack:T1/C1/1600000000.000001", addressed: false, follows: true },
    ],
    [
      "in a thread that mentions the bot is for it",
      { thread_ts: "1600000000.000001", text: "so, <@UBOT>, go on" },
      {},
      { channel: "slack:T1/C1/1600000000.000001", addressed: true, text: "so, , go on" },
    ],
    [
      "that began a thread stays where it was",
      { channel: "D1", channel_type: "im", thread_ts: "1700000000.000100" },
      {},
      { channel: "slack:T1/D1" },
    ],
    [
      "in a thread of a direct conversation belongs there",
      { channel: "D1", channel_type: "im", thread_ts: "1600000000.000001" },
      {},
      { channel: "slack:T1/D1/1600000000.000001", addressed: true, direct: true },
    ],
    [
      "in a group conversation is no direct one",
      { channel: "G1", channel_type: "mpim", text: "<@UBOT> hi" },
      {},
      { channel: "slack:T1/G1/1700000000.000100", addressed: true, direct: false },
    ],
    [
      "belongs to the whole channel where sessions are so",
      { text: "<@UBOT> hi" },
      { sessionPer: "channel" },
      { channel: "slack:T1/C1", addressed: true },
    ],
    [
      "shown in the channel too is a reply",
      { subtype: "thread_broadcast", thread_ts: "1600000000.000001" },
      {},
      { follows: true },
    ],
    [
      "with files names them",
      {
        subtype: "file_share",
        files: [
          { name: "a [1].png", mimetype: "image/png", size: 2048, url_private: "https://files/a" },
          { title: "b", permalink: "https://files/b" },
          { name: "no address" },
          "no file",
        ],
      },
      {},
      {
        text: "hello\n[file: a  1 .png (image/png, 2 KiB)](https://files/a)\n[file: b](https://files/b)\n[file: no address]",
      },
    ],
    [
      "with files has those that Slack keeps, and still has",
      {
        subtype: "file_share",
        files: [
          { id: "F1", name: "a [1].png", mimetype: "image/png", size: 2048, url_private: "https://files/a" },
          { id: "F2", mode: "tombstone" },
          { id: "F3", name: "plan", mode: "external", is_external: true, url_private: "https://docs.example/plan" },
          { id: "F4", name: "old.txt", mode: "hidden_by_limit", size: 3, url_private: "https://files/old" },
          { id: "F5", file_access: "check_file_info", mode: "file_access" },
          { id: 7, name: "odd" },
        ],
      },
      {},
      {
        files: [
          { id: "F1", name: "a [1].png", type: "image/png", size: 2048 },
          { id: "F5", name: "file", type: "application/octet-stream", size: 0 },
        ],
        text: [
          "hello",
          "[file: a  1 .png (image/png, 2 KiB)](https://files/a)",
          "[file: file (not there any more)]",
          "[file: plan](https://docs.example/plan)",
          "[file: old.txt (not there any more)]",
          "[file: file]",
          "[file: odd]",
        ].join("\n"),
      },
    ],
    [
      "of nothing but a file speaks",
      { text: "", files: [{ name: "a", url_private: "https://f" }] },
      {},
      { text: "[file: a](https://f)" },
    ],
  ])("%s", (_name, change, with_, expected) => {
    expect(parse({ ...message, ...change }, with_)).toEqual({ event: expect.objectContaining(expected) });
  });

  it("of another team's installation of the app is passed over", () => {
    const body = { type: "event_callback", team_id: "T2", event: message };
    expect(parseCallback(body, context)).toEqual({ ignored: "event of another workspace" });
    const shared = { ...body, authorizations: [{ team_id: "T1" }] };
    expect(parseCallback(shared, context)).toHaveProperty("event");
  });

  it.each([
    ["the bot's own", { user: "UBOT" }],
    ["another bot's", { bot_id: "B1" }],
    ["one that tells of somebody who joined", { subtype: "channel_join" }],
    ["one without text", { text: "<@UBOT>" }],
    ["one of no form", { ts: 7 }],
    ["another event", { type: "reaction_added" }],
  ])("%s is passed over", (_name, change) => {
    expect(parse({ ...message, ...change })).toEqual({ ignored: expect.stringMatching(/./) });
  });
});

describe("a change", () => {
  const changed = { type: "message", channel: "C1", channel_type: "channel", ts: "1700000009.000000" };
  const before = { ...message, text: "before" };

  it("names the message and its new text", () => {
    const event = {
      ...changed,
      subtype: "message_changed",
      previous_message: before,
      message: { ...message, text: "<@UBOT> after" },
    };
    expect(parse(event)).toEqual({
      amendment: { channel: "slack:T1/C1/1700000000.000100", id: "1700000000.000100", text: "after" },
    });
  });

  it("in a thread belongs there", () => {
    const thread_ts = "1600000000.000001";
    const event = {
      ...changed,
      subtype: "message_changed",
      previous_message: before,
      message: { ...message, thread_ts },
    };
    expect(parse(event)).toEqual({ amendment: expect.objectContaining({ channel: `slack:T1/C1/${thread_ts}` }) });
  });

  it("that shows a link's preview changes nothing", () => {
    const event = {
      ...changed,
      subtype: "message_changed",
      previous_message: before,
      message: { ...before, attachments: [] },
    };
    expect(parse(event)).toHaveProperty("ignored");
  });

  it("of the bot's own message is passed over", () => {
    const own = { ...message, user: "UBOT", bot_id: "B1" };
    const event = { ...changed, subtype: "message_changed", previous_message: own, message: { ...own, text: "more" } };
    expect(parse(event)).toHaveProperty("ignored");
    expect(
      parse({ ...changed, subtype: "message_deleted", deleted_ts: message.ts, previous_message: own }),
    ).toHaveProperty("ignored");
  });

  it.each([
    ["a deletion", { subtype: "message_deleted", deleted_ts: message.ts, previous_message: before }],
    [
      "a deletion that leaves a stone, because there are replies",
      {
        subtype: "message_changed",
        previous_message: before,
        message: { ts: message.ts, subtype: "tombstone", user: "USLACKBOT" },
      },
    ],
  ])("%s", (_name, event) => {
    expect(parse({ ...changed, ...event })).toEqual({
      amendment: { channel: "slack:T1/C1/1700000000.000100", id: message.ts, text: null },
    });
  });
});

describe("a slash command", () => {
  const commands = new Set(["status", "stop"]);
  const body = { team_id: "T1", channel_id: "C1", user_id: "U1", trigger_id: "1.2.3", command: "/switchboard" };
  const textOf = (command: string, text: string) => {
    const parsed = parseCommand({ ...body, command, text }, context, commands, 5);
    return "event" in parsed ? parsed.event.text : parsed;
  };

  it("speaks to the bot in the conversation as a whole", () => {
    expect(parseCommand({ ...body, text: "status" }, context, commands, 5)).toEqual({
      event: {
        channel: "slack:T1/C1",
        id: "1.2.3",
        sender: { id: "slack:U1", name: "Ada" },
        text: "/status",
        sentAt: 5,
        addressed: true,
        direct: false,
      },
    });
  });

  it.each([
    ["/switchboard", "stop now", "/stop now"],
    ["/switchboard", "/stop now", "/stop now"],
    ["/switchboard", "what is the status?", "what is the status?"],
    ["/switchboard", "", "/help"],
    ["/switchboard-stop", "", "/stop"],
    ["/Stop", "it", "/stop it"],
  ])("%s %s", (command, text, expected) => {
    expect(textOf(command, text)).toBe(expected);
  });

  it("of no form is passed over", () => {
    expect(parseCommand({ ...body, trigger_id: "" }, context, commands, 5)).toHaveProperty("ignored");
    expect(parseCommand(null, context, commands, 5)).toHaveProperty("ignored");
  });
});

describe("Slack's encoding", () => {
  it.each([
    ["a &lt;b&gt; &amp;amp; c", "a <b> &amp; c", false],
    ["<@UBOT> hi", "hi", true],
    ["hi <@UBOT|switchboard>", "hi", true],
    ["a <@UBOT> b", "a b", true],
    ["ask <@U2> and <@U9|eve>", "ask @Bob and @U9", false],
    ["in <#C1|general> and <#C2>", "in #general and #C2", false],
    ["<!here> <!channel> <!subteam^S1|@team> <!date^1^{date}|today>", "@here @channel @team today", false],
    ["<https://a.b/c?d=1&amp;e>", "https://a.b/c?d=1&e", false],
    ["<http://a.b|a.b> <mailto:x@y.z|x@y.z> <https://a.b|the page>", "a.b x@y.z [the page](https://a.b)", false],
    ["half < open <@UBOT", "half < open <@UBOT", false],
    ["<>", "", false],
  ])("%j", (encoded, text, mentioned) => {
    const nameOf = (user: string) => context.nameOf(user);
    expect(decode(encoded, "UBOT", nameOf)).toEqual({ text, mentioned });
  });
});
