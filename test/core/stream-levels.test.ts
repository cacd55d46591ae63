/** The levels through a whole gateway: what a channel sees while a turn runs, when it is answered, and when it is stopped. */
import { expect, test } from "vitest";
import type { Agent } from "../../src/agent.ts";
import type { AgentEvent, StreamLevel } from "../../src/model.ts";
import { eventually } from "../support/eventually.ts";
import { Bench } from "../support/gateway.ts";

const WORK: readonly AgentEvent[] = [
  { type: "tool", id: "1", title: "Read main.ts", status: "running" },
  { type: "todo", items: [{ text: "Look", status: "running" }] },
  { type: "text", delta: "Half of it" },
  { type: "tool", id: "1", title: "Read main.ts", status: "done" },
];

/** Does its work, and goes on when it is told to. */
async function open(level: StreamLevel): Promise<{ bench: Bench; finish: () => void }> {
  let finish = () => {};
  const told = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const agent: Agent = {
    open: async () => ({
      async *run({ signal }) {
        yield* WORK;
        await Promise.race([told, new Promise((resolve) => signal.addEventListener("abort", resolve))]);
        yield { type: "text", delta: ", and all of it." };
        yield { type: "done" };
      },
      close: async () => {},
    }),
  };
  const bench = await Bench.open({
    agents: { scripted: agent },
    routes: [{ match: "*", agent: "scripted", stream: level }],
  });
  await bench.channel.say("one", "1", "go");
  return { bench, finish };
}

/** Lets time pass until the channel shows it. */
async function until(bench: Bench, pattern: RegExp): Promise<string> {
  const found = () => bench.channel.texts("local:one").find((text) => pattern.test(text));
  await eventually(async () => {
    await bench.advance(1_000, 250);
    return found() !== undefined;
  }, `the channel shows ${pattern}`);
  return found() ?? "";
}

const ANSWER = "Half of it, and all of it.";

test("full: tools, list and text; the answer is the text alone", async () => {
  const { bench, finish } = await open("full");
  expect(await until(bench, /Half/)).toBe("✓ Read main.ts\n\n▸ Look\n\nHalf of it");
  finish();
  await bench.idle("one");
  expect(bench.channel.texts("local:one")).toEqual([ANSWER]);
});

test("compact: a line, then the answer in its place", async () => {
  const { bench, finish } = await open("compact");
  expect(await until(bench, /tool/)).toMatch(/^⚙ 1 tool · \d+ s$/);
  finish();
  await bench.idle("one");
  expect(bench.channel.texts("local:one")).toEqual([ANSWER]);
  expect(bench.channel.seen.filter(({ text }) => text.includes("Half")).map(({ text }) => text)).toEqual([ANSWER]);
});

test("off: nothing, then the answer", async () => {
  const { bench, finish } = await open("off");
  await bench.advance(120_000, 10_000);
  expect(bench.channel.seen).toEqual([]);
  finish();
  await bench.idle("one");
  expect(bench.channel.texts("local:one")).toEqual([ANSWER]);
});

test("stopped: what was seen of the answer stays, and what was not does not appear", async () => {
  for (const level of ["full", "compact"] as const) {
    const { bench } = await open(level);
    await until(bench, level === "full" ? /Half/ : /tool/);
    await bench.channel.say("one", "2", "/stop");
    await bench.idle("one");
    const [first] = bench.channel.texts("local:one");
    expect(first).toBe(level === "full" ? "Half of it\n\n⏹ _Stopped._" : "⏹ _Stopped._");
  }
});
