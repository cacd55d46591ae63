/** Agents that say nothing for long, and turns that take too long. */
import { expect, test } from "vitest";
import type { AskRequest, ChannelId } from "../../src/model.ts";
import { eventually } from "../support/eventually.ts";
import { Bench } from "../support/gateway.ts";

const A: ChannelId = "local:a";
const MINUTE = 60_000;
const RM: AskRequest = { kind: "permission", tool: "shell", target: "rm -rf build", text: "Remove `build`?" };
const SILENT = /no sign of life for/;

function told(bench: Bench): string[] {
  return bench.channel.texts(A).flatMap((text) => /no sign of life for ([^.]+)\./.exec(text)?.[1] ?? []);
}

async function tells(bench: Bench, count: number): Promise<void> {
  await eventually(
    () => told(bench).length === count,
    () => `told ${count} times, not ${told(bench).join()}`,
  );
}

async function working(patience: { silence?: number; limit?: number }) {
  const bench = await Bench.open({ patience });
  await bench.channel.say("a", "1", "one");
  return { bench, run: await bench.run("a", "one") };
}

test("the channel is told once of a silence, and again when it has doubled; a sign of life begins anew", async () => {
  const { bench, run } = await working({ silence: 5 * MINUTE });
  await bench.advance(4 * MINUTE);
  expect(told(bench)).toEqual([]);
  await bench.advance(2 * MINUTE);
  await tells(bench, 1);
  await bench.advance(3 * MINUTE);
  expect(told(bench)).toHaveLength(1);
  await bench.advance(2 * MINUTE);
  await tells(bench, 2);
  expect(told(bench)).toEqual(["5 min", "10 min"]);
  for (const event of [
    { type: "alive" },
    { type: "thought", delta: "hm" },
    { type: "usage", tokensIn: 1, tokensOut: 1 },
  ] as const) {
    run.emit(event);
    await bench.advance(4 * MINUTE);
  }
  expect(told(bench)).toHaveLength(2);
  await bench.advance(2 * MINUTE);
  await tells(bench, 3);
  expect(told(bench).at(-1)).toBe("5 min");
  expect(bench.events.filter(({ type }) => type === "agent.silent")).toHaveLength(3);
  await bench.channel.say("a", "s", "/stop turn");
  await bench.shows("a", /The running answer was stopped/);
  await bench.idle("a");
});

test("waiting for people is neither silence nor work", async () => {
  const { bench, run } = await working({ silence: 5 * MINUTE, limit: 30 * MINUTE });
  await bench.advance(4 * MINUTE);
  const asked = run.ask(RM);
  await bench.shows("a", /May it do this/);
  await bench.advance(120 * MINUTE, 5 * MINUTE);
  expect(told(bench)).toEqual([]);
  await bench.channel.press("a", "Allow once");
  await asked;
  await bench.advance(4 * MINUTE);
  expect(told(bench)).toEqual([]);
  expect(run.aborted).toBe(false);
  run.done();
  await bench.idle("a");
});

test("a turn that works for too long is interrupted: its receipt says so, its agent is closed, the next one runs", async () => {
  const { bench, run } = await working({ limit: 30 * MINUTE });
  await bench.channel.say("a", "2", "two");
  run.say("half an answer");
  for (let minute = 0; minute < 29; minute++) {
    run.emit({ type: "alive" });
    await bench.advance(MINUTE);
  }
  expect(run.aborted).toBe(false);
  run.emit({ type: "usage", tokensIn: 5, tokensOut: 7 });
  await bench.advance(2 * MINUTE);
  (await bench.run("a", "two")).done();
  await bench.shows("a", /could not be answered: it was interrupted: it had worked for 30 min/);
  await bench.idle("a");
  expect(run.aborted).toBe(true);
  expect(await bench.receipt("a", "1")).toMatchObject({ state: "failed", cause: expect.stringMatching(/turn\.limit/) });
  expect(bench.agent).toMatchObject({ opened: 2, closed: 1 });
  expect(await bench.store.current(A)).toMatchObject({ stats: { failed: 1, tokensIn: 5, tokensOut: 7 } });
  await bench.channel.say("a", "r", "/retry");
  expect((await bench.run("a", "one")).turn.attempt).toBe(1);
});

test("an agent that never opens is silent too, and is interrupted", async () => {
  const bench = await Bench.open({ patience: { silence: 5 * MINUTE, limit: 20 * MINUTE } });
  let letOpen = () => {};
  bench.agent.refuses = () =>
    new Promise<void>((resolve) => {
      letOpen = resolve;
    });
  await bench.channel.say("a", "1", "one");
  await eventually(() => bench.agent.openings.length === 1, "it opens");
  await bench.advance(6 * MINUTE);
  await tells(bench, 1);
  await bench.advance(15 * MINUTE);
  await eventually(async () => {
    bench.clock.advance(MINUTE);
    return (await bench.receipt("a", "1"))?.state === "failed";
  }, "it is interrupted");
  bench.agent.refuses = undefined;
  letOpen();
  await eventually(() => bench.agent.closed === 1, "what opened too late is closed");
  await bench.channel.say("a", "2", "two");
  (await bench.run("a", "two")).done();
  await bench.idle("a");
});

test("nothing is told of a turn that is over, nor of an attempt that another process made", async () => {
  const { bench, run } = await working({ silence: 5 * MINUTE });
  run.done();
  await bench.idle("a");
  await bench.channel.say("a", "2", "two");
  await bench.run("a", "two");
  const sender = { id: "gateway:watchdog", name: "the gateway" };
  const event = { channel: A, sender, text: "silence", sentAt: 0, addressed: true, direct: false } as const;
  for (const args of ["t1 1 300000", "t2 2 300000", "t2 0 300000"]) {
    const draft = { command: "silence", args, reason: "its agent is silent" };
    await bench.store.signal({ ...event, id: `x${args}` }, draft);
  }
  await bench.channel.say("a", "h", "/help");
  await bench.shows("a", /`\/stop`/);
  expect(told(bench)).toEqual([]);
  const live = { ...event, id: "y" };
  await bench.store.signal(live, { command: "silence", args: "t2 1 300000", reason: "its agent is silent" });
  await tells(bench, 1);
});

test("a process that was told to stop and begins anew counts from the beginning, and tells again", async () => {
  const { bench } = await working({ silence: 5 * MINUTE });
  await bench.advance(6 * MINUTE);
  await tells(bench, 1);
  await bench.restart();
  expect((await bench.run("a", "one")).turn.attempt).toBe(1);
  await bench.advance(4 * MINUTE);
  expect(told(bench)).toHaveLength(1);
  await bench.advance(2 * MINUTE);
  await tells(bench, 2);
});

test("no timer runs where both are off, and none once the turn is over", async () => {
  const off = await Bench.open({ patience: {} });
  const resting = off.clock.timers;
  await off.channel.say("a", "1", "one");
  const run = await off.run("a", "one");
  expect(off.clock.timers).toBe(resting);
  await off.advance(600 * MINUTE, 60 * MINUTE);
  expect(run.aborted).toBe(false);
  expect(told(off)).toEqual([]);
  run.done();
  await off.idle("a");

  const { bench, run: watched } = await working({ silence: 5 * MINUTE });
  expect(bench.clock.timers).toBe(resting + 1);
  watched.done();
  await bench.idle("a");
  await eventually(() => bench.clock.timers === resting, "the watchdog is gone");
});

test("people can't use the gateway's own commands, and see nothing of them but what they say", async () => {
  const bench = await Bench.open({ patience: { silence: 5 * MINUTE } });
  for (const [id, text] of [
    ["1", "/silence t1 1 300000"],
    ["2", "/stopped"],
    ["3", "/SILENCE"],
  ] as const) {
    await bench.channel.say("a", id, text);
    (await bench.run("a", text)).done();
    await bench.idle("a");
  }
  await bench.channel.say("a", "4", "four");
  await bench.run("a", "four");
  await bench.advance(6 * MINUTE);
  await tells(bench, 1);
  await bench.channel.say("a", "h", "/help");
  const help = await bench.shows("a", /`\/why`/);
  expect(help).not.toMatch(/silence|stopped`/);
  await bench.channel.say("a", "w", "/why");
  const why = await bench.shows("a", /“four”: running/);
  expect(why).not.toMatch(/silence|gateway/);
  expect(bench.channel.texts(A).filter((text) => SILENT.test(text))).toHaveLength(1);
});
