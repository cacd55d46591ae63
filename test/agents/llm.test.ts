import { createLlmAgent } from "../../src/agents/llm/index.ts";
import type { LlmConfig } from "../../src/config.ts";
import { describeAgent } from "../conformance/agent.ts";
import { eventually } from "../support/eventually.ts";
import { type ModelTwin, startModelTwin } from "../twins/models/index.ts";
import { newest } from "../twins/models/request.ts";
import { InstantClock } from "./clock.ts";
import { configOf } from "./llm/agent.ts";

const WIRES: [string, (twin: ModelTwin) => Partial<LlmConfig>][] = [
  ["openai-compatible", () => ({})],
  ["openai", () => ({ provider: "openai" })],
  ["anthropic", (twin) => ({ provider: "anthropic", baseURL: `${twin.anthropic}/v1` })],
];

for (const [name, config] of WIRES) {
  describeAgent(`llm (${name})`, {
    start: async () => {
      const twin = await startModelTwin();
      const asks = (word: string) => (request: Parameters<typeof newest>[0]) => newest(request).user === word;
      twin.fault({ kind: "status", status: 503 }, { times: Number.POSITIVE_INFINITY, when: asks("fail") });
      twin.fault({ kind: "drop", after: 4 }, { when: asks("once") });
      return {
        agent: createLlmAgent({ config: configOf(twin, config(twin)), env: {}, clock: new InstantClock() }),
        leftovers: async () => {
          // What the client has closed, the server learns a moment later.
          await eventually(() => twin.open === 0, "all requests have ended", 2_000).catch(() => {});
          return Array.from({ length: twin.open }, () => "a request");
        },
        stop: () => twin.stop(),
      };
    },
    prompts: {
      echo: (text) => text,
      endless: "[[endless]]",
      fails: "fail",
      failsOnce: "once",
      large: { prompt: "[[large 50000]]", atLeast: 50_000 },
      counts: { none: "its memory is the transcript: test/agents/llm/memory.test.ts" },
      asks: { none: "it asks for the tools of MCP servers only: test/agents/llm/tools.test.ts" },
    },
  });
}
