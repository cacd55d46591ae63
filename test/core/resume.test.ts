/** A channel's earlier sessions, and going on with one of them. */
import { expect, test } from "vitest";
import { SwitchboardError } from "../../src/errors.ts";
import type { AskRequest, ChannelId } from "../../src/model.ts";
import { eventually } from "../support/eventually.ts";
import { Bench } from "../support/gateway.ts";
import { ScriptedAgent } from "../support/scripted-agent.ts";

const A: ChannelId = "local:a";
const RM: AskRequest = { kind: "permission", tool: "shell", target: "rm -rf build", text: "Remove `build`?" };

/** A chat whose first session, of another agent and with settings, is archived; the second is current. */
async function chat() {
  const first = new ScriptedAgent();
  const second = new ScriptedAgent();
  const bench = await Bench.open({ agents: { first, second } });
  await bench.channel.say("a", "g", "/agent second");
  await bench.channel.say("a", "o", "/stream off");
  await bench.channel.say("a", "1", "one");
  const run = await bench.run("a", "one", second);
  run.say("answer one");
  run.done({ memory: 1 });
  await bench.idle("a");
  const old = (await bench.store.current(A))?.id ?? "";
  await bench.channel.say("a", "n", "/new");
  await bench.channel.say("a", "h", "/agent first");
  await bench.channel.say("a", "p", "/stream full");
  await eventually(async () => {
    const { agent, settings } = (await bench.store.current(A)) ?? {};
    return agent === "first" && settings?.stream === "full";
  }, "another session");
  const current = (await bench.store.current(A))?.id ?? "";
  return { bench, first, second, old, current };
}

test("/sessions lists a chat's sessions, this one first, and finds them by their titles", async () => {
  const { bench, old, current } = await chat();
  await bench.channel.say("b", "1", "of another chat");
  await bench.channel.say("a", "s", "/sessions");
  const list = await bench.shows("a", /\/resume id/);
  expect(list).toMatch(new RegExp(`- \`${old}\` \\*\\*one\\*\\* · second · 1 answered`));
  expect(list).toMatch(new RegExp(`- \`${current}\` .* ← now`));
  expect(list).not.toMatch(/another chat/);
  await bench.channel.say("a", "t", "/sessions holiday");
  await bench.shows("a", /No session of this chat has `holiday` in its title/);
});

test("/resume brings a session back: its agent, what that remembers, what was said and what was set", async () => {
  const { bench, second, old, current } = await chat();
  await bench.channel.say("a", "r", `/resume ${old}`);
  await bench.shows(
    "a",
    new RegExp(`\\*\\*one\\*\\* goes on, with \`second\`\\. The session before is archived as \`${current}\``),
  );
  await bench.channel.say("a", "2", "two");
  const run = await bench.run("a", "two", second);
  expect(run.state).toEqual({ memory: 1 });
  const said = await second.openings.at(-1)?.transcript(10);
  expect(said?.map(({ text }) => text)).toEqual(["one", "answer one"]);
  run.say("answer two");
  run.done({ memory: 2 });
  await bench.idle("a");
  expect(await bench.store.current(A)).toMatchObject({
    ...{ id: old, agent: "second", agentState: { memory: 2 } },
    ...{ settings: { stream: "off", agent: "second" }, stats: { turns: 2 } },
  });
  expect(await bench.store.current(A)).not.toHaveProperty("archivedAt");
  expect(await bench.store.get(current)).toMatchObject({ archivedAt: expect.any(Number) });
  await bench.channel.say("a", "s", `/resume ${current}`);
  await bench.shows("a", /Untitled session\*\* goes on, with `first`/);
});

test("/resume stops what runs and drops what waits in the session before; nothing of it appears later", async () => {
  const { bench, first, second, old, current } = await chat();
  await bench.channel.say("a", "2", "two");
  const run = await bench.run("a", "two", first);
  run.emit({ type: "usage", tokensIn: 9, tokensOut: 9 });
  await bench.channel.say("a", "3", "three");
  await bench.channel.say("a", "r", `/resume ${old}`);
  run.say("must not appear");
  run.done("must not be stored");
  await bench.shows("a", /goes on, with `second`.*The running answer was stopped\. 1 waiting message was dropped/);
  await bench.channel.say("a", "4", "four");
  const next = await bench.run("a", "four", second);
  expect(next.state).toEqual({ memory: 1 });
  next.say("fresh");
  next.done();
  await bench.shows("a", /^fresh$/);
  await bench.idle("a");
  expect(bench.channel.seen.some(({ text }) => text.includes("must not appear"))).toBe(false);
  for (const id of ["2", "3"]) {
    expect(await bench.receipt("a", id)).toMatchObject({ state: "dropped", reason: "/resume by Ann" });
  }
  expect(await bench.store.get(current)).toMatchObject({ title: "two", stats: { turns: 0, tokensIn: 9 } });
  expect(await bench.store.get(current)).not.toHaveProperty("agentState");
  expect(await bench.store.get(old)).toMatchObject({ title: "one", stats: { turns: 2, tokensIn: 0 } });
  expect(first).toMatchObject({ opened: 1, closed: 1 });
  await bench.channel.say("a", "w", "/why");
  expect(await bench.shows("a", /`4`: answered/)).not.toMatch(/gateway/);
});

test("/resume with what is no archived session of this chat stops nothing", async () => {
  const { bench, first, current } = await chat();
  await bench.channel.say("b", "1", "other");
  (await bench.run("b", "other", first)).done();
  await bench.channel.say("b", "n", "/new");
  await bench.shows("b", /A new session/);
  const { sessions } = await bench.store.list({ channel: "local:b", archived: true, limit: 9 });
  const others = sessions.find(({ archivedAt }) => archivedAt !== undefined)?.id ?? "";
  await bench.channel.say("a", "2", "two");
  const run = await bench.run("a", "two", first);
  await bench.channel.say("a", "3", "three");
  await bench.channel.say("a", "r", "/resume");
  await bench.shows("a", /Which one\?/);
  await bench.channel.say("a", "s", `/resume ${current}`);
  await bench.shows("a", /goes on here already/);
  for (const [key, id] of [
    ["t", "nonsense"],
    ["u", others],
  ] as const) {
    await bench.channel.say("a", key, `/resume ${id}`);
    await bench.shows("a", new RegExp(`no archived session \`${id}\``));
  }
  expect(run.aborted).toBe(false);
  run.done();
  (await bench.run("a", "three", first)).done();
  await bench.idle("a");
  expect((await bench.store.current(A))?.id).toBe(current);
});

test("/resume takes back what the session before asked, also where its turn is suspended", async () => {
  const { bench, first, second, old, current } = await chat();
  await bench.channel.say("a", "2", "two");
  (await bench.run("a", "two", first)).ask(RM);
  await bench.shows("a", /May it do this/);
  await bench.crash();
  await bench.shows("a", /restarted while it waited/);
  await bench.channel.say("a", "r", `/resume ${old}`);
  await bench.shows("a", /goes on, with `second`.*The running answer was stopped/);
  await bench.idle("a");
  expect((await bench.store.asks({ channel: A, limit: 9 })).asks).toEqual([]);
  expect(await bench.store.get(old)).toMatchObject({ title: "one", stats: { turns: 1 } });
  expect(await bench.receipt("a", "2")).toMatchObject({ state: "dropped" });
  await bench.channel.say("a", "3", "three");
  (await bench.run("a", "three", second)).done();
  await bench.idle("a");
  expect(await bench.store.get(current)).toMatchObject({ stats: { turns: 0 } });
});

test("a process that dies between the stop and the end of /resume: it is carried out once, and what came meanwhile is not lost", async () => {
  const { bench, first, second, old, current } = await chat();
  await bench.channel.say("a", "2", "two");
  const run = await bench.run("a", "two", first);
  let reached = false;
  bench.store.finishControl = () => {
    reached = true;
    return new Promise(() => {});
  };
  await bench.channel.say("a", "r", `/resume ${old}`);
  await eventually(() => reached, "it is about to end");
  expect(run.aborted).toBe(true);
  await bench.channel.say("a", "3", "three");
  await bench.crash();
  const next = await bench.run("a", "three", second);
  expect(next.state).toEqual({ memory: 1 });
  next.done();
  await bench.idle("a");
  expect((await bench.store.current(A))?.id).toBe(old);
  expect(await bench.receipt("a", "2")).toMatchObject({ state: "dropped", reason: "/resume by Ann" });
  expect(await bench.store.get(current)).toMatchObject({ archivedAt: expect.any(Number), stats: { turns: 0 } });
  expect(bench.channel.texts(A).filter((text) => text.includes("goes on, with"))).toHaveLength(1);
});

test("a process that dies after the stop, before the turn has ended: nothing of it is seen, nothing lands in the wrong session", async () => {
  const { bench, first, second, old, current } = await chat();
  await bench.channel.say("a", "2", "two");
  await bench.run("a", "two", first);
  let reached = false;
  bench.store.failTurn = () => {
    reached = true;
    return new Promise(() => {});
  };
  await bench.channel.say("a", "r", `/resume ${old}`);
  await eventually(() => reached, "the turn is about to end");
  await bench.crash();
  await bench.shows("a", /goes on, with `second`/);
  await bench.channel.say("a", "3", "three");
  const next = await bench.run("a", "three", second);
  next.done();
  await bench.idle("a");
  expect(await bench.receipt("a", "2")).toMatchObject({ state: "dropped", reason: "/resume by Ann" });
  expect(await bench.store.get(old)).toMatchObject({ title: "one", stats: { turns: 2 } });
  const { entries } = await bench.store.transcript(old, { limit: 20 });
  expect(entries.map(({ text }) => text)).not.toContain("two");
  expect((await bench.store.transcript(current, { limit: 20 })).entries.map(({ text }) => text)).toContain("two");
});

test("a store that fails meanwhile makes /resume wait, and it is still carried out once", async () => {
  const { bench, first, second, old } = await chat();
  await bench.channel.say("a", "2", "two");
  await bench.run("a", "two", first);
  const { store } = bench;
  /** Refused; done, and its answer lost; then as it should be. */
  const failing = <Args extends unknown[], Result>(step: (...args: Args) => Promise<Result>) => {
    let calls = 0;
    return async (...args: Args): Promise<Result> => {
      calls += 1;
      if (calls === 2) await step(...args);
      if (calls <= 2) throw new SwitchboardError("STORE_UNAVAILABLE", "away");
      return await step(...args);
    };
  };
  store.finishControl = failing(store.finishControl.bind(store));
  const signal = store.signal.bind(store);
  const failingSignal = failing(signal);
  // The gateway's own; that of the person who wrote the command would be refused at the door.
  store.signal = (event, draft) => (draft.command === "stopped" ? failingSignal : signal)(event, draft);
  await bench.channel.say("a", "r", `/resume ${old}`);
  await eventually(() => {
    bench.clock.advance(1_000);
    return bench.channel.texts(A).some((text) => text.includes("goes on, with"));
  }, "it is carried out");
  await bench.channel.say("a", "3", "three");
  (await bench.run("a", "three", second)).done();
  await bench.idle("a");
  expect((await bench.store.current(A))?.id).toBe(old);
});
