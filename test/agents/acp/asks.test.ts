import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { AskOutcome } from "../../../src/agent.ts";
import type { AgentEvent, AskRequest } from "../../../src/model.ts";
import { collect, People, textOf, turnOf } from "../../conformance/agent.ts";
import { eventually } from "../../support/eventually.ts";
import { testAgent } from "./harness.ts";

const by = { id: "test:eve", name: "Eve" };
const approved = (scope: "once" | "session" | "always") => ({ kind: "approved", scope, by }) as const;

/** What people were asked, and what the agent made of it. */
async function asked(prompt: string, outcome: AskOutcome, can = {}, options: Parameters<typeof turnOf>[1] = {}) {
  const people = new People(() => outcome);
  const events = await collect(await testAgent(can).open(), prompt, { people, ...options });
  return { requests: people.asked, text: textOf(events), events };
}

const elicit = (properties: object, required: string[] = []) =>
  `elicit ${JSON.stringify({ mode: "form", message: "Tell me", requestedSchema: { type: "object", properties, required } })}`;
const answered = (answers: Record<string, string>) => ({ kind: "answered", answers }) as const;

describe("a permission", () => {
  test("says what the agent wants to do, and what rules go by", async () => {
    const { requests } = await asked("permission", approved("once"));
    expect(requests).toEqual([
      {
        ...{ kind: "permission", tool: "execute", target: "npm test" },
        text: "**Run the tests**\n\n```\nnpm test\n```",
      },
    ]);
  });

  test("shows what is to be changed, as the agent told it before, and that it is a change of files", async () => {
    const { requests, events } = await asked("edit", approved("once"));
    expect(requests).toEqual([
      {
        ...{ kind: "permission", tool: "edit", target: "/somewhere/a.txt", edits: true },
        text: expect.stringContaining("````diff\n one\n-two\n+2 ``` 2\n````"),
      },
    ]);
    expect(events.filter(({ type }) => type === "tool")).toEqual([
      { type: "tool", id: "call-2", title: "Edit a.txt", status: "running" },
      { type: "tool", id: "call-2", title: "Edit a.txt", status: "done" },
    ]);
  });

  test.each([
    ["permission", approved("once"), "yes-1"],
    ["permission", approved("session"), "yes-1"],
    ["permission", approved("always"), "yes-always"],
    ["permission", { kind: "rejected", by } as const, "no-1"],
    // Where what fits best is not among the options.
    ["edit", approved("once"), "yes-always"],
  ])("%s: what was decided is one of the agent's own options (%o)", async (prompt, outcome, option) => {
    expect((await asked(prompt, outcome)).text).toContain(option);
  });

  test("that is turned down for a reason: the agent is told it", async () => {
    const { text } = await asked("permission", { kind: "rejected", reason: "not on a Friday", by });
    expect(text).toBe('decided: no-1\n\nheard: (Your request "Run the tests" was rejected: not on a Friday)');
  });

  test("two at once are open together, and each gets its own answer", async () => {
    const decide = new Map<string, (outcome: AskOutcome) => void>();
    const turn = turnOf("both");
    const ask = (request: AskRequest) =>
      new Promise<AskOutcome>((resolve) => {
        decide.set(request.kind === "permission" ? (request.target ?? "") : "", resolve);
      });
    const session = await testAgent().open();
    const events = (async () => {
      let text = "";
      for await (const event of session.run({ ...turn, ask })) if (event.type === "text") text += event.delta;
      return text;
    })();
    await eventually(() => decide.size === 2, "both are open");
    decide.get("second")?.({ kind: "rejected", by });
    decide.get("first")?.(approved("once"));
    expect(await events).toBe("first: yes-1, second: no-1");
  });

  describe("that the agent does not wait for any more", () => {
    /** The signal that came with its request. */
    async function hasty(sign: "take-back" | "die") {
      const agent = testAgent();
      const session = await agent.open();
      let takenBack: AbortSignal | undefined;
      const ask = (_: AskRequest, signal?: AbortSignal) => {
        takenBack = signal;
        writeFileSync(join(agent.folder, sign), "");
        return new Promise<never>(() => {});
      };
      const events: AgentEvent[] = [];
      for await (const event of session.run({ ...turnOf("hasty"), ask })) events.push(event);
      return { events, takenBack };
    }

    test("is taken back with its request", async () => {
      const { events, takenBack } = await hasty("take-back");
      expect(textOf(events)).toBe("taken back: code -32800");
      expect(takenBack?.aborted).toBe(true);
    });

    test("stays open where it died: its next attempt asks the same", async () => {
      const { events, takenBack } = await hasty("die");
      expect(events.at(-1)).toMatchObject({ type: "failed" });
      expect(takenBack?.aborted).toBe(false);
    });
  });

  test("that is open when the turn is stopped is answered, so that the agent can stop", async () => {
    const agent = testAgent({}, {}, 60_000);
    const session = await agent.open();
    const controller = new AbortController();
    const people = new People();
    const collected = collect(session, "both", { people, signal: controller.signal });
    await people.first;
    controller.abort();
    await collected;
    expect(await agent.work()).toEqual([]);
    expect(agent.calls).toContain("session/cancel");
    expect(agent.pids).toHaveLength(1);
    expect(textOf(await collect(session, "echo again"))).toBe("echo again");
  });

  test("that is open when nobody listens any more is answered, too", async () => {
    const agent = testAgent({}, {}, 60_000);
    const session = await agent.open();
    const people = new People();
    for await (const { type } of session.run(turnOf("permission", { people }))) {
      if (type !== "tool") continue;
      await people.first;
      break;
    }
    expect(await agent.work()).toEqual([]);
    expect(agent.pids).toHaveLength(1);
  });
});

describe("a plan", () => {
  test("is shown as the agent has written it", async () => {
    const { requests, text } = await asked("plan", approved("once"));
    expect(requests).toEqual([{ kind: "plan", text: "1. dig\n2. plant" }]);
    // Of what was told of the call before, nothing is lost where it asks with less.
    expect((await asked("plan", approved("once"), { planAhead: true })).requests).toEqual(requests);
    expect(text).toBe("decided: yes-1");
  });

  test("goes on in the mode that the turn has, where the agent's options are its modes", async () => {
    const modes = [
      { id: "default", name: "Default" },
      { id: "acceptEdits", name: "Accept edits" },
    ];
    const planOptions = [
      { optionId: "default", name: "Yes, ask me", kind: "allow_once" },
      { optionId: "acceptEdits", name: "Yes, all edits", kind: "allow_once" },
      { optionId: "plan", name: "No", kind: "reject_once" },
    ];
    const can = { modes, planOptions };
    expect((await asked("plan", approved("once"), can, { mode: "accept-edits" })).text).toBe("decided: acceptEdits");
    expect((await asked("plan", approved("once"), can, { mode: "ask" })).text).toBe("decided: default");
    expect((await asked("plan", { kind: "rejected", by }, can)).text).toBe("decided: plan");
  });

  test("is the answer where only a plan is wanted: nobody is asked, and the agent stops", async () => {
    const { requests, text, events } = await asked("plan", approved("once"), {}, { phase: "plan", mode: "plan" });
    expect(requests).toEqual([]);
    expect(text).toBe("1. dig\n2. plant");
    expect(events.at(-1)?.type).toBe("done");
  });
});

describe("questions", () => {
  test("are asked as the agent's form wants them answered", async () => {
    const properties = {
      color: { type: "string", title: "Colour", oneOf: [{ const: "r", title: "Red" }] },
      size: { type: "string", description: "How large?", enum: ["s", "m"] },
      sure: { type: "boolean" },
      count: { type: "integer", title: "How many", minimum: 1 },
      tags: { type: "array", title: "Tags", items: { type: "string", enum: ["a", "b"] } },
      note: { type: "string", title: "Note" },
    };
    const answers = { color: "r", size: "m", sure: "false", count: "3", tags: "B, a", note: "-" };
    const { requests, text } = await asked(elicit(properties, ["color", "count"]), answered(answers));
    expect(requests).toEqual([
      {
        ...{ kind: "questions", text: "Tell me" },
        questions: [
          { id: "color", prompt: "Colour", choices: [{ id: "r", label: "Red" }] },
          {
            ...{ id: "size", prompt: "How large?" },
            choices: [
              { id: "s", label: "s" },
              { id: "m", label: "m" },
            ],
          },
          {
            ...{ id: "sure", prompt: "sure" },
            choices: [
              { id: "true", label: "Yes" },
              { id: "false", label: "No" },
            ],
          },
          { id: "count", prompt: "How many (a number)" },
          { id: "tags", prompt: 'Tags (several of a, b; separated by commas; "-" to leave it out)' },
          { id: "note", prompt: 'Note ("-" to leave it out)' },
        ],
      },
    ]);
    expect(text).toBe('accept {"color":"r","size":"m","sure":false,"count":3,"tags":["b","a"]}');
  });

  test.each([
    [{ type: "integer", minimum: 1 }, "many"],
    [{ type: "integer", minimum: 1 }, "0"],
    [{ type: "number" }, ""],
    [{ type: "boolean" }, "perhaps"],
    [{ type: "string", enum: ["a"] }, "b"],
    [{ type: "string", minLength: 3 }, "ab"],
    [{ type: "array", items: { enum: ["a"] } }, "a, z"],
  ])("%o is not answered by %j: the agent is told so", async (property, value) => {
    const { text } = await asked(elicit({ x: property }, ["x"]), answered({ x: value }));
    expect(text).toBe(
      `decline null\n\nheard: (Your question was not answered: The answer "${value}" to "x" is not what was asked for.)`,
    );
  });

  test("without fields is a yes or a no", async () => {
    const { requests, text } = await asked(elicit({}), answered({ confirm: "no" }));
    expect(requests[0]).toMatchObject({ questions: [{ prompt: "Tell me" }] });
    expect(text).toBe("decline null");
  });

  test("that are a link are shown as one", async () => {
    const prompt = `elicit ${JSON.stringify({ mode: "url", message: "Sign in", url: "https://example.org/in", elicitationId: "e" })}`;
    const { requests, text } = await asked(prompt, answered({ link: "done" }));
    expect(requests[0]).toMatchObject({
      text: "Sign in",
      questions: [{ prompt: expect.stringContaining("https://example.org/in") }],
    });
    expect(text).toBe("accept null");
    expect((await asked(prompt, answered({ link: "not" }))).text).toBe("decline null");
  });
});
