/** The same in JSON Lines: its memory is the state that the gateway keeps for it. */
import { createInterface } from "node:readline";
import { perform } from "./skills.ts";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const hear = async () => JSON.parse((await lines.next()).value ?? '{"type":"stop"}');
const send = (event: object) => void process.stdout.write(`${JSON.stringify(event)}\n`);

const { prompt, state } = await hear();
const memory: string[] = Array.isArray(state) ? state : [];
// That it has a state is what tells the gateway that it can go on where it was.
send({ type: "state", state: memory });
await perform(prompt, {
  signal: new AbortController().signal,
  memory,
  say: (delta) => send({ type: "text", delta }),
  tool: (title, status) => send({ type: "tool", id: "1", title, status }),
  permit: async (target) => {
    send({ type: "ask", id: "1", kind: "permission", text: `run \`${target}\``, tool: "shell", target });
    const { kind } = await hear();
    return kind === "approved";
  },
});
send({ type: "done", state: memory });
process.exit();
