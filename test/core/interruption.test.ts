/** What becomes of turns that are cut short: by a crash, by their agent's end, by the gateway's own. */
import { expect, test } from "vitest";
import type { CrashPolicy } from "../../src/core/interruption.ts";
import type { AskRequest, ChannelId } from "../../src/model.ts";
import { eventually } from "../support/eventually.ts";
import { Bench } from "../support/gateway.ts";
import { ScriptedAgent } from "../support/scripted-agent.ts";

const A: ChannelId = "local:a";
const WHAT_NOW = /was cut short/;
const RM: AskRequest = { kind: "permission", tool: "shell", target: "rm -rf build", text: "Remove `build`?" };
const MINUTE = 60_000;

function open(policy: CrashPolicy, options: Parameters<typeof Bench.open>[0] = {}): Promise<Bench> {
  return Bench.open({ onCrash: { scripted: policy }, ...options });
}

/** A turn whose agent had said where it is when the process died. */
async function crashed(policy: CrashPolicy, options: Parameters<typeof Bench.open>[0] = {}): Promise<Bench> {
  const bench = await open(policy, options);
  await bench.channel.say("a", "1", "one");
  const run = await bench.run("a", "one");
  run.emit({ type: "state", state: { step: 1 } });
  run.emit({ type: "state", state: { step: 2 } });
  await known(bench, { step: 2 });
  await bench.crash();
  return bench;
}

async function known(bench: Bench, state: unknown): Promise<void> {
  const stored = async () => JSON.stringify((await bench.store.current(A))?.agentState);
  await eventually(async () => (await stored()) === JSON.stringify(state), "the state is stored");
}

async function questions(bench: Bench): Promise<number> {
  const { entries } = await bench.store.audit({ limit: 100 });
  return entries.filter(({ what, kind }) => what === "opened" && kind === "questions").length;
}

/** The card itself, as often as it stands in the channel. */
function cards(bench: Bench): number {
  return bench.channel.texts(A).filter((text) => WHAT_NOW.test(text)).length;
}

async function suspended(bench: Bench): Promise<void> {
  const labels = () => bench.channel.messages(A).flatMap(({ actions }) => actions.map(({ label }) => label));
  await eventually(() => labels().includes("Go on"), "people are asked");
  const isAttended = async () => (await bench.store.unattended("somebody else")).includes(A);
  await eventually(async () => !(await isAttended()) && bench.agent.runs.size === 0, "the turn is suspended");
}

test("retry: the turn begins anew, with the state that the agent gave last", async () => {
  const bench = await crashed("retry");
  const run = await bench.run("a", "one");
  expect(run.turn).toMatchObject({ attempt: 2 });
  expect(run.turn.resumes).toBeUndefined();
  expect(run.state).toEqual({ step: 2 });
});

test("resume: the agent goes on in its own session, also one that was begun in the turn that was cut short", async () => {
  const bench = await crashed("resume");
  const run = await bench.run("a", "one");
  expect(run.turn).toMatchObject({ attempt: 2, resumes: true });
  expect(run.state).toEqual({ step: 2 });
  run.say("whole");
  run.done({ step: 3 });
  await bench.idle("a");
  await bench.channel.say("a", "2", "two");
  expect((await bench.run("a", "two")).turn.resumes).toBeUndefined();
  expect((await bench.store.current(A))?.agentState).toEqual({ step: 3 });
});

test("resume: an agent that remembers nothing begins anew", async () => {
  const bench = await open("resume");
  await bench.channel.say("a", "1", "one");
  await bench.run("a", "one");
  await bench.crash();
  const run = await bench.run("a", "one");
  expect(run.turn.attempt).toBe(2);
  expect(run.turn.resumes).toBeUndefined();
});

test("resume: also after the agent itself has failed", async () => {
  const bench = await open("resume");
  await bench.channel.say("a", "1", "one");
  const run = await bench.run("a", "one");
  run.emit({ type: "state", state: "s" });
  run.fail("it died");
  await eventually(() => {
    bench.clock.advance(10_000);
    return bench.agent.runs.get(A)?.turn.attempt === 2;
  }, "attempt 2");
  expect((await bench.run("a", "one")).turn.resumes).toBe(true);
});

test("resume: also where the gateway was stopped, which counts no attempt; not where the turn had not begun", async () => {
  const bench = await open("resume", { pool: { maxRunning: 1 } });
  await bench.channel.say("a", "1", "one");
  const run = await bench.run("a", "one");
  run.emit({ type: "state", state: "s" });
  await known(bench, "s");
  await bench.channel.say("b", "1", "other");
  await eventually(async () => (await bench.receipt("b", "1"))?.state === "running", "b waits for a slot");
  await bench.restart();
  const again = await bench.run("a", "one");
  expect(again.turn).toMatchObject({ attempt: 1, resumes: true });
  again.done();
  const other = await bench.run("b", "other");
  expect(other.turn.attempt).toBe(1);
  expect(other.turn.resumes).toBeUndefined();
  other.done();
  await bench.idle("a");
  expect((await bench.store.current(A))?.settings?.interrupted).toBeUndefined();
});

for (const [end, attempt] of [
  ["restart", 1],
  ["crash", 2],
] as const) {
  for (const policy of ["resume", "ask"] as const) {
    test(`${policy}: who waited for a permission goes on with it after a ${end}, and is not asked about the ${end}`, async () => {
      const bench = await open(policy);
      await bench.channel.say("a", "1", "one");
      const run = await bench.run("a", "one");
      run.emit({ type: "state", state: "s" });
      run.ask(RM);
      await bench.shows("a", /May it do this/);
      await known(bench, "s");
      await bench[end]();
      await bench.shows("a", /restarted while it waited/);
      await bench.channel.press("a", "Allow once");
      const again = await bench.run("a", "one");
      expect(again.turn).toMatchObject({ attempt, resumes: true, decided: [{ outcome: { kind: "approved" } }] });
      expect(await again.ask(RM)).toMatchObject({ kind: "approved" });
      again.say("done");
      again.done();
      await bench.idle("a");
      expect(await questions(bench)).toBe(0);
      expect(bench.channel.texts(A).join()).not.toMatch(/not used/);
    });
  }
}

test("ask: who went on after a decision and is cut short then is another case: people are asked", async () => {
  const bench = await open("ask");
  await bench.channel.say("a", "1", "one");
  (await bench.run("a", "one")).ask(RM);
  await bench.shows("a", /May it do this/);
  await bench.restart();
  await bench.shows("a", /restarted while it waited/);
  await bench.channel.press("a", "Allow once");
  expect((await bench.run("a", "one")).turn).toMatchObject({ attempt: 1, resumes: true });
  await bench.crash();
  await suspended(bench);
  await bench.channel.press("a", "Begin anew");
  const run = await bench.run("a", "one");
  expect(run.turn).toMatchObject({ attempt: 2, decided: [{ outcome: { kind: "approved" } }] });
  expect(run.turn.resumes).toBeUndefined();
});

for (const [label, resumes] of [
  ["Go on", true],
  ["Begin anew", undefined],
] as const) {
  test(`ask: people are asked once, and "${label}" does that`, async () => {
    const bench = await crashed("ask");
    await suspended(bench);
    expect(bench.agent.began).toHaveLength(1);
    await bench.channel.press("a", label);
    const run = await bench.run("a", "one");
    expect(run.turn).toMatchObject({ attempt: 2, decided: [] });
    expect(run.turn.resumes).toBe(resumes);
    run.say("whole");
    run.done();
    await bench.idle("a");
    await bench.shows("a", /^whole$/);
    expect(bench.channel.texts(A).join()).not.toMatch(/restarted|not used/);
    expect(cards(bench)).toBe(1);
  });
}

test('ask: "Drop it" ends the turn with a receipt, marks what was shown of it, and the queue goes on', async () => {
  const bench = await open("ask");
  await bench.channel.say("a", "1", "one");
  (await bench.run("a", "one")).say("half");
  await eventually(() => {
    bench.clock.advance(1_000);
    return bench.channel.texts(A)[0] === "half";
  }, "a preview");
  await bench.channel.say("a", "2", "two");
  await bench.crash();
  await suspended(bench);
  await bench.channel.press("a", "Drop it");
  (await bench.run("a", "two")).done();
  await bench.idle("a");
  expect(await bench.receipt("a", "1")).toMatchObject({ state: "dropped", reason: /people chose to drop it/ });
  expect(bench.channel.texts(A)[0]).toBe("⏹ _Dropped._");
  expect(bench.agent.began.map(({ text }) => text)).toEqual(["one", "two"]);
});

test("ask: a process that dies or stops while people think asks nothing again, counts no attempt, and keeps their answer", async () => {
  const bench = await crashed("ask");
  await suspended(bench);
  for (let round = 0; round < 4; round++) await bench.crash();
  await bench.restart();
  await suspended(bench);
  const { asks } = await bench.store.asks({ channel: A, limit: 9 });
  expect(asks).toHaveLength(1);
  await bench.channel.press("a", "Go on");
  expect((await bench.run("a", "one")).turn).toMatchObject({ attempt: 2, resumes: true });
  expect(await questions(bench)).toBe(1);
  expect(cards(bench)).toBe(1);
  expect(bench.channel.texts(A).join()).not.toMatch(/restarted/);
});

test("ask: a process that dies in the moment in which it asks has asked once, and says nothing of a restart", async () => {
  const bench = await open("ask");
  await bench.channel.say("a", "1", "one");
  await bench.run("a", "one");
  await bench.store.close();
  bench.agent.runs.clear();
  let reached = false;
  await bench.start((store) => {
    store.failTurn = () => {
      reached = true;
      return new Promise(() => {});
    };
  });
  await eventually(() => reached, "it has asked");
  await bench.crash();
  await suspended(bench);
  await bench.channel.press("a", "Drop it");
  await bench.idle("a");
  expect(await questions(bench)).toBe(1);
  expect(bench.channel.texts(A).join()).not.toMatch(/restarted/);
  expect(await bench.receipt("a", "1")).toMatchObject({ state: "dropped" });
});

test("ask: what is answered while no gateway runs is acted on, once", async () => {
  const bench = await crashed("ask");
  await suspended(bench);
  const [ask] = (await bench.store.asks({ channel: A, limit: 9 })).asks;
  await bench.close();
  const store = await bench.reopen();
  const by = { id: "local:ann", name: "Ann" };
  await store.answerAsk(ask?.id ?? "", { question: "interrupted-1", value: "anew", by, via: "api" });
  await store.close();
  await bench.start();
  const run = await bench.run("a", "one");
  expect(run.turn.attempt).toBe(2);
  expect(run.turn.resumes).toBeUndefined();
  await bench.crash();
  await eventually(async () => (await questions(bench)) === 2, "asked again after another crash");
  await suspended(bench);
  await bench.channel.press("a", "Go on");
  const last = await bench.run("a", "one");
  expect(last.turn).toMatchObject({ attempt: 3, resumes: true, decided: [] });
  last.done();
  await bench.idle("a");
  expect(bench.channel.texts(A).join()).not.toMatch(/not used/);
});

test("ask: after three attempts the message is parked, and the queue goes on", async () => {
  const bench = await open("ask");
  await bench.channel.say("a", "1", "one");
  await bench.channel.say("a", "2", "two");
  await bench.run("a", "one");
  for (const attempt of [2, 3]) {
    await bench.crash();
    await eventually(async () => (await questions(bench)) === attempt - 1, "asked");
    await suspended(bench);
    await bench.channel.press("a", "Go on");
    expect((await bench.run("a", "one")).turn.attempt).toBe(attempt);
  }
  await bench.crash();
  await bench.shows("a", /interrupted 3 times/);
  (await bench.run("a", "two")).done();
  await bench.idle("a");
  expect(await questions(bench)).toBe(2);
  expect(await bench.receipt("a", "1")).toMatchObject({ state: "failed" });
});

test("ask: also after the agent failed, and after the gateway was stopped in the middle of the turn", async () => {
  const bench = await open("ask");
  await bench.channel.say("a", "1", "one");
  (await bench.run("a", "one")).fail("it died");
  await eventually(async () => {
    bench.clock.advance(10_000);
    return (await questions(bench)) === 1;
  }, "asked");
  await suspended(bench);
  await bench.channel.press("a", "Begin anew");
  await bench.run("a", "one");
  await bench.restart();
  await eventually(async () => (await questions(bench)) === 2, "asked again");
  await suspended(bench);
  await bench.channel.press("a", "Go on");
  expect((await bench.run("a", "one")).turn).toMatchObject({ attempt: 2, resumes: true });
});

test("ask: nobody decides in the operator's time: the message is kept as failed, and /retry runs it", async () => {
  const settings = { remindEvery: undefined, expireAfter: 10 * MINUTE };
  const bench = await crashed("ask", { asks: { settings, approvers: "requester" } });
  await suspended(bench);
  await eventually(async () => {
    await bench.advance(MINUTE);
    return bench.channel.texts(A).some((text) => /nobody decided whether it should go on/.test(text));
  }, "it is parked");
  await bench.idle("a");
  expect(await bench.receipt("a", "1")).toMatchObject({ state: "failed" });
  expect(bench.agent.began).toHaveLength(1);
  await bench.channel.say("a", "r", "/retry");
  expect((await bench.run("a", "one")).turn.attempt).toBe(1);
});

test("ask: /stop while people think ends the turn, and the question with it", async () => {
  const bench = await crashed("ask");
  await suspended(bench);
  await bench.channel.say("a", "s", "/stop");
  await bench.shows("a", /The running answer was stopped/);
  await bench.idle("a");
  expect((await bench.store.asks({ channel: A, limit: 9 })).asks).toEqual([]);
  expect(await bench.receipt("a", "1")).toMatchObject({ state: "dropped", reason: "/stop by Ann" });
  await bench.channel.say("a", "2", "two");
  const next = await bench.run("a", "two");
  expect(next.turn.attempt).toBe(1);
});

test("ask: a session that rests while people think is not kept in memory for it", async () => {
  const bench = await crashed("ask");
  await suspended(bench);
  const evictions = () => bench.events.filter(({ type }) => type === "session.evicted").length;
  const before = evictions();
  await eventually(async () => {
    await bench.advance(10 * MINUTE);
    return evictions() > before;
  }, "the session is evicted");
  await bench.channel.press("a", "Go on");
  expect((await bench.run("a", "one")).turn.resumes).toBe(true);
});

test("ask: what people chose counts, also where another agent has the session by then", async () => {
  const other = new ScriptedAgent();
  const scripted = new ScriptedAgent();
  const bench = await Bench.open({ agents: { scripted, other }, onCrash: { scripted: "ask" } });
  await bench.channel.say("a", "1", "one");
  await bench.run("a", "one", scripted);
  await bench.crash();
  await suspended(bench);
  await bench.channel.say("a", "g", "/agent other");
  await bench.shows("a", /`other` answers/);
  await bench.channel.press("a", "Drop it");
  await bench.idle("a");
  expect(await bench.receipt("a", "1")).toMatchObject({ state: "dropped" });
  expect(other.began).toEqual([]);
});

test("what others write while people are asked waits behind the turn; a word of the requester answers", async () => {
  const bench = await crashed("ask");
  await suspended(bench);
  await bench.channel.say("a", "2", "by the way", { sender: { id: "local:bob", name: "Bob" } });
  await bench.channel.say("a", "3", "go on");
  (await bench.run("a", "one")).done();
  (await bench.run("a", "by the way")).done();
  await bench.idle("a");
  expect(bench.agent.began).toHaveLength(3);
});

test("a first message that was stopped names no other session", async () => {
  const bench = await crashed("ask");
  await suspended(bench);
  await bench.channel.say("a", "n", "/new");
  await bench.shows("a", /A new session begins/);
  await bench.channel.say("a", "2", "two");
  (await bench.run("a", "two")).done();
  await bench.idle("a");
  expect(await bench.store.current(A)).toMatchObject({ title: "two", stats: { turns: 1 } });
});

test("a state is stored only where it is that of the session's agent: not of the one that makes plans", async () => {
  const scripted = new ScriptedAgent();
  const architect = new ScriptedAgent();
  const route = { match: "*", agent: "scripted", planFirst: { architect: "architect" } };
  const bench = await Bench.open({ agents: { scripted, architect }, routes: [route] });
  await bench.channel.say("a", "1", "one");
  const planning = await bench.run("a", "one", architect);
  planning.emit({ type: "state", state: "of the architect" });
  planning.emit({ type: "alive" });
  planning.say("the plan");
  planning.done("of the architect");
  await bench.shows("a", /the plan/);
  await eventually(async () => (await bench.store.asks({ channel: A, limit: 9 })).asks.length === 1, "a plan");
  expect((await bench.store.current(A))?.agentState).toBeUndefined();
});
