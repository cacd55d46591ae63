/** What commands tell, in words that hold. */
import { expect, test } from "vitest";
import type { AskRequest, ChannelId } from "../../src/model.ts";
import { eventually } from "../support/eventually.ts";
import { Bench } from "../support/gateway.ts";
import { ScriptedAgent } from "../support/scripted-agent.ts";

const A: ChannelId = "local:a";
const COLOR: AskRequest = { kind: "questions", text: "", questions: [{ id: "c", prompt: "Which color?" }] };

function permission(target: string | undefined, text: string): AskRequest {
  return { kind: "permission", tool: "my_shell", text, ...(target === undefined ? {} : { target }) };
}

test("/status: a cost without tokens stands alone; a turn is told to run for a time", async () => {
  const bench = await Bench.open();
  await bench.channel.say("a", "1", "one");
  const run = await bench.run("a", "one");
  bench.clock.advance(13_000);
  await bench.channel.say("a", "2", "/status");
  await bench.shows("a", /Running for 13 s; 0 waiting/);
  run.emit({ type: "usage", tokensIn: 0, tokensOut: 0, cost: 0.25, costSource: "agent" });
  run.done();
  await bench.idle("a");
  await bench.channel.say("a", "3", "/status");
  const status = await bench.shows(
    "a",
    /\$0\.2500 by the agent's account, as far as it is known; tokens are not told\./,
  );
  expect(status).not.toMatch(/0 tokens/);
});

test.each([
  ["/mode nope", /^There is no mode `nope`\.\n\n- `ask`: it asks/],
  ["/mode byp", /^There is no mode `byp`\. Did you mean `bypass`\?\n\n- `ask`/],
  ["/mode", /^- `ask`/],
  ["/stream bogus", /^There is no level `bogus`\.\n\n- `off`/],
  ["/stream", /^- `off`/],
  ["/workspace foo", /^There is no reach `foo`\.\n\nThe agent's file and terminal tools[\s\S]*- `full`/],
  ["/workspace", /^The agent's file/],
])("%s tells first where there is no such one", async (text, shows) => {
  const bench = await Bench.open();
  await bench.channel.say("a", "1", text);
  await bench.shows("a", shows);
  expect((await bench.store.current(A))?.settings).toBeUndefined();
});

test("commands say what to do where the session's agent is configured no more", async () => {
  const options = { agents: { old: new ScriptedAgent(), other: new ScriptedAgent() } };
  const bench = await Bench.open(options);
  await bench.channel.say("a", "1", "/mode plan");
  await bench.shows("a", /From the next message on/);
  Reflect.deleteProperty(options.agents, "old");
  await bench.restart();
  for (const command of ["model", "effort", "compact"]) {
    const before = bench.channel.texts(A).length;
    await bench.channel.say("a", command, `/${command}`);
    await eventually(() => bench.channel.texts(A).length > before, "an answer");
    expect(bench.channel.texts(A).at(-1)).toMatch(/^The agent `old` is not configured any more: `\/agent` lists those/);
  }
});

test("/approve and /reject while only questions wait name what answers them", async () => {
  const bench = await Bench.open();
  await bench.channel.say("a", "0", "/approve");
  await bench.shows("a", /^Nothing waits for a decision in this chat\.$/);
  await bench.channel.say("a", "1", "one");
  const run = await bench.run("a", "one");
  run.ask(COLOR);
  await bench.shows("a", /Which color/);
  for (const command of ["/approve", "/reject", "/plan"]) {
    const before = bench.channel.texts(A).length;
    await bench.channel.say("a", command, command);
    await eventually(() => bench.channel.texts(A).length > before, "an answer");
    expect(bench.channel.texts(A).at(-1)).toMatch(/^Only questions wait in this chat: `\/answer` .*`\/stop`/);
  }
  run.ask(permission("ls", "List?"));
  await bench.shows("a", /May it do this/);
  await bench.channel.say("a", "p", "/plan");
  await bench.shows("a", /^No plan waits in this chat, only something to permit: `\/approve`/);
});

test("of several things to permit each is shown as it is", async () => {
  const bench = await Bench.open();
  await bench.channel.say("a", "1", "one");
  const run = await bench.run("a", "one");
  run.ask(permission("rm -rf *_old > a | b # c", "Clean **up**?"));
  run.ask(permission("echo `date`\nrm\u202ex", "Echo?"));
  run.ask(permission(undefined, "Run `make_it *`, *now*?"));
  await eventually(async () => (await bench.store.asks({ channel: A, limit: 9 })).asks.length === 3, "asked");
  await bench.channel.say("a", "y", "/approve");
  const list = await bench.shows("a", /^Which one/);
  expect(list.split("\n").slice(2).sort()).toEqual([
    "1. permission: my\\_shell `rm -rf *_old > a | b # c`",
    "2. permission: my\\_shell `` echo `date` ⏎ rm x ``",
    "3. permission: Run `make_it *`, \\*now\\*?",
  ]);
});

test("/sessions are told newest first, also within a minute", async () => {
  const bench = await Bench.open();
  const names = ["first", "second", "third", "fourth"];
  for (const name of names) {
    await bench.channel.say("a", name, name);
    (await bench.run("a", name)).done();
    await bench.idle("a");
    bench.clock.advance(1_000);
    await bench.channel.say("a", `n ${name}`, "/new");
    await bench.shows("a", new RegExp(`archived as \`${await idOf(bench, name)}\``));
    bench.clock.advance(1_000);
  }
  await bench.channel.say("a", "s", "/sessions");
  const list = await bench.shows("a", /\/resume id/);
  const shown = [...list.matchAll(/\*\*(.+?)\*\*/g)].map(([, name]) => name);
  expect(shown).toEqual(["Untitled session", ...names.toReversed()]);
});

async function idOf(bench: Bench, title: string): Promise<string> {
  const { sessions } = await bench.store.list({ channel: A, archived: true, limit: 20, text: title });
  return sessions[0]?.id ?? "";
}

test("/why shows what a message says while it waits or runs", async () => {
  const bench = await Bench.open();
  await bench.channel.say("a", "id-1", "a question");
  (await bench.run("a")).done();
  await bench.idle("a");
  bench.clock.advance(5_000);
  await bench.channel.say("a", "id-2", "/stream off");
  await bench.shows("a", /only the whole answer/);
  bench.clock.advance(5_000);
  await bench.channel.say("a", "id-3", "fails");
  (await bench.run("a", "fails")).fail("no", false);
  await bench.idle("a");
  bench.clock.advance(5_000);
  await bench.channel.say("a", "id-4", "runs");
  await bench.run("a", "runs");
  await bench.channel.say("a", "id-5", "waits");
  await bench.channel.say("a", "w", "/why");
  const told = await bench.shows("a", /^- “/);
  expect(told.split("\n").map((line) => line.replace(/, [\d.]+ s ago$/, ""))).toEqual([
    "- “waits”: queued as #1",
    "- “runs”: running",
    "- `id-3`: failed (no); `/retry` runs it again",
    "- `id-2`: answered",
    "- `id-1`: answered",
  ]);
  await bench.channel.say("a", "x", "/why id-5");
  await bench.shows("a", /^“waits”: queued as #1/);
});
