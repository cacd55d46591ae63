/** Asks through the whole of core, on a real store, with a platform and an agent in the test's hand. */
import { expect, test } from "vitest";
import type { AskOutcome } from "../../src/agent.ts";
import { SwitchboardError } from "../../src/errors.ts";
import type { AskRequest, ChannelId, Sender } from "../../src/model.ts";
import { eventually } from "../support/eventually.ts";
import { Bench } from "../support/gateway.ts";

const A: ChannelId = "local:a";
const BOB: Sender = { id: "local:bob", name: "Bob" };
const RM: AskRequest = { kind: "permission", tool: "shell", target: "rm -rf build", text: "Remove `build`?" };
const TWO: AskRequest = {
  kind: "questions",
  text: "",
  questions: [
    {
      id: "colour",
      prompt: "Which colour?",
      choices: [
        { id: "r", label: "Red" },
        { id: "b", label: "Blue" },
      ],
    },
    { id: "name", prompt: "Which name?", underspecified: true },
  ],
};
const MINUTE = 60_000;

async function asked(request: AskRequest = RM, shows = /May it do this/) {
  const bench = await Bench.open();
  await bench.channel.say("a", "1", "clean up");
  const run = await bench.run("a");
  const outcome: Promise<AskOutcome> = run.turn.ask(request);
  outcome.catch(() => {}); // Where the test ends the turn meanwhile.
  await bench.shows("a", shows);
  return { bench, run, outcome };
}

async function openAsks(bench: Bench) {
  return (await bench.store.asks({ channel: A, limit: 50 })).asks;
}

test("a permission is asked for once, decided by a button, and the card says so ever after", async () => {
  const { bench, run, outcome } = await asked();
  expect(
    bench.channel
      .messages(A)
      .at(-1)
      ?.actions.map(({ label }) => label),
  ).toEqual(["Allow once", "For this session", "Always", "Reject", "Reject with reason"]);
  expect(await bench.channel.press("a", "Allow once")).toMatchObject({ ok: true, text: "✅ Approved." });
  expect(await outcome).toMatchObject({ kind: "approved", scope: "once", by: { id: "local:ann" } });
  run.say("removed");
  run.done();
  await bench.idle("a");
  const card = bench.channel.messages(A).find(({ text }) => text.includes("May it do this"));
  expect(card?.text).toMatch(/✅ Approved by Ann, \d{4}-/);
  expect(card?.actions).toEqual([]);
  expect(await openAsks(bench)).toEqual([]);
});

test("who is late is told who decided, and a repeated press is no error", async () => {
  const { bench, outcome } = await asked();
  const [action] = bench.channel.messages(A).at(-1)?.actions ?? [];
  const press = { channel: A, sender: { id: "local:ann", name: "Ann" }, data: action?.data ?? "" };
  await bench.channel.press("a", "Reject");
  expect(await outcome).toMatchObject({ kind: "rejected" });
  expect(await bench.channel.use(press)).toMatchObject({
    ok: false,
    text: expect.stringMatching(/^Too late\. ❌ Rejected by Ann/),
  });
});

test("only whose message led to it may decide; a button of another chat, or a forged one, decides nothing", async () => {
  const { bench, run, outcome } = await asked();
  expect(await bench.channel.press("a", "Always", { by: BOB })).toMatchObject({
    ok: false,
    text: "Not yours to decide: this is for Ann.",
  });
  const [action] = bench.channel.messages(A).at(-1)?.actions ?? [];
  const data = action?.data ?? "";
  const ann = { id: "local:ann", name: "Ann" };
  for (const press of [
    { channel: "local:b" as const, sender: ann, data },
    { channel: A, sender: ann, data: `${data.slice(0, -1)}${data.endsWith("A") ? "B" : "A"}` },
    { channel: A, sender: ann, data: data.replace(":yes:", ":always:") },
    { channel: A, sender: ann, data: "ask_nothing" },
  ]) {
    expect(await bench.channel.use(press)).toMatchObject({ ok: false });
  }
  expect(await openAsks(bench)).toHaveLength(1);
  await bench.channel.say("a", "2", "yes", { sender: BOB });
  await bench.channel.say("a", "3", "no, wait");
  expect(await bench.receipt("a", "3")).toBeDefined();
  await bench.channel.press("a", "Allow once");
  expect(await outcome).toMatchObject({ kind: "approved" });
  run.done();
  // What Bob wrote, and what Ann did not mean as an answer, are messages like all others.
  (await bench.run("a", "yes")).done();
  (await bench.run("a", "no, wait")).done();
  await bench.idle("a");
});

test("fifty presses at once give one decision; all others are told", async () => {
  const { bench, outcome } = await asked();
  const labels = ["Allow once", "Always", "Reject", "For this session"];
  const presses = Array.from({ length: 50 }, (_, i) => bench.channel.press("a", labels[i % labels.length] ?? ""));
  const told = await Promise.all(presses);
  const audit = (await bench.store.audit({ limit: 100 })).entries;
  expect(audit.filter(({ what }) => what === "decided")).toHaveLength(1);
  const verdict = (await outcome).kind === "approved" ? "Approved" : "Rejected";
  expect(told.filter(({ text }) => text.includes(verdict)).length).toBe(50);
});

test("a grant lasts for the session, a rule for the channel, and /rules takes it back", async () => {
  const { bench, run, outcome } = await asked();
  await bench.channel.press("a", "For this session");
  expect(await outcome).toMatchObject({ kind: "approved", scope: "session" });
  expect(await run.turn.ask(RM)).toMatchObject({ kind: "approved", by: { name: "a rule" } });
  run.done();
  await bench.idle("a");
  await bench.crash();
  await bench.channel.say("a", "2", "again");
  const second = await bench.run("a", "again");
  expect(await second.turn.ask(RM)).toMatchObject({ kind: "approved", by: { name: "a rule" } });
  const other = { ...RM, target: "rm -rf /" };
  const dangerous = second.turn.ask(other);
  await eventually(async () => (await openAsks(bench))[0]?.shown.length === 1, "it is shown");
  await bench.channel.press("a", "Always");
  expect(await dangerous).toMatchObject({ kind: "approved", scope: "always" });
  second.done();
  await bench.idle("a");
  await bench.channel.say("a", "n", "/new");
  await bench.shows("a", /A new session begins/);
  await bench.channel.say("a", "r", "/rules");
  expect(await bench.shows("a", /^1\. /)).toBe("1. **shell** `rm -rf /` (by Ann), always");
  await bench.channel.say("a", "3", "once more");
  const third = await bench.run("a", "once more");
  expect(await third.turn.ask(other)).toMatchObject({ kind: "approved" });
  await bench.channel.say("a", "rv", "/rules revoke 1");
  await bench.shows("a", /Revoked: \*\*shell\*\*/);
  void third.turn.ask(other).catch(() => {});
  await eventually(async () => (await openAsks(bench)).length === 1, "it is asked again");
});

test("questions are answered one by one, by button, form and message; the rest is said to be open", async () => {
  const { bench, run, outcome } = await asked(TWO, /Which name/);
  await bench.shows("a", /The task leaves this open/);
  expect(await bench.channel.press("a", "Answer", { value: "Ada" })).toMatchObject({
    ok: true,
    text: "✅ Taken. One question remains.",
  });
  await bench.shows("a", /✅ Ann: Ada One question remains\./);
  await bench.channel.say("a", "2", "blue");
  expect(await outcome).toEqual({ kind: "answered", answers: { colour: "b", name: "Ada" } });
  run.done();
  await bench.idle("a");
  expect(await bench.receipt("a", "2")).toMatchObject({ state: "answered" });
  await bench.shows("a", /✅ Ann: Blue$/);
  expect(bench.agent.began).toHaveLength(1);
});

test("with several questions open, a message asks back which; a reply, or /answer, says so", async () => {
  const { bench, outcome } = await asked(TWO, /Which name/);
  await bench.channel.say("a", "2", "Ada");
  await bench.shows("a", /Which question does this answer/);
  const card = bench.channel.messages(A).find(({ text }) => text.includes("Which name?") && text.includes("❓"));
  await bench.channel.say("a", "3", "Ada", { answers: card?.ref ?? "" });
  await bench.shows("a", /✅ Ann: Ada/);
  await bench.channel.say("a", "4", "/answer red");
  expect(await outcome).toEqual({ kind: "answered", answers: { colour: "r", name: "Ada" } });
});

test("a turn that waits takes no run slot", async () => {
  const bench = await Bench.open({ pool: { maxRunning: 1 } });
  await bench.channel.say("a", "1", "one");
  const run = await bench.run("a");
  const outcome = run.turn.ask(RM);
  await bench.shows("a", /May it do this/);
  await bench.channel.say("b", "1", "two");
  const other = await bench.run("b", "two");
  await bench.channel.press("a", "Allow once");
  let answered = false;
  void outcome.then(() => {
    answered = true;
  });
  await bench.shows("a", /Approved by Ann/);
  // It goes on when it has a slot again.
  expect(answered).toBe(false);
  other.done();
  expect(await outcome).toMatchObject({ kind: "approved" });
});

test("/stop withdraws what the turn asked, and the agent is let go", async () => {
  const { bench, outcome } = await asked();
  await bench.channel.say("a", "s", "/stop");
  await expect(outcome).rejects.toThrow();
  await bench.shows("a", /↩ Withdrawn/);
  expect(await openAsks(bench)).toEqual([]);
  await bench.idle("a");
});

test("an ask outlives the process: decided later, the agent goes on with it and nobody is asked twice", async () => {
  const { bench } = await asked();
  await bench.crash();
  await bench.shows("a", /The agent was restarted while it waited/);
  expect(bench.agent.began).toHaveLength(1);
  expect(await openAsks(bench)).toHaveLength(1);
  await bench.channel.press("a", "Allow once");
  const again = await bench.run("a");
  expect(again.turn).toMatchObject({ decided: [{ request: RM, outcome: { kind: "approved" } }] });
  expect(await again.turn.ask(RM)).toMatchObject({ kind: "approved", by: { name: "Ann" } });
  again.say("removed");
  again.done();
  await bench.idle("a");
  expect(bench.channel.texts(A).some((text) => text.includes("not used"))).toBe(false);
  expect((await bench.store.audit({ limit: 100 })).entries.filter(({ what }) => what === "opened")).toHaveLength(1);
});

test("a decision that the restarted agent does not ask for is said to be unused", async () => {
  const { bench } = await asked();
  await bench.crash();
  await bench.shows("a", /restarted while it waited/);
  await bench.channel.press("a", "Allow once");
  const again = await bench.run("a");
  again.say("I did something else");
  again.done();
  await bench.shows("a", /after it asked about shell, and did not ask again: that decision was not used/);
});

test("an agent that dies while it waits is not started before the decision", async () => {
  const { bench, run } = await asked();
  run.fail("it crashed");
  await bench.shows("a", /restarted while it waited/);
  await bench.channel.say("a", "2", "are you there?");
  expect(bench.agent.runs.has(A)).toBe(false);
  await bench.channel.press("a", "Reject");
  const again = await bench.run("a", "clean up");
  expect(await again.turn.ask(RM)).toMatchObject({ kind: "rejected" });
  again.done();
  (await bench.run("a", "are you there?")).done();
  await bench.idle("a");
});

const PLANNING = { routes: [{ match: "local:*", agent: "scripted", planFirst: true, systemPrompt: "Be brief." }] };

async function planned(bench: Bench, text = "add a test", id = "1") {
  await bench.channel.say("a", id, text);
  const run = await bench.run("a", text);
  expect(run.turn).toMatchObject({ phase: "plan", systemPrompt: "Be brief." });
  run.say("1. Write it.");
  run.done({ seen: text });
  await bench.shows("a", /The plan above waits for approval/);
  await bench.idle("a");
}

test("a plan waits for approval without a busy session, over eviction and restart, and is carried out once", async () => {
  const bench = await Bench.open(PLANNING);
  await planned(bench);
  expect(await bench.receipt("a", "1")).toMatchObject({ state: "answered" });
  const [row] = (await bench.gateway.operations.sessions({ limit: 1 })).sessions;
  expect(row).toMatchObject({ status: "waiting" });
  await bench.clock.advance(31 * MINUTE);
  await bench.crash();
  const presses = await Promise.all(Array.from({ length: 5 }, () => bench.channel.press("a", "Approve")));
  expect(presses.every(({ ok }) => ok)).toBe(true);
  const run = await bench.run("a");
  expect(run.turn).toMatchObject({ phase: "work", plan: "1. Write it.", systemPrompt: "Be brief." });
  expect(run.turn.messages.map(({ text }) => text)).toEqual(["add a test"]);
  expect(run.state).toEqual({ seen: "add a test" });
  run.say("written");
  run.done();
  await bench.idle("a");
  await bench.shows("a", /^written$/);
  expect(bench.agent.began).toHaveLength(2);
});

test("what one writes about a plan leads to another plan; the old card says so", async () => {
  const bench = await Bench.open(PLANNING);
  await planned(bench);
  await bench.channel.say("a", "2", "in TypeScript");
  const run = await bench.run("a", "in TypeScript");
  expect(run.turn).toMatchObject({ phase: "plan", plan: "1. Write it." });
  run.say("1. Write it in TypeScript.");
  run.done();
  await bench.shows("a", /↩ Withdrawn .*another plan takes its place/);
  await bench.idle("a");
  await bench.channel.say("a", "3", "yes");
  const work = await bench.run("a");
  expect(work.turn).toMatchObject({ phase: "work", plan: "1. Write it in TypeScript." });
  expect(work.turn.messages.map(({ text }) => text)).toEqual(["add a test", "in TypeScript"]);
  work.done();
  await bench.idle("a");
});

test("a rejected plan is dropped, and the reason told to the agent with the next message, once", async () => {
  const bench = await Bench.open(PLANNING);
  await planned(bench);
  await bench.channel.say("a", "r", "/reject too much work");
  await bench.shows("a", /^❌ Rejected\.$/);
  await bench.channel.say("a", "2", "something smaller");
  const run = await bench.run("a", "something smaller");
  expect(run.turn.note).toBe("Ann rejected your last plan: too much work");
  run.done();
  await bench.channel.say("a", "3", "and now?");
  const next = await bench.run("a", "and now?");
  expect(next.turn.note).toBeUndefined();
  next.done();
  await bench.idle("a");
});

test("/mode plan and /plan ask for a plan first; bypass is for admins", async () => {
  const bench = await Bench.open();
  await bench.channel.say("a", "p", "/plan tidy up");
  const run = await bench.run("a", "tidy up");
  expect(run.turn.phase).toBe("plan");
  run.say("1. Tidy.");
  run.done();
  await bench.shows("a", /The plan above waits/);
  await bench.channel.say("a", "show", "/plan");
  await bench.shows("a", /^1\. Tidy\.$/);
  await bench.channel.say("a", "ok", "/approve");
  const work = await bench.run("a", "tidy up");
  expect(work.turn.phase).toBe("work");
  work.done();
  await bench.idle("a");
  await bench.channel.say("a", "m1", "/mode bypass");
  await bench.shows("a", /Only this gateway's admins/);
  await bench.channel.say("a", "m2", "/mode plan");
  await bench.shows("a", /makes a plan first/);
  await bench.channel.say("a", "2", "more");
  const plan = await bench.run("a", "more");
  expect(plan.turn.phase).toBe("plan");
  expect(await plan.turn.ask({ ...RM, tool: "edit", edits: true })).toMatchObject({ kind: "rejected" });
  plan.done();
  await bench.idle("a");
});

test("reminders come under a cooldown that grows, as a reply, with buttons, and never while busy", async () => {
  const bench = await Bench.open(PLANNING);
  await planned(bench);
  const reminders = () => bench.channel.messages(A).filter(({ text }) => text.startsWith("⏰"));
  await bench.advance(4 * MINUTE);
  expect(reminders()).toHaveLength(0);
  await bench.advance(2 * MINUTE);
  await bench.shows("a", /⏰ Still waiting: 1\. Write it\./);
  const card = bench.channel.messages(A).find(({ text }) => text.includes("The plan above"));
  expect(reminders()[0]).toMatchObject({ replyTo: card?.ref });
  expect(reminders()[0]?.actions.map(({ label }) => label)).toContain("Approve");
  await bench.advance(9 * MINUTE);
  expect(reminders()).toHaveLength(1);
  await bench.advance(3 * MINUTE);
  await eventually(() => reminders().length === 2, "the second reminder");
  // Somebody who may not decide keeps the session busy meanwhile.
  await bench.channel.say("a", "b", "what is this?", { sender: BOB });
  const run = await bench.run("a", "what is this?");
  await bench.advance(60 * MINUTE);
  expect(reminders()).toHaveLength(2);
  run.done();
  await bench.idle("a");
  await bench.advance(2 * MINUTE);
  await eventually(() => reminders().length === 3, "the third reminder");
  await bench.channel.press("a", "Reject");
  await bench.idle("a");
  expect(reminders().map(({ actions, text }) => [actions.length, text.includes("❌ Rejected by Ann")])).toEqual(
    Array(3).fill([0, true]),
  );
});

test("a reminder of questions lists them, and takes the answer to the last one that is open", async () => {
  const { bench, outcome } = await asked(TWO, /Which name/);
  await bench.advance(6 * MINUTE);
  await bench.shows("a", /^⏰ Still waiting:\n- Which colour\?\n- Which name\?/);
  const reminder = () => bench.channel.messages(A).find(({ text }) => text.startsWith("⏰"));
  expect(reminder()?.actions).toEqual([]);
  await bench.channel.press("a", "Blue");
  await eventually(() => reminder()?.actions.length === 1, "the reminder is of the other one");
  expect(await bench.channel.press("a", "Answer", { value: "Ada" })).toMatchObject({ ok: true });
  expect(await outcome).toEqual({ kind: "answered", answers: { colour: "b", name: "Ada" } });
  await eventually(() => reminder()?.text.includes("✅ Answered by Ann") === true, "the reminder says so");
});

test("an ask expires only where the operator says so, and that is no 'no'", async () => {
  const bench = await Bench.open({
    asks: { settings: { remindEvery: undefined, expireAfter: 10 * MINUTE }, approvers: "requester" },
  });
  await bench.channel.say("a", "1", "clean up");
  const run = await bench.run("a");
  const outcome = run.turn.ask(RM);
  await bench.shows("a", /May it do this/);
  await bench.advance(11 * MINUTE);
  expect(await outcome).toMatchObject({ kind: "closed", reason: expect.stringContaining("Expired") });
  await bench.shows("a", /⌛ Expired/);
  run.done();
  await bench.idle("a");
});

test("what is longer than a message is posted ahead, whole", async () => {
  const text = `Remove:\n\n${"file after file after file\n".repeat(400)}`;
  const { bench } = await asked({ ...RM, text }, /May it do what stands above/);
  const shown = bench.channel.texts(A).slice(0, -1).join("");
  expect(shown.replace(/\s/g, "")).toBe(text.replace(/\s/g, ""));
});

test("operators decide, say, and read the audit log", async () => {
  const { bench, outcome, run } = await asked(TWO, /Which name/);
  const { operations } = bench.gateway;
  const [ask] = (await operations.asks({ limit: 10 })).asks;
  if (!ask) throw new Error("no ask");
  expect(JSON.stringify(ask)).not.toContain("key");
  expect(ask).toMatchObject({ state: "open", remaining: 2 });
  await expect(operations.decide(ask.id, { value: "Ada" }, "root")).rejects.toMatchObject({ code: "REQUEST_INVALID" });
  await expect(operations.decide("ask_no", { value: "Ada" }, "root")).rejects.toMatchObject({ code: "ASK_UNKNOWN" });
  await expect(operations.decide(ask.id, { question: "x", value: "Ada" }, "root")).rejects.toMatchObject({
    code: "QUESTION_UNKNOWN",
  });
  expect(await operations.decide(ask.id, { question: "name", value: "Ada" }, "root")).toEqual({ remaining: 1 });
  expect(await operations.decide(ask.id, { value: "r" }, "root")).toEqual({ remaining: 0 });
  expect(await outcome).toEqual({ kind: "answered", answers: { colour: "r", name: "Ada" } });
  await expect(operations.decide(ask.id, { question: "name", value: "Eve" }, "bob")).rejects.toMatchObject({
    code: "ASK_CLOSED",
  });
  run.done();
  const { entries } = await operations.audit({ limit: 10 });
  expect(entries.map(({ what, by, value }) => [what, by?.name, value])).toEqual([
    ["opened", undefined, undefined],
    ["answered", "root", "Ada"],
    ["answered", "root", "r"],
    ["decided", "root", undefined],
  ]);
});

test("what a carried-out plan asks is for whose message led to it, whoever approved it", async () => {
  const bench = await Bench.open({ ...PLANNING, access: { default: "allow", allow: [], admins: ["local:root"] } });
  await planned(bench);
  await bench.channel.press("a", "Approve", { by: { id: "local:root", name: "Root" } });
  const run = await bench.run("a");
  const outcome = run.turn.ask(RM);
  await bench.shows("a", /May it do this/);
  expect(await bench.channel.press("a", "Allow once")).toMatchObject({ ok: true });
  expect(await outcome).toMatchObject({ kind: "approved", by: { name: "Ann" } });
});

test("/stop drops also what waits beside an ask", async () => {
  const bench = await Bench.open(PLANNING);
  await planned(bench);
  await Promise.all([bench.channel.say("a", "2", "hello", { sender: BOB }), bench.channel.say("a", "s", "/stop")]);
  await eventually(async () => (await bench.receipt("a", "s"))?.state === "answered", "/stop is carried out");
  await bench.idle("a");
  expect(await bench.receipt("a", "2")).toMatchObject({ state: "dropped" });
});

test("a plan that was approved in the moment of a /new is not carried out in the new session", async () => {
  const bench = await Bench.open(PLANNING);
  await planned(bench);
  await Promise.all([bench.channel.press("a", "Approve"), bench.channel.say("a", "n", "/new")]);
  await eventually(async () => (await bench.receipt("a", "n"))?.state === "answered", "/new is carried out");
  await bench.channel.say("a", "2", "hello");
  (await bench.run("a", "hello")).done();
  await bench.idle("a");
  expect(bench.agent.began.map(({ text }) => text)).toEqual(["add a test", "hello"]);
});

test("an ask is not opened any more where its turn was stopped while the store was away", async () => {
  const bench = await Bench.open();
  await bench.channel.say("a", "1", "clean up");
  const run = await bench.run("a");
  const open = bench.store.openAsk.bind(bench.store);
  let away = true;
  let calls = 0;
  bench.store.openAsk = async (...args) => {
    calls += 1;
    if (away) throw new SwitchboardError("STORE_UNAVAILABLE", "away");
    return await open(...args);
  };
  const outcome = run.turn.ask(RM);
  outcome.catch(() => {});
  await eventually(() => calls > 0, "it is tried");
  await bench.channel.say("a", "s", "/stop");
  await eventually(async () => (await bench.receipt("a", "1"))?.state === "dropped", "it is stopped");
  away = false;
  await bench.advance(10_000, 1_000);
  await expect(outcome).rejects.toThrow();
  expect(await openAsks(bench)).toEqual([]);
});

test("a turn that ends while it asks gives its run slot back, once and for all", async () => {
  const bench = await Bench.open({ pool: { maxRunning: 1 } });
  await bench.channel.say("a", "1", "clean up");
  const run = await bench.run("a");
  run.turn.ask(RM).catch(() => {});
  run.fail("no luck", false);
  await bench.shows("a", /could not be answered/);
  for (const id of ["1", "2"]) {
    await bench.channel.say("b", id, `hello ${id}`);
    (await bench.run("b", `hello ${id}`)).done();
  }
  await bench.idle("b");
});
