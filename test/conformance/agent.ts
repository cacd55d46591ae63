/**
 * What every agent must do, whatever answers behind it. A test file makes a harness for its agent and calls
 * `describeAgent`; the harness says with which prompts its agent behaves in the ways that the suite needs.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Agent, AgentSession, AgentTurn, AskOutcome } from "../../src/agent.ts";
import { type AgentEvent, type AskRequest, channelId, type Json } from "../../src/model.ts";

export interface AgentHarness {
  /** Called before each test. */
  start(): Promise<RunningAgent>;
  readonly prompts: {
    /** Answered with a text that contains this one, unchanged. Several lines are given to it too. */
    echo(text: string): string;
    /** Says something at once, and goes on for much longer than a test may take. */
    readonly endless: string;
    /** Fails on every attempt. */
    readonly fails: string;
    /** Fails on the first attempt and is answered on the second. */
    readonly failsOnce: string;
    /** Answered with at least `atLeast` characters, streamed in more than one piece. */
    readonly large: { readonly prompt: string; readonly atLeast: number };
    /** Answered with the number of messages that the session has had; a reason where the agent keeps no state. */
    readonly counts: { readonly prompt: string } | { readonly none: string };
    /**
     * Each asks once for what it is named after, and then says what was decided: the reason of a rejection, the values
     * of answers, the reason why it was closed. A reason where the agent asks nothing.
     */
    readonly asks: Readonly<Record<AskRequest["kind"], string>> | { readonly none: string };
  };
}

export interface RunningAgent {
  readonly agent: Agent;
  /** What the agent started and what still goes on: processes, timers, work. Empty where all has ended. */
  leftovers(): Promise<readonly string[]>;
  stop(): Promise<void>;
}

export function describeAgent(name: string, harness: AgentHarness): void {
  describe(`agent: ${name}`, () => {
    const { prompts } = harness;
    let running: RunningAgent;
    let session: AgentSession;

    const open = (options: { session?: string; state?: Json } = {}) =>
      running.agent.open({
        session: options.session ?? "session-1",
        channel: channelId("test", "channel-1"),
        transcript: async () => [],
        ...(options.state === undefined ? {} : { state: options.state }),
      });

    beforeEach(async () => {
      running = await harness.start();
      session = await open();
    });

    afterEach(async () => {
      await session.close();
      await running.stop();
    });

    test("answers in order and ends with exactly one `done`", async () => {
      const events = await collect(session, prompts.echo("hello there"));
      expect(events.map(isEnd)).toEqual([...events.slice(1).map(() => false), true]);
      expect(events.at(-1)?.type).toBe("done");
      expect(textOf(events)).toContain("hello there");
    });

    test("keeps every character, wherever the borders of chunks fall", async () => {
      const text = "Grüße 你好 👩‍👩‍👧‍👦 e\u0301 \u{1F1EA}\u{1F1FA} مرحبا; ".repeat(400).trim();
      expect(textOf(await collect(session, prompts.echo(text)))).toContain(text);
    });

    test("is given all messages of a collected turn", async () => {
      const text = textOf(await collect(session, prompts.echo("the first"), { more: ["the second"] }));
      expect(text).toContain("the first");
      expect(text).toContain("the second");
    });

    test("streams a large answer whole and in pieces", async () => {
      const events = await collect(session, prompts.large.prompt);
      expect(events.at(-1)?.type).toBe("done");
      expect(events.filter((event) => event.type === "text").length).toBeGreaterThan(1);
      expect(textOf(events).length).toBeGreaterThanOrEqual(prompts.large.atLeast);
    });

    test("yields no empty text", async () => {
      const events = await collect(session, prompts.echo("some words to say"));
      expect(events.filter((event) => event.type === "text" && event.delta === "")).toEqual([]);
    });

    test("says why a turn failed, and goes on with the next one", async () => {
      const events = await collect(session, prompts.fails);
      expect(events.filter(isEnd)).toHaveLength(1);
      expect(events.at(-1)).toEqual({
        type: "failed",
        failure: { code: expect.stringMatching(/^[A-Z_]+$/), message: expect.stringMatching(/\S/), retryable: true },
      });
      expect(textOf(await collect(session, prompts.echo("still here")))).toContain("still here");
    });

    test("knows which attempt it is", async () => {
      expect((await collect(session, prompts.failsOnce, { attempt: 1 })).at(-1)?.type).toBe("failed");
      expect((await collect(session, prompts.failsOnce, { attempt: 2 })).at(-1)?.type).toBe("done");
    });

    test("ends when the signal aborts, and nothing that it started goes on", async () => {
      const controller = new AbortController();
      const events: AgentEvent[] = [];
      for await (const event of session.run(turnOf(prompts.endless, { signal: controller.signal }))) {
        expect(controller.signal.aborted, "an event after the abort").toBe(false);
        events.push(event);
        if (event.type === "text") controller.abort();
      }
      expect(events.filter(({ type }) => type === "text" || type === "done" || type === "failed")).toHaveLength(1);
      expect(await running.leftovers()).toEqual([]);
    });

    test("answers the next turn after an abort", async () => {
      const controller = new AbortController();
      for await (const { type } of session.run(turnOf(prompts.endless, { signal: controller.signal }))) {
        if (type === "text") controller.abort();
      }
      expect(textOf(await collect(session, prompts.echo("again")))).toContain("again");
    });

    test("starts nothing for a turn that is already cancelled", async () => {
      const signal = AbortSignal.abort();
      expect(await collect(session, prompts.endless, { signal })).toEqual([]);
      expect(await running.leftovers()).toEqual([]);
    });

    test("ends when nobody listens any more", async () => {
      for await (const { type } of session.run(turnOf(prompts.endless))) if (type === "text") break;
      expect(await running.leftovers()).toEqual([]);
    });

    test("leaves nothing behind after an answered turn", async () => {
      await collect(session, prompts.echo("hello"));
      expect(await running.leftovers()).toEqual([]);
    });

    test("has let go of everything when it says its last", async () => {
      for (const prompt of [prompts.echo("hello"), prompts.fails]) {
        const events = session.run(turnOf(prompt))[Symbol.asyncIterator]();
        let next = await events.next();
        while (next.done !== true && !isEnd(next.value)) next = await events.next();
        expect(next.done).toBe(false);
        expect(await running.leftovers()).toEqual([]);
      }
    });

    test("`close` ends the run under way", async () => {
      const events = session.run(turnOf(prompts.endless))[Symbol.asyncIterator]();
      expect((await events.next()).done).toBe(false);
      const rest = events.next();
      await session.close();
      expect(await running.leftovers()).toEqual([]);
      expect((await rest).done).toBe(true);
    });

    test("`close` ends a run whose consumer has stopped asking", async () => {
      const events = session.run(turnOf(prompts.endless))[Symbol.asyncIterator]();
      expect((await events.next()).done).toBe(false);
      await session.close();
      expect(await running.leftovers()).toEqual([]);
    });

    test("a run that begins after `close` starts nothing", async () => {
      const events = session.run(turnOf(prompts.endless));
      await session.close();
      for await (const event of events) expect.unreachable(`it said ${event.type}`);
      expect(await running.leftovers()).toEqual([]);
    });

    test("keeps sessions apart", async () => {
      const other = await open({ session: "session-2" });
      const [first, second] = await Promise.all([
        collect(session, prompts.echo("for the first")),
        collect(other, prompts.echo("for the second")),
      ]);
      await other.close();
      expect(textOf(first)).toContain("for the first");
      expect(textOf(first)).not.toContain("for the second");
      expect(textOf(second)).toContain("for the second");
    });

    if ("prompt" in prompts.counts) {
      const { prompt } = prompts.counts;
      test("goes on from the state that its last `done` gave", async () => {
        await collect(session, prompts.echo("one"));
        const end = (await collect(session, prompts.echo("two"))).at(-1);
        const state = end?.type === "done" ? end.state : undefined;
        expect(state).toBeDefined();
        const reopened = await open({ state: JSON.parse(JSON.stringify(state)) });
        expect(textOf(await collect(reopened, prompt))).toMatch(/\b3\b/);
        await reopened.close();
      });

      test("counts a state that it never gave as none", async () => {
        const reopened = await open({ state: ["not", { its: "own" }] });
        expect(textOf(await collect(reopened, prompt))).toMatch(/\b1\b/);
        await reopened.close();
      });
    } else {
      test.skip(`state: ${prompts.counts.none}`);
    }

    test("asks nothing and does nothing but answer where a plan is wanted", async () => {
      const people = new People();
      const events = await collect(session, prompts.echo("a garden"), { phase: "plan", people });
      expect(events.at(-1)?.type).toBe("done");
      expect(textOf(events)).toContain("a garden");
      expect(people.asked).toEqual([]);
    });

    test("is told the plan that was approved", async () => {
      const plan = "1. dig a hole\n2. plant a tree";
      const text = textOf(await collect(session, prompts.echo("a garden"), { plan }));
      expect(text).toContain("dig a hole");
      expect(text).toContain("plant a tree");
    });

    if ("none" in prompts.asks) {
      test.skip(`asks: ${prompts.asks.none}`);
    } else {
      describeAsking(prompts.asks, () => ({ session, leftovers: running.leftovers, echo: prompts.echo("again") }));
    }
  });
}

interface Asking {
  readonly session: AgentSession;
  leftovers(): Promise<readonly string[]>;
  readonly echo: string;
}

function describeAsking(prompts: Readonly<Record<AskRequest["kind"], string>>, now: () => Asking): void {
  const asks = Object.entries(prompts) as [AskRequest["kind"], string][];
  const by = { id: "test:eve", name: "Eve" };

  /** The answer to a prompt that asks, and what it asked. */
  const decided = async (prompt: string, decide: (request: AskRequest) => AskOutcome) => {
    const people = new People(decide);
    const events = await collect(now().session, prompt, { people });
    expect(events.filter(isEnd)).toHaveLength(1);
    expect(events.at(-1)?.type).toBe("done");
    return { text: textOf(events), asked: people.asked };
  };

  test.each(asks)("asks for %s, the same on every attempt", async (kind, prompt) => {
    const closed = () => ({ kind: "closed", reason: "nobody decided in time" }) as const;
    const first = await decided(prompt, closed);
    const again = await decided(prompt, closed);
    expect(first.asked.map((request) => request.kind)).toEqual([kind]);
    expect(again.asked).toEqual(first.asked);
    expect(first.text).toContain("nobody decided in time");
  });

  test.each(asks.filter(([kind]) => kind !== "questions"))("%s: approved is not rejected", async (_, prompt) => {
    const yes = await decided(prompt, () => ({ kind: "approved", scope: "once", by }));
    const no = await decided(prompt, () => ({ kind: "rejected", reason: "too dear for us", by }));
    const bare = await decided(prompt, () => ({ kind: "rejected", by }));
    expect(no.text).toContain("too dear for us");
    expect(new Set([yes.text, no.text, bare.text]).size).toBe(3);
  });

  test("questions: each answer reaches it", async () => {
    const { text } = await decided(prompts.questions, (request) => ({
      kind: "answered",
      answers: answersTo(request),
    }));
    for (const value of ["my answer 1", "my answer 2"]) expect(text).toContain(value);
  });

  test.each(asks)("%s: ends when the signal aborts while it waits, and answers the next turn", async (_, prompt) => {
    const { session, leftovers, echo } = now();
    const controller = new AbortController();
    const people = new People();
    const collected = collect(session, prompt, { people, signal: controller.signal });
    await people.first;
    controller.abort();
    expect((await collected).filter(isEnd)).toEqual([]);
    expect(await leftovers()).toEqual([]);
    expect(textOf(await collect(session, echo))).toContain("again");
  });

  test.each(asks)("%s: `close` ends the run that waits", async (_, prompt) => {
    const { session, leftovers } = now();
    const people = new People();
    const collected = collect(session, prompt, { people });
    await people.first;
    await session.close();
    expect((await collected).filter(isEnd)).toEqual([]);
    expect(await leftovers()).toEqual([]);
  });
}

/** "my answer 1", "my answer 2" … */
function answersTo(request: AskRequest): Record<string, string> {
  const questions = request.kind === "questions" ? request.questions : [];
  return Object.fromEntries(questions.map(({ id }, index) => [id, `my answer ${index + 1}`]));
}

/** Those whom an agent asks: without `decide`, they take their time. */
export class People {
  readonly asked: AskRequest[] = [];
  /** Resolves when they are asked for the first time. */
  readonly first: Promise<void>;
  readonly #decide: ((request: AskRequest) => AskOutcome) | undefined;
  #asking = () => {};

  constructor(decide?: (request: AskRequest) => AskOutcome) {
    this.#decide = decide;
    this.first = new Promise((resolve) => {
      this.#asking = resolve;
    });
  }

  async ask(request: AskRequest, signal: AbortSignal): Promise<AskOutcome> {
    signal.throwIfAborted();
    this.asked.push(request);
    this.#asking();
    if (this.#decide) return this.#decide(request);
    return await new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
  }
}

interface TurnOptions
  extends Partial<
    Pick<
      AgentTurn,
      "attempt" | "signal" | "phase" | "plan" | "note" | "systemPrompt" | "mode" | "model" | "effort" | "resumes"
    >
  > {
  readonly more?: readonly string[];
  /** Absent: nobody may be asked. */
  readonly people?: People;
}

export function turnOf(text: string, options: TurnOptions = {}): AgentTurn {
  const { more = [], people, signal = new AbortController().signal, ...given } = options;
  const messages = [text, ...more].map((line, index) => ({
    id: `message-${index + 1}`,
    sender: { id: "test:ada", name: "Ada" },
    text: line,
    sentAt: 1_000,
    acceptedAt: 1_001,
  }));
  const ask = async (request: AskRequest) => {
    if (!people) throw new Error(`nobody expects to be asked for ${request.kind}`);
    return await people.ask(request, signal);
  };
  return {
    id: "turn-1",
    messages,
    attempt: 1,
    phase: "work",
    mode: "ask",
    decided: [],
    read: noFile,
    ...given,
    signal,
    ask,
  };
}

export async function collect(session: AgentSession, text: string, options?: TurnOptions): Promise<AgentEvent[]> {
  const events: AgentEvent[] = [];
  for await (const event of session.run(turnOf(text, options))) events.push(event);
  return events;
}

export function textOf(events: readonly AgentEvent[]): string {
  return events.map((event) => (event.type === "text" ? event.delta : "")).join("");
}

function isEnd(event: AgentEvent): boolean {
  return event.type === "done" || event.type === "failed";
}

async function noFile(): Promise<never> {
  throw new Error("no file comes with this turn");
}
