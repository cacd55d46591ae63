import { expect, test } from "vitest";
import { Latencies } from "../../src/core/latencies.ts";
import type { GatewayEvent } from "../../src/events.ts";
import { eventually } from "../support/eventually.ts";
import { Bench } from "../support/gateway.ts";

const ended = (ms: number, firstTextMs?: number, outcome = "answered"): GatewayEvent => ({
  ...{ type: "turn.ended", channel: "local:a", turn: "t1", outcome: outcome as "answered", ms },
  figures: { agent: "demo", tokensIn: 0, tokensOut: 0, ...(firstTextMs === undefined ? {} : { firstTextMs }) },
});

test("nothing is told before the first answer; what was not answered counts for nothing", () => {
  const latencies = new Latencies();
  expect(latencies.view()).toBeUndefined();
  latencies.note(ended(5_000, 1, "failed"));
  latencies.note(ended(5_000, 1, "dropped"));
  expect(latencies.view()).toBeUndefined();
  latencies.note(ended(70));
  expect(latencies.view()).toEqual({ answers: 1, turn: { p50: 70, p95: 70 } });
});

test("percentiles are those of the newest thousand, in whatever order they came", () => {
  const latencies = new Latencies();
  for (let i = 0; i < 500; i++) latencies.note(ended(1_000_000, 900_000));
  for (let i = 0; i < 1_000; i++)
    latencies.note(ended(((i * 7) % 1_000) + 1, i % 2 === 0 ? (i * 7) % 1_000 : undefined));
  expect(latencies.view()).toEqual({
    answers: 1_000,
    turn: { p50: 500, p95: 950 },
    firstText: { p50: 498, p95: 948 },
  });
});

test("the gateway tells it, and /status does to admins", async () => {
  const bench = await Bench.open({ access: { default: "allow", allow: [], admins: ["local:ann"] } });
  expect(await bench.gateway.operations.stats()).not.toHaveProperty("latency");
  await bench.channel.say("a", "1", "one");
  const run = await bench.run("a", "one");
  bench.clock.advance(2_000);
  run.say("first");
  run.emit({ type: "state", state: "it was heard" });
  await eventually(async () => (await bench.store.current("local:a"))?.agentState === "it was heard", "it was heard");
  bench.clock.advance(2_000);
  run.done();
  await bench.idle("a");
  expect(await bench.gateway.operations.stats()).toMatchObject({
    latency: { answers: 1, turn: { p50: 4_000 }, firstText: { p50: 2_000 } },
  });
  await bench.channel.say("a", "2", "/status");
  await bench.shows("a", /took 4\.0 s \(p50\) and 4\.0 s \(p95\), their first words 2\.0 s/);
});

test("the time that people take to decide is not the answer's", async () => {
  const bench = await Bench.open();
  await bench.channel.say("a", "1", "one");
  const run = await bench.run("a", "one");
  bench.clock.advance(1_000);
  const asked = run.ask({ kind: "permission", tool: "shell", target: "ls", text: "List?" });
  await bench.shows("a", /May it do this/);
  bench.clock.advance(3_600_000);
  await bench.channel.press("a", "Allow once");
  await asked;
  bench.clock.advance(2_000);
  run.say("done");
  run.done();
  await bench.idle("a");
  expect((await bench.gateway.operations.stats()).latency).toMatchObject({
    turn: { p50: 3_000 },
    firstText: { p50: 3_000 },
  });
});
