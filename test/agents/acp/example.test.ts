import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { AskOutcome } from "../../../src/agent.ts";
import { collect, People, textOf, turnOf } from "../../conformance/agent.ts";
import { noticesIn, stateIn, testAgent } from "./harness.ts";

const PROGRAM = fileURLToPath(new URL("../programs/acp-example-agent.mjs", import.meta.url));
const by = { id: "test:eve", name: "Eve" };

/** The protocol SDK's own example agent. */
const example = () => testAgent({}, { command: [process.execPath, PROGRAM], env: { PAUSE: "20" } });

async function answered(outcome: AskOutcome) {
  const people = new People(() => outcome);
  const events = await collect(await example().open(), "hello", { people });
  return { asked: people.asked, text: textOf(events), events };
}

test("the example agent's turn, with what it asks for allowed", async () => {
  const { asked, text, events } = await answered({ kind: "approved", scope: "once", by });
  expect(asked).toEqual([
    {
      ...{ kind: "permission", tool: "edit", target: "/project/config.json", edits: true },
      text: "**Modifying critical configuration file**\n\n```\n/project/config.json\n```",
    },
  ]);
  expect(events.filter(({ type }) => type === "tool")).toEqual([
    { type: "tool", id: "call_1", title: "Reading project files", status: "running" },
    { type: "tool", id: "call_1", title: "Reading project files", status: "done" },
    { type: "tool", id: "call_2", title: "Modifying critical configuration file", status: "running" },
    { type: "tool", id: "call_2", title: "Modifying critical configuration file", status: "done" },
  ]);
  expect(text).toMatch(/^I'll help you.*situation\.\n\nNow I understand.*improve it\.\n\nPerfect!.*applied\.$/s);
  expect(events.at(-1)?.type).toBe("done");
});

test("and turned down", async () => {
  expect((await answered({ kind: "rejected", by })).text).toContain("I'll skip the configuration update");
});

test("and stopped, in a step and while it asks: the next turn is answered", async () => {
  const session = await example().open();
  for (const stopAt of ["text", "ask"]) {
    const controller = new AbortController();
    const people = new People();
    void people.first.then(() => controller.abort());
    for await (const { type } of session.run(turnOf("hello", { people, signal: controller.signal }))) {
      if (type === stopAt) controller.abort();
    }
  }
  const people = new People(() => ({ kind: "rejected", by }));
  expect(textOf(await collect(session, "hello", { people }))).toContain("skip the configuration");
});

test("and can't restore: it begins anew, which is said", async () => {
  const agent = example();
  const people = new People(() => ({ kind: "rejected", by }));
  const session = await agent.open();
  const state = stateIn(await collect(session, "hello", { people }));
  await session.close();
  const again = await agent.open(state === undefined ? {} : { state });
  const events = await collect(again, "hello", { people });
  expect(noticesIn(events)).toEqual([expect.stringContaining("begins a new one")]);
  expect(stateIn(events)).not.toEqual(state);
});
