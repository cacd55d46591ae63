/** One attempt at a turn: whether it begins, what it used, and what people are told of it. */
import { expect, test } from "vitest";
import type { ChannelId } from "../../src/model.ts";
import { eventually } from "../support/eventually.ts";
import { Bench } from "../support/gateway.ts";
import { LocalChannel } from "../support/local-channel.ts";

const A: ChannelId = "local:a";

test("a turn that is claimed in the moment in which the gateway stops does not begin", async () => {
  const bench = await Bench.open();
  const claim = bench.store.claim.bind(bench.store);
  let letClaim = () => {};
  let claims = false;
  const allowed = new Promise<void>((resolve) => {
    letClaim = resolve;
  });
  bench.store.claim = async (...args) => {
    claims = true;
    await allowed;
    return await claim(...args);
  };
  await bench.channel.say("a", "1", "one");
  await eventually(() => claims, "it is being claimed");
  const stopped = bench.gateway.stop();
  await new Promise((resolve) => setTimeout(resolve, 50));
  letClaim();
  await stopped;
  expect(bench.agent.began).toEqual([]);
  await bench.restart();
  expect((await bench.run("a", "one")).turn.attempt).toBe(1);
});

test("what was shown of an answer that is stopped stays, and says so", async () => {
  const bench = await Bench.open();
  await bench.channel.say("a", "1", "one");
  (await bench.run("a", "one")).say("half");
  await eventually(() => {
    bench.clock.advance(1_000);
    return bench.channel.texts(A)[0] === "half";
  }, "a preview");
  await bench.channel.say("a", "s", "/stop");
  await bench.idle("a");
  expect(bench.channel.texts(A)).toEqual(["half\n\n⏹ _Stopped._", "⏹ The running answer was stopped."]);
});

test("what agents use is summed, also of attempts that failed or were stopped, and /status tells", async () => {
  const bench = await Bench.open();
  const use = { type: "usage", tokensIn: 1_000, tokensOut: 10 } as const;
  await bench.channel.say("a", "1", "one");
  const run = await bench.run("a", "one");
  run.emit({ ...use, cost: 0.25, costSource: "agent" });
  run.emit({ ...use, cost: 0.25, costSource: "agent" });
  run.fail("once more");
  await eventually(() => {
    bench.clock.advance(10_000);
    return bench.agent.runs.get(A)?.turn.attempt === 2;
  }, "attempt 2");
  const again = await bench.run("a", "one");
  again.emit(use);
  again.done();
  await bench.idle("a");
  await bench.channel.say("a", "2", "two");
  const stopped = await bench.run("a", "two");
  stopped.emit({ ...use, cost: 0.5, costSource: "prices" });
  await bench.channel.say("a", "s", "/stop");
  await bench.shows("a", /was stopped/);
  await bench.channel.say("a", "3", "three");
  const cut = await bench.run("a", "three");
  cut.emit(use);
  await bench.restart();
  (await bench.run("a", "three")).done();
  await bench.idle("a");
  const total = { tokensIn: 5_000, tokensOut: 50, cost: 1 };
  expect(await bench.store.current(A)).toMatchObject({
    stats: { ...total, turns: 2, failed: 0, costSource: "prices" },
  });
  expect((await bench.store.stats()).totals).toMatchObject(total);
  const ends = bench.events.flatMap((event) => (event.type === "turn.ended" ? [event] : []));
  expect(ends.map(({ outcome, figures }) => [outcome, figures?.tokensIn, figures?.agent])).toEqual([
    ["retry", 2_000, "scripted"],
    ["answered", 1_000, "scripted"],
    ["dropped", 1_000, "scripted"],
    ["requeued", 1_000, "scripted"],
    ["answered", 0, "scripted"],
  ]);
  await bench.channel.say("a", "t", "/status");
  await bench.shows("a", /5,000 tokens in, 50 out; \$1\.00 by the configured prices, as far as it is known\./);
});

test("what an agent wants people to know stands beside its answer, whole, and beside its failure", async () => {
  const bench = await Bench.open({}, new LocalChannel({ maxTextLength: 40 }));
  await bench.channel.say("a", "1", "one");
  const run = await bench.run("a", "one");
  run.emit({ type: "notice", text: `Your memory was cut${".".repeat(50)}here` });
  run.say("the answer");
  run.done();
  await bench.idle("a");
  expect(bench.channel.texts(A)).toEqual([
    "the answer",
    `Your memory was cut${".".repeat(21)}`,
    `${".".repeat(29)}here`,
  ]);
  await bench.channel.say("b", "1", "one");
  const failed = await bench.run("b", "one");
  failed.emit({ type: "notice", text: "It had no key." });
  failed.fail("no", false);
  await bench.shows("b", /^It had no key\.$/);
  await bench.channel.say("c", "1", "one");
  const stopped = await bench.run("c", "one");
  stopped.emit({ type: "notice", text: "never seen" });
  await bench.channel.say("c", "s", "/stop");
  await bench.shows("c", /was stopped/);
  expect(bench.channel.seen.some(({ text }) => text.includes("never seen"))).toBe(false);
});

test("that an agent died or could not be started is said at once, also where it is tried again", async () => {
  const bench = await Bench.open();
  bench.agent.refuses = () => {
    throw new Error("no such program");
  };
  await bench.channel.say("a", "1", "one");
  await bench.shows("a", /⚠ the agent "scripted" could not be started: no such program\. It is tried again\./);
  expect(await bench.receipt("a", "1")).toMatchObject({ state: "running" });
  bench.agent.refuses = undefined;
  await eventually(() => {
    bench.clock.advance(10_000);
    return bench.agent.runs.has(A);
  }, "attempt 2");
  const run = await bench.run("a", "one");
  run.ask({ kind: "permission", tool: "shell", text: "Do it?" });
  await bench.shows("a", /May it do this/);
  run.emit({ type: "failed", failure: { code: "DIED", message: "it died: `oops`", retryable: true, told: true } });
  await bench.shows("a", /it died: `oops` It waited for a decision, and is restarted\. What is decided still counts/);
  expect(bench.channel.texts(A).filter((text) => text.includes("tried again"))).toHaveLength(1);
});
