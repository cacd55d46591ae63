import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { expect, onTestFinished, test } from "vitest";
import type { AgentSession, McpServer as McpConfig } from "../../../src/agent.ts";
import type { LlmConfig } from "../../../src/config.ts";
import type { AgentEvent, PermissionRequest } from "../../../src/model.ts";
import { People, textOf, turnOf } from "../../conformance/agent.ts";
import { eventually } from "../../support/eventually.ts";
import { temporaryFolder } from "../../support/gateway.ts";
import type { ModelTwin } from "../../twins/models/index.ts";
import { Processes } from "../processes.ts";
import { configOf, failureIn, noticesIn, startTwin, Talk, usageIn } from "./agent.ts";

const SERVER = fileURLToPath(new URL("../programs/mcp.mjs", import.meta.url));
const GATEWAY = fileURLToPath(new URL("../programs/llm-gateway.ts", import.meta.url));
const NOTE = '[[call pad_note {"text":"milk"}]]';
const by = { id: "test:eve", name: "Eve" };
const yes = () => ({ kind: "approved", scope: "once", by }) as const;

interface Pad {
  readonly twin: ModelTwin;
  readonly talk: Talk;
  readonly processes: Processes;
  /** The lines that the tool has written down. */
  notes(): Promise<string[]>;
}

/** A talk whose session has the tools of one MCP server, "pad", and of more. */
async function startPad(config: Partial<LlmConfig> = {}, more: Record<string, McpConfig> = {}): Promise<Pad> {
  const twin = await startTwin();
  const processes = await Processes.watch();
  const notes = `${processes.file}.notes`;
  const command = [process.execPath, SERVER];
  const pad = { command, env: { PIDS: processes.file, NOTES: notes } };
  const talk = new Talk(configOf(twin, config), { mcpServers: { pad, ...more } });
  onTestFinished(async () => {
    await talk.close();
    await processes.forget();
  });
  const lines = async () => (await readFile(notes, "utf8").catch(() => "")).split("\n").filter((line) => line !== "");
  return { twin, talk, processes, notes: lines };
}

function toolsIn(events: readonly AgentEvent[]): string[] {
  return events.flatMap((event) => (event.type === "tool" ? [`${event.title} ${event.status}`] : []));
}

function runOf(session: AgentSession, text: string, people: People, signal: AbortSignal): AsyncIterable<AgentEvent> {
  return session.run(turnOf(text, { people, signal }));
}

/** An MCP server behind HTTP that takes this authorization and no other. */
async function startHttpServer(authorization: string): Promise<string> {
  const http = createServer(async (request, response) => {
    if (request.headers.authorization !== authorization) return void response.writeHead(403).end();
    const server = new McpServer({ name: "far", version: "1.0.0" });
    server.registerTool("time", { description: "Tells the time." }, () => ({
      content: [{ type: "text", text: "noon" }],
    }));
    const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
    response.once("close", () => void server.close());
    await server.connect(transport);
    await transport.handleRequest(request, response);
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    http.closeAllConnections();
    http.close();
  });
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`;
}

const WIRES: [LlmConfig["provider"]][] = [["openai-compatible"], ["openai"], ["anthropic"]];

test.each(WIRES)("%s: calls a tool that people allow, and goes on with what it gave", async (provider) => {
  const { talk, twin, notes } = await startPad({ provider });
  const people = new People(yes);
  const events = await talk.say(NOTE, { people });
  expect(textOf(events)).toBe("I will use a tool.\n\nThe tool said: noted milk");
  expect(await notes()).toEqual(["milk"]);
  expect(toolsIn(events)).toEqual(["pad_note running", "pad_note done"]);
  expect(usageIn(events)).toHaveLength(2);
  const [asked] = people.asked as PermissionRequest[];
  expect(asked).toMatchObject({ kind: "permission", tool: "pad_note", target: '{"text":"milk"}' });
  expect(asked?.text).toContain("Writes a line down.");
  expect(asked?.text).toContain('"milk"');
  expect(twin.last.tools).toContain("pad_note");
});

test("tells the model why people did not allow it, and the tool is not called", async () => {
  const { talk, notes } = await startPad();
  const people = new People(() => ({ kind: "rejected", reason: "we have enough milk", by }));
  const events = await talk.say(NOTE, { people });
  expect(textOf(events)).toContain("Eve did not allow this call: we have enough milk");
  expect(toolsIn(events)).toEqual(["pad_note failed"]);
  expect(await notes()).toEqual([]);
});

test("tells the model that nobody decided", async () => {
  const { talk, notes } = await startPad();
  const people = new People(() => ({ kind: "closed", reason: "the time was over" }));
  expect(textOf(await talk.say(NOTE, { people }))).toContain("Nobody decided about this call, so it was not made");
  expect(await notes()).toEqual([]);
});

test("asks for several calls at once; each gets its own answer", async () => {
  const { talk, notes } = await startPad();
  const people = new People((request) =>
    request.kind === "permission" && request.target?.includes("tea") ? { kind: "rejected", by } : yes(),
  );
  const events = await talk.say(`${NOTE} [[call pad_note {"text":"tea"}]] [[call pad_look {}]]`, { people });
  expect(people.asked).toHaveLength(3);
  expect(textOf(events)).toContain("noted milk\nEve did not allow this call.\nnothing to see");
  expect(await notes()).toEqual(["milk"]);
});

test("a tool that fails, and one that doesn't exist, are told to the model", async () => {
  const { talk, twin } = await startPad();
  const people = new People(yes);
  const events = await talk.say("[[call pad_fail {}]]", { people });
  expect(toolsIn(events)).toEqual(["pad_fail running", "pad_fail failed"]);
  expect(textOf(events)).toContain("it is broken");

  twin.on(/magic/, ({ said }) =>
    said.at(-1)?.role === "tool"
      ? { text: [said.at(-1)?.text ?? ""] }
      : { calls: [{ id: "c1", name: "pad_magic", input: {} }] },
  );
  const other = await talk.say("magic", { people });
  expect(other.at(-1)?.type).toBe("done");
  expect(textOf(other)).toContain("pad_magic");
});

test("gives the model no more of a long result than it can bear", async () => {
  const { talk, twin } = await startPad({ context: 4_000 });
  const events = await talk.say('[[call pad_long {"length":100000}]]', { people: new People(yes) });
  expect(events.at(-1)?.type).toBe("done");
  expect(textOf(events)).toMatch(/x{1000}\n\(… \d+ more characters are left out\.\)/);
  expect(JSON.stringify(twin.last.body).length).toBeLessThan(20_000);
});

test.each([
  ["openai-compatible", false],
  ["openai", true],
  ["anthropic", true],
] as const)("%s: shows the picture that a tool gave: %s", async (provider, isShown) => {
  const { talk, twin } = await startPad({ provider });
  expect(textOf(await talk.say("[[call pad_picture {}]]", { people: new People(yes) }))).toContain("a dot");
  expect(JSON.stringify(twin.last.body).includes("iVBORw0KGgo=")).toBe(isShown);
});

test("must answer when it has used tools often enough", async () => {
  const { talk, twin, notes } = await startPad({ steps: 2 });
  let count = 0;
  twin.on(/for ever/, ({ body }) =>
    body.tool_choice === "none"
      ? { text: ["enough"] }
      : { calls: [{ id: `c${++count}`, name: "pad_note", input: { text: `${count}` } }] },
  );
  const events = await talk.say("for ever", { people: new People(yes) });
  expect(textOf(events)).toBe("enough");
  expect(await notes()).toEqual(["1", "2"]);
});

test("offers nothing but tools that change nothing while a plan is made", async () => {
  const { talk, twin } = await startPad();
  const events = await talk.say(NOTE, { phase: "plan" });
  expect(events.at(-1)?.type).toBe("done");
  expect(twin.requests).toHaveLength(1);
  expect(twin.last.tools).toEqual(["pad_look"]);
});

test("an architect plans with its own model and words, and the plan reaches the one who works", async () => {
  const twin = await startTwin();
  const architect = new Talk(configOf(twin, { model: "architect", systemPrompt: "You plan." }));
  const plan = textOf(await architect.say("build a house", { phase: "plan" }));
  expect(twin.last).toMatchObject({ model: "architect", system: "You plan." });
  expect(plan).toContain("build a house");
  await new Talk(configOf(twin)).say("build a house", { plan: "1. dig\n2. build" });
  expect(twin.last.said.at(-1)?.text).toContain("The plan, which was approved; carry it out:\n\n1. dig\n2. build");
});

test("the servers end with the gateway's process, also by `kill -9`", async () => {
  const twin = await startTwin();
  const processes = await Processes.watch();
  onTestFinished(() => processes.forget());
  const gateway = spawn(process.execPath, ["--import", "tsx", GATEWAY, twin.openai, processes.file, SERVER], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void gateway.kill("SIGKILL"));
  await once(gateway.stdout, "data");
  expect(await processes.running()).toHaveLength(1);
  gateway.kill("SIGKILL");
  await eventually(async () => (await processes.running()).length === 0, "the server is gone");
});

test("one process serves all turns of a live session, and is gone when that is closed", async () => {
  const { talk, processes } = await startPad();
  const people = new People(yes);
  await talk.say(NOTE, { people });
  await talk.say(NOTE, { people });
  expect(await processes.count()).toBe(1);
  expect(await processes.running()).toHaveLength(1);
  await talk.close();
  expect(await processes.running()).toEqual([]);
  await talk.say(NOTE, { people });
  expect(await processes.count()).toBe(2);
});

test("a server that ended between two turns is started anew, with the same tools", async () => {
  const { talk, twin, processes, notes } = await startPad();
  const people = new People(yes);
  await talk.say(NOTE, { people });
  const { tools } = twin.last;
  await processes.kill();
  const events = await talk.say(NOTE, { people });
  expect(textOf(events)).toContain("The tool said: noted milk");
  expect(noticesIn(events)).toEqual([]);
  expect(twin.last.tools).toEqual(tools);
  expect(await notes()).toEqual(["milk", "milk"]);
  expect(await processes.count()).toBe(2);
  await talk.close();
  expect(await processes.running()).toEqual([]);
});

test("one that ends during a call is told to the model, and is there again in the next turn", async () => {
  const { talk, processes } = await startPad();
  const people = new People(yes);
  const session = await talk.session();
  let said = "";
  for await (const event of runOf(session, "[[call pad_wait {}]]", people, new AbortController().signal)) {
    if (event.type === "text") said += event.delta;
    if (event.type === "tool" && event.status === "running") await processes.kill();
  }
  expect(said).toMatch(/The tool said: The tool failed/);
  expect(textOf(await talk.say(NOTE, { people }))).toContain("The tool said: noted milk");
});

test("one that can't be started anew is told of once", async () => {
  const file = `${temporaryFolder()}/started`;
  // It starts once only.
  const command = ["sh", "-c", `[ ! -e ${file} ] && touch ${file} && exec ${process.execPath} ${SERVER}`];
  const processes = await Processes.watch();
  onTestFinished(() => processes.forget());
  const env = { PIDS: processes.file, NOTES: `${processes.file}.notes` };
  const { talk } = await startPad({}, { weak: { command, env } });
  const people = new People(yes);
  expect(noticesIn(await talk.say("hello", { people }))).toEqual([]);
  await processes.kill();
  expect(noticesIn(await talk.say("hello", { people }))).toEqual([expect.stringContaining('"weak" are not there')]);
  expect(noticesIn(await talk.say("hello", { people }))).toEqual([]);
});

test("is gone, too, when the session is closed in the middle of a call", async () => {
  const { talk, processes } = await startPad();
  const session = await talk.session();
  const controller = new AbortController();
  const events = runOf(session, "[[call pad_wait {}]]", new People(yes), controller.signal)[Symbol.asyncIterator]();
  let next = await events.next();
  while (next.value?.type !== "tool") next = await events.next();
  const rest = events.next();
  expect(await processes.running()).toHaveLength(1);
  await session.close();
  expect(await processes.running()).toEqual([]);
  expect((await rest).done).toBe(true);
});

test("is gone, too, when the session is closed while it starts", async () => {
  const { talk, processes } = await startPad();
  const session = await talk.session();
  const answer = talk.say("hello");
  await eventually(async () => (await processes.count()) === 1, "the server starts");
  await session.close();
  expect(await processes.running()).toEqual([]);
  await answer;
});

test("a stopped turn ends while a tool is at work, and the next one is answered", async () => {
  const { talk } = await startPad();
  const controller = new AbortController();
  const session = await talk.session();
  const events: string[] = [];
  const people = new People(yes);
  for await (const event of runOf(session, "[[call pad_wait {}]]", people, controller.signal)) {
    events.push(event.type);
    if (event.type === "tool") controller.abort();
  }
  expect(events.at(-1)).toBe("tool");
  expect(textOf(await talk.say("hello"))).toBe("hello");
});

test("the turn goes on without a server that can't be started, and says so once", async () => {
  const { talk } = await startPad(
    {},
    {
      missing: { command: ["switchboard-no-such-server"], env: {} },
      broken: { command: ["sh", "-c", "echo a bad day >&2; exit 3"], env: {} },
    },
  );
  const events = await talk.say("hello");
  expect(textOf(events)).toBe("hello");
  expect(noticesIn(events).sort()).toEqual([
    expect.stringMatching(/"broken" are not there: .*a bad day/s),
    expect.stringMatching(/"missing" are not there.*was not found/s),
  ]);
  expect(noticesIn(await talk.say("again"))).toEqual([]);
});

test("uses the tools of a server that is reached by HTTP, with its headers", async () => {
  const server = await startHttpServer("Bearer sesame");
  const { talk } = await startPad({}, { far: { url: server, headers: { authorization: "Bearer sesame" } } });
  const events = await talk.say("[[call far_time {}]]", { people: new People(yes) });
  expect(noticesIn(events)).toEqual([]);
  expect(textOf(events)).toContain("The tool said: noon");
});

test("an attempt that is cut short while it asks finds its call again, and the decision", async () => {
  const { talk, twin, notes } = await startPad();
  const first = new People();
  const controller = new AbortController();
  const cut = talk.say(NOTE, { id: "t", people: first, signal: controller.signal });
  await first.first;
  controller.abort();
  await cut;
  await talk.close();
  const second = new People(yes);
  const events = await talk.say(NOTE, { id: "t", attempt: 2, people: second });
  expect(second.asked).toEqual(first.asked);
  expect(textOf(events)).toBe("I will use a tool.\n\nThe tool said: noted milk");
  expect(await notes()).toEqual(["milk"]);
  expect(twin.requests).toHaveLength(2);
});

test("an attempt that fails after a tool was used does not use it again", async () => {
  const { talk, twin, notes } = await startPad();
  twin.fault({ kind: "drop", after: 3 }, { when: ({ said }) => said.at(-1)?.role === "tool" });
  const people = new People(yes);
  expect(failureIn(await talk.say(NOTE, { id: "t", people }))).toMatchObject({ retryable: true });
  await talk.close();
  const events = await talk.say(NOTE, { id: "t", attempt: 2, people });
  expect(textOf(events)).toContain("The tool said: noted milk");
  expect(people.asked).toHaveLength(1);
  expect(await notes()).toEqual(["milk"]);
});

test("a call that was under way when the attempt was cut short is not repeated unawares", async () => {
  const { talk, notes } = await startPad();
  const people = new People(yes);
  const controller = new AbortController();
  const session = await talk.session();
  for await (const event of runOf(session, NOTE, people, controller.signal)) {
    if (event.type === "state") talk.state = event.state;
    if (event.type === "tool") controller.abort();
  }
  await talk.close();
  const events = await talk.say(NOTE, { id: "turn-1", attempt: 2, resumes: true, people });
  expect(textOf(events)).toContain("may or may not have had its effect");
  expect(people.asked).toHaveLength(1);
  expect((await notes()).length).toBeLessThanOrEqual(1);
});

test("what another turn had begun is not gone on with", async () => {
  const { talk, twin } = await startPad();
  const people = new People();
  const controller = new AbortController();
  const cut = talk.say(NOTE, { people, signal: controller.signal });
  await people.first;
  controller.abort();
  await cut;
  expect(textOf(await talk.say("something else", { attempt: 2 }))).toBe("something else");
  expect(twin.last.said.map(({ role }) => role)).toEqual(["user"]);
});
