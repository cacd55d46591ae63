import { expect, test } from "vitest";
import { llmFromEnvironment } from "../../../src/agents/llm/environment.ts";
import { probeModel } from "../../../src/agents/llm/probe.ts";
import { schema } from "../../../src/schema.ts";
import { configOf, startTwin } from "./agent.ts";

const signal = new AbortController().signal;

test.each([
  [{}, undefined],
  [{ OPENAI_API_KEY: "", OLLAMA_HOST: "" }, undefined],
  [
    { OPENAI_API_KEY: "k1", ANTHROPIC_API_KEY: "k2", OLLAMA_HOST: "x" },
    { because: "OPENAI_API_KEY", provider: "openai", apiKey: "k1" },
  ],
  [
    { OPENAI_API_KEY: "k", OPENAI_MODEL: "m" },
    { because: "OPENAI_API_KEY", provider: "openai", model: "m" },
  ],
  [
    { OPENAI_API_KEY: "k", OPENAI_BASE_URL: "http://127.0.0.1:1/v1/" },
    { because: "OPENAI_API_KEY", provider: "openai-compatible", baseURL: "http://127.0.0.1:1/v1" },
  ],
  [
    { ANTHROPIC_API_KEY: "k", OLLAMA_HOST: "x", ANTHROPIC_BASE_URL: "http://127.0.0.1:1" },
    { because: "ANTHROPIC_API_KEY", provider: "anthropic", apiKey: "k", baseURL: "http://127.0.0.1:1/v1" },
  ],
  [{ OLLAMA_HOST: "0.0.0.0" }, { because: "OLLAMA_HOST", baseURL: "http://127.0.0.1:11434/v1", model: "auto" }],
  [
    { OLLAMA_HOST: "box:1234", OLLAMA_MODEL: "m" },
    { because: "OLLAMA_HOST", baseURL: "http://box:1234/v1", model: "m" },
  ],
  [{ OLLAMA_HOST: "https://box.example/" }, { because: "OLLAMA_HOST", baseURL: "https://box.example:443/v1" }],
  [{ OLLAMA_HOST: ":1234" }, { because: "OLLAMA_HOST", baseURL: "http://127.0.0.1:1234/v1" }],
])("%j leads to %j", (env, expected) => {
  const found = llmFromEnvironment(env);
  if (expected === undefined) return expect(found).toBeUndefined();
  expect({ because: found?.because, ...found?.config }).toMatchObject(expected);
});

test("is what the configuration would give for the same entry", () => {
  const found = llmFromEnvironment({ ANTHROPIC_API_KEY: "k" });
  const entry = { type: "llm", provider: "anthropic", apiKey: "k", model: found?.config.model };
  expect(found?.config).toEqual(schema.parse({ agents: { a: entry } }).agents.a);
});

test("a model that its server has is found, without asking it anything", async () => {
  const twin = await startTwin({ models: ["llama3:latest"] });
  expect(await probeModel(configOf(twin, { model: "llama3" }), {}, signal)).toEqual({
    ok: true,
    detail: `llama3 at ${twin.openai}`,
  });
  expect(await probeModel(configOf(twin, { model: "auto" }), {}, signal)).toMatchObject({ ok: true });
  expect(twin.requests).toEqual([]);
});

test("says what is wrong with a model, and how to mend it", async () => {
  const twin = await startTwin({ models: ["llama3:latest"] });
  const config = configOf(twin, { model: "gone" });
  const finding = await probeModel(config, {}, signal);
  expect(finding).toMatchObject({
    ok: false,
    detail: expect.stringContaining("does not list gone. It has: llama3:latest"),
  });
  const { apiKey: _, ...keyless } = { ...config, provider: "openai" as const };
  expect(await probeModel(keyless, {}, signal)).toMatchObject({
    ok: false,
    detail: expect.stringContaining("OPENAI_API_KEY"),
  });
  await twin.stop();
  expect(await probeModel(config, {}, signal)).toMatchObject({
    ok: false,
    detail: expect.stringContaining("ECONNREFUSED"),
  });
});
