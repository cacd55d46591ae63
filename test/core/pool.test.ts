import { expect, test } from "vitest";
import { hasCode, SwitchboardError } from "../../src/errors.ts";
import { eventually } from "../support/eventually.ts";
import { Bench } from "../support/gateway.ts";

/** One answered message in the chat, so that it has a session. */
async function talk(bench: Bench, chat: string): Promise<void> {
  await bench.channel.say(chat, `hello-${chat}`, "hello");
  (await bench.run(chat, "hello")).done();
  await bench.idle(chat);
}

async function live(bench: Bench): Promise<number> {
  return (await bench.gateway.operations.stats()).live;
}

test("idle sessions are put away after the idle time-out, with their agent, and restored on demand", async () => {
  const bench = await Bench.open({ pool: { idleTimeout: 60_000 } });
  await talk(bench, "a");
  await bench.channel.say("b", "1", "long");
  await bench.run("b", "long");
  expect(await live(bench)).toBe(2);
  bench.clock.advance(30_000);
  expect(await live(bench)).toBe(2);
  await eventually(async () => {
    bench.clock.advance(10_000);
    return (await live(bench)) === 1;
  }, "the idle one is put away, the busy one stays");
  await eventually(() => bench.agent.closed === 1, "its agent is closed");
  await bench.channel.say("a", "2", "again");
  (await bench.run("a", "again")).done();
  await bench.idle("a");
  expect(await bench.receipt("a", "2")).toMatchObject({ state: "answered" });
});

test("beyond maxLive the longest idle go first; busy ones stay, also when all are busy", async () => {
  const bench = await Bench.open({ pool: { maxLive: 2, maxRunning: 10 } });
  for (const chat of ["a", "b", "c"]) await talk(bench, chat);
  await eventually(async () => (await live(bench)) === 2, "two stay");
  const evicted = () => bench.events.flatMap((event) => (event.type === "session.evicted" ? [event.channel] : []));
  await eventually(() => evicted().length === 1, "one is evicted");
  expect(evicted()).toEqual(["local:a"]);
  for (const chat of ["d", "e", "f"]) await bench.channel.say(chat, "1", "busy");
  for (const chat of ["d", "e", "f"]) await bench.run(chat, "busy");
  expect(await live(bench)).toBe(3);
  for (const chat of ["d", "e", "f"]) (await bench.run(chat, "busy")).done();
  await eventually(async () => (await live(bench)) === 2, "two stay again");
});

test("callers that race for a channel wait for one restore; a failed one frees them all and the next tries anew", async () => {
  const bench = await Bench.open({ pool: { restoreAtStart: 0 } });
  await talk(bench, "a");
  await bench.crash();
  const { store } = bench;
  const acquire = store.acquire.bind(store);
  let acquires = 0;
  let down = true;
  store.acquire = async (...args) => {
    acquires += 1;
    await new Promise((resolve) => setImmediate(resolve));
    if (down) throw new SwitchboardError("STORE_UNAVAILABLE", "away");
    return await acquire(...args);
  };
  const before = await store.current("local:a");
  const faults = () => bench.events.filter(({ type }) => type === "store.fault").length;
  await Promise.all(["1", "2", "3"].map((id) => bench.channel.say("a", id, `m${id}`)));
  await eventually(() => faults() >= 3, "each caller hears of the failure");
  expect(acquires).toBeLessThan(4);
  expect(await store.current("local:a")).toEqual(before);
  down = false;
  acquires = 0;
  // The sweep finds what the failed wake-ups left behind.
  bench.clock.advance(5_000);
  for (const id of ["1", "2", "3"]) (await bench.run("a", `m${id}`)).done();
  await bench.idle("a");
  expect(acquires).toBe(1);
  expect(bench.agent.overlaps).toBe(0);
});

test("at start the newest sessions are restored before anybody asks, and what was pending is taken up", async () => {
  const bench = await Bench.open({ pool: { restoreAtStart: 2 } });
  for (const chat of ["a", "b", "c"]) {
    await talk(bench, chat);
    bench.clock.advance(120_000);
  }
  await bench.channel.say("d", "1", "pending");
  await bench.run("d", "pending");
  await bench.crash();
  // d, which is among the newest too, and c.
  const restored = bench.events.flatMap((event) => (event.type === "session.live" ? [event.channel] : [])).slice(-2);
  expect(restored).toEqual(["local:d", "local:c"]);
  expect(await live(bench)).toBe(2);
  (await bench.run("d", "pending")).done();
});

test("a session that is removed is interrupted and forgotten; the channel begins anew", async () => {
  const bench = await Bench.open();
  await bench.channel.say("a", "1", "one");
  const run = await bench.run("a", "one");
  const session = (await bench.store.current("local:a"))?.id ?? "";
  await bench.gateway.operations.remove(session);
  expect(run.aborted).toBe(true);
  expect(await bench.gateway.operations.session(session)).toBeUndefined();
  await expect(bench.gateway.operations.remove(session)).rejects.toSatisfy((error) =>
    hasCode(error, "SESSION_UNKNOWN"),
  );
  await bench.channel.say("a", "2", "two");
  (await bench.run("a", "two")).done();
  await bench.idle("a");
  expect((await bench.store.current("local:a"))?.id).not.toBe(session);
});

test("a gateway that stops takes nothing more, and what it did not finish is put back uncounted", async () => {
  const bench = await Bench.open();
  await bench.channel.say("a", "1", "one");
  await bench.run("a", "one");
  await bench.channel.say("a", "2", "two");
  await bench.gateway.stop();
  await expect(bench.channel.say("a", "3", "three")).rejects.toSatisfy((error) => hasCode(error, "STORE_CLOSED"));
  await bench.crash();
  expect((await bench.run("a", "one")).turn.attempt).toBe(1);
});
