/** An agent that needs no answer any more: what people see of it, and what becomes of its turn. */
import { expect, test } from "vitest";
import type { AskOutcome } from "../../src/agent.ts";
import type { AskRequest, ChannelId } from "../../src/model.ts";
import { eventually } from "../support/eventually.ts";
import { Bench } from "../support/gateway.ts";

const A: ChannelId = "local:a";
const RM: AskRequest = { kind: "permission", tool: "shell", target: "rm -rf build", text: "Remove `build`?" };

async function asked() {
  const bench = await Bench.open({ pool: { maxRunning: 1, maxLive: 200, idleTimeout: 1_800_000, restoreAtStart: 5 } });
  await bench.channel.say("a", "1", "clean up");
  const run = await bench.run("a");
  const taking = new AbortController();
  const outcome: Promise<AskOutcome> = run.ask(RM, taking.signal);
  await bench.shows("a", /May it do this/);
  return { bench, run, outcome, taking };
}

const cardIn = (bench: Bench) => bench.channel.messages(A).find(({ text }) => text.includes("May it do this"));

test("a request that is taken back is withdrawn: the card says so, no button decides, and the turn goes on", async () => {
  const { bench, run, outcome, taking } = await asked();
  const [action] = cardIn(bench)?.actions ?? [];
  taking.abort(new Error("never mind"));
  await expect(outcome).rejects.toThrow("never mind");
  await bench.shows("a", /↩ Withdrawn .*: the agent needs no answer any more/);
  expect(cardIn(bench)?.actions).toEqual([]);
  const press = { channel: A, sender: { id: "local:ann", name: "Ann" }, data: action?.data ?? "" };
  expect(await bench.channel.use(press)).toMatchObject({ ok: false, text: expect.stringContaining("Withdrawn") });
  run.say("left it as it is");
  run.done();
  await bench.idle("a");
  expect(bench.channel.texts(A)).toContain("left it as it is");
  expect((await bench.store.audit({ limit: 10 })).entries.map(({ what }) => what)).toEqual(["opened", "withdrawn"]);
  expect(bench.events).toContainEqual(expect.objectContaining({ type: "ask", what: "withdrawn" }));
});

test("while nobody works for it its place is free, and it works on only with one of its own", async () => {
  const { bench, run, outcome, taking } = await asked();
  await bench.channel.say("b", "1", "meanwhile");
  const other = await bench.run("b");
  let isOver = false;
  outcome.catch(() => {
    isOver = true;
  });
  taking.abort();
  await bench.shows("a", /Withdrawn/);
  expect(isOver).toBe(false);
  other.done();
  await expect(outcome).rejects.toThrow();
  run.done();
  await bench.idle("a");
});

test("what was decided before stays decided", async () => {
  const { bench, run, outcome, taking } = await asked();
  await bench.channel.press("a", "Allow once");
  expect(await outcome).toMatchObject({ kind: "approved" });
  taking.abort();
  run.done();
  await bench.idle("a");
  expect(cardIn(bench)?.text).toContain("✅ Approved by Ann");
});

test("what was taken back before it was asked is never shown", async () => {
  const bench = await Bench.open();
  await bench.channel.say("a", "1", "clean up");
  const run = await bench.run("a");
  await expect(run.ask(RM, AbortSignal.abort())).rejects.toThrow();
  run.done();
  await bench.idle("a");
  expect(cardIn(bench)).toBeUndefined();
});

test("another attempt that asks the same again asks people again", async () => {
  const { bench, run, outcome, taking } = await asked();
  taking.abort();
  await expect(outcome).rejects.toThrow();
  run.fail("out of patience");
  await eventually(() => {
    bench.clock.advance(10_000);
    return bench.agent.runs.get(A)?.turn.attempt === 2;
  }, "the second attempt");
  const second = await bench.run("a");
  const again = second.ask(RM);
  await eventually(
    async () => (await bench.store.asks({ limit: 9 })).asks[0]?.shown.length === 1,
    "people are asked again",
  );
  await bench.channel.press("a", "Allow once");
  expect(await again).toMatchObject({ kind: "approved" });
  second.done();
  await bench.idle("a");
});
