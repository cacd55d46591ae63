/** Where a session's agent works, and how far it reaches. */
import { expect, test } from "vitest";
import type { ChannelId } from "../../src/model.ts";
import { eventually } from "../support/eventually.ts";
import { Bench } from "../support/gateway.ts";
import { ScriptedAgent } from "../support/scripted-agent.ts";

const A: ChannelId = "local:a";
const tools = { docs: { command: ["docs-server"], env: {} } };
const BOB = { id: "local:bob", name: "Bob" };

async function open(options: Parameters<typeof Bench.open>[0] = {}) {
  const scripted = new ScriptedAgent();
  const other = new ScriptedAgent();
  const projects: Record<string, { folder: string; agent?: string; mcpServers?: typeof tools }> = {
    alpha: { folder: "/srv/alpha", mcpServers: tools },
    beta: { folder: "/srv/beta", agent: "other" },
  };
  const bench = await Bench.open({
    ...{ agents: { scripted, other }, projects },
    routes: [{ match: "local:a", agent: "scripted", project: "alpha" }],
    ...options,
  });
  return { bench, scripted, other, projects };
}

test("a session works in its route's project, with that project's tools; without one, where the gateway does", async () => {
  const { bench, scripted } = await open({ workspace: "/srv" });
  await bench.channel.say("a", "1", "one");
  await bench.run("a", "one", scripted);
  expect(await bench.store.current(A)).toMatchObject({ project: "alpha" });
  expect(scripted.openings).toMatchObject([{ folder: "/srv/alpha", workspace: "/srv", mcpServers: tools }]);
  expect(scripted.openings[0]).not.toHaveProperty("scope");
  await bench.channel.say("b", "1", "one");
  await bench.run("b", "one", scripted);
  expect(scripted.openings[1]).not.toHaveProperty("folder");
  expect(scripted.openings[1]).not.toHaveProperty("mcpServers");
});

test("/project stops what runs and waits, shows nothing of it any more, and begins a session there", async () => {
  const { bench, scripted, other } = await open();
  await bench.channel.say("a", "1", "one");
  const run = await bench.run("a", "one", scripted);
  run.emit({ type: "state", state: "old" });
  await bench.channel.say("a", "2", "two");
  const before = (await bench.store.current(A))?.id ?? "";
  await bench.channel.say("a", "p", "/project BETA");
  run.say("must not appear");
  run.done();
  await bench.shows(
    "a",
    /project `beta`.*archived as `.*The running answer was stopped\. 1 waiting message was dropped/,
  );
  expect(run.aborted).toBe(true);
  for (const id of ["1", "2"]) {
    expect(await bench.receipt("a", id)).toMatchObject({ state: "dropped", reason: "/project by Ann" });
  }
  expect(scripted).toMatchObject({ opened: 1, closed: 1 });
  await bench.channel.say("a", "3", "three");
  const next = await bench.run("a", "three", other);
  expect(other.openings).toMatchObject([{ folder: "/srv/beta" }]);
  expect(other.openings[0]).not.toHaveProperty("mcpServers");
  expect(next.state).toBeUndefined();
  next.done("new");
  await bench.idle("a");
  expect(bench.channel.seen.some(({ text }) => text.includes("must not appear"))).toBe(false);
  expect(await bench.store.get(before)).toMatchObject({ project: "alpha", archivedAt: expect.any(Number) });
  expect(await bench.store.current(A)).toMatchObject({ project: "beta", agent: "other", agentState: "new" });
});

test("/project lists what there is; a name that is unknown stops nothing", async () => {
  const { bench, scripted } = await open();
  await bench.channel.say("a", "1", "one");
  const run = await bench.run("a", "one", scripted);
  await bench.channel.say("a", "2", "two");
  await bench.channel.say("a", "l", "/projects");
  await bench.shows("a", /`alpha` ← now\n- `beta`/);
  await bench.channel.say("a", "p", "/project bet");
  await bench.shows("a", /There is no project `bet`\. Did you mean `beta`\?/);
  await bench.channel.say("a", "q", "/project constructor");
  await bench.shows("a", /There is no project `constructor`/);
  expect(run.aborted).toBe(false);
  run.done();
  (await bench.run("a", "two", scripted)).done();
  await bench.idle("a");
  const none = await Bench.open();
  await none.channel.say("a", "p", "/project alpha");
  await none.shows("a", /No projects are configured/);
});

test("a project that is configured no more: the turn fails and says so, nothing runs elsewhere, and /project helps", async () => {
  const { bench, scripted, other, projects } = await open();
  await bench.channel.say("a", "p", "/project alpha");
  await bench.channel.say("a", "1", "one");
  (await bench.run("a", "one", scripted)).done();
  await bench.idle("a");
  delete projects.alpha;
  await bench.restart();
  await bench.channel.say("a", "2", "two");
  await bench.shows(
    "a",
    /could not be answered: the project `alpha`.*not configured any more: `\/project`[\s\S]*\/retry/,
  );
  expect(await bench.receipt("a", "2")).toMatchObject({ state: "failed" });
  expect([scripted.openings.length, other.openings.length]).toEqual([1, 0]);
  await bench.channel.say("a", "m", "/model");
  await bench.shows("a", /can't be asked now: the project `alpha`.*Nothing was changed/);
  await bench.channel.say("a", "q", "/project beta");
  await bench.channel.say("a", "r", "/retry");
  (await bench.run("a", "two", other)).done();
  await bench.idle("a");
  expect(scripted).toMatchObject({ opened: 1, closed: 1 });
});

test("/new keeps what people chose for the channel, but not how far the agent reaches", async () => {
  const { bench, scripted, other } = await open({
    access: { default: "allow", allow: [], admins: ["local:ann"] },
  });
  scripted.offers = other.offers = async () => [{ id: "model", choices: [{ id: "big", label: "Big" }] }];
  const commands = ["/project beta", "/agent scripted", "/model big", "/stream off", "/workspace full"];
  for (const [index, command] of commands.entries()) await bench.channel.say("a", `c${index}`, command);
  await bench.shows("a", /the agent reaches the whole machine/);
  expect(await bench.store.current(A)).toMatchObject({ settings: { scope: "full", model: "big" } });
  await bench.channel.say("a", "n", "/new");
  await bench.shows("a", /A new session begins\./);
  expect(await bench.store.current(A)).toMatchObject({
    ...{ project: "beta", agent: "scripted" },
    settings: { project: "beta", agent: "scripted", model: "big", stream: "off" },
  });
  expect((await bench.store.current(A))?.settings).not.toHaveProperty("scope");
  await bench.channel.say("a", "1", "one");
  const run = await bench.run("a", "one", scripted);
  expect(run.turn.model).toBe("big");
  expect(scripted.openings.at(-1)).toMatchObject({ folder: "/srv/beta" });
  // A project's own agent comes with the project; what was chosen of another agent does not.
  await bench.channel.say("a", "p", "/project beta");
  await eventually(async () => (await bench.store.current(A))?.agent === "other", "the project's agent");
  expect((await bench.store.current(A))?.settings).toEqual({ project: "beta", stream: "off" });
});

test("/workspace is for admins, and opens the agent anew with the next message", async () => {
  const { bench, scripted } = await open({ access: { default: "allow", allow: [], admins: ["local:bob"] } });
  await bench.channel.say("a", "1", "one");
  const run = await bench.run("a", "one", scripted);
  run.emit({ type: "state", state: "s" });
  await bench.channel.say("a", "w", "/workspace full");
  await bench.shows("a", /Only this gateway's admins may set `full`/);
  await bench.channel.say("a", "x", "/workspace workspace", { sender: BOB });
  await bench.shows("a", /No folder that holds all projects/);
  await bench.channel.say("a", "y", "/workspace full", { sender: BOB });
  await bench.shows("a", /From the next message on the agent reaches the whole machine/);
  // Who asks for models meanwhile does not take the agent from the turn that runs.
  await bench.channel.say("a", "m", "/model");
  await bench.shows("a", /leaves no choice/);
  expect(scripted).toMatchObject({ opened: 1, closed: 0 });
  run.say("whole");
  run.done("s2");
  await bench.shows("a", /^whole$/);
  await bench.channel.say("a", "2", "two");
  const next = await bench.run("a", "two", scripted);
  expect(next.state).toBe("s2");
  expect(scripted).toMatchObject({ opened: 2, closed: 1 });
  expect(scripted.openings[1]).toMatchObject({ scope: "full", folder: "/srv/alpha", state: "s2" });
  next.done();
  await bench.idle("a");
  await bench.channel.say("a", "z", "/workspace project");
  await bench.channel.say("a", "3", "three");
  await bench.run("a", "three", scripted);
  expect(scripted.openings[2]).toMatchObject({ scope: "project" });
});

test("an agent that waits to be opened anew is not, where the gateway stops meanwhile", async () => {
  const { bench, scripted } = await open({ access: { default: "allow", allow: [], admins: ["local:ann"] } });
  await bench.channel.say("a", "1", "one");
  (await bench.run("a", "one", scripted)).done();
  await bench.idle("a");
  await bench.channel.say("a", "w", "/workspace full");
  await bench.shows("a", /the whole machine/);
  let letGo = () => {};
  scripted.lingers = () =>
    new Promise<void>((resolve) => {
      letGo = resolve;
    });
  await bench.channel.say("a", "2", "two");
  await eventually(() => scripted.closing === 1, "the old one is being closed");
  await bench.gateway.stop();
  letGo();
  await eventually(() => scripted.closed === 1, "closed");
  expect(scripted.openings).toHaveLength(1);
});

test("who asks for models while the agent is opened anew gets the one that is being opened", async () => {
  const { bench, scripted } = await open({ access: { default: "allow", allow: [], admins: ["local:ann"] } });
  await bench.channel.say("a", "1", "one");
  (await bench.run("a", "one", scripted)).done();
  await bench.idle("a");
  await bench.channel.say("a", "w", "/workspace full");
  await bench.shows("a", /the whole machine/);
  let letGo = () => {};
  scripted.lingers = () =>
    new Promise<void>((resolve) => {
      letGo = resolve;
    });
  await bench.channel.say("a", "2", "two");
  await eventually(async () => (await bench.receipt("a", "2"))?.state === "running", "the old one is being closed");
  await bench.channel.say("a", "m", "/model");
  await bench.idle("b");
  scripted.lingers = undefined;
  letGo();
  await bench.shows("a", /leaves no choice/);
  (await bench.run("a", "two", scripted)).done();
  await bench.idle("a");
  await bench.close();
  expect(scripted).toMatchObject({ opened: 2, closed: 2 });
});
