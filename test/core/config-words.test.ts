/** What somebody who wrote a configuration with a mistake in it reads: where, what, and what to write instead. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { loadConfig, parseConfig } from "../../src/config.ts";
import { SwitchboardError } from "../../src/errors.ts";

function linesOf(read: () => unknown): string[] {
  try {
    read();
  } catch (error) {
    expect(error).toBeInstanceOf(SwitchboardError);
    return error instanceof Error ? error.message.split("\n").map((line) => line.replace(/^ {2}- /, "")) : [];
  }
  throw new Error("it was not refused");
}

function refusal(yaml: string): string[] {
  return linesOf(() => parseConfig(yaml, {}, "test.yaml")).slice(1);
}

const server = (entry: string) => `projects: { p: { folder: ., mcp: { x: ${entry} } } }`;
const DURATION = 'must be a duration such as "500ms", "30s", "5m", "24h" or "7d"';
const APPROVER = 'must be "requester", "members", "admins", or a list of ids such as ["telegram:42"]';

test.each([
  ["turn: { silence: 5 minutes }", [`turn.silence: ${DURATION}, or "never"`]],
  ["turn: { limit: 0 }", [`turn.limit: ${DURATION}, or "never"`]],
  ["pool: { idleTimeout: 5 }", [`pool.idleTimeout: ${DURATION}`]],
  ["store: { keep: long }", [`store.keep: ${DURATION}, or "forever"`]],
])("durations: %j", (yaml, lines) => {
  expect(refusal(yaml)).toEqual(lines);
});

test.each([
  "turn: { silence: 0s }",
  "turn: { limit: 0ms }",
  "asks: { remindEvery: 0h }",
  "asks: { expireAfter: 0.0d }",
])("a time of nothing is refused where something must pass: %j", (yaml) => {
  expect(refusal(yaml)).toEqual([expect.stringContaining(': must be longer than 0, or "never"')]);
});

test("a time of nothing stays allowed where it means at once, or not at all", () => {
  const config = parseConfig("pool: { idleTimeout: 0s }\ncatchUp: 0s\nshutdown: { grace: 0s }", {});
  expect([config.pool.idleTimeout, config.catchUp, config.shutdown.grace]).toEqual([0, 0, 0]);
});

test.each([
  ["{ comand: [a] }", ['.comand: unknown key; did you mean "command"?']],
  ["{ command: [a], url: 'http://x' }", [expect.stringMatching(/^: either "command" .* or "url" .*, not both$/)]],
  ["{}", [expect.stringMatching(/^: needs a "command" .* or a "url"/)]],
  ["{ url: 'http://x', env: {} }", [': "env" belongs to a "command"; a "url" takes "headers"']],
  ["{ command: [a], headers: {} }", [': "headers" belong to a "url"; a "command" takes "env"']],
  ["{ command: a }", [".command: a list is wanted here: put it in [ ]"]],
  ["{ url: x }", ['.url: must be an address such as "https://example.org/v1"']],
])("an MCP server: %s", (entry, lines) => {
  expect(refusal(server(entry)).map((line) => line.replace("projects.p.mcp.x", ""))).toEqual(lines);
});

test("an MCP server comes out complete", () => {
  const { p } = parseConfig(
    "projects: { p: { folder: ., mcp: { a: { command: [b] }, c: { url: 'http://d/' } } } }",
    {},
  ).projects;
  expect(p?.mcp).toEqual({ a: { command: ["b"], env: {} }, c: { url: "http://d", headers: {} } });
});

test.each([
  ["type: lml", 'a.type: must be one of "demo", "command", "acp", "llm"; did you mean "llm"?'],
  ["model: x", 'a.type: is missing: must be one of "demo", "command", "acp", "llm"'],
  ["type: llm, provider: openai, modl: x", "a.model: is missing"],
  ["type: llm, provider: openai, modl: x", 'a.modl: unknown key; did you mean "model"?'],
  ["type: llm, provider: openia, model: x", 'did you mean "openai"?'],
  ["type: acp, preset: claude", 'did you mean "claude-code"?'],
  ["type: acp, preset: codex, startTimeout: 0s", "a.startTimeout: must be longer than 0"],
  ["type: acp, preset: codex, options: { x: 5 }", "a.options.x: a text in quotes, or true or false"],
  ["type: command, command: [x], env: { A: 1 }", "a.env.A: a text is wanted here: put it in quotes"],
  // A key of another type is no guess.
  [
    "type: command, command: [x], model: y",
    "a.model: unknown key; known are type, command, protocol, cwd, env, onCrash",
  ],
])("an agent: %s", (entry, line) => {
  expect(refusal(`agents: { a: { ${entry} } }`).join("\n")).toContain(line);
});

test.each([
  ["agents:\n  # demo: { type: demo }", "agents: is empty: leave it out, or name an agent below it"],
  ["agents: { a: }", "agents.a: is empty: leave it out, or put keys below it"],
  ["routes:", "routes: is empty: give it a value, or leave it out"],
  ["routes: [{ match: 'web:*' }]", "routes.0.agent: is missing"],
  ["schedules: { s: { cron: '* * * * *', prompt: x } }", "schedules.s.channel: is missing"],
  ["adapters: { t: { type: telegram, token: '' } }", "adapters.t.token: is empty"],
  ["http: { token: abc }", "http.token: must have at least 16 characters"],
  ["http: { port: '80' }", "http.port: a number is wanted here, without quotes"],
  ["http: { port: 99999 }", "http.port: must be at most 65535"],
  ["pool: { maxLive: 0 }", "pool.maxLive: must be at least 1"],
  ["agents: { my agent: { type: demo } }", "agents.my agent: a name of letters, digits, - and _"],
  ["just a text", 'top level: keys with values are wanted here, such as { key: "value" }'],
])("%j", (yaml, line) => {
  expect(refusal(yaml)).toEqual([line]);
});

test("who may decide", () => {
  const kinds = '; or one of these for each of "plan", "permission" and "questions"';
  expect(refusal("access: { approvers: everybody }")).toEqual([`access.approvers: ${APPROVER}${kinds}`]);
  expect(refusal("access: { approvers: { plan: all, plans: admins } }")).toEqual([
    `access.approvers.plan: ${APPROVER}`,
    'access.approvers.plans: unknown key; did you mean "plan"?',
  ]);
  expect(refusal("access: { approvers: [5] }")).toEqual([
    "access.approvers.0: a text is wanted here: put it in quotes",
  ]);
  expect(refusal("routes: [{ match: x, agent: demo, planFirst: { architekt: demo } }]")).toEqual([
    'routes.0.planFirst.architekt: unknown key; did you mean "architect"?',
  ]);
});

test("names that stand for nothing are told all at once, with their route and what there is", () => {
  const yaml = `agents: { fast: { type: demo }, slow: { type: demo } }
routes:
  - { match: "web:*", agent: ghost }
  - { match: "web:1", agent: fast, planFirst: { architect: slwo }, project: toString }
schedules: { s: { channel: "wbe:1", cron: "0 9 * * *", prompt: x } }
catchUp: 48h`;
  expect(refusal(yaml)).toEqual([
    'routes.0.agent (match: "web:*"): no agent "ghost" is configured (configured: fast, slow)',
    'routes.1.planFirst.architect (match: "web:1"): no agent "slwo" is configured; did you mean "slow"? (configured: fast, slow)',
    'routes.1.project (match: "web:1"): no project "toString" is configured',
    'schedules.s.channel: no adapter "wbe" is configured; did you mean "web"?',
    expect.stringMatching(/^catchUp: longer than queue\.dedupeFor/),
  ]);
  expect(refusal("routes: [{ match: x, agent: ghost }]")).toEqual([
    'routes.0.agent (match: "x"): no agent "ghost" is configured ("agents" names none, so there is only demo)',
  ]);
});

test("no value is repeated: it may be secret", () => {
  const yaml =
    "adapters: { t: { type: telegram, token: 123456 }, s: { type: web, tokn: hunter2 } }\nstore: { url: hunter2 }";
  expect(refusal(yaml).join()).not.toMatch(/123456|hunter2/);
});

test("a file that is not there, or is none", () => {
  const folder = mkdtempSync(join(tmpdir(), "switchboard-config-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const missing = join(folder, "gone.yaml");
  const [line] = linesOf(() => loadConfig(missing, {}));
  expect(line).toContain(`${missing} does not exist. Name a file that does with --config, or leave --config out`);
  expect(linesOf(() => loadConfig(folder, {}))).toEqual([expect.stringContaining(`${folder} can't be read: EISDIR`)]);
});
