/** Parts that are longer than a message, on their way to Discord: as files, once, and as messages where no file is taken. */
import { describe, expect, it, onTestFinished } from "vitest";
import type { Action } from "../../src/channel.ts";
import { eventually } from "../support/eventually.ts";
import { adapterOn, stage } from "./discord-stage.ts";

const { signal } = new AbortController();
const POST = "POST /channels/:channel/messages";
const CODE = Array.from({ length: 300 }, (_, i) => `line${i};`).join("\n");
const FENCE = `\`\`\`ts\n${CODE}\n\`\`\``;
const ANSWER = Array.from({ length: 60 }, (_, i) => `**Point ${i}**: ${`words${i} `.repeat(25)}äé東`).join("\n\n");
const APPROVE: Action = { kind: "button", label: "Approve", data: "approve" };

async function talk(...options: Parameters<typeof stage>) {
  const staged = await stage(...options);
  const { twin, adapter } = staged;
  const ada = twin.user({ username: "ada" });
  const room = twin.guild("Team").text("general");
  const channel = `discord:${room.id}` as const;
  const sendAll = async (parts: readonly string[]) => {
    for (const [i, part] of parts.entries()) await adapter.send(channel, part, { key: `part ${i}`, signal });
  };
  const words = (text: string) => text.match(/\w+\d+/g) ?? [];
  const shownWords = () =>
    words(
      room
        .messages()
        .map(({ text }) => text)
        .join(" "),
    );
  return { ...staged, ada, room, channel, sendAll, words, shownWords };
}

describe("files for Discord", () => {
  it("hold all of a long answer, below its beginning", async () => {
    const { twin, adapter, room, sendAll } = await talk();
    await sendAll(adapter.split(ANSWER));
    const shown = room.messages();
    expect(shown.map(({ files }) => files)).toEqual([[], [], [], [{ name: "answer.md", text: ANSWER }]]);
    expect(shown[0]?.text).toMatch(/^Point 0: words0 /);
    expect(shown[3]?.text).toBe("The whole answer: answer.md");
    const { params } = twin.calls(POST).at(-1) ?? {};
    expect(params).toMatchObject({ allowed_mentions: { parse: [] }, enforce_nonce: true });
    expect(params?.files).toMatchObject([{ index: "0", type: "text/plain; charset=utf-8" }]);
  });

  it("hold code that would have to be cut, with what can be done about it below", async () => {
    const { twin, adapter, ada, room, channel } = await talk();
    const replyTo = room.say(ada, "show me").id;
    const [intro = "", code = "", end = ""] = adapter.split(`Here:\n\n${FENCE}\n\nDone.`);
    expect([intro, end]).toEqual(["Here:", "Done."]);
    const ref = await adapter.send(channel, code, { key: "k", signal, replyTo, actions: [APPROVE] });
    expect(room.messages()).toMatchObject([
      { id: ref, text: "The code: code.ts", files: [{ name: "code.ts", text: `${CODE}\n` }], replyTo },
    ]);
    expect(room.messages()[0]?.components).toMatchObject([{ label: "Approve" }]);
    expect(twin.calls(POST)).toHaveLength(1);
  });

  it("are shown once, however often the reply is lost, and whoever repeats the send", async () => {
    const { twin, adapter, room, channel } = await talk();
    twin.fault({ kind: "drop-after", method: POST });
    twin.fault({ kind: "5xx", method: POST });
    const ref = await adapter.send(channel, FENCE, { key: "k", signal });
    const other = adapterOn(twin);
    onTestFinished(() => other.close());
    expect(await other.send(channel, FENCE, { key: "k", signal })).toBe(ref);
    expect(room.messages()).toMatchObject([{ id: ref, files: [{ name: "code.ts" }] }]);
  });

  it("are found by another process when Discord has forgotten their nonce", async () => {
    const { twin, adapter, room, channel } = await talk({}, { nonceWindow: 0 });
    const since = Date.now() - 60_000;
    twin.fault({ kind: "hang-after", method: POST });
    const killed = adapterOn(twin);
    const sending = killed.send(channel, ANSWER, { key: "k", signal });
    sending.catch(() => {});
    await eventually(() => room.messages().length === 1, "it is posted");
    await killed.close();
    await expect(sending).rejects.toMatchObject({ kind: "unknown" });
    expect(await adapter.lookup(channel, "k", since, signal)).toBe(room.messages()[0]?.id);
    expect(room.messages()).toMatchObject([{ files: [{ name: "answer.md", text: ANSWER }] }]);
  });

  it("wait with everything else where Discord asks for a pause", async () => {
    const { twin, adapter, room, channel } = await talk();
    twin.fault({ kind: "429", method: POST, retryAfter: 30 });
    const options = { key: "k", signal };
    await expect(adapter.send(channel, FENCE, options)).rejects.toMatchObject({ kind: "limited" });
    await expect(adapter.send(channel, "x", options)).rejects.toMatchObject({ kind: "limited" });
    expect(twin.calls(POST)).toHaveLength(1);
    expect(room.messages()).toEqual([]);
  });

  it("are not sent where that is not permitted any more", async () => {
    const { twin, adapter, channel } = await talk();
    const sending = adapter.send(channel, FENCE, { key: "k", signal, permit: () => false });
    await expect(sending).rejects.toMatchObject({ kind: "unavailable" });
    expect(twin.calls(POST)).toEqual([]);
  });
});

describe("where Discord takes no file", () => {
  it.each([
    ["it is too large", { uploadLimit: 1000 }, false],
    ["the bot may attach none", {}, true],
  ])("because %s, all is said in messages", async (_name, options, fileless) => {
    const { adapter, room, sendAll, words, shownWords } = await talk({}, options);
    room.fileless = fileless;
    await sendAll(adapter.split(ANSWER));
    expect(shownWords()).toEqual(words(ANSWER));
    expect(room.messages().flatMap(({ files }) => files)).toEqual([]);
  });

  it("the first of the messages is the reply, and the last has the buttons", async () => {
    const { adapter, ada, room, channel, words, shownWords } = await talk();
    room.fileless = true;
    const replyTo = room.say(ada, "show me").id;
    const ref = await adapter.send(channel, FENCE, { key: "k", signal, replyTo, actions: [APPROVE] });
    expect(shownWords()).toEqual(words(CODE));
    const shown = room.messages();
    expect(shown.length).toBeGreaterThan(1);
    expect(shown.at(-1)?.id).toBe(ref);
    expect(shown.map((message) => message.replyTo)).toEqual([replyTo, ...shown.slice(1).map(() => undefined)]);
    expect(shown.map(({ components }) => components.length)).toEqual([...shown.slice(1).map(() => 0), 1]);
  });

  it("a send that broke off goes on where it was, also when Discord has forgotten every nonce", async () => {
    const { twin, adapter, room, channel, words, shownWords } = await talk({}, { nonceWindow: 0 });
    room.fileless = true;
    const since = Date.now() - 60_000;
    twin.fault({ kind: "hang-after", method: POST, after: 2 });
    const killed = adapterOn(twin);
    const sending = killed.send(channel, ANSWER, { key: "k", signal });
    sending.catch(() => {});
    await eventually(() => room.messages().length === 2, "two messages stand");
    await killed.close();
    await expect(sending).rejects.toMatchObject({ kind: "unknown" });
    expect(await adapter.lookup(channel, "k", since, signal)).toBeUndefined();
    const ref = await adapter.send(channel, ANSWER, { key: "k", signal });
    const left = adapter.split(ANSWER).slice(0, 3).flatMap(words);
    expect(shownWords()).toEqual(words(ANSWER).slice(left.length));
    expect(await adapter.lookup(channel, "k", since, signal)).toBe(ref);
  });

  it("nothing is parked while an earlier try may stand", async () => {
    const { twin, adapter, room, channel } = await talk();
    room.fileless = true;
    twin.fault({ kind: "5xx", method: POST });
    await expect(adapter.send(channel, FENCE, { key: "k", signal })).rejects.toMatchObject({ kind: "unknown" });
    expect(room.messages()).toEqual([]);
    await adapter.send(channel, FENCE, { key: "k", signal });
    expect(room.messages().length).toBeGreaterThan(1);
  });

  it("it is said what right is missing where nothing may be written at all", async () => {
    const { adapter, room, channel } = await talk();
    room.barrier = "muted";
    await expect(adapter.send(channel, FENCE, { key: "k", signal })).rejects.toMatchObject({
      kind: "refused",
      message: expect.stringMatching(/50013.*right to send/),
    });
  });
});
