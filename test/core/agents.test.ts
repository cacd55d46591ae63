/** Which agent has a session, what people choose of it, and what it costs. */
import { expect, test } from "vitest";
import type { AgentOption } from "../../src/agent.ts";
import type { ChannelId } from "../../src/model.ts";
import { eventually } from "../support/eventually.ts";
import { Bench } from "../support/gateway.ts";
import { ScriptedAgent } from "../support/scripted-agent.ts";

const A: ChannelId = "local:a";
const OPTIONS: readonly AgentOption[] = [
  {
    ...{ id: "model", current: "small" },
    choices: [
      { id: "small", label: "Small" },
      { id: "big-2", label: "The Big One" },
    ],
  },
  { id: "effort", choices: [{ id: "high", label: "High" }] },
];

async function two(options: Parameters<typeof Bench.open>[0] = {}) {
  const first = new ScriptedAgent();
  const second = new ScriptedAgent();
  const bench = await Bench.open({ agents: { first, second }, ...options });
  return { bench, first, second };
}

/** Something to be let go by the test. */
function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { wait: () => opened, open };
}

async function settings(bench: Bench) {
  return (await bench.store.current(A))?.settings;
}

test("/agent lists the agents, and knows none that is not configured", async () => {
  const { bench } = await two();
  await bench.channel.say("a", "1", "/agent");
  await bench.shows("a", /^- `first` ← now\n- `second`$/);
  await bench.channel.say("a", "2", "/agent sec");
  await bench.shows("a", /There is no agent `sec`\. Did you mean `second`\?/);
  await bench.channel.say("a", "3", "/agent FIRST");
  await bench.shows("a", /`first` answers here already/);
  expect((await bench.store.current(A))?.agent).toBe("first");
});

test("/agent hands the session over: the other one is told what was said, gets no state of the first, which is closed", async () => {
  const { bench, first, second } = await two();
  first.offers = async () => OPTIONS;
  await bench.channel.say("a", "m", "/model big-2");
  await bench.channel.say("a", "1", "one");
  const run = await bench.run("a", "one", first);
  expect(run.turn.model).toBe("big-2");
  run.say("answer");
  run.done({ of: "first" });
  await bench.idle("a");
  await bench.channel.say("a", "g", "/agent second");
  await bench.shows(
    "a",
    /From the next message on `second` answers\. What was said last is there .*, unless it is a program/,
  );
  expect(first).toMatchObject({ opened: 1, closed: 0 });
  await bench.channel.say("a", "2", "two");
  const next = await bench.run("a", "two", second);
  expect(next.state).toBeUndefined();
  expect(next.turn.model).toBeUndefined();
  expect(first).toMatchObject({ opened: 1, closed: 1 });
  const said = await second.openings[0]?.transcript(10);
  expect(said?.map(({ text }) => text)).toEqual(["one", "answer"]);
  next.done({ of: "second" });
  await bench.idle("a");
  expect(await bench.store.current(A)).toMatchObject({ agent: "second", agentState: { of: "second" } });
});

test("a turn that runs while the session is handed over ends undisturbed, and leaves no state", async () => {
  const { bench, first, second } = await two();
  await bench.channel.say("a", "1", "one");
  const run = await bench.run("a", "one", first);
  run.emit({ type: "state", state: "early" });
  await eventually(async () => (await bench.store.current(A))?.agentState === "early", "stored");
  await bench.channel.say("a", "g", "/agent second");
  await bench.shows("a", /`second` answers/);
  expect((await bench.store.current(A))?.agentState).toBeUndefined();
  run.emit({ type: "state", state: "late" });
  run.say("whole");
  run.done("last");
  await bench.shows("a", /^whole$/);
  expect(await bench.store.current(A)).toMatchObject({ agent: "second", stats: { turns: 1 } });
  expect((await bench.store.current(A))?.agentState).toBeUndefined();
  await bench.channel.say("a", "2", "two");
  expect((await bench.run("a", "two", second)).state).toBeUndefined();
});

test("a state that comes while the session is handed over is not given to the other agent", async () => {
  for (let round = 0; round < 10; round++) {
    const { bench, first, second } = await two();
    await bench.channel.say("a", "1", "one");
    const run = await bench.run("a", "one", first);
    const finish = bench.store.finishControl.bind(bench.store);
    bench.store.finishControl = async (...args) => {
      const finished = finish(...args);
      run.emit({ type: "state", state: "of the first" });
      return await finished;
    };
    await bench.channel.say("a", "g", "/agent second");
    await bench.shows("a", /`second` answers/);
    run.done();
    await bench.idle("a");
    expect(await bench.store.current(A)).not.toHaveProperty("agentState");
    await bench.channel.say("a", "2", "two");
    expect((await bench.run("a", "two", second)).state).toBeUndefined();
    await bench.close();
  }
});

test("an agent that takes its time to close holds up neither /stop nor, for ever, the next turn", async () => {
  const { bench, first, second } = await two();
  await bench.channel.say("a", "1", "one");
  (await bench.run("a", "one", first)).done();
  await bench.idle("a");
  const { wait, open } = gate();
  first.lingers = wait;
  await bench.channel.say("a", "g", "/agent second");
  await bench.channel.say("a", "2", "two");
  await eventually(async () => (await bench.receipt("a", "2"))?.state === "running", "the first is being closed");
  await bench.channel.say("a", "s", "/stop");
  await bench.shows("a", /The running answer was stopped/);
  await bench.channel.say("a", "3", "three");
  await eventually(() => {
    bench.clock.advance(1_000);
    return second.runs.has(A);
  }, "the next turn runs");
  open();
  await eventually(() => first.closed === 1, "closed");
});

test("/model and /effort list what the agent offers; what is chosen goes with each turn; `default` takes it back", async () => {
  const { bench, first } = await two();
  first.offers = async () => OPTIONS;
  await bench.channel.say("a", "1", "/model");
  await bench.shows("a", /- `small` ← now\n- `big-2`/);
  await bench.channel.say("a", "2", "/model tiny");
  await bench.shows("a", /There is no model `tiny`\./);
  expect(await settings(bench)).toBeUndefined();
  await bench.channel.say("a", "3", "/model the big one");
  await bench.shows("a", /From the next message on the agent's model is `big-2`/);
  await bench.channel.say("a", "4", "/effort HIGH");
  await bench.shows("a", /the agent's effort is `high`/);
  await bench.channel.say("a", "5", "/model");
  await bench.shows("a", /- `small`\n- `big-2` ← now/);
  await bench.channel.say("a", "6", "one");
  const run = await bench.run("a", "one", first);
  expect(run.turn).toMatchObject({ model: "big-2", effort: "high", mode: "ask" });
  run.done();
  await bench.idle("a");
  await bench.channel.say("a", "7", "/status");
  await bench.shows("a", /agent `first` · model `big-2` · effort `high`/);
  await bench.channel.say("a", "8", "/model default");
  await bench.shows("a", /the agent's own model counts/);
  expect(await settings(bench)).toEqual({ effort: "high" });
  await bench.channel.say("a", "9", "two");
  const next = await bench.run("a", "two", first);
  expect(next.turn).not.toHaveProperty("model");
  expect(first.opened).toBe(1);
});

test("an agent that offers nothing says so; one that can't be begun changes nothing, and is tried again", async () => {
  const { bench, first } = await two();
  await bench.channel.say("a", "1", "/model big");
  await bench.shows("a", /The agent `first` leaves no choice of its model/);
  await bench.channel.say("b", "1", "/effort default");
  await bench.shows("b", /the agent's own effort counts/);
  expect(first.opened).toBe(1);
  first.refuses = () => {
    throw new Error("no such program");
  };
  await bench.channel.say("b", "2", "/model");
  await bench.shows("b", /can't be asked now: the agent "first" could not be started: no such program\. Nothing was/);
  first.refuses = undefined;
  first.offers = () => Promise.reject(new Error("not signed in"));
  await bench.channel.say("b", "3", "/model");
  await bench.shows("b", /can't be asked now: not signed in\. Nothing was changed/);
  await bench.channel.say("b", "4", "four");
  (await bench.run("b", "four", first)).done();
  await bench.idle("b");
});

test("an agent that never begins holds up /model for 20 s, and /stop and the answer of a turn not at all", async () => {
  const { bench, first, second } = await two();
  await bench.channel.say("a", "1", "one");
  const run = await bench.run("a", "one", first);
  await bench.channel.say("a", "g", "/agent second");
  await bench.shows("a", /`second` answers/);
  const { wait, open } = gate();
  second.refuses = wait;
  await bench.channel.say("a", "m", "/model");
  await eventually(() => second.openings.length === 1, "it begins");
  run.emit({ type: "state", state: "late" });
  run.say("the answer");
  run.done();
  await bench.shows("a", /^the answer$/);
  await bench.channel.say("a", "2", "two");
  await bench.channel.say("a", "s", "/stop");
  await eventually(async () => (await bench.receipt("a", "2"))?.state === "dropped", "dropped");
  expect(bench.channel.texts(A).join()).not.toMatch(/can't be asked/);
  bench.clock.advance(20_000);
  await bench.shows("a", /can't be asked now: it did not answer within 20 s\./);
  await bench.shows("a", /1 waiting message was dropped/);
  second.refuses = undefined;
  open();
  await bench.channel.say("a", "3", "three");
  (await bench.run("a", "three", second)).done();
  await bench.idle("a");
  await bench.close();
  expect([first.opened, first.closed, second.opened, second.closed]).toEqual([1, 1, 1, 1]);
});

for (const when of ["with it", "while it waits"] as const) {
  test(`/stop behind a command that waits for an agent, and comes ${when}, stops the turn at once`, async () => {
    const { bench, first } = await two();
    const { wait, open } = gate();
    let waits = false;
    first.offers = async () => {
      waits = true;
      await wait();
      return OPTIONS;
    };
    await bench.channel.say("a", "1", "one");
    const run = await bench.run("a", "one", first);
    const model = bench.channel.say("a", "m", "/model");
    if (when === "while it waits") await eventually(() => waits, "it waits");
    await Promise.all([model, bench.channel.say("a", "s", "/stop")]);
    await eventually(() => run.aborted, "stopped while /model waits");
    expect(bench.channel.texts(A)).toEqual([]);
    open();
    await bench.shows("a", /`big-2`/);
    await bench.shows("a", /The running answer was stopped/);
  });
}

test("an agent that /model opened is closed with its session, also where the gateway stops meanwhile", async () => {
  const { bench, first } = await two();
  await bench.channel.say("a", "m", "/model");
  await bench.shows("a", /leaves no choice/);
  await eventually(async () => {
    await bench.advance(10 * 60_000);
    return first.closed === 1;
  }, "evicted");
  const { wait, open } = gate();
  first.refuses = wait;
  await bench.channel.say("a", "n", "/model");
  await eventually(() => first.openings.length === 2, "it begins");
  await bench.channel.say("a", "o", "/effort");
  let isOver = false;
  const stopped = bench.gateway.stop().then(() => {
    isOver = true;
  });
  // Commands that wait, and the agent, get a few seconds each.
  await eventually(() => {
    bench.clock.advance(1_000);
    return isOver;
  }, "the gateway has stopped");
  await stopped;
  open();
  await eventually(() => first.opened === first.closed, "what opened too late is closed");
  expect(first.opened).toBe(2);
});

test("a session that is given up carries out no further command, and opens no further agent for one", async () => {
  const { bench, first } = await two();
  const [offers, lingers] = [gate(), gate()];
  first.offers = async () => {
    await offers.wait();
    return OPTIONS;
  };
  first.lingers = lingers.wait;
  await bench.channel.say("a", "m", "/model");
  await eventually(() => first.opened === 1, "it begins");
  await bench.channel.say("a", "e", "/effort");
  const stopped = bench.gateway.stop();
  await eventually(() => {
    bench.clock.advance(100);
    return first.closing === 1;
  }, "its agent is being closed");
  offers.open();
  await new Promise((resolve) => setTimeout(resolve, 50));
  lingers.open();
  await stopped;
  expect(first).toMatchObject({ opened: 1, closed: 1 });
  expect(bench.channel.texts(A)).toEqual([]);
  await bench.restart();
  await bench.shows("a", /`big-2`|did not answer within 20 s/);
  await bench.shows("a", /`high`/);
});

test("/stream decides what is shown of an answer before it is whole", async () => {
  const { bench, first } = await two({ routes: [{ match: "*", agent: "first", stream: "off" }] });
  await bench.channel.say("a", "l", "/stream");
  await bench.shows("a", /`off`: only the whole answer is shown ← now/);
  await bench.channel.say("a", "1", "one");
  const run = await bench.run("a", "one", first);
  run.say("half");
  await bench.advance(60_000, 1_000);
  expect(bench.channel.texts(A).at(-1)).not.toMatch(/half|…/);
  run.done();
  await bench.idle("a");
  await bench.channel.say("a", "f", "/stream full");
  await bench.shows("a", /shown as it grows/);
  await bench.channel.say("a", "2", "two");
  (await bench.run("a", "two", first)).say("growing");
  await eventually(() => {
    bench.clock.advance(1_000);
    return bench.channel.texts(A).at(-1) === "growing";
  }, "a preview");
});

test("/compact is a turn of its own, for agents that have a memory to shorten", async () => {
  const { bench, first, second } = await two();
  first.compacts = true;
  await bench.channel.say("a", "1", "one");
  (await bench.run("a", "one", first)).done("long");
  await bench.channel.say("a", "c", "/compact");
  const run = await bench.run("a", "/compact", first);
  expect(run.turn).toMatchObject({ phase: "compact" });
  run.say("It is short now.");
  run.done("short");
  await bench.shows("a", /^It is short now\.$/);
  expect((await bench.store.current(A))?.agentState).toBe("short");
  expect(await bench.receipt("a", "c")).toMatchObject({ state: "answered" });
  // It waits behind a turn, and another agent has the session when its time has come.
  await bench.channel.say("a", "2", "two");
  const busy = await bench.run("a", "two", first);
  await bench.channel.say("a", "d", "/compact");
  await bench.channel.say("a", "g", "/agent second");
  await bench.shows("a", /`second` answers/);
  busy.done();
  await bench.idle("a");
  expect(await bench.receipt("a", "d")).toMatchObject({ state: "dropped", reason: /`second` keeps no memory/ });
  expect(second.began).toEqual([]);
  await bench.channel.say("a", "e", "/compact");
  await bench.shows("a", /The agent `second` keeps no memory that it could shorten/);
});
