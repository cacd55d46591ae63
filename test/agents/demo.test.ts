import { describe, expect, test } from "vitest";
import { createDemoAgent } from "../../src/agents/demo/index.ts";
import { channelId, type Json } from "../../src/model.ts";
import { collect, describeAgent, textOf } from "../conformance/agent.ts";
import { CountingClock, InstantClock } from "./clock.ts";

describeAgent("demo", {
  start: async () => {
    const clock = new CountingClock();
    return {
      agent: createDemoAgent({ clock }),
      leftovers: async () => Array.from({ length: clock.timers }, () => "a timer"),
      stop: async () => {},
    };
  },
  prompts: {
    echo: (text) => text,
    endless: "slow 600",
    fails: "fail",
    failsOnce: "fail once",
    large: { prompt: "long", atLeast: 12_000 },
    counts: { prompt: "count" },
  },
});

describe("the demo agent's answers", () => {
  const answerTo = async (prompt: string, options: { state?: Json; clock?: InstantClock; wordDelay?: number } = {}) => {
    const { clock = new InstantClock(), wordDelay, state } = options;
    const agent = createDemoAgent({ clock, ...(wordDelay === undefined ? {} : { wordDelay }) });
    const session = await agent.open({
      session: "s",
      channel: channelId("test", "c"),
      transcript: async () => [],
      ...(state === undefined ? {} : { state }),
    });
    return collect(session, prompt);
  };

  test("quotes a text whole, line by line, and hints at help", async () => {
    const text = textOf(await answerTo("two\n\nlines"));
    expect(text).toContain("> two\n> \n> lines\n");
    expect(text).toContain("`help`");
  });

  test.each(["help", "HELP", "  Help me  "])("understands %j by its first word, in any case", async (prompt) => {
    const text = textOf(await answerTo(prompt));
    for (const word of ["slow", "fail", "fail once", "long", "markdown", "count", "help"]) {
      expect(text).toContain(`\`${word}`);
    }
  });

  test("says the same each time", async () => {
    for (const prompt of ["long", "markdown", "help", "anything"]) {
      expect(textOf(await answerTo(prompt))).toBe(textOf(await answerTo(prompt)));
    }
  });

  test("an echo takes less than 100 ms of pauses, however long it is", async () => {
    for (const prompt of ["short", "many words ".repeat(5_000)]) {
      const clock = new InstantClock();
      await answerTo(prompt, { clock });
      expect(clock.asked.length).toBeGreaterThan(1);
      expect(clock.now()).toBeLessThan(100);
    }
  });

  test("streams without a pause where none is wanted", async () => {
    const clock = new InstantClock();
    await answerTo("anything", { clock, wordDelay: 0 });
    expect(clock.asked).toEqual([]);
  });

  test("slow says a line each second", async () => {
    const clock = new InstantClock();
    const text = textOf(await answerTo("slow 3", { clock }));
    expect(clock.asked).toEqual([1_000, 1_000, 1_000]);
    expect(text).toContain("3 of 3");
  });

  test.each([
    ["slow", 10],
    ["slow down", 10],
    ["slow 0", 1],
    ["slow -5", 1],
    ["slow 99999", 600],
  ])("%j takes %i s", async (prompt, seconds) => {
    const clock = new InstantClock();
    await answerTo(prompt, { clock });
    expect(clock.now()).toBe(seconds * 1_000);
  });

  test("long numbers its blocks without a gap and closes its fences", async () => {
    const text = textOf(await answerTo("long"));
    expect(text.length).toBeLessThan(14_000);
    const numbers = [...text.matchAll(/^\*\*(\d+)\.\*\*|step\((\d+), 1\)/gm)].map((match) =>
      Number(match[1] ?? match[2]),
    );
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
    expect(text.match(/^```/gm)?.length).toBe(2 * (text.match(/^```js$/gm)?.length ?? 0));
  });

  test("a failed turn counts nothing", async () => {
    const events = await answerTo("fail", { state: { messages: 4 } });
    expect(events.map((event) => event.type)).toEqual(["failed"]);
    expect(textOf(await answerTo("count", { state: { messages: 4 } }))).toContain("**5** messages");
  });
});
