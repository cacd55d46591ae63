import { describe, expect, test } from "vitest";
import type { Json, TranscriptEntry } from "../../../src/model.ts";
import { collect, textOf } from "../../conformance/agent.ts";
import { type Abilities, noticesIn, stateIn, testAgent } from "./harness.ts";

const entry = (role: TranscriptEntry["role"], text: string): TranscriptEntry => ({
  ...{ role, text, at: 1, turn: "turn-0" },
  ...(role === "user" ? { sender: { id: "test:ada", name: "Ada" } } : {}),
});
const TALK = [entry("user", "my cat is called Momo"), entry("notice", "a notice"), entry("assistant", "a fine name")];

/** An agent whose session "one" was talked to, and then closed. */
async function talked(can: Abilities) {
  const agent = testAgent(can);
  const session = await agent.open();
  const events = await collect(session, "echo one");
  await session.close();
  return { agent, events, state: stateIn(events) };
}

describe("a session that is opened again", () => {
  test.each([
    [{ load: true }, ["session/new", "session/load"]],
    [{ resume: true }, ["session/new", "session/resume"]],
    [{ resume: true, load: true }, ["session/new", "session/resume"]],
  ])("with %o goes on where it was, without a replay", async (can, calls) => {
    const { agent, state } = await talked(can);
    const session = await agent.open({ state: state as Json, transcript: async () => TALK });
    const events = await collect(session, "recall");
    expect(textOf(events)).toBe("echo one | recall");
    expect(noticesIn(events)).toEqual([]);
    expect(agent.calls).toEqual(calls);
  });

  test("gives its state before anything else, and at the end", async () => {
    const { agent, events, state } = await talked({ load: true });
    expect(events[0]).toEqual({ type: "state", state });
    expect(events.at(-1)).toEqual({ type: "done", state });
    expect(state).toMatchObject({ kind: "acp", sessionId: expect.stringMatching(/^session-/), folder: agent.folder });
    const again = await collect(await agent.open({ state: state as Json }), "echo two");
    expect(again.filter(({ type }) => type === "state")).toEqual([]);
    expect(stateIn(again)).toEqual(state);
  });

  test("is replaced where the agent can't: it is told what was said, and people are told", async () => {
    const { agent, state } = await talked({});
    const session = await agent.open({ state: state as Json, transcript: async () => TALK });
    const events = await collect(session, "recall");
    expect(noticesIn(events)).toEqual([expect.stringContaining("begins a new one")]);
    expect(textOf(events)).toMatch(/Ada: my cat is called Momo\n\nAssistant: a fine name\n\n[^|]*recall$/);
    expect(textOf(events)).not.toContain("a notice");
    expect(stateIn(events)).not.toEqual(state);
    // Only once.
    expect(textOf(await collect(session, "recall")).split("Momo")).toHaveLength(2);
  });

  test("is replaced where the agent has lost it", async () => {
    const { agent, state } = await talked({ load: true, resume: true });
    const lost = { ...(state as object), sessionId: "gone" };
    const events = await collect(await agent.open({ state: lost, transcript: async () => TALK }), "recall");
    expect(noticesIn(events)).toHaveLength(1);
    expect(textOf(events)).toContain("Momo");
    expect(agent.calls).toEqual(["session/new", "session/resume", "session/load", "session/new"]);
  });

  test("is replaced where the agent wants a sign-in for an old session only", async () => {
    const { agent, state } = await talked({ load: true, signInToLoad: true });
    const events = await collect(await agent.open({ state: state as Json, transcript: async () => TALK }), "recall");
    expect(noticesIn(events)).toHaveLength(1);
    expect(textOf(events)).toContain("Momo");
  });

  test("is not said again where the agent replays it only after it has answered", async () => {
    const { agent, state } = await talked({ load: true, replayLate: true });
    const events = await collect(await agent.open({ state: state as Json }), "count");
    expect(textOf(events)).toBe("2 messages");
  });

  test("is replaced where the agent dies of it, again and again", async () => {
    const { agent, state } = await talked({ load: true, dieOnLoad: true });
    const session = await agent.open({ state: state as Json, transcript: async () => TALK });
    expect((await collect(session, "recall")).at(-1)?.type).toBe("failed");
    expect((await collect(session, "recall")).at(-1)?.type).toBe("failed");
    expect(textOf(await collect(session, "recall"))).toContain("Momo");
  });

  test("of another agent: it is told what was said, and nobody else", async () => {
    const agent = testAgent({ load: true });
    for (const state of [undefined, { kind: "llm", messages: [] }, "odd"] as const) {
      const session = await agent.open({ transcript: async () => TALK, ...(state === undefined ? {} : { state }) });
      const events = await collect(session, "recall");
      expect(textOf(events)).toContain("Momo");
      expect(noticesIn(events)).toEqual([]);
    }
  });

  test("in another folder begins anew, which nobody needs to be told", async () => {
    const { agent, state } = await talked({ load: true });
    const session = await agent.open({ state: state as Json, folder: "/tmp" });
    const events = await collect(session, "count");
    expect(textOf(events)).toBe("1 messages");
    expect(noticesIn(events)).toEqual([]);
  });

  test("is told no more than fits of a long talk, the newest", async () => {
    const agent = testAgent();
    const long = Array.from({ length: 40 }, (_, index) => entry("user", `${index} ${"x".repeat(1_000)}`));
    const limits: number[] = [];
    const transcript = async (limit: number) => {
      limits.push(limit);
      return long;
    };
    const text = textOf(await collect(await agent.open({ transcript }), "recall"));
    expect(limits).toEqual([40]);
    expect(text.length).toBeLessThan(22_000);
    expect(text).toContain("Ada: 39 x");
    expect(text).not.toContain("Ada: 5 x");
  });
});
