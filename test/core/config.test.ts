import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseConfig, secretsOf } from "../../src/config.ts";
import { knownKeys } from "../../src/config-keys.ts";
import { SwitchboardError } from "../../src/errors.ts";

function refusal(yaml: string, env: NodeJS.ProcessEnv = {}): string {
  try {
    parseConfig(yaml, env, "test.yaml");
  } catch (error) {
    expect(error).toBeInstanceOf(SwitchboardError);
    return error instanceof Error ? error.message : "";
  }
  throw new Error("it was not refused");
}

test("nothing at all is a complete configuration: embedded store, web page, demo agent, deny", () => {
  const config = parseConfig("", {});
  expect(config.store.url).toBe("lmdb:./data");
  expect(config.adapters).toEqual({ web: { type: "web" } });
  expect(config.agents).toEqual({ demo: { type: "demo", onCrash: "retry" } });
  expect(config.access).toEqual({ default: "deny", allow: [], admins: [], approvers: "requester" });
  expect(config.pool.idleTimeout).toBe(1_800_000);
});

test("the sample is valid, and names every key", () => {
  const sample = readFileSync(new URL("../../config/switchboard.yaml", import.meta.url), "utf8");
  expect(() => parseConfig(sample, {})).not.toThrow();
  const missing = knownKeys()
    .map((key) => key.split(".").at(-1) ?? "")
    .filter((key) => key !== "*" && !new RegExp(`(^|[\\s{#])"?${key}"?:`, "m").test(sample));
  expect(missing).toEqual([]);
});

test("the sample's commented parts are valid too", () => {
  const sample = readFileSync(new URL("../../config/switchboard.yaml", import.meta.url), "utf8")
    .replace(
      /^(routes|projects|workspace|schedules): (?:\[\]|\{\})\n((?:#.*\n)+)/gm,
      (_, key: string, lines: string) => `${key}:\n${lines.replace(/^#/gm, "")}`,
    )
    .replace(
      /^(\s*)# (\s*(?:telegram|discord|slack|botToken|appToken|signingSecret|sessionPer|apiUrl|type|token|mode|apiRoot|script|command|cwd|env|protocol|claude|local|preset|processes|startTimeout|options|onCrash|provider|baseURL|apiKey|model|models|systemPrompt|context|maxOutput|steps|prices):.*)$/gm,
      "$1$2",
    );
  const config = parseConfig(sample, {
    TELEGRAM_BOT_TOKEN: "1:abc",
    DISCORD_BOT_TOKEN: "x.y.z",
    SLACK_BOT_TOKEN: "xoxb-1",
    SLACK_APP_TOKEN: "xapp-1",
    SLACK_SIGNING_SECRET: "secret",
    SWITCHBOARD_TOKEN: "x".repeat(16),
  });
  expect(Object.keys(config.adapters)).toEqual(expect.arrayContaining(["web", "telegram", "slack", "discord"]));
  expect(config.routes).toMatchObject([{ agent: "script", planFirst: true, approvers: "admins", project: "api" }]);
  expect(config.agents).toMatchObject({ claude: { type: "acp" }, local: { type: "llm" }, script: { type: "command" } });
  expect(config.projects).toMatchObject({ api: { agent: "claude", mcp: { files: {}, tickets: {} } } });
  expect(config.schedules).toMatchObject({ morning: { missed: "skip" } });
});

test.each([
  ["pool:\n  maxRuning: 3", 'pool.maxRuning: unknown key; did you mean "maxRunning"?'],
  ["stor: {}", 'stor: unknown key; did you mean "store"?'],
  [
    "adapters:\n  t: { type: telegram, token: a, apiroot: x }",
    'adapters.t.apiroot: unknown key; did you mean "apiRoot"?',
  ],
  ["http: { port: 99999 }", "http.port"],
  ["pool: { idleTimeout: 5 minutes }", "pool.idleTimeout: must be a duration such as"],
  ["adapters: { x: { type: fax } }", "adapters.x.type"],
  ["routes: [{ match: 'web:*', agent: demmo }]", 'no agent "demmo" is configured; did you mean "demo"?'],
  ["store: { url: 'postgres://x' }", "store.url"],
  ["routes: [{ match: 'web:*', agent: demo, project: apo }]\nprojects: { api: { folder: . } }", 'did you mean "api"?'],
  ["projects: { api: { folder: ., agent: claud } }", 'projects.api.agent: no agent "claud" is configured'],
  ["schedules: { s: { channel: 'fax:1', cron: '* * * * *', prompt: x } }", 'schedules.s.channel: no adapter "fax"'],
  ["schedules: { s: { channel: 'web:1', cron: '61 * * * *', prompt: x } }", "schedules.s.cron: "],
  ["agents: { a: { type: acp } }", "agents.a: a preset, or the command that starts the agent"],
  ["a: [", "test.yaml is not valid"],
])("%j is refused with its path, what was expected and the nearest known key", (yaml, message) => {
  expect(refusal(yaml)).toContain(message);
});

test("environment variables are filled in, with defaults, and missed by name", () => {
  const yaml = "adapters: { t: { type: telegram, token: '${T}' } }\nhttp: { host: '${H:-::1}' }";
  const config = parseConfig(yaml, { T: "42:secret" });
  expect(config.adapters.t).toMatchObject({ token: "42:secret" });
  expect(config.http.host).toBe("::1");
  expect(refusal(yaml)).toContain("adapters.t.token: the environment variable T is not set");
});

test("what comes out is frozen", () => {
  expect(Object.isFrozen(parseConfig("", {}).pool)).toBe(true);
});

test("tokens count as secrets", () => {
  const yaml = "adapters: { t: { type: telegram, token: '42:abc' } }\nhttp: { token: '0123456789abcdef' }";
  expect(secretsOf(parseConfig(yaml, {}))).toEqual(["42:abc", "0123456789abcdef"]);
});

test("an account of Slack's needs what its mode needs", () => {
  const slack = (more: string) => () => parseConfig(`adapters: { s: { type: slack, botToken: xoxb-1, ${more} } }`, {});
  expect(slack("appToken: xapp-1")).not.toThrow();
  expect(slack("mode: http, signingSecret: x")).not.toThrow();
  expect(slack("signingSecret: x")).toThrow(/adapters\.s\.appToken: mode: socket needs/);
  expect(slack("mode: http, appToken: xapp-1")).toThrow(/adapters\.s\.signingSecret: mode: http needs/);
  const config = slack("appToken: xapp-1, signingSecret: x")();
  expect(secretsOf(config)).toEqual(expect.arrayContaining(["xoxb-1", "xapp-1", "x"]));
});
