import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { defineAgent, type Handler } from "../../src/agents/handler.ts";
import { type AgentEvent, type AskRequest, channelId, type Json } from "../../src/model.ts";
import { collect, describeAgent, People, textOf, turnOf } from "../conformance/agent.ts";

describeAgent("handler", {
  start: async () => {
    const active = new Set<string>();
    return {
      agent: defineAgent(sample(active)),
      leftovers: async () => [...active],
      stop: async () => {},
    };
  },
  prompts: {
    echo: (text) => `echo ${text}`,
    endless: "endless",
    fails: "fail",
    failsOnce: "once",
    large: { prompt: "large", atLeast: 5_000_000 },
    counts: { prompt: "count" },
    asks: { plan: "ask plan", permission: "ask permission", questions: "ask questions" },
  },
});

const REQUESTS = new Map<string, AskRequest>([
  ["ask plan", { kind: "plan", text: "1. go" }],
  ["ask permission", { kind: "permission", text: "May I?", tool: "shell" }],
  [
    "ask questions",
    {
      kind: "questions",
      text: "",
      questions: [
        { id: "a", prompt: "A?" },
        { id: "b", prompt: "B?" },
      ],
    },
  ],
]);

/** A handler as a library user might write it; `active` holds what it has under way. */
function sample(active: Set<string>): Handler {
  return async function* ({ text, attempt, messages, signal, id, ask }, { state }) {
    const count = (typeof state === "number" ? state : 0) + messages.length;
    active.add(id);
    try {
      if (text === "fail" || (text === "once" && attempt === 1)) throw new Error("as asked");
      if (text === "large") for (let part = 0; part < 50; part++) yield "x".repeat(100_000);
      if (text === "endless") {
        yield "working";
        await sleep(3_600_000, undefined, { signal });
      }
      const request = REQUESTS.get(text);
      yield text === "count" ? `${count} messages` : request ? JSON.stringify(await ask(request)) : text;
      yield { type: "done", state: count };
    } finally {
      active.delete(id);
    }
  };
}

describe("defineAgent", () => {
  const open = (handler: Handler, state?: Json) =>
    defineAgent(handler).open({
      session: "session-1",
      channel: channelId("test", "c"),
      transcript: async (limit) => [{ role: "user", text: `the newest ${limit}`, at: 1, turn: "turn-0" }],
      ...(state === undefined ? {} : { state }),
    });

  test("takes a promise of a text", async () => {
    const session = await open(async ({ text }) => text.toUpperCase());
    expect(await collect(session, "hi")).toEqual([{ type: "text", delta: "HI" }, { type: "done" }]);
  });

  test("takes a promise of a stream", async () => {
    const session = await open(async () => ReadableStream.from(["a", "b"]));
    expect(await collect(session, "hi")).toEqual([
      { type: "text", delta: "a" },
      { type: "text", delta: "b" },
      { type: "done" },
    ]);
  });

  test("gives the place, the transcript and the last state", async () => {
    const session = await open(async function* (_, { session: id, channel, state, transcript }) {
      yield `${id} ${channel} ${JSON.stringify(state)} ${(await transcript(7))[0]?.text}`;
      yield { type: "done", state: { seen: true } };
    });
    expect(textOf(await collect(session, "hi"))).toBe("session-1 test:c undefined the newest 7");
    expect(textOf(await collect(session, "hi"))).toContain('{"seen":true}');
  });

  test("passes events on, and nothing behind the first end", async () => {
    const failed: AgentEvent = { type: "failed", failure: { code: "NO", message: "no", retryable: false } };
    let left = false;
    const session = await open(async function* () {
      try {
        yield { type: "tool", id: "1", title: "look", status: "running" };
        yield failed;
        yield "more";
      } finally {
        left = true;
      }
    });
    expect(await collect(session, "hi")).toEqual([{ type: "tool", id: "1", title: "look", status: "running" }, failed]);
    expect(left).toBe(true);
  });

  test("turns a throw before and within the stream into a retryable failure", async () => {
    const before: Handler = () => {
      throw new Error("before");
    };
    const within: Handler = async function* () {
      yield "some";
      throw new Error("within");
    };
    for (const [handler, message] of [
      [before, "before"],
      [within, "within"],
    ] as const) {
      expect((await collect(await open(handler), "hi")).at(-1)).toEqual({
        type: "failed",
        failure: { code: "HANDLER_FAILED", message, retryable: true },
      });
    }
  });

  test("waits for the clean-up of a handler that honours the signal", async () => {
    let cleaned = false;
    const session = await open(async function* ({ signal }) {
      try {
        yield "working";
        await sleep(3_600_000, undefined, { signal });
      } finally {
        await sleep(20);
        cleaned = true;
      }
    });
    const controller = new AbortController();
    for await (const _ of session.run(turnOf("hi", { signal: controller.signal }))) controller.abort();
    expect(cleaned).toBe(true);
  });

  test("leaves a handler alone that ignores the signal", async () => {
    const session = await open(async function* () {
      yield "working";
      await new Promise(() => {});
    });
    const controller = new AbortController();
    const events = session.run(turnOf("hi", { signal: controller.signal }))[Symbol.asyncIterator]();
    await events.next();
    const rest = events.next();
    controller.abort();
    expect((await rest).done).toBe(true);
  });

  test("asks several things at once, and is ended with all of them", async () => {
    const people = new People();
    const reasons: unknown[] = [];
    const session = await open(async ({ ask }) => {
      const asked = [1, 2].map((number) => ask({ kind: "plan", text: `plan ${number}` }));
      reasons.push(...(await Promise.allSettled(asked)).map(({ status }) => status));
      return "none";
    });
    const collected = collect(session, "hi", { people });
    await people.first;
    await session.close();
    expect(await collected).toEqual([]);
    expect(people.asked).toHaveLength(2);
    expect(reasons).toEqual(["rejected", "rejected"]);
  });

  test("an ask that nobody waits for any more ends with the turn, in silence", async () => {
    const people = new People();
    const controller = new AbortController();
    const session = await open(async function* ({ ask }) {
      const asked = ask({ kind: "plan", text: "a plan" });
      yield "while people think";
      yield (await asked).kind;
    });
    const unhandled: unknown[] = [];
    const note = (error: unknown) => unhandled.push(error);
    process.on("unhandledRejection", note);
    onTestFinished(() => void process.off("unhandledRejection", note));
    for await (const _ of session.run(turnOf("hi", { people, signal: controller.signal }))) controller.abort();
    await new Promise(setImmediate);
    expect(unhandled).toEqual([]);
  });

  test("an ask that fails is its handler's to catch", async () => {
    const session = await open(async ({ ask }) => {
      const outcome = await ask({ kind: "plan", text: "a plan" }).catch((error: Error) => error.message);
      return `failed: ${String(outcome)}`;
    });
    expect(textOf(await collect(session, "hi"))).toContain("nobody expects");
  });

  test("is told its phase, the plan and what was decided before", async () => {
    const session = await open(async ({ phase, plan, text, note, decided }) =>
      JSON.stringify({ phase, plan, text, note, decided }),
    );
    const said = JSON.parse(textOf(await collect(session, "hi", { phase: "plan", plan: "1. dig", note: "no money" })));
    expect(said).toMatchObject({ phase: "plan", plan: "1. dig", note: "no money", decided: [] });
    expect(said.text).toMatch(/no money.*hi.*1\. dig.*Do nothing yet/s);
  });
});
