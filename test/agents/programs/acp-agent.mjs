/**
 * An agent for the tests, on the protocol SDK's agent side. The first line of a prompt that begins with a known word
 * tells what it does. Its environment:
 * - FOLDER: where it keeps its sessions, writes its process ids (`pids`, a line each) and what it is busy with
 * - CAN: JSON of what it can and how it behaves: see where `can` is asked below
 */
import { spawn } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import * as acp from "@agentclientprotocol/sdk";

const folder = process.env.FOLDER ?? ".";
const can = JSON.parse(process.env.CAN ?? "{}");
const busy = join(folder, "busy");
mkdirSync(busy, { recursive: true });
const note = (file, line) => appendFileSync(join(folder, file), `${line}\n`);
note("pids", process.pid);

if (can.stubborn) for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => {});
if (can.complains) process.stderr.write(`${can.complains}\n`);
if (can.garbage) process.stdout.write("Welcome!\n[1,2]\n{}\n\n42\n");
if (can.exits !== undefined) process.exit(can.exits);
if (can.lingers) setInterval(() => {}, 1_000);

const sessions = new Map();
const fileOf = (id) => join(folder, `${id}.json`);
const save = ({ id, ...session }) =>
  writeFileSync(fileOf(id), JSON.stringify({ history: session.history, cost: session.cost }));
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const never = () => new Promise(() => {});

/** What it tells of a session's settings. */
const facesOf = (session) => ({
  ...(can.modes ? { modes: { currentModeId: session.mode, availableModes: can.modes } } : {}),
  ...(can.options ? { configOptions: optionsOf(session) } : {}),
  ...(can.models
    ? { models: { currentModelId: session.model ?? can.models[0].modelId, availableModels: can.models } }
    : {}),
});
const optionsOf = (session) =>
  can.options.map((option) => ({ ...option, currentValue: session.set[option.id] ?? option.currentValue }));

const restored = (params) => {
  const { history, cost } = JSON.parse(readFileSync(fileOf(params.sessionId), "utf8"));
  const session = begin(params.sessionId, history, params, cost);
  session.mode = can.modeLeft ?? session.mode;
  return session;
};

function begin(id, history, params, cost = 0) {
  const session = { id, history, set: {}, mode: can.modes?.[0]?.id, cost, params };
  sessions.set(id, session);
  return session;
}

const tell = (client, sessionId, update) => client.notify("session/update", { sessionId, update });
const text = (client, id, said, more = {}) =>
  tell(client, id, { sessionUpdate: "agent_message_chunk", content: { type: "text", text: said }, ...more });

/** What it does, by the first word of a line. Each gets the rest of the line, and all of the prompt. */
const SKILLS = {
  async echo({ say, prompt }) {
    for (let at = 0; at < prompt.length; at += 997) await say(prompt.slice(at, at + 997));
  },
  async endless({ say, signal }) {
    const child = spawn("sleep", ["3600"], { stdio: "ignore" });
    note("pids", child.pid);
    await say("working");
    await signal;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
    return "cancelled";
  },
  async deaf({ say }) {
    const child = spawn("sleep", ["3600"], { stdio: "ignore" });
    note("pids", child.pid);
    await say("working");
    await never();
  },
  fail({ rest }) {
    throw acp.RequestError.internalError({ details: rest || "the model is not there" });
  },
  unauthorized() {
    throw acp.RequestError.authRequired();
  },
  async once({ session, say }) {
    session.tried = (session.tried ?? 0) + 1;
    if (session.tried === 1) throw new Error("not at first");
    await say("at last");
  },
  async large({ rest, say }) {
    for (let left = Number(rest); left > 0; left -= 10_000) await say("x".repeat(Math.min(left, 10_000)));
  },
  /** As fast as it is read, and notes how far it is. */
  async flood({ rest, say }) {
    for (let sent = 0; sent < Number(rest); sent += 100_000) {
      await say("x".repeat(100_000));
      note("sent", sent);
    }
  },
  async count({ session, say }) {
    await say(`${session.history.length} messages`);
  },
  async recall({ session, say }) {
    await say(session.history.join(" | "));
  },
  async die({ say }) {
    note("pids", spawn("sleep", ["3600"], { stdio: "ignore" }).pid);
    await say("about to");
    await sleep(50);
    process.stderr.write("the last complaint: ü\n");
    process.exit(7);
  },
  async mute() {
    process.stdout.end();
    await never();
  },
  async permission({ client, session, say }) {
    const { outcome } = await client.request("session/request_permission", {
      sessionId: session.id,
      toolCall: { toolCallId: "call-1", title: "Run the tests", kind: "execute", rawInput: { command: "npm test" } },
      options: OPTIONS,
    });
    await say(outcome.outcome === "selected" ? `decided: ${outcome.optionId}` : "nothing was decided");
    return outcome.outcome === "cancelled" && session.isCancelled ? "cancelled" : "end_turn";
  },
  async edit({ client, session, say }) {
    await tell(client, session.id, {
      ...{ sessionUpdate: "tool_call", toolCallId: "call-2", title: "Edit a.txt", kind: "edit", status: "pending" },
      content: [{ type: "diff", path: "/somewhere/a.txt", oldText: "one\ntwo\n", newText: "one\n2 ``` 2\n" }],
    });
    const { outcome } = await client.request("session/request_permission", {
      sessionId: session.id,
      toolCall: { toolCallId: "call-2" },
      options: OPTIONS.filter(({ kind }) => kind !== "allow_once"),
    });
    await tell(client, session.id, { sessionUpdate: "tool_call_update", toolCallId: "call-2", status: "completed" });
    await say(outcome.optionId ?? "nothing was decided");
  },
  /** Its model speaks as one agent does that has changed its mode; it has not. */
  async pretend({ say }) {
    await say("[MODE_UPDATE] default");
  },
  async both({ client, session, say }) {
    const ask = async (name) => {
      const { outcome } = await client.request("session/request_permission", {
        sessionId: session.id,
        toolCall: { toolCallId: name, title: name, kind: "execute", rawInput: { command: name } },
        options: OPTIONS,
      });
      return `${name}: ${outcome.optionId ?? outcome.outcome}`;
    };
    await say((await Promise.all([ask("first"), ask("second")])).join(", "));
    return session.isCancelled ? "cancelled" : "end_turn";
  },
  /** Takes its request back when the file `take-back` is there, or dies when `die` is. */
  async hasty({ client, session, say }) {
    const taking = new AbortController();
    const params = {
      sessionId: session.id,
      toolCall: { toolCallId: "call-4", title: "Hurry", kind: "execute", rawInput: { command: "hurry" } },
      options: OPTIONS,
    };
    const asked = client.request("session/request_permission", params, { cancellationSignal: taking.signal });
    const answer = asked.then(({ outcome }) => outcome.outcome).catch(({ code }) => `code ${code}`);
    while (!existsSync(join(folder, "take-back")) && !existsSync(join(folder, "die"))) await sleep(10);
    if (existsSync(join(folder, "die"))) process.exit(7);
    taking.abort();
    await say(`taken back: ${await answer}`);
  },
  async plan({ client, session, say }) {
    const call = { toolCallId: "call-3", title: "Ready to code?", kind: "switch_mode" };
    const full = { ...call, rawInput: { plan: "1. dig\n2. plant" } };
    if (can.planAhead) {
      await say("Here it is.");
      await tell(client, session.id, { sessionUpdate: "tool_call", ...full });
    }
    const { outcome } = await client.request("session/request_permission", {
      sessionId: session.id,
      toolCall: can.planAhead ? { ...call, rawInput: {}, content: [] } : full,
      options: can.planOptions ?? OPTIONS,
    });
    await say(outcome.outcome === "selected" ? `decided: ${outcome.optionId}` : "nothing was decided");
    return session.isCancelled ? "cancelled" : "end_turn";
  },
  async questions({ client, session, say }) {
    const { action, content } = await client.request("elicitation/create", {
      ...{ sessionId: session.id, mode: "form", message: "Two things" },
      requestedSchema: {
        type: "object",
        properties: { name: { type: "string", title: "Its name" }, place: { type: "string", title: "Its place" } },
        required: ["name", "place"],
      },
    });
    await say(action === "accept" ? JSON.stringify(content) : `no answer: ${action}`);
    return session.isCancelled ? "cancelled" : "end_turn";
  },
  /** The rest of the line is the elicitation. */
  async elicit({ client, session, say, rest }) {
    const { action, content } = await client.request("elicitation/create", {
      sessionId: session.id,
      ...JSON.parse(rest),
    });
    await say(`${action} ${JSON.stringify(content ?? null)}`);
  },
  /** The rest of the line are updates. */
  async updates({ client, session, rest }) {
    for (const update of JSON.parse(rest)) await tell(client, session.id, update);
  },
  async notify({ client, rest }) {
    await client.notify(...JSON.parse(rest));
  },
  /** The rest of the line is a method and its parameters. */
  async call({ client, session, say, rest }) {
    const [method, params] = JSON.parse(rest);
    try {
      await say(JSON.stringify((await client.request(method, { sessionId: session.id, ...params })) ?? null));
    } catch (error) {
      await say(`refused: ${error.data?.details ?? error.message}`);
    }
  },
  /** Runs the rest of the line in a terminal, and tells of its end. */
  async run({ client, session, say, rest }) {
    const { terminalId } = await client.request("terminal/create", { sessionId: session.id, command: rest });
    const { exitCode } = await client.request("terminal/wait_for_exit", { sessionId: session.id, terminalId });
    const { output } = await client.request("terminal/output", { sessionId: session.id, terminalId });
    await say(`${exitCode}: ${output}`);
  },
  /** Leaves the rest of the line running in a terminal; and never ends, where the next line says so. */
  async leave({ client, session, say, rest, prompt }) {
    await client.request("terminal/create", { sessionId: session.id, command: rest });
    await say("left");
    if (prompt.includes("then stay")) {
      note("pids", spawn("sleep", ["3600"], { stdio: "ignore" }).pid);
      await say("working");
      await never();
    }
  },
  async face({ session, say }) {
    const { mode, model, set, params } = session;
    await say(JSON.stringify({ mode, model, set, params }));
  },
  async blocks({ say, blocks }) {
    await say(JSON.stringify(blocks));
  },
  stop: ({ rest }) => rest,
  async used({ say, rest }) {
    await say("used");
    return { stopReason: "end_turn", usage: JSON.parse(rest) };
  },
  async "/compact"({ say, prompt }) {
    await say(`compacted by ${prompt}`);
  },
};

const OPTIONS = [
  { optionId: "yes-1", name: "Yes", kind: "allow_once" },
  { optionId: "yes-always", name: "Always", kind: "allow_always" },
  { optionId: "no-1", name: "No", kind: "reject_once" },
];

async function answer(client, session, blocks) {
  const prompt = blocks.map((block) => (block.type === "text" ? block.text : "")).join("");
  const lines = prompt.split("\n").map((line) => /^(\S+) ?(.*)$/.exec(line) ?? []);
  const [, word = "", rest = ""] = lines.find(([, first]) => Object.hasOwn(SKILLS, first ?? "")) ?? [];
  session.history.push(prompt);
  save(session);
  session.isCancelled = false;
  const signal = new Promise((resolve) => {
    session.cancel = resolve;
  });
  const say = (said) => text(client, session.id, said);
  const skill = SKILLS[word] ?? (() => say(`heard: ${prompt}`));
  const ended = await skill({ client, session, prompt, blocks, rest, say, signal });
  if (can.cost) {
    session.cost += 0.25;
    save(session);
    await tell(client, session.id, {
      sessionUpdate: "usage_update",
      used: 1,
      size: 2,
      cost: { amount: session.cost, currency: "USD" },
    });
  }
  return typeof ended === "object" ? ended : { stopReason: ended ?? "end_turn" };
}

let prompts = 0;
const app = acp
  .agent({ name: "test-agent" })
  .onRequest("initialize", async () => {
    if (can.silent) await never();
    return {
      protocolVersion: can.version ?? 1,
      agentCapabilities: {
        loadSession: can.load ?? false,
        promptCapabilities: { image: can.image ?? false, embeddedContext: can.embedded ?? false },
        mcpCapabilities: { http: can.http ?? false },
        sessionCapabilities: { ...(can.resume ? { resume: {} } : {}), ...(can.close ? { close: {} } : {}) },
      },
    };
  })
  .onRequest("session/new", async ({ params, client }) => {
    note("calls", "session/new");
    if (can.auth) throw acp.RequestError.authRequired();
    const session = begin(`session-${process.pid}-${sessions.size + 1}`, [], params);
    save(session);
    if (can.commands) {
      await tell(client, session.id, { sessionUpdate: "available_commands_update", availableCommands: can.commands });
    }
    return { sessionId: session.id, ...facesOf(session) };
  })
  .onRequest("session/load", async ({ params, client }) => {
    note("calls", "session/load");
    if (can.dieOnLoad) process.exit(9);
    if (can.signInToLoad) throw acp.RequestError.authRequired();
    if (!existsSync(fileOf(params.sessionId))) throw acp.RequestError.resourceNotFound(params.sessionId);
    const session = restored(params);
    const replay = async () => {
      for (const said of session.history) {
        await tell(client, session.id, { sessionUpdate: "user_message_chunk", content: { type: "text", text: said } });
        await text(client, session.id, `replayed ${said}`);
      }
    };
    if (can.replayLate) setImmediate(replay);
    else await replay();
    return facesOf(session);
  })
  .onRequest("session/resume", async ({ params }) => {
    note("calls", "session/resume");
    if (!existsSync(fileOf(params.sessionId))) throw acp.RequestError.resourceNotFound(params.sessionId);
    return facesOf(restored(params));
  })
  .onRequest("session/close", async ({ params }) => {
    note("calls", "session/close");
    sessions.delete(params.sessionId);
    return {};
  })
  .onRequest("session/set_mode", async ({ params }) => {
    const session = sessions.get(params.sessionId);
    if (params.modeId === can.refusedMode) throw acp.RequestError.invalidParams({ details: "not for you" });
    session.mode = params.modeId;
    return {};
  })
  .onRequest("session/set_config_option", async ({ params }) => {
    const session = sessions.get(params.sessionId);
    session.set[params.configId] = params.value;
    return { configOptions: optionsOf(session) };
  })
  .onRequest(
    "session/set_model",
    (params) => params,
    async ({ params }) => {
      sessions.get(params.sessionId).model = params.modelId;
      return {};
    },
  )
  .onRequest("session/prompt", async ({ params, client }) => {
    const session = sessions.get(params.sessionId);
    const mark = join(busy, `${process.pid}-${++prompts}`);
    writeFileSync(mark, "");
    try {
      return await answer(client, session, params.prompt);
    } finally {
      rmSync(mark, { force: true });
    }
  })
  .onNotification("session/cancel", ({ params }) => {
    const session = sessions.get(params.sessionId);
    note("calls", "session/cancel");
    session.isCancelled = true;
    session.cancel?.();
  });
const connection = app.connect(acp.ndJsonStream(Writable.toWeb(process.stdout), Readable.toWeb(process.stdin)));
connection.closed.then(() => {
  if (!can.lingers) process.exit(0);
});
