import { describe, expect, test } from "vitest";
import { textOf } from "../../conformance/agent.ts";
import type { ModelTwin } from "../../twins/models/index.ts";
import { configOf, failureIn, noticesIn, startTwin, Talk, usageIn } from "./agent.ts";

const RECALL = "[[recall blue-\\d+]]";
const SUMMARY = "In short: their colour is blue-42.";

/** Requests of the agent for a summary, and no others. */
const summaries = ({ requests }: ModelTwin) =>
  requests.filter(({ system }) => system.includes("memory of a conversation"));
const forSummary = ({ system }: { system: string }) => system.includes("memory of a conversation");

function long(talk: Talk, exchanges: number, characters: number): void {
  for (let index = 1; index <= exchanges; index++) {
    talk.record(
      `old-${talk.transcript.length}`,
      `question ${index} ${"q".repeat(characters)}`,
      `answer ${index} ${"a".repeat(characters)}`,
    );
  }
}

test("remembers the talk by its transcript, also in a new live session", async () => {
  const twin = await startTwin();
  const talk = new Talk(configOf(twin));
  await talk.say("My colour is blue-42.");
  expect(textOf(await talk.say(RECALL))).toBe("blue-42");
  await talk.close();
  expect(textOf(await talk.say(RECALL))).toBe("blue-42");
  expect(twin.last.said.map(({ role }) => role)).toEqual(["user", "assistant", "user", "assistant", "user"]);
});

test("a state that is not its own counts as none", async () => {
  const twin = await startTwin();
  const talk = new Talk(configOf(twin));
  talk.state = { kind: "other", summary: { text: "blue-1" } };
  talk.record("old", "My colour is blue-42.", "Nice.");
  expect(textOf(await talk.say(RECALL))).toBe("blue-42");
});

test("user and assistant take turns, whatever the transcript holds", async () => {
  const twin = await startTwin();
  const talk = new Talk(configOf(twin));
  const user = { role: "user", at: 1, sender: { id: "test:ada", name: "Ada" } } as const;
  talk.transcript.push(
    { ...user, text: "one", turn: "a" },
    { ...user, text: "two", turn: "a" },
    { role: "notice", text: "Stopped by Ada.", at: 2, turn: "a" },
    { ...user, text: "three", turn: "b" },
    { role: "assistant", text: "four", at: 3, turn: "b" },
    { ...user, text: "five", turn: "c" },
    { role: "notice", text: "It failed.", at: 4, turn: "c" },
  );
  await talk.say("six");
  expect(twin.last.said.map(({ role, text }) => `${role}: ${text}`)).toEqual([
    "user: one\n\ntwo\n\n(The gateway noted: Stopped by Ada.)\n\nthree",
    "assistant: four",
    "user: five\n\n(The gateway noted: It failed.)\n\nsix",
  ]);
});

test("says who speaks where several do", async () => {
  const twin = await startTwin();
  const talk = new Talk(configOf(twin));
  const eve = { id: "test:eve", name: "Eve" };
  talk.transcript.push({ role: "user", text: "hi", at: 1, turn: "a", sender: eve });
  talk.transcript.push({ role: "assistant", text: "hello", at: 2, turn: "a" });
  await talk.say("who am I?");
  expect(twin.last.said.map(({ text }) => text)).toEqual(["Eve: hi", "hello", "Ada: who am I?"]);
});

describe("/compact", () => {
  test("makes a summary of all but the newest messages, which takes their place from then on", async () => {
    const twin = await startTwin();
    twin.on(forSummary, { text: [SUMMARY], usage: { input: 5_000, output: 100 } });
    const talk = new Talk(configOf(twin, { prices: { "twin-model": { input: 1, output: 1 } } }));
    talk.record("first", "My colour is blue-42.", "Nice.");
    long(talk, 19, 100);
    const events = await talk.say("/compact", { phase: "compact" });
    expect(textOf(events)).toMatch(/^Compacted 36 messages, about 1,\d00 tokens, into a summary of 9\.$/);
    expect(usageIn(events)).toEqual([
      { type: "usage", tokensIn: 5_000, tokensOut: 100, cost: 0.0051, costSource: "prices" },
    ]);
    expect(events.at(-1)?.type).toBe("done");
    expect(summaries(twin)[0]?.said[0]?.text).toContain("Ada: My colour is blue-42.");
    expect(summaries(twin)[0]?.said[0]?.text).not.toContain("question 18");

    await talk.close();
    expect(textOf(await talk.say(RECALL))).toBe("blue-42");
    const sent = twin.last.said.map(({ text }) => text).join("\n");
    expect(sent).toContain(SUMMARY);
    expect(sent).toContain("question 18");
    expect(sent).not.toContain("question 17");
  });

  test.each(["openai", "anthropic"] as const)("works at %s", async (provider) => {
    const twin = await startTwin();
    twin.on(forSummary, { text: [SUMMARY] });
    const talk = new Talk(configOf(twin, { provider }));
    long(talk, 5, 100);
    expect(textOf(await talk.say("/compact", { phase: "compact" }))).toContain("Compacted 6 messages");
    expect(textOf(await talk.say(RECALL))).toBe("blue-42");
  });

  test("a second one covers the first", async () => {
    const twin = await startTwin();
    twin.on(forSummary, { text: [SUMMARY] });
    const talk = new Talk(configOf(twin));
    long(talk, 5, 100);
    await talk.say("/compact", { phase: "compact" });
    long(talk, 5, 100);
    await talk.say("/compact", { phase: "compact" });
    const asked = summaries(twin)[1]?.said[0]?.text ?? "";
    expect(asked).toContain(SUMMARY);
    expect(asked.match(/question 1 /g)).toHaveLength(1);
  });

  test("says so where there is nothing to compact", async () => {
    const twin = await startTwin();
    const talk = new Talk(configOf(twin));
    long(talk, 2, 10);
    expect(textOf(await talk.say("/compact", { phase: "compact" }))).toContain("nothing to compact");
    expect(twin.requests).toEqual([]);
  });

  test("leaves all as it was where it fails", async () => {
    const twin = await startTwin();
    const talk = new Talk(configOf(twin));
    talk.record("first", "My colour is blue-42.", "Nice.");
    long(talk, 5, 10);
    twin.fault({ kind: "status", status: 500 }, { times: 3 });
    expect(failureIn(await talk.say("/compact", { phase: "compact" }))).toMatchObject({ retryable: true });
    expect(textOf(await talk.say(RECALL))).toBe("blue-42");
  });
});

describe("a talk that becomes too long", () => {
  const CONTEXT = 2_000;

  test("is compacted before the turn, which people are told", async () => {
    const twin = await startTwin();
    twin.on(forSummary, { text: [SUMMARY] });
    const talk = new Talk(configOf(twin, { context: CONTEXT }));
    talk.record("first", "My colour is blue-42.", "Nice.");
    long(talk, 10, 400);
    const events = await talk.say(RECALL);
    expect(textOf(events)).toBe("blue-42");
    expect(noticesIn(events)).toEqual([expect.stringMatching(/had become long\. Compacted \d+ messages/)]);
    expect(usageIn(events)).toHaveLength(2);
    expect(JSON.stringify(twin.last.said).length / 4).toBeLessThan(CONTEXT);
    expect(JSON.stringify(twin.last.said)).toContain("question 10");

    const next = await talk.say("and now?");
    expect(noticesIn(next)).toEqual([]);
    expect(summaries(twin)).toHaveLength(1);
  });

  test("the summary outlives an attempt that is cut short after it", async () => {
    const twin = await startTwin();
    twin.on(forSummary, { text: [SUMMARY] });
    const talk = new Talk(configOf(twin, { context: CONTEXT }));
    long(talk, 10, 400);
    twin.fault({ kind: "drop", after: 4 }, { when: ({ stream }) => stream });
    expect(failureIn(await talk.say(RECALL))).toMatchObject({ retryable: true });
    await talk.close();
    expect(textOf(await talk.say(RECALL))).toBe("blue-42");
    expect(summaries(twin)).toHaveLength(1);
  });

  test("loses its oldest part for a turn where the summary fails", async () => {
    const twin = await startTwin();
    const talk = new Talk(configOf(twin, { context: CONTEXT }));
    long(talk, 10, 400);
    twin.fault({ kind: "status", status: 400, message: "no summaries here" }, { when: forSummary });
    const events = await talk.say("and now?");
    expect(textOf(events)).toBe("and now?");
    const [notice] = noticesIn(events);
    expect(notice).toContain("no summaries here");
    expect(notice).toContain("without the oldest");
    const sent = JSON.stringify(twin.last.said);
    expect(sent).toContain("question 10");
    expect(sent).not.toContain("question 1 ");
    expect(sent.length / 4).toBeLessThan(CONTEXT);
  });

  test("is measured by what the model counts", async () => {
    const twin = await startTwin();
    twin.on(forSummary, { text: [SUMMARY] });
    const talk = new Talk(configOf(twin, { context: 10_000 }));
    long(talk, 10, 800);
    // About 4,000 tokens by the characters, and twice as many by the model's account.
    twin.on(/count/, (request) => ({
      text: ["counted"],
      usage: { input: Math.ceil(JSON.stringify(request.said).length / 2), output: 1 },
    }));
    expect(noticesIn(await talk.say("count"))).toEqual([]);
    await talk.close();
    expect(noticesIn(await talk.say("count"))).toHaveLength(1);
  });

  test("a message that is longer than all else goes to the model alone", async () => {
    const twin = await startTwin();
    const talk = new Talk(configOf(twin, { context: CONTEXT }));
    long(talk, 2, 10);
    const text = `[[say yes]] ${"long ".repeat(4_000)}`;
    const events = await talk.say(text);
    expect(textOf(events)).toBe("yes");
    expect(noticesIn(events)).toEqual([expect.stringContaining("without the oldest 4 messages")]);
    expect(twin.requests).toHaveLength(1);
    expect(twin.last.said).toHaveLength(1);
    expect(twin.last.said.at(-1)?.text).toContain(text.trim());
  });

  test("reads as much of a long transcript as it can use, and no more", async () => {
    const twin = await startTwin();
    const limits: number[] = [];
    const talk = new Talk(configOf(twin, { context: CONTEXT }), {
      transcript: async (limit) => {
        limits.push(limit);
        return talk.transcript.slice(-limit);
      },
    });
    long(talk, 5_000, 10);
    twin.on(forSummary, { text: [SUMMARY] });
    await talk.say("hello");
    expect(limits.at(-1)).toBeLessThan(2_000);
  });
});
