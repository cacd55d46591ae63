import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { AgentTurn } from "../../../src/agent.ts";
import type { AgentEvent, Attachment } from "../../../src/model.ts";
import { collect, textOf, turnOf } from "../../conformance/agent.ts";
import { type Abilities, failureIn, noticesIn, testAgent } from "./harness.ts";

async function saying(updates: readonly object[], can: Abilities = {}): Promise<AgentEvent[]> {
  const events = await collect(await testAgent(can).open(), `updates ${JSON.stringify(updates)}`);
  return events.filter(({ type }) => type !== "state" && type !== "alive");
}

const said = (text: string, more = {}) => ({
  ...{ sessionUpdate: "agent_message_chunk", content: { type: "text", text } },
  ...more,
});

describe("what an agent reports", () => {
  test("of every kind reaches people as what it is", async () => {
    const events = await saying([
      { sessionUpdate: "agent_thought_chunk", content: { type: "text", text: "hm" } },
      { sessionUpdate: "tool_call", toolCallId: "1", title: "Read\n a file", status: "pending" },
      { sessionUpdate: "tool_call_update", toolCallId: "1", status: "in_progress" },
      { sessionUpdate: "tool_call_update", toolCallId: "1", title: "Read a.txt", status: "completed" },
      { sessionUpdate: "tool_call_update", toolCallId: "2", kind: "fetch", status: "failed" },
      {
        sessionUpdate: "plan",
        entries: [
          { content: "dig", priority: "high", status: "completed" },
          { content: "plant", priority: "low", status: "in_progress" },
          { content: "water", priority: "low", status: "pending" },
        ],
      },
      { sessionUpdate: "notice", severity: "warning", title: "Careful", description: "it is hot" },
      { sessionUpdate: "compaction_update", compactionId: "c", status: "completed" },
      said("done"),
    ]);
    expect(events.slice(0, -1)).toEqual([
      { type: "thought", delta: "hm" },
      { type: "tool", id: "1", title: "Read a file", status: "running" },
      { type: "tool", id: "1", title: "Read a.txt", status: "done" },
      { type: "tool", id: "2", title: "fetch", status: "failed" },
      {
        type: "todo",
        items: [
          { text: "dig", status: "done" },
          { text: "plant", status: "running" },
          { text: "water", status: "open" },
        ],
      },
      { type: "notice", text: "**Careful**: it is hot" },
      { type: "notice", text: "The agent has shortened its memory of this session." },
      { type: "text", delta: "done" },
    ]);
  });

  test("of an unknown or odd kind is a sign of life, costs nothing else, and is printed nowhere", async () => {
    const printed = (["error", "warn", "log"] as const).map((name) => vi.spyOn(console, name));
    onTestFinished(() => printed.forEach((spy) => void spy.mockRestore()));
    const events = await collect(
      await testAgent().open(),
      `updates ${JSON.stringify([
        { sessionUpdate: "subagent_spawned", name: "scout" },
        { sessionUpdate: "plan" },
        { sessionUpdate: "tool_call", title: 7 },
        { odd: true },
        said("still here"),
      ])}`,
    );
    expect(textOf(events)).toBe("still here");
    expect(events.at(-1)?.type).toBe("done");
    expect(printed.flatMap((spy) => spy.mock.calls)).toEqual([]);
  });

  test("by a notification that nobody knows is printed nowhere", async () => {
    const printed = vi.spyOn(console, "error");
    onTestFinished(() => printed.mockRestore());
    const session = await testAgent().open();
    await collect(session, `notify ${JSON.stringify(["elicitation/complete", { odd: 1 }])}`);
    await collect(session, `notify ${JSON.stringify(["session/update", { odd: 1 }])}`);
    expect((await collect(session, `notify ${JSON.stringify(["_own/thing", {}])}`)).at(-1)?.type).toBe("done");
    expect(printed.mock.calls).toEqual([]);
  });

  test("in several messages reads as several", async () => {
    expect(
      textOf(
        await saying([
          said("One", { messageId: "a" }),
          said(" more.", { messageId: "a" }),
          said("Two.", { messageId: "b" }),
        ]),
      ),
    ).toBe("One more.\n\nTwo.");
    const tool = { sessionUpdate: "tool_call", toolCallId: "1", title: "Look", status: "completed" };
    expect(textOf(await saying([said("I look."), tool, said("I saw.")]))).toBe("I look.\n\nI saw.");
  });

  test("of its cost is billed once, and never again after it was restored", async () => {
    const agent = testAgent({ cost: true, load: true });
    const costs = (events: readonly AgentEvent[]) =>
      events.flatMap((event) => (event.type === "usage" ? [event.cost ?? 0] : []));
    const session = await agent.open();
    expect(costs(await collect(session, "echo one"))).toEqual([0.25]);
    const second = await collect(session, "echo two");
    expect(costs(second)).toEqual([0.25]);
    expect(second.find(({ type }) => type === "usage")).toMatchObject({ costSource: "agent" });
    await session.close();
    const end = second.at(-1);
    const state = end?.type === "done" ? end.state : undefined;
    const again = await agent.open(state === undefined ? {} : { state });
    expect(costs(await collect(again, "echo three"))).toEqual([0.25]);
  });

  test.each([
    [
      { inputTokens: 10, outputTokens: 5, totalTokens: 15 },
      { tokensIn: 10, tokensOut: 5 },
    ],
    [
      { inputTokens: 10, outputTokens: 5, cachedReadTokens: 100, cachedWriteTokens: 1, totalTokens: 116 },
      { tokensIn: 111, tokensOut: 5 },
    ],
    [
      { inputTokens: 110, outputTokens: 5, cachedReadTokens: 100, totalTokens: 115 },
      { tokensIn: 110, tokensOut: 5 },
    ],
  ])("of its tokens %o is counted", async (usage, expected) => {
    const events = await collect(await testAgent().open(), `used ${JSON.stringify(usage)}`);
    expect(events).toContainEqual({ type: "usage", ...expected });
  });
});

describe("why an agent stops", () => {
  test.each([
    ["max_tokens", "breaks off"],
    ["max_turn_requests", "as often as it may"],
    ["cancelled", "not allowed"],
    ["tired", '"tired"'],
  ])("%s ends the turn with a notice", async (reason, notice) => {
    const events = await collect(await testAgent().open(), `stop ${reason}`);
    expect(events.at(-1)?.type).toBe("done");
    expect(noticesIn(events)).toEqual([expect.stringContaining(notice)]);
  });

  test("a refusal is a failure that no repetition mends", async () => {
    const events = await collect(await testAgent().open(), "stop refusal");
    expect(failureIn(events)).toMatchObject({ code: "ACP_REFUSED", retryable: false });
  });
});

describe("what an agent is told", () => {
  test("the operator's words once, and again where they change", async () => {
    const agent = testAgent({ load: true });
    const session = await agent.open();
    await collect(session, "echo one", { systemPrompt: "Be brief." });
    await collect(session, "echo two", { systemPrompt: "Be brief." });
    const third = await collect(session, "echo three", { systemPrompt: "Be long." });
    await session.close();
    const end = third.at(-1);
    const again = await agent.open(end?.type === "done" && end.state !== undefined ? { state: end.state } : {});
    await collect(again, "echo four", { systemPrompt: "Be long." });
    expect(textOf(await collect(again, "recall"))).toBe(
      "Be brief.\n\necho one | echo two | Be long.\n\necho three | echo four | recall",
    );
  });

  const image: Attachment = { id: "i", name: "cat.png", type: "image/png", size: 4 };
  const text: Attachment = { id: "t", name: "a.md", type: "text/markdown", size: 5 };
  const gone: Attachment = { id: "g", name: "gone.txt", type: "text/plain", size: 5 };
  const blocksFor = async (can: Abilities, files: readonly Attachment[]) => {
    const turn = turnOf("blocks");
    const read: AgentTurn["read"] = async ({ id }) => {
      if (id === "g") throw new Error("it was deleted");
      return Buffer.from(id === "i" ? "cats" : "hello");
    };
    const messages = turn.messages.map((message) => ({ ...message, files }));
    const session = await testAgent(can).open();
    let said = "";
    for await (const event of session.run({ ...turn, messages, read })) if (event.type === "text") said += event.delta;
    return JSON.parse(said);
  };

  test("images and texts as such where it takes them", async () => {
    expect(await blocksFor({ image: true, embedded: true }, [image, text])).toEqual([
      { type: "text", text: "blocks" },
      {
        type: "image",
        mimeType: "image/png",
        data: Buffer.from("cats").toString("base64"),
        uri: expect.stringMatching(/^file:/),
      },
      {
        type: "resource",
        resource: { uri: expect.stringMatching(/a\.md$/), mimeType: "text/markdown", text: "hello" },
      },
    ]);
  });

  test("else a link to the image and the text itself; and what can't be had", async () => {
    expect(await blocksFor({}, [image, text, gone])).toEqual([
      { type: "text", text: "blocks\n\n(The file gone.txt could not be had: it was deleted)" },
      {
        type: "resource_link",
        name: "cat.png",
        uri: expect.stringMatching(/^file:.*cat\.png$/),
        mimeType: "image/png",
        size: 4,
      },
      { type: "text", text: "The file a.md:\n\nhello" },
    ]);
  });
});

describe("to shorten its memory", () => {
  test("an agent is told by its own command", async () => {
    const session = await testAgent({ commands: [{ name: "compact", description: "" }] }).open();
    await collect(session, "echo one");
    expect(textOf(await collect(session, "whatever people wrote", { phase: "compact" }))).toBe("compacted by /compact");
  });

  test("is not what an agent can that has no such command, which is said", async () => {
    const session = await testAgent({ commands: [{ name: "review", description: "" }] }).open();
    const events = await collect(session, "", { phase: "compact" });
    expect(textOf(events)).toContain("no way to shorten its memory");
    expect(events.at(-1)?.type).toBe("done");
  });
});

test("an agent is read no faster than its answer is taken", async () => {
  const agent = testAgent();
  const session = await agent.open();
  const events = session.run(turnOf("flood 30000000"))[Symbol.asyncIterator]();
  while ((await events.next()).value?.type !== "text");
  const sent = () => Number(agent.lines("sent").at(-1) ?? 0);
  let before = -1;
  while (before !== sent()) {
    before = sent();
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  expect(before).toBeLessThan(5_000_000);
  await session.close();
});
