import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { defineAgent, type Handler } from "../../src/agents/handler.ts";
import { type AgentEvent, channelId, type Json } from "../../src/model.ts";
import { collect, describeAgent, textOf, turnOf } from "../conformance/agent.ts";

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
  },
});

/** A handler as a library user might write it; `active` holds what it has under way. */
function sample(active: Set<string>): Handler {
  return async function* ({ text, attempt, messages, signal, id }, { state }) {
    const count = (typeof state === "number" ? state : 0) + messages.length;
    active.add(id);
    try {
      if (text === "fail" || (text === "once" && attempt === 1)) throw new Error("as asked");
      if (text === "large") for (let part = 0; part < 50; part++) yield "x".repeat(100_000);
      if (text === "endless") {
        yield "working";
        await sleep(3_600_000, undefined, { signal });
      }
      yield text === "count" ? `${count} messages` : text;
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
});
