/** Schedules through the whole of core, on a real store, with a platform, an agent and the time in the test's hand. */
import { expect, test } from "vitest";
import type { GatewayOptions } from "../../src/core/gateway.ts";
import { SCHEDULER } from "../../src/core/schedules/configured.ts";
import { Schedules } from "../../src/core/schedules/schedules.ts";
import { cronTimetable } from "../../src/cron.ts";
import type { Schedule } from "../../src/model.ts";
import { eventually } from "../support/eventually.ts";
import type { Bench } from "../support/gateway.ts";
import {
  answer,
  type Changing,
  find,
  happened,
  MINUTE,
  minutely,
  movedPast,
  openBench,
  prompts,
  receiptOf,
  scheduling,
} from "../support/schedules.ts";

const ANN = { id: "local:ann", name: "Ann" };
const HOUR = 60 * MINUTE;

function by(bench: Bench, more: Partial<Schedule> = {}): Schedule {
  const now = bench.clock.now();
  return {
    ...{ id: "anns", channel: "local:1", cron: "* * * * *", timezone: "UTC", prompt: "what is new?", by: ANN },
    ...{ origin: "command", missed: "skip", createdAt: now, nextAt: now + MINUTE, ...more },
  };
}

test("a schedule of the configuration runs at each of its times, in a session of its own kind", async () => {
  const bench = await openBench({ schedules: scheduling({ tick: minutely() }) });
  const first = bench.clock.now() + MINUTE;
  await bench.advance(MINUTE - 1_000);
  expect(prompts(bench)).toEqual([]);
  await bench.advance(1_000);
  const run = await bench.run("1", "what is new?");
  expect(run.turn.messages[0]).toMatchObject({ source: "cron", sender: { id: SCHEDULER, name: "schedule tick" } });
  await answer(bench, "1");
  await bench.shows("1", /answered: what is new\?/);
  expect((await bench.store.current("local:1"))?.source).toBe("cron");
  expect(await receiptOf(bench, "cfg-tick", first)).toMatchObject({ state: "answered" });

  await bench.advance(MINUTE);
  await answer(bench, "1");
  expect(prompts(bench)).toHaveLength(2);
  const moved = await movedPast(bench, "cfg-tick", first + MINUTE);
  expect(moved).toMatchObject({ nextAt: first + 2 * MINUTE, lastAt: first + MINUTE });
  expect(happened(bench)).toEqual(["run cfg-tick", "run cfg-tick"]);
});

test("what the clocks leave out in spring comes when they have been set, what they repeat in autumn comes once", async () => {
  const options: Changing<GatewayOptions> = {};
  const bench = await openBench(options);
  options.schedules = scheduling({ night: minutely({ cron: "30 2 * * *", timezone: "Europe/Berlin" }) });
  for (const [before, at] of [
    ["2027-03-28T00:58:00Z", "2027-03-28T01:00:00Z"],
    ["2027-10-31T00:28:00Z", "2027-10-31T00:30:00Z"],
  ] as const) {
    bench.agent.began.length = 0;
    const now = bench.clock.now();
    await bench.store.removeSchedule("cfg-night");
    bench.clock.advance(Date.parse(before) - now);
    await bench.crash();
    expect((await find(bench, "cfg-night"))?.nextAt).toBe(Date.parse(at));
    await bench.advance(2 * MINUTE);
    await answer(bench, "1");
    await bench.advance(90 * MINUTE);
    expect(prompts(bench)).toEqual(["what is new?"]);
  }
});

test("what was missed is left out, or made up for once, and then it goes on from now", async () => {
  const bench = await openBench({
    schedules: scheduling({ skips: minutely({ prompt: "skip" }), runs: minutely({ prompt: "run", missed: "run" }) }),
  });
  const missed = bench.clock.now() + MINUTE;
  await bench.store.close();
  bench.clock.advance(3 * HOUR + 1_000);
  await bench.crash();
  await answer(bench, "1", "run");
  for (const id of ["cfg-skips", "cfg-runs"]) {
    expect((await movedPast(bench, id, missed)).nextAt).toBe(missed + 3 * HOUR);
  }
  expect(prompts(bench)).toEqual(["run"]);
  expect(happened(bench).sort()).toEqual(["missed cfg-skips", "run cfg-runs"]);
  expect(await receiptOf(bench, "cfg-skips", missed, ":missed")).toMatchObject({
    state: "dropped",
    reason: "no gateway ran at its time",
  });
  expect(await receiptOf(bench, "cfg-runs", missed)).toMatchObject({ state: "answered" });
  expect((await find(bench, "cfg-skips"))?.lastAt).toBeUndefined();
});

test("what is due for less than a minute was not missed", async () => {
  const bench = await openBench({ schedules: scheduling({ tick: minutely({ cron: "* * * * *" }) }) });
  await bench.store.close();
  bench.clock.advance(2 * MINUTE - 1_000);
  await bench.crash();
  await answer(bench, "1");
  expect(happened(bench)).toEqual(["run cfg-tick"]);
});

test("where the queue is full, the chat is told, and the next time counts again", async () => {
  const bench = await openBench({ schedules: scheduling({ tick: minutely() }), queue: { max: 1 } });
  await bench.channel.say("1", "a", "long work");
  await bench.run("1", "long work");
  await bench.channel.say("1", "b", "waits");
  const due = bench.clock.now() + MINUTE;
  await bench.advance(MINUTE);
  await bench.shows("1", /The schedule `cfg-tick` did \*\*not\*\* run: 1 messages already wait/);
  expect(await receiptOf(bench, "cfg-tick", due)).toMatchObject({ state: "dropped", reason: "the queue is full" });
  expect((await movedPast(bench, "cfg-tick", due)).lastAt).toBeUndefined();
  const long = await bench.run("1", "long work");
  long.done();
  await answer(bench, "1", "waits");
  await bench.advance(MINUTE);
  await answer(bench, "1", "what is new?");
  expect(happened(bench)).toEqual(["full cfg-tick", "run cfg-tick"]);
});

test("a prompt that comes while something is asked is no answer to it", async () => {
  const bench = await openBench();
  await bench.store.putSchedule(by(bench, { prompt: "yes" }));
  await bench.channel.say("1", "a", "clean up");
  const run = await bench.run("1", "clean up");
  const asked = run.ask({ kind: "permission", tool: "shell", text: "Remove `build`?" });
  await bench.shows("1", /May it do this/);
  await bench.advance(MINUTE);
  await eventually(async () => (await bench.store.queue("local:1")).waiting.length === 1, "the prompt waits");
  const open = await bench.store.asks({ channel: "local:1", limit: 10 });
  expect(open.asks.map(({ end }) => end)).toEqual([undefined]);
  await bench.channel.press("1", "Reject");
  expect(await asked).toMatchObject({ kind: "rejected" });
  run.done();
  await answer(bench, "1", "yes");
  expect(happened(bench)).toEqual(["run anns"]);
});

test("one that is removed while it is due may run once more, and does not come back", async () => {
  const bench = await openBench();
  await bench.store.putSchedule(by(bench));
  const accept = bench.store.accept.bind(bench.store);
  bench.store.accept = async (event, options) => {
    await bench.store.removeSchedule("anns");
    return await accept(event, options);
  };
  await bench.advance(MINUTE);
  await answer(bench, "1");
  await bench.advance(3 * MINUTE);
  expect(prompts(bench)).toEqual(["what is new?"]);
  expect(await find(bench, "anns")).toBeUndefined();
});

test("at a start the configuration's are made those of the configuration, and nobody else's are touched", async () => {
  const options: Changing<GatewayOptions> = {
    schedules: scheduling({
      same: minutely({ cron: "0 9 * * *" }),
      changed: minutely({ cron: "0 9 * * *" }),
      gone: minutely(),
      "A_name that is no id, and long": minutely(),
    }),
  };
  const bench = await openBench(options);
  await bench.store.putSchedule(by(bench, { cron: "0 9 * * *", nextAt: bench.clock.now() + HOUR }));
  const ids = async () => (await bench.store.schedules({ limit: 100 })).map(({ id }) => id).sort();
  const [oddId = ""] = (await ids()).filter((id) => id.startsWith("cfg-a-name"));
  expect(oddId).toMatch(/^[a-z0-9-]{1,32}$/);
  expect(await ids()).toEqual(["anns", oddId, "cfg-changed", "cfg-gone", "cfg-same"].sort());
  const same = await find(bench, "cfg-same");
  const anns = await find(bench, "anns");

  await bench.advance(10_000);
  options.schedules = scheduling({
    same: minutely({ cron: "0 9 * * *" }),
    changed: minutely({ cron: "0 9 * * *", prompt: "new" }),
  });
  await bench.crash();
  expect(await ids()).toEqual(["anns", "cfg-changed", "cfg-same"]);
  expect(await find(bench, "cfg-same")).toEqual(same);
  expect(await find(bench, "anns")).toEqual(anns);
  expect(await find(bench, "cfg-changed")).toMatchObject({ prompt: "new", createdAt: bench.clock.now() });
});

test.each(["before the prompt is in the inbox", "before the schedule is moved on"])(
  "a crash %s: the time has one turn, and the next one its own",
  async (when) => {
    const bench = await openBench({ schedules: scheduling({ tick: minutely() }) });
    const due = bench.clock.now() + MINUTE;
    const step = when.includes("inbox") ? "accept" : "moveSchedule";
    let reached = false;
    bench.store[step] = () => {
      reached = true;
      return new Promise<never>(() => {});
    };
    await bench.advance(MINUTE);
    await eventually(() => reached, `${step} is reached`);
    await bench.crash();
    await answer(bench, "1");
    expect((await movedPast(bench, "cfg-tick", due)).lastAt).toBe(due);
    await bench.advance(MINUTE);
    await answer(bench, "1");
    const turns = (await bench.store.current("local:1"))?.stats.turns;
    expect(turns).toBe(2);
    expect(happened(bench)).toEqual(["run cfg-tick", "run cfg-tick"]);
  },
);

test("a crash before the schedule is moved on, found long after: it ran, so it was not missed", async () => {
  const bench = await openBench({ schedules: scheduling({ tick: minutely() }) });
  const due = bench.clock.now() + MINUTE;
  bench.store.moveSchedule = () => new Promise<never>(() => {});
  await bench.advance(MINUTE);
  await answer(bench, "1");
  await bench.store.close();
  bench.clock.advance(HOUR);
  await bench.crash();
  expect((await movedPast(bench, "cfg-tick", due)).lastAt).toBe(due);
  expect(happened(bench)).toEqual(["run cfg-tick"]);
});

test("several replicas that look at the same moment run each time once", async () => {
  const bench = await openBench({ schedules: scheduling({ tick: minutely() }) });
  const others = Array.from({ length: 3 }, () => another(bench));
  await Promise.all(others.map((other) => other.start()));
  for (let minute = 1; minute <= 5; minute++) {
    await bench.advance(MINUTE);
    await answer(bench, "1");
  }
  await Promise.all(others.map((other) => other.stop()));
  expect(prompts(bench)).toHaveLength(5);
  expect(happened(bench)).toHaveLength(5);
});

test("a replica that is not preferred leaves it to the one that is, as long as that one does it", async () => {
  const bench = await openBench();
  await bench.store.putSchedule(by(bench));
  let tried = 0;
  const next: typeof cronTimetable.next = (...args) => {
    tried += 1;
    return cronTimetable.next(...args);
  };
  const other = another(bench, { ours: () => false, configured: {}, timetable: { ...cronTimetable, next } });
  await other.start();
  for (let minute = 1; minute <= 3; minute++) {
    await bench.advance(MINUTE);
    await answer(bench, "1");
  }
  expect(tried).toBe(0);
  await bench.gateway.stop();
  await bench.advance(MINUTE);
  await bench.advance(2_000, 500);
  await eventually(() => happened(bench).length === 4, "the other one runs it");
  expect(tried).toBe(1);
  await other.stop();
});

test("what no replica here can run stays due for another one, and keeps nothing else from running", async () => {
  const bench = await openBench({ schedules: scheduling({ tick: minutely() }) });
  const now = bench.clock.now();
  const elsewhere = Array.from({ length: 150 }, (_, i) =>
    by(bench, { id: `other-${i}`, channel: "elsewhere:1", nextAt: now - HOUR }),
  );
  for (const schedule of elsewhere) await bench.store.putSchedule(schedule);
  await bench.advance(MINUTE + 5_000, 5_000);
  await answer(bench, "1");
  expect(happened(bench)).toEqual(["run cfg-tick"]);
  expect(await find(bench, "other-0")).toEqual(elsewhere[0]);
});

test("whose creator may not speak there any more does not run", async () => {
  const access = { default: "deny", allow: ["local:ann"], admins: [] } as const;
  const options: Changing<GatewayOptions> = {
    access,
    schedules: scheduling({ tick: minutely({ prompt: "of nobody" }) }),
  };
  const bench = await openBench(options);
  await bench.store.putSchedule(by(bench));
  const operator = { id: "operator:root", name: "root" };
  await bench.store.putSchedule(by(bench, { id: "roots", channel: "local:2", by: operator }));
  const due = bench.clock.now() + MINUTE;
  options.access = { ...access, allow: [] };
  await bench.crash();
  await bench.advance(MINUTE);
  await answer(bench, "1", "of nobody");
  await answer(bench, "2");
  await movedPast(bench, "anns", due);
  expect(happened(bench).sort()).toEqual(["refused anns", "run cfg-tick", "run roots"]);
  expect(await receiptOf(bench, "anns", due, ":refused")).toMatchObject({
    reason: "Ann, whose schedule it is, is not on the access list",
  });
});

test("one that never comes due again is gone after its last time", async () => {
  const bench = await openBench({ schedules: scheduling({}, { ...cronTimetable, next: () => undefined }) });
  await bench.store.putSchedule(by(bench));
  await bench.advance(MINUTE);
  await answer(bench, "1");
  expect(happened(bench)).toEqual(["run anns", "over anns"]);
  expect(await find(bench, "anns")).toBeUndefined();
});

test("one that can't be read is reported, and keeps nothing else from running", async () => {
  const bench = await openBench({ schedules: scheduling({ tick: minutely() }) });
  await bench.store.putSchedule(by(bench, { cron: "nonsense" }));
  await bench.advance(MINUTE);
  await answer(bench, "1");
  expect(happened(bench)).toEqual(["run cfg-tick"]);
  const doing = bench.events.flatMap((event) => (event.type === "fault" ? [event.doing] : []));
  expect(new Set(doing)).toEqual(new Set(["run the schedule anns"]));
});

test("a clock that was a day ahead and is set right again: what was moved too far comes at its time", async () => {
  const bench = await openBench({ schedules: scheduling({ tick: minutely() }) });
  let ahead = 0;
  const now = bench.clock.now.bind(bench.clock);
  bench.clock.now = () => now() + ahead;
  await bench.store.putSchedule(by(bench));
  const start = now();
  ahead = 24 * HOUR;
  await bench.advance(5_000);
  for (const id of ["cfg-tick", "anns"]) await movedPast(bench, id, start + 23 * HOUR);
  expect(happened(bench).sort()).toEqual(["missed anns", "missed cfg-tick"]);
  ahead = 0;
  await bench.advance(5_000);
  await eventually(async () => (await find(bench, "anns"))?.nextAt === start + MINUTE, "it is moved back");
  await bench.advance(50_000);
  await eventually(() => happened(bench).length === 4, "both run at the time that was missed by the wrong clock");
  expect(happened(bench).slice(2).sort()).toEqual(["run anns", "run cfg-tick"]);
});

test("the store away at a start: the configuration is taken over, and what is due runs, when it is back", async () => {
  const bench = await openBench();
  const other = another(bench, { configured: { late: minutely() } });
  const { schedules } = bench.store;
  bench.store.schedules = () => Promise.reject(new Error("away"));
  await other.start();
  expect(bench.events.filter(({ type }) => type === "store.fault")).not.toEqual([]);
  bench.store.schedules = schedules;
  await bench.advance(5_000);
  await eventually(async () => (await find(bench, "cfg-late")) !== undefined, "it is taken over");
  await other.stop();
});

/** The schedules of one more replica on the bench's store. */
function another(bench: Bench, more: Partial<ConstructorParameters<typeof Schedules>[0]> = {}): Schedules {
  return new Schedules({
    ...{ store: bench.store, clock: bench.clock, timetable: cronTimetable, max: 100 },
    configured: { tick: minutely() },
    emit: (event) => bench.events.push(event),
    ours: () => true,
    serves: () => true,
    may: () => true,
    ...more,
  });
}
