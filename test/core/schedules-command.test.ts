import { expect, test } from "vitest";
import type { GatewayOptions } from "../../src/core/gateway.ts";
import { channelId, type Sender } from "../../src/model.ts";
import { eventually } from "../support/eventually.ts";
import { Bench } from "../support/gateway.ts";
import {
  answer,
  type Changing,
  happened,
  MINUTE,
  minutely,
  openBench,
  prompts,
  scheduling,
} from "../support/schedules.ts";

const BOB: Sender = { id: "local:bob", name: "Bob" };
let messages = 0;

/** Says it, and gives what the chat shows then. */
async function say(bench: Bench, text: string, { chat = "1", sender }: { chat?: string; sender?: Sender } = {}) {
  const channel = channelId("local", chat);
  const before = bench.channel.texts(channel).length;
  await bench.channel.say(chat, `m${++messages}`, text, sender === undefined ? {} : { sender });
  await eventually(() => bench.channel.texts(channel).length > before, `an answer to ${text}`);
  await bench.idle(chat);
  return bench.channel.texts(channel).slice(before).join("\n");
}

async function added(bench: Bench, args: string): Promise<string> {
  const reply = await say(bench, `/schedule ${args}`);
  const [, id] = /^Scheduled as `([a-z0-9]{8})`/.exec(reply) ?? [];
  if (id === undefined) throw new Error(reply);
  return id;
}

test("it is made, listed, run for whoever made it, and removed", async () => {
  const bench = await openBench({ schedules: scheduling({ tick: minutely({ cron: "0 20 * * *", missed: "run" }) }) });
  expect(await say(bench, "/schedule", { chat: "2" })).toMatch(
    /^Nothing is scheduled in this chat\.\n\n- `\/schedule 0 9/,
  );

  const reply = await say(bench, "/schedule tz=Europe/Berlin 1 9 * * 1-5 What is\nnew?", { sender: BOB });
  expect(reply).toMatch(
    /^Scheduled as `(\w{8})`: `1 9 \* \* 1-5` \(Europe\/Berlin\), next Fri 15 Jan, 09:01, in 60 s \(2027-01-15T08:01:00Z\): “What is new\?”, by Bob$/,
  );
  const [, id = ""] = /`(\w{8})`/.exec(reply) ?? [];
  expect((await say(bench, "/schedule")).split("\n")).toEqual([
    expect.stringMatching(`^- \`${id}\` .* by Bob$`),
    "- `cfg-tick` `0 20 * * *` (UTC), next Fri 15 Jan, 20:00, in 12 h (2027-01-15T20:00:00Z): “what is new?”, by configuration, made up for where no gateway ran",
  ]);

  await bench.advance(MINUTE);
  const run = await bench.run("1", "What is\nnew?");
  expect(run.turn.messages[0]).toMatchObject({ sender: BOB, source: "cron" });
  const asked = run.ask({ kind: "permission", tool: "shell", text: "Remove `build`?" });
  await bench.shows("1", /May it do this/);
  expect(await bench.channel.press("1", "Allow once")).toMatchObject({ ok: false });
  expect(await bench.channel.press("1", "Allow once", { by: BOB })).toMatchObject({ ok: true });
  expect(await asked).toMatchObject({ kind: "approved" });
  await answer(bench, "1");

  expect(await say(bench, `/schedule remove ${id}`, { chat: "2" })).toMatch(
    `There is no schedule \`${id}\` in this chat`,
  );
  expect(await say(bench, `/schedule remove \`${id}\``)).toBe(`Removed: \`${id}\`, “What is new?”.`);
  expect(await say(bench, `/schedule remove ${id}`)).toMatch(/in this chat, or not any more/);
  expect(await say(bench, "/schedule")).not.toMatch(id);
  expect(await say(bench, "/schedule remove cfg-tick")).toMatch(/comes from this gateway's configuration/);
  expect(await bench.store.schedule("cfg-tick")).toBeDefined();
});

test.each([
  ["0 9 * * 1-5 Report", "0 9 * * 1-5", "Report", {}],
  ['"0 9 * * 1-5" 3 jokes', "0 9 * * 1-5", "3 jokes", {}],
  ["“0 9 * * 1-5” Don't be late", "0 9 * * 1-5", "Don't be late", {}],
  ["0 9 * * * 3 jokes, please", "0 9 * * *", "3 jokes, please", {}],
  ["@daily Report", "@daily", "Report", {}],
  ["@hourly /compact-ish", "@hourly", "/compact-ish", {}],
  ["missed=run tz=Europe/Berlin @daily x=1 y=2", "@daily", "x=1 y=2", { missed: "run", timezone: "Europe/Berlin" }],
  ["0  9 *\n* * one\ntwo", "0 9 * * *", "one\ntwo", {}],
])("/schedule %s", async (args, cron, prompt, more) => {
  const bench = await openBench();
  const id = await added(bench, args);
  expect(await bench.store.schedule(id)).toMatchObject({
    ...{ id, channel: "local:1", cron, prompt, missed: "skip", timezone: "UTC", origin: "command" },
    ...{ by: { id: "local:ann" }, createdAt: bench.clock.now(), ...more },
  });
});

test("what can't be scheduled is said, with an example, and changes nothing", async () => {
  const bench = await openBench();
  for (const [args, says] of [
    ["tomorrow", /^A schedule needs a time of five fields, and what to say then\./],
    ["0 9 * * *", /^What shall be said then\? The prompt is missing/],
    ["@daily", /^What shall be said then\?/],
    ["61 9 * * * Report", /^"61 9 \* \* \*" can't be read \(Invalid value for minute: 61\)/],
    ["@fortnightly Report", /^"@fortnightly" can't be read/],
    ["0 0 30 2 * Report", /never comes due/],
    ["tz=Berlin @daily Report", /^"Berlin" is no time zone; one is named like Europe\/Berlin/],
    ["missed=maybe @daily Report", /^`missed=` is `skip` or `run`/],
    ["every=day @daily Report", /^`every=` is not known/],
    ["*/10 * * * * * Report", /^That looks like six fields/],
    ["0 0 9 * * 1-5 Report", /^That looks like six fields/],
    ['"*/10 * * * * *" Report', /^A time has five fields here/],
    ["@daily /new", /`\/new` is for the gateway/],
    ["remove", /^Which one\? Name it by its id/],
  ] as const) {
    const reply = await say(bench, `/schedule ${args}`);
    expect(reply, args).toMatch(says);
    expect(reply, args).toMatch(/Nothing was changed\. For example:\n\n- `\/schedule 0 9/);
  }
  expect(await bench.store.schedules({ limit: 10 })).toEqual([]);
});

test("a chat has twenty at most, those of the configuration not counted", async () => {
  const bench = await openBench({ schedules: scheduling({ tick: minutely({ cron: "0 20 * * *" }) }) });
  let id = "";
  for (let i = 0; i < 20; i++) id = await added(bench, `${i} 9 * * * number ${i}`);
  expect(await say(bench, "/schedule @daily one more")).toMatch(/^This chat has 20 schedules already/);
  await say(bench, `/schedule remove ${id}`);
  await added(bench, "@daily one more");
  expect(await bench.store.schedules({ channel: "local:1", limit: 100 })).toHaveLength(21);
});

test("a crash after it was made, and before that was answered: it is one schedule, and as it was", async () => {
  const options: Changing<GatewayOptions> = {};
  const bench = await openBench(options);
  let reached = false;
  bench.store.finishControl = () => {
    reached = true;
    return new Promise<never>(() => {});
  };
  await bench.channel.say("1", "made", "/schedule * * * * * what is new?");
  await eventually(() => reached, "the command was run");
  const [made] = await bench.store.schedules({ limit: 10 });
  await bench.advance(MINUTE);
  await eventually(() => happened(bench).length === 1, "it runs");
  await bench.crash();
  await bench.shows("1", new RegExp(`^Scheduled as \`${made?.id}\``));
  await answer(bench, "1");
  expect(prompts(bench)).toEqual(["what is new?"]);
  expect(await bench.store.schedules({ limit: 10 })).toEqual([
    { ...made, nextAt: (made?.nextAt ?? 0) + MINUTE, lastAt: made?.nextAt },
  ]);
});

test("a gateway without a timetable says so", async () => {
  const bench = await Bench.open();
  expect(await say(bench, "/schedule")).toBe("This gateway runs no schedules.");
});
