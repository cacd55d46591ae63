/**
 * Stands for a gateway with an llm agent: runs one turn of a session that has an MCP server, says so, and waits to be
 * killed.
 *
 *   node --import tsx llm-gateway.ts <base URL of the model> <file for the process ids> <MCP server>
 */
import { writeSync } from "node:fs";
import { createLlmAgent } from "../../../src/agents/llm/index.ts";
import { schema } from "../../../src/schema.ts";

const [baseURL, pids = "", server = ""] = process.argv.slice(2);
const entry = { type: "llm", provider: "openai-compatible", baseURL, model: "twin-model" };
const config = schema.parse({ agents: { entry } }).agents.entry;
if (config?.type !== "llm") throw new TypeError("the entry is one of an llm agent");
const clock = { now: () => Date.now(), after: () => () => {} };
const session = await createLlmAgent({ config, env: process.env, clock }).open({
  session: "s",
  channel: "test:c",
  transcript: async () => [],
  mcpServers: { pad: { command: [process.execPath, server], env: { PIDS: pids } } },
});
const run = session.run({
  id: "turn-1",
  messages: [{ id: "1", sender: { id: "test:ada", name: "Ada" }, text: "go", sentAt: 1, acceptedAt: 1 }],
  attempt: 1,
  phase: "work",
  mode: "ask",
  decided: [],
  signal: new AbortController().signal,
  ask: () => Promise.reject(new Error("nobody is here")),
  read: () => Promise.reject(new Error("no file is here")),
});
for await (const { type } of run) if (type === "done") writeSync(1, "done\n");
