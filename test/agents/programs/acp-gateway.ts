/**
 * Stands for a gateway: has the agent of $FOLDER work without end, says so when it does, and waits to be killed.
 *
 *   node --import tsx acp-gateway.ts <command of the agent …>
 */
import { writeSync } from "node:fs";
import { createAcpAgent } from "../../../src/agents/acp/index.ts";

const { FOLDER = ".", CAN = "{}" } = process.env;
const agent = createAcpAgent({
  config: {
    ...{ type: "acp", command: process.argv.slice(2), env: { FOLDER, CAN }, options: {} },
    ...{ processes: "session", startTimeout: 20_000, onCrash: "resume" },
  },
});
const session = await agent.open({ session: "s", channel: "test:c", folder: FOLDER, transcript: async () => [] });
const sender = { id: "test:ada", name: "Ada" };
const text = `leave sh -c 'trap "" TERM; echo $$ >>${FOLDER}/pids; while :; do sleep 1; done'\nthen stay`;
const run = session.run({
  id: "turn-1",
  messages: [{ id: "1", sender, text, sentAt: 1, acceptedAt: 1 }],
  attempt: 1,
  phase: "work",
  mode: "ask",
  decided: [],
  signal: new AbortController().signal,
  ask: () => Promise.reject(new Error("nobody is here")),
  read: () => Promise.reject(new Error("no file is here")),
});
for await (const event of run) if (event.type === "text") writeSync(1, `${event.delta}\n`);
