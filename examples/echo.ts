/**
 * Switchboard as a library: an agent of your own (a function) on a channel of your own (this terminal).
 *
 *   npx tsx examples/echo.ts
 *
 * Write lines and see them answered one by one; `/help` lists the commands. Kill it in the middle of an answer and
 * start it again: it goes on where it was. In a project of your own, import from "switchboard-gateway".
 */
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { channelId, defineAdapter, defineAgent, Gateway, openLmdbStore, systemClock } from "../src/index.ts";

const echo = defineAgent(async function* ({ text, signal }, { state }) {
  const count = (typeof state === "number" ? state : 0) + 1;
  yield `${count}.`;
  for (const word of text.split(/\s+/)) {
    await sleep(100, undefined, { signal });
    yield ` ${word}`;
  }
  yield { type: "done", state: count };
});

/** Settles at the end of the input (Ctrl-D). */
let reading = Promise.resolve();

const terminal = defineAdapter({
  name: "terminal",
  limits: { maxTextLength: 100_000, minEditInterval: 1_000, repeatableSend: false },
  start: async (intake) => {
    const read = async () => {
      for await (const text of createInterface({ input: process.stdin })) {
        if (text.trim() === "") continue;
        await intake.take({
          channel: channelId("terminal", "me"),
          id: crypto.randomUUID(),
          sender: { id: "terminal:me", name: "Me" },
          text,
          sentAt: Date.now(),
          addressed: true,
          direct: true,
        });
      }
    };
    reading = read();
  },
  stop: () => reading,
  close: async () => {},
  health: () => ({ state: "connected" }),
  split: (markdown) => [markdown],
  send: async (_channel, text, { key }) => {
    console.log(text);
    return key;
  },
});

const store = await openLmdbStore({ path: "data/echo", clock: systemClock, dedupeFor: 86_400_000 });
const gateway = new Gateway({
  store,
  adapters: [terminal],
  agents: { echo },
  access: { default: "allow", allow: [], admins: [] },
});

await gateway.start();
await reading;
await gateway.stop();
await store.close();
