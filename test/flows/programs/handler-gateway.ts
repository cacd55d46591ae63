/**
 * A program of a library user: a gateway with an agent of its own. argv is apiRoot and token; it keeps its store in the
 * folder that it runs in, and a live session for one channel only.
 */
import { PassThrough } from "node:stream";
import { createTelegramAdapter } from "../../../adapters/telegram/index.ts";
import { type AgentEvent, defineAgent, Gateway, openLmdbStore, systemClock } from "../../../src/index.ts";
import { perform } from "./skills.ts";

const [apiRoot = "", token = ""] = process.argv.slice(2);

const handler = defineAgent(async function* ({ text, signal, ask }, { state }) {
  const memory: string[] = Array.isArray(state) ? state.map(String) : [];
  const said = new PassThrough({ objectMode: true });
  const add = (piece: string | AgentEvent) => void said.write(piece);
  const work = perform(text, {
    ...{ signal, memory, say: add },
    tool: (title, status) => add({ type: "tool", id: "1", title, status }),
    permit: async (target) => {
      const { kind } = await ask({ kind: "permission", text: `run \`${target}\``, tool: "shell", target });
      return kind === "approved";
    },
  }).finally(() => said.end());
  yield* said;
  await work;
  yield { type: "done", state: memory };
});

const store = await openLmdbStore({ path: "data", clock: systemClock, dedupeFor: 86_400_000 });
const gateway = new Gateway({
  store,
  adapters: [
    createTelegramAdapter({
      name: "telegram",
      config: { type: "telegram", token, mode: "polling", apiRoot },
      clock: systemClock,
    }),
  ],
  agents: { handler },
  access: { default: "allow", allow: [], admins: ["telegram:*"] },
  pool: { maxRunning: 8, maxLive: 1, idleTimeout: 60_000, restoreAtStart: 0 },
  grace: 0,
  emit: ({ type, ...fields }) => process.stderr.write(`${JSON.stringify({ ...fields, msg: type })}\n`),
});
process.on("SIGTERM", async () => {
  await gateway.stop();
  await store.close();
  process.exit(0);
});
await gateway.start();
process.stdout.write("{}\n");
