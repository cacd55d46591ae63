import { describe, expect, test } from "vitest";
import type { AskOutcome } from "../../src/agent.ts";
import { createDemoAgent } from "../../src/agents/demo/index.ts";
import { type AgentEvent, channelId, type GrantScope, type Json } from "../../src/model.ts";
import { collect, describeAgent, People, textOf } from "../conformance/agent.ts";
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
    asks: { plan: "plan", permission: "permission", questions: "questions" },
  },
});

interface Options extends NonNullable<Parameters<typeof collect>[2]> {
  readonly state?: Json;
  readonly clock?: InstantClock;
  readonly wordDelay?: number;
}

describe("the demo agent's answers", () => {
  const answerTo = async (prompt: string, options: Options = {}): Promise<AgentEvent[]> => {
    const { clock = new InstantClock(), wordDelay, state, ...turn } = options;
    const agent = createDemoAgent({ clock, ...(wordDelay === undefined ? {} : { wordDelay }) });
    const session = await agent.open({
      session: "s",
      channel: channelId("test", "c"),
      transcript: async () => [],
      ...(state === undefined ? {} : { state }),
    });
    return collect(session, prompt, turn);
  };

  test("quotes a text whole, line by line, and hints at help", async () => {
    const text = textOf(await answerTo("two\n\nlines"));
    expect(text).toContain("> two\n> \n> lines\n");
    expect(text).toContain("`help`");
  });

  test.each(["help", "HELP", "  Help me  "])("understands %j by its first word, in any case", async (prompt) => {
    const text = textOf(await answerTo(prompt));
    for (const word of [
      "slow",
      "fail",
      "fail once",
      "long",
      "markdown",
      "count",
      "plan",
      "permission",
      "questions",
      "help",
    ]) {
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

  const by = { id: "test:eve", name: "Eve" };
  const approved = (scope: GrantScope = "once"): AskOutcome => ({ kind: "approved", scope, by });

  test("plan: what is approved is carried out, step by step", async () => {
    const clock = new InstantClock();
    const people = new People(() => approved());
    const text = textOf(await answerTo("Plan a party", { clock, people }));
    expect(people.asked).toEqual([{ kind: "plan", text: expect.stringMatching(/`a party`:\n\n1\. .+\n2\. .+\n3\. /) }]);
    const steps = [...(people.asked[0]?.text ?? "").matchAll(/^\d\. (.+)$/gm)].map(([, step]) => step);
    expect(steps).toHaveLength(3);
    for (const step of steps) expect(text).toContain(`- ✓ ${step}\n`);
    expect(clock.now()).toBeGreaterThan(1_000);
  });

  test("plan: one that is rejected is not", async () => {
    const people = new People(() => ({ kind: "rejected", reason: "no money", by }));
    const text = textOf(await answerTo("plan", { people }));
    expect(text).toContain("Eve rejected the plan: no money");
    expect(text).not.toContain("✓");
  });

  test.each([
    ["once", "this once"],
    ["session", "for this session"],
    ["always", "always"],
  ] as const)("permission: says for how long it was allowed: %s", async (scope, words) => {
    const people = new People(() => approved(scope));
    expect(textOf(await answerTo("permission", { people }))).toContain(`Eve allowed it ${words}`);
    expect(people.asked).toMatchObject([
      {
        kind: "permission",
        tool: "shell",
        target: "rm -rf build",
        text: expect.stringContaining("```sh\nrm -rf build"),
      },
    ]);
  });

  test("questions: one with choices, one that the task leaves open; choices are repeated by their labels", async () => {
    const people = new People(() => ({ kind: "answered", answers: { format: "html", readers: "my aunt" } }));
    const text = textOf(await answerTo("questions", { people }));
    expect(text).toContain("HTML");
    expect(text).toContain("my aunt");
    expect(people.asked).toMatchObject([{ questions: [{ choices: [{}, {}, {}] }, { underspecified: true }] }]);
  });

  test("where a plan comes first, every message leads to one, and another message changes it", async () => {
    const plan = textOf(await answerTo("fail", { phase: "plan" }));
    expect(plan).toMatch(/^1\. /m);
    const changed = textOf(await answerTo("and\nlock up", { phase: "plan", plan }));
    expect(changed.match(/^\d\. .+$/gm)).toEqual([...(plan.match(/^\d\. .+$/gm) ?? []), "4. `and lock up`"]);
    expect(textOf(await answerTo("fail", { plan: changed }))).toContain("- ✓ `and lock up`");
  });

  test("a plan that is no list is carried out as one step", async () => {
    expect(textOf(await answerTo("go", { plan: "Just do it." }))).toContain("- ✓ `Just do it.`");
  });

  test("what a plan carries out is counted once", async () => {
    const planned = (await answerTo("a", { phase: "plan", state: { messages: 4 } })).at(-1);
    expect(planned).toEqual({ type: "done", state: { messages: 5 } });
    const done = (await answerTo("a", { plan: "1. a", state: { messages: 5 } })).at(-1);
    expect(done).toEqual({ type: "done", state: { messages: 5 } });
  });

  test("takes note of what happened since", async () => {
    expect(textOf(await answerTo("hi", { note: "Eve rejected your last plan: no money" }))).toContain("no money");
  });

  test("a gateway that can't ask now fails the attempt", async () => {
    await expect(answerTo("permission")).rejects.toThrow("nobody expects");
  });
});
