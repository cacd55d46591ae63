/** The command line against a running gateway, and the gateway's own orderly and disorderly ends. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder } from "../support/gateway.ts";
import { GatewayProcess, runCli } from "../support/process.ts";

const TOKEN = "a-token-for-this-test";

/** A person on the page. */
async function say(gateway: GatewayProcess, chat: string, id: string, text: string): Promise<void> {
  const response = await fetch(`${gateway.url}/channels/${chat}/messages`, {
    method: "POST",
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify({ id, text }),
  });
  expect(response.status, await response.text()).toBe(202);
}

async function started(yaml: string): Promise<{ gateway: GatewayProcess; folder: string }> {
  const folder = temporaryFolder();
  const gateway = new GatewayProcess(folder, `http: { port: 0, token: ${TOKEN} }\n${yaml}`);
  await gateway.start();
  return { gateway, folder };
}

/** Runs a command against the gateway and gives what it printed for programs. */
async function ask(gateway: GatewayProcess, folder: string, ...args: string[]) {
  const { code, stdout, stderr } = await runCli(["--json", "--url", gateway.url, "--token", TOKEN, ...args], {
    cwd: folder,
  });
  return { code, stderr, answer: stdout === "" ? undefined : JSON.parse(stdout) };
}

test("sessions: list, show, cancel, remove", async () => {
  const { gateway, folder } = await started("");
  await say(gateway, "one", "message-1", "slow 60");
  await say(gateway, "one", "message-2", "waits");
  await eventually(async () => (await api(gateway, "/sessions")).sessions[0]?.status === "running", "running");
  const { answer } = await ask(gateway, folder, "sessions", "list");
  expect(answer.sessions).toMatchObject([{ channel: "web:one", status: "running", waiting: 1, agent: "demo" }]);
  const { id } = answer.sessions[0];
  const cancelled = await ask(gateway, folder, "sessions", "cancel", id);
  expect(cancelled.answer).toMatchObject({ cancelledTurn: expect.any(String), dropped: 1 });
  await eventually(async () => (await api(gateway, "/sessions")).sessions[0]?.status === "idle", "idle");
  const shown = await ask(gateway, folder, "sessions", "show", id);
  expect(shown.answer.transcript).toMatchObject([{ role: "user", text: "slow 60" }, { role: "notice" }]);
  expect((await ask(gateway, folder, "sessions", "remove", id)).code).toBe(0);
  const gone = await ask(gateway, folder, "sessions", "show", id);
  expect(gone).toMatchObject({ code: 1, stderr: expect.stringContaining("switchboard sessions list") });
  expect((await gateway.signal("SIGTERM")).code).toBe(0);
});

test("dead letters: list, replay, drop", async () => {
  const { gateway, folder } = await started("queue: { attempts: 1 }");
  await say(gateway, "one", "message-1", "fail");
  await say(gateway, "two", "message-2", "fail once");
  const dead = async () => (await api(gateway, "/dead-letters")).deadLetters.length;
  await eventually(async () => (await dead()) === 2, "two dead");
  const { answer } = await ask(gateway, folder, "dead", "list", "--channel", "web:one");
  expect(answer.deadLetters).toMatchObject([{ id: "web:one#message-1", attempts: 1, message: { text: "fail" } }]);
  expect((await ask(gateway, folder, "dead", "replay", "web:one#message-1")).code).toBe(0);
  await eventually(async () => (await dead()) === 2, "dead again");
  expect((await ask(gateway, folder, "dead", "drop", "web:one#message-1")).code).toBe(0);
  expect((await ask(gateway, folder, "dead", "drop", "web:one#message-1")).code).toBe(1);
  expect((await ask(gateway, folder, "dead", "list")).answer.deadLetters).toHaveLength(1);
});

/** The API, for what is only the way to what a test is about. */
async function api(gateway: GatewayProcess, path: string, body?: unknown) {
  const response = await fetch(`${gateway.url}/api/v1${path}`, {
    headers: { authorization: `Bearer ${TOKEN}` },
    ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
  });
  return JSON.parse(await response.text());
}

/** The session of a chat, in which a first message was answered, or led to what its agent asks. */
async function begun(gateway: GatewayProcess, text: string) {
  await say(gateway, "one", "message-1", text);
  await eventually(async () => (await api(gateway, "/sessions")).sessions.length === 1, "it is there");
  const session: string = (await api(gateway, "/sessions")).sessions[0].id;
  return { session, outcome: () => api(gateway, `/sessions/${session}/outcome?wait=30s`) };
}

test("asks: a plan is listed, shown and approved, and carried out; who comes later is told", async () => {
  const { gateway, folder } = await started("");
  const { session, outcome } = await begun(gateway, "plan a party");
  const { ask: id, kind } = await outcome();
  expect(kind).toBe("plan");
  const { answer } = await ask(gateway, folder, "asks", "list", "--kind", "plan", "--channel", "web:one", "--idle");
  expect(answer.asks).toMatchObject([{ id, session, state: "open", remaining: 1, request: { kind: "plan" } }]);
  expect(answer.asks[0]).not.toHaveProperty("key");
  const text = async (...args: string[]) =>
    await runCli(["--url", gateway.url, "--token", TOKEN, ...args], { cwd: folder });
  expect((await text("asks", "list")).stdout).toMatch(new RegExp(`^${id}  plan +web:one  .*a party`, "m"));
  expect((await text("sessions", "outcome", session)).stdout).toContain(`switchboard asks approve ${id}`);
  expect(await text("asks", "approve", id)).toMatchObject({ code: 0, stdout: "Approved.\n" });
  expect(await outcome()).toMatchObject({
    status: "completed",
    result: expect.stringContaining("✓"),
    stats: { turns: 1 },
  });
  const late = await text("asks", "reject", id, "too", "dear");
  expect(late).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/Approved by operator, .*\n.*switchboard audit/),
  });
  expect((await text("asks", "show", id)).stdout).toMatch(/`a party`.*approved by operator \(api\)/s);
  expect(await text("asks", "show", "none")).toMatchObject({ code: 1, stderr: expect.stringContaining("asks list") });
}, 60_000);

test("asks: permissions and questions, and the audit log of it all", async () => {
  const { gateway, folder } = await started("");
  const { session, outcome } = await begun(gateway, "permission");
  const { ask: first, ...permission } = await outcome();
  expect(permission).toMatchObject({ kind: "permission", tool: "shell", target: "rm -rf build" });
  const invalid = await ask(gateway, folder, "asks", "answer", first, "yes");
  expect(invalid).toMatchObject({ code: 1, stderr: expect.stringContaining("approved or rejected") });
  expect((await ask(gateway, folder, "asks", "reject", first, "too", "risky")).answer).toMatchObject({ remaining: 0 });
  expect(await outcome()).toMatchObject({ status: "completed", result: expect.stringContaining("too risky") });

  expect((await ask(gateway, folder, "sessions", "say", session, "permission", "please")).answer.status).toBe("queued");
  const { ask: second } = await outcome();
  expect((await ask(gateway, folder, "asks", "approve", second, "--for", "session")).code).toBe(0);
  expect(await outcome()).toMatchObject({ result: expect.stringContaining("for this session") });

  await api(gateway, `/sessions/${session}/messages`, { text: "questions" });
  const { queries } = await outcome();
  expect(queries).toMatchObject([{ query: "format" }, { query: "readers", underspecified: true }]);
  const id = queries[0].ask;
  expect(await api(gateway, `/asks/${id}/answer`, { answer: "html" })).toMatchObject({
    error: { code: "REQUEST_INVALID" },
  });
  const unknown = await api(gateway, `/asks/${id}/answer`, { question: "none", answer: "html" });
  expect(unknown).toMatchObject({ error: { code: "QUESTION_UNKNOWN" } });
  const format = await ask(gateway, folder, "asks", "answer", id, "--question", "format", "html");
  expect(format.answer).toEqual({ status: "accepted", remaining: 1 });
  expect(await outcome()).toMatchObject({ status: "needs_response", ask: id, query: "readers" });
  expect((await ask(gateway, folder, "asks", "answer", id, "my", "old", "aunt")).answer.remaining).toBe(0);
  expect(await outcome()).toMatchObject({ result: expect.stringMatching(/HTML.*my old aunt/s) });

  const log = await runCli(["--url", gateway.url, "--token", TOKEN, "audit"], { cwd: folder });
  const entries = log.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(entries.map(({ kind, what }) => `${kind} ${what}`)).toEqual([
    ...["permission opened", "permission decided", "permission opened", "permission decided"],
    ...["questions opened", "questions answered", "questions answered", "questions decided"],
  ]);
  expect(entries[1]).toMatchObject({ session, by: { name: "operator" }, via: "api", verdict: { reason: "too risky" } });
}, 60_000);

test("exit codes: usage 2, configuration 78, no gateway 1; faults name the remedy", async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "bad.yaml"), "pool: { maxRuning: 1 }");
  expect(await runCli(["--help"], { cwd: folder })).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("sessions"),
  });
  expect(await runCli(["frobnicate"], { cwd: folder })).toMatchObject({ code: 2 });
  expect(await runCli(["start", "--config", "bad.yaml"], { cwd: folder })).toMatchObject({
    code: 78,
    stderr: expect.stringContaining('did you mean "maxRunning"'),
  });
  expect(await runCli(["--url", "http://127.0.0.1:1", "sessions", "list"], { cwd: folder })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("switchboard start"),
  });
});

test("check names what is wrong, and how to mend it", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "data"));
  const yaml = `adapters:
  web: { type: web }
  bot: { type: telegram, token: "1:nobody", apiRoot: "http://127.0.0.1:1" }
agents: { gone: { type: command, command: ["no-such-program"] } }
http: { port: 0 }`;
  writeFileSync(join(folder, "c.yaml"), yaml);
  const { code, stdout } = await runCli(["--json", "check", "--config", "c.yaml"], { cwd: folder });
  expect(code).toBe(1);
  const { findings } = JSON.parse(stdout);
  expect(findings).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ what: "store", ok: true }),
      expect.objectContaining({ what: "adapter web", ok: true }),
      expect.objectContaining({ what: "adapter bot", ok: false }),
      expect.objectContaining({ what: "agent gone", ok: false, detail: expect.stringContaining("no-such-program") }),
    ]),
  );
  expect(stdout).not.toContain("1:nobody");
});

test("a second gateway on the same folder is refused, and the first goes on", async () => {
  const { gateway, folder } = await started("");
  const second = await runCli(["start", "--config", "switchboard.yaml"], { cwd: folder });
  expect(second).toMatchObject({ code: 1, stderr: expect.stringMatching(/another gateway|store\.url/i) });
  expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200);
});

test("SIGTERM lets a running turn finish within the grace period, and puts a longer one back uncounted", async () => {
  const { gateway, folder } = await started("shutdown: { grace: 3s }");
  await say(gateway, "short", "message-1", "slow 1");
  await say(gateway, "long", "message-1", "slow 600");
  await eventually(async () => (await api(gateway, "/sessions")).sessions.length === 2, "both run");
  expect(await gateway.signal("SIGTERM")).toEqual({ code: 0, signal: null });
  await gateway.start();
  const { answer } = await ask(gateway, folder, "sessions", "list");
  const status = Object.fromEntries(
    answer.sessions.map((row: { channel: string; status: string }) => [row.channel, row.status]),
  );
  expect(status).toEqual({ "web:short": "idle", "web:long": "running" });
  const long = answer.sessions.find((row: { channel: string }) => row.channel === "web:long");
  expect((await ask(gateway, folder, "sessions", "show", long.id)).answer.queue.running.attempt).toBe(1);
});

test("a second signal ends it at once; what was under way is in the store", async () => {
  const { gateway, folder } = await started("shutdown: { grace: 10m }");
  await say(gateway, "long", "message-1", "slow 600");
  await eventually(async () => (await api(gateway, "/sessions")).sessions[0]?.status === "running", "it runs");
  process.kill(gateway.pid, "SIGTERM");
  await eventually(() => gateway.stderr.includes("stopping"), "it stops");
  expect(await gateway.signal("SIGTERM")).toEqual({ code: 143, signal: null });
  await gateway.start();
  expect((await ask(gateway, folder, "sessions", "list")).answer.sessions[0]?.status).toBe("running");
});

test("the token is made once, kept for its owner only, and never logged", async () => {
  const folder = temporaryFolder();
  const gateway = new GatewayProcess(folder, "http: { port: 0 }\nlog: { level: debug }");
  await gateway.start();
  const first = new URL(gateway.link).searchParams.get("token") ?? "";
  expect(first.length).toBeGreaterThanOrEqual(32);
  await gateway.signal("SIGTERM");
  await gateway.start();
  expect(new URL(gateway.link).searchParams.get("token")).toBe(first);
  expect(gateway.stderr).not.toContain(first);
});
