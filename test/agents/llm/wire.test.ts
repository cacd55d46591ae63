import { describe, expect, test } from "vitest";
import type { LlmConfig } from "../../../src/config.ts";
import { textOf } from "../../conformance/agent.ts";
import type { ModelTwin } from "../../twins/models/index.ts";
import { configOf, failureIn, noticesIn, startTwin, Talk, usageIn } from "./agent.ts";

type Provider = LlmConfig["provider"];
const PROVIDERS: Provider[] = ["openai-compatible", "openai", "anthropic"];

function at(provider: Provider, twin: ModelTwin, config: Partial<LlmConfig> = {}): LlmConfig {
  return configOf(twin, { provider, ...config });
}

describe.each(PROVIDERS)("llm at %s", (provider) => {
  test("sends the system prompts, the message and the key", async () => {
    const twin = await startTwin({ key: "the key" });
    const talk = new Talk(at(provider, twin, { apiKey: "the key", systemPrompt: "You are a gardener." }));
    await talk.say("What grows here?", { systemPrompt: "Be brief." });
    expect(twin.last.system).toBe("You are a gardener.\n\nBe brief.");
    expect(twin.last.said).toMatchObject([{ role: "user", text: "What grows here?" }]);
  });

  test("tells what was used, and what it cost by the prices", async () => {
    const twin = await startTwin();
    twin.on(/cost/, { text: ["much"], usage: { input: 1_000, output: 200, cached: 400 } });
    const prices = { "twin-model": { input: 2, output: 10, cachedInput: 0.5 } };
    const events = await new Talk(at(provider, twin, { prices })).say("the cost");
    const [usage, ...more] = usageIn(events);
    expect(more).toEqual([]);
    expect(usage).toMatchObject({ tokensIn: 1_000, tokensOut: 200, costSource: "prices" });
    expect(usage?.cost).toBeCloseTo((600 * 2 + 400 * 0.5 + 200 * 10) / 1e6, 12);
  });

  test("knows no cost where there is no price", async () => {
    const twin = await startTwin();
    const [usage] = usageIn(await new Talk(at(provider, twin)).say("hello"));
    expect(usage?.tokensIn).toBeGreaterThan(0);
    expect(usage).not.toHaveProperty("cost");
    expect(usage).not.toHaveProperty("costSource");
  });

  test("shows thoughts apart from the answer", async () => {
    const twin = await startTwin();
    const events = await new Talk(at(provider, twin)).say("[[think about trees]]");
    expect(events).toContainEqual({ type: "thought", delta: "about trees" });
    expect(textOf(events)).toBe("I have thought about it.");
  });

  test.each([429, 503, 529])("waits as long as %i asks for, and goes on", async (status) => {
    const twin = await startTwin();
    twin.fault({ kind: "status", status, retryAfter: 7 });
    const talk = new Talk(at(provider, twin));
    expect(textOf(await talk.say("hello"))).toBe("hello");
    expect(talk.clock.asked).toEqual([7_000]);
    expect(twin.requests).toHaveLength(2);
  });

  test("gives up on a busy server in the end, and may be tried again", async () => {
    const twin = await startTwin();
    twin.fault({ kind: "status", status: 429, retryAfter: 1, message: "slow down" }, { times: 10 });
    const failure = failureIn(await new Talk(at(provider, twin)).say("hello"));
    expect(failure).toMatchObject({ code: "LLM_BUSY", retryable: true });
    expect(failure?.message).toContain("slow down");
    expect(twin.requests).toHaveLength(3);
  });

  test("does not sit out a long pause, and says how long it is", async () => {
    const twin = await startTwin();
    twin.fault({ kind: "status", status: 429, retryAfter: 1_800 });
    const talk = new Talk(at(provider, twin));
    const failure = failureIn(await talk.say("hello"));
    expect(failure).toMatchObject({ code: "LLM_BUSY", retryable: true });
    expect(failure?.message).toContain("in 30 minutes");
    expect(talk.clock.asked).toEqual([]);
  });

  test("names a refused key, the server and what to correct, and is not tried again", async () => {
    const twin = await startTwin({ key: "another" });
    const failure = failureIn(await new Talk(at(provider, twin)).say("hello"));
    expect(failure).toMatchObject({ code: "LLM_KEY_REFUSED", retryable: false });
    expect(failure?.message).toContain(twin.openai);
    expect(failure?.message).toContain('"apiKey"');
    expect(twin.requests).toHaveLength(1);
  });

  test("names a model that the server doesn't have", async () => {
    const twin = await startTwin({ models: ["other"] });
    const failure = failureIn(await new Talk(at(provider, twin)).say("hello"));
    expect(failure).toMatchObject({ code: "LLM_MODEL_UNKNOWN", retryable: false });
    expect(failure?.message).toContain('"twin-model"');
  });

  test("a refused request is not tried again; one that is too long says what to do", async () => {
    const twin = await startTwin();
    const message = "This model's maximum context length is 4096 tokens.";
    twin.fault({ kind: "status", status: 400, message });
    const failure = failureIn(await new Talk(at(provider, twin)).say("hello"));
    expect(failure).toMatchObject({ code: "LLM_REQUEST_REFUSED", retryable: false });
    expect(failure?.message).toContain(message);
    expect(failure?.message).toContain("/compact");
    expect(twin.requests).toHaveLength(1);
  });

  test.each([
    ["drop", { kind: "drop", after: 6 }],
    ["end", { kind: "end", after: 6 }],
    ["event", { kind: "event", after: 6, message: "Overloaded" }],
  ] as const)("an answer that breaks off in the middle (%s) may be tried again", async (_, fault) => {
    const twin = await startTwin();
    twin.fault(fault);
    const text = "a long answer ".repeat(20);
    const talk = new Talk(at(provider, twin));
    const events = await talk.say(text);
    expect(failureIn(events)).toMatchObject({ retryable: true });
    expect(failureIn(events)?.message).not.toContain("[object");
    if (fault.kind === "event") expect(failureIn(events)?.message).toContain("Overloaded");
    expect(twin.requests).toHaveLength(1);
    expect(textOf(await talk.say(text))).toBe(text);
  });

  test("says that an answer was cut at its longest", async () => {
    const twin = await startTwin();
    twin.on(/tale/, { text: ["Once upon a"], stop: "length" });
    const events = await new Talk(at(provider, twin, { maxOutput: 100 })).say("a tale");
    expect(noticesIn(events)).toEqual([expect.stringContaining("was cut")]);
    expect(events.at(-1)?.type).toBe("done");
    expect(Object.values(twin.last.body)).toContain(100);
  });

  test("a model that declines is a failure that no repetition mends", async () => {
    const twin = await startTwin();
    twin.on(/bad/, { stop: "refusal" });
    expect(failureIn(await new Talk(at(provider, twin)).say("bad"))).toMatchObject({
      code: "LLM_DECLINED",
      retryable: false,
    });
  });

  test("closes the connection at once when the turn is stopped, also while nothing comes", async () => {
    const twin = await startTwin();
    twin.fault({ kind: "stall", after: 2 });
    const controller = new AbortController();
    const answer = new Talk(at(provider, twin)).say("hello", { signal: controller.signal });
    await twin.until(() => twin.open === 1);
    controller.abort();
    expect((await answer).filter(({ type }) => type === "done" || type === "failed")).toEqual([]);
    await twin.until(() => twin.open === 0);
  });

  test("shows pictures and texts to the model, and says what it can't have", async () => {
    const twin = await startTwin();
    const file = (id: string, name: string, type: string, bytes?: Uint8Array) => ({
      ...{ id, name, type, size: bytes?.length ?? 10 },
      ...(bytes ? { bytes } : {}),
    });
    const png = Buffer.from(
      "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
      "base64",
    );
    await new Talk(at(provider, twin)).say("look", {
      files: [
        file("1", "dot.png", "image/png", png),
        file("2", "list.csv", "text/csv", Buffer.from("a,b\n1,2")),
        file("3", "gone.txt", "text/plain"),
        file("4", "film.mp4", "video/mp4", Buffer.from("film")),
        { ...file("5", "huge.png", "image/png", png), size: 50_000_000 },
      ],
    });
    const [said] = twin.last.said;
    expect(said?.images).toBe(1);
    expect(JSON.stringify(twin.last.body)).toContain(png.toString("base64"));
    expect(said?.text).toContain("The file list.csv:\n\na,b\n1,2");
    expect(said?.text).toContain("gone.txt could not be had: the platform has lost it");
    expect(said?.text).toContain("huge.png is too large");
    expect(JSON.stringify(twin.last.body)).not.toContain(Buffer.from("film").toString("base64"));
  });

  test("runs on the model that people chose, and refuses one that is not listed", async () => {
    const twin = await startTwin();
    const talk = new Talk(at(provider, twin, { models: ["big-model"] }));
    await talk.say("hello", { model: "big-model" });
    expect(twin.last.model).toBe("big-model");
    const failure = failureIn(await talk.say("hello", { model: "no-model" }));
    expect(failure).toMatchObject({ code: "LLM_MODEL_UNKNOWN", retryable: false });
    expect(failure?.message).toContain("`twin-model`, `big-model`");
    expect(twin.requests).toHaveLength(1);
  });
});

test.each([
  ["openai-compatible", "twin-model", (body: object) => expect(body).toMatchObject({ reasoning_effort: "high" })],
  [
    "openai",
    "gpt-5-mini",
    (body: object) => expect(body).toMatchObject({ reasoning: { effort: "high" }, store: false }),
  ],
  [
    "anthropic",
    "claude-sonnet-4-5",
    (body: object) => expect(body).toMatchObject({ thinking: { type: "enabled", budget_tokens: 24_576 } }),
  ],
  [
    "anthropic",
    "claude-opus-4-6",
    (body: object) => expect(body).toMatchObject({ thinking: { type: "adaptive" }, output_config: { effort: "high" } }),
  ],
] as const)("%s, %s: thinks as hard as people want it to", async (provider, model, check) => {
  const twin = await startTwin();
  const talk = new Talk(at(provider, twin, { model }));
  await talk.say("hello", { effort: "high" });
  check(twin.last.body);
  const failure = failureIn(await talk.say("hello", { effort: "utmost" }));
  expect(failure).toMatchObject({ code: "LLM_EFFORT_UNKNOWN", retryable: false });
  expect(failure?.message).toContain("low, medium, high");
});

test("thoughts that a local server leaves in the answer are no part of it, however they are cut", async () => {
  const twin = await startTwin();
  twin.on(/trees/, { text: ["<thi", "nk>about ", "trees</th", "ink>\n\nThey ", "grow: a < b"] });
  const talk = new Talk(configOf(twin));
  const events = await talk.say("trees?");
  const thoughts = events.flatMap((event) => (event.type === "thought" ? [event.delta] : []));
  expect(thoughts.join("")).toBe("about trees");
  expect(textOf(events)).toBe("They grow: a < b");
});

test("lists its models and efforts", async () => {
  const twin = await startTwin();
  const session = await new Talk(configOf(twin, { models: ["big-model"] })).session();
  expect(await session.options?.()).toEqual([
    {
      id: "model",
      current: "twin-model",
      choices: [
        { id: "twin-model", label: "twin-model" },
        { id: "big-model", label: "big-model" },
      ],
    },
    { id: "effort", choices: ["low", "medium", "high"].map((id) => ({ id, label: id })) },
  ]);
});

test("asks the server for its models where the configuration leaves it to it", async () => {
  const twin = await startTwin({ models: ["nomic-embed-text", "first", "second"] });
  const talk = new Talk(configOf(twin, { model: "auto" }));
  await talk.say("hello");
  expect(twin.last.model).toBe("first");
  await talk.say("hello", { model: "second" });
  expect(twin.last.model).toBe("second");
  const [models] = (await (await talk.session()).options?.()) ?? [];
  expect(models).toMatchObject({ current: "second", choices: [{ id: "first" }, { id: "second" }] });
});

test.each(["twin-model", "auto"])("a server that is not there may be tried again (%s)", async (model) => {
  const twin = await startTwin();
  const talk = new Talk(configOf(twin, { model }));
  const { openai } = twin;
  await twin.stop();
  const failure = failureIn(await talk.say("hello"));
  expect(failure).toMatchObject({ code: "LLM_UNREACHABLE", retryable: true });
  expect(failure?.message).toContain(openai);
  expect(failure?.message).toContain("ECONNREFUSED");
});

test("says which variable holds the key where there is none", async () => {
  const twin = await startTwin();
  const { apiKey: _, ...config } = configOf(twin, { provider: "anthropic" });
  const failure = failureIn(await new Talk(config).say("hello"));
  expect(failure).toMatchObject({ code: "LLM_KEY_MISSING", retryable: false });
  expect(failure?.message).toContain("ANTHROPIC_API_KEY");
  expect(twin.requests).toEqual([]);
});

test("no money left is nothing to wait for", async () => {
  const twin = await startTwin();
  twin.fault({ kind: "status", status: 429, message: "You exceeded your quota.", code: "insufficient_quota" });
  const failure = failureIn(await new Talk(configOf(twin)).say("hello"));
  expect(failure).toMatchObject({ code: "LLM_NO_CREDIT", retryable: false });
  expect(twin.requests).toHaveLength(1);
});
