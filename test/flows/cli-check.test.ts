/** `switchboard check`, and the configuration that lies in the folder but is not used. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ApiClient } from "../../src/cli/client.ts";
import { parseConfig } from "../../src/config.ts";
import { temporaryFolder } from "../support/gateway.ts";
import { runCli } from "../support/process.ts";
import { startModelTwin } from "../twins/models/index.ts";

const NO_MODEL = { OPENAI_API_KEY: "", ANTHROPIC_API_KEY: "", OLLAMA_HOST: "" };

interface Found {
  readonly what: string;
  readonly ok: boolean;
  readonly warning?: boolean;
  readonly detail: string;
}

/** Checks this configuration in a folder of its own. */
async function check(yaml: string, env: NodeJS.ProcessEnv = {}, folder = temporaryFolder()) {
  writeFileSync(join(folder, "c.yaml"), `http: { port: 0 }\n${yaml}`);
  const args = ["--json", "check", "--config", "c.yaml"];
  const { code, stdout } = await runCli(args, { cwd: folder, env: { ...NO_MODEL, ...env } });
  const findings: Found[] = JSON.parse(stdout).findings;
  return { code, folder, of: (what: string) => findings.filter((finding) => finding.what === what) };
}

test("the programs of MCP servers are looked for, from their project's folder", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "api"));
  writeFileSync(join(folder, "api", "server"), "#!/bin/sh\n");
  chmodSync(join(folder, "api", "server"), 0o755);
  const yaml = `projects:
  api:
    folder: api
    mcp: { gone: { command: [no-such-server] }, own: { command: [./server] }, away: { url: "http://127.0.0.1:1" } }`;
  const { code, of } = await check(yaml, {}, folder);
  expect(code).toBe(1);
  const detail = expect.stringMatching(/"no-such-server" was not found .* correct projects\.api\.mcp\.gone\.command\./);
  expect(of("mcp gone of project api")).toEqual([{ what: "mcp gone of project api", ok: false, detail }]);
  expect(of("mcp own of project api")).toMatchObject([{ ok: true, detail: join(folder, "api", "server") }]);
});

test("folders: of agents, of projects, and of the workspace that should hold them", async () => {
  const folder = temporaryFolder();
  for (const name of ["srv", "srv/in", "out"]) mkdirSync(join(folder, name));
  writeFileSync(join(folder, "file"), "");
  const yaml = `agents:
  one: { type: command, command: [node], cwd: nowhere }
  two: { type: command, command: [node], cwd: file }
  three: { type: command, command: [node], cwd: srv }
projects: { in: { folder: srv/in }, out: { folder: out }, none: { folder: gone } }
workspace: { folder: srv }`;
  const { code, of } = await check(yaml, {}, folder);
  expect(code).toBe(1);
  const failing = (path: string, key: string) => ({
    ok: false,
    detail: expect.stringMatching(
      new RegExp(`${join(folder, path)} (does not exist|is no folder)\\. .*correct ${key}\\.$`),
    ),
  });
  expect(of("agent one")).toMatchObject([{ ok: true }, failing("nowhere", "agents.one.cwd")]);
  expect(of("agent two")).toMatchObject([{ ok: true }, failing("file", "agents.two.cwd")]);
  expect(of("agent three")).toMatchObject([{ ok: true }, { ok: true }]);
  expect(of("project none")).toMatchObject([failing("gone", "projects.none.folder")]);
  expect(of("project in")).toEqual([{ what: "project in", ok: true, detail: join(folder, "srv/in") }]);
  const outside = expect.stringContaining(`is not within workspace.folder (${join(folder, "srv")})`);
  expect(of("project out")).toMatchObject([{ ok: true, warning: true, detail: outside }]);
});

test("an agent with a preset: what counts beside a command, and how it is installed where it is missing", async () => {
  const yaml = `agents:
  both: { type: acp, preset: codex, command: [node] }
  cc: { type: acp, preset: claude-code }
  other: { type: acp, preset: codex, command: [no-such-agent] }`;
  const { code, of } = await check(yaml, { PATH: join(process.execPath, "..") });
  expect(code).toBe(1);
  expect(of("agent both")).toMatchObject([
    { ok: true, detail: expect.stringContaining('"command" counts, not the program of "preset: codex"') },
  ]);
  expect(of("agent cc")[0]?.detail).toMatch(
    /"preset: claude-code" .*\(npm install --global .*\), or .*agents\.cc\.preset\.$/,
  );
  expect(of("agent other")[0]?.detail).toMatch(/"no-such-agent" .*correct agents\.other\.command\.$/);
});

async function startTwin() {
  const twin = await startModelTwin({ models: ["llama3"] });
  onTestFinished(() => twin.stop());
  return twin;
}

test("prices of a model that the agent never asks are warned of; that is no failure", async () => {
  const { openai } = await startTwin();
  const entry = `type: llm, provider: openai-compatible, baseURL: "${openai}"`;
  const prices = "prices: { lama3: { input: 1, output: 2 }, llama3: { input: 1, output: 2 } }";
  const { code, of } = await check(`agents:
  named: { ${entry}, model: llama3, ${prices} }
  any: { ${entry}, model: auto, ${prices} }`);
  expect(code).toBe(0);
  const detail = expect.stringContaining('agents.named.prices: "lama3" is none of this agent\'s models (llama3)');
  expect(of("agent named")).toMatchObject([{ ok: true }, { ok: true, warning: true, detail }]);
  expect(of("agent any")).toMatchObject([{ ok: true }]);
});

test("a model that is not there: what names it is named", async () => {
  const { openai } = await startTwin();
  const env = { OPENAI_API_KEY: "key", OPENAI_BASE_URL: openai, OPENAI_MODEL: "gone" };
  const fromEnvironment = await check("", env);
  expect(fromEnvironment.code).toBe(1);
  expect(fromEnvironment.of("agent assistant")[0]?.detail).toMatch(
    /does not list gone\. .*Set OPENAI_MODEL to one of them\.$/,
  );
  const entry = `type: llm, provider: openai-compatible, baseURL: "${openai}"`;
  const { of } = await check(`agents:
  one: { ${entry}, model: llama3, models: [gone] }
  two: { ${entry}, model: gone, models: [llama3] }
  both: { ${entry}, model: gone, models: [lost] }`);
  expect(of("agent one")[0]?.detail).toMatch(/Correct "models"\.$/);
  expect(of("agent two")[0]?.detail).toMatch(/Correct "model"\.$/);
  expect(of("agent both")[0]?.detail).toMatch(/Correct "model" and "models"\.$/);
});

test("a switchboard.yaml that is not used is told, wherever that may be why", async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "data"), "no folder, so it can't start");
  const told = "switchboard.yaml is in this folder but was not used: pass --config switchboard.yaml";
  const options = { cwd: folder, env: NO_MODEL };
  expect((await runCli(["check"], options)).stdout).not.toContain(told);
  writeFileSync(join(folder, "switchboard.yaml"), "http: { port: 1 }");
  const { stdout } = await runCli(["check"], options);
  expect(stdout).toContain(`warn  configuration: built in. ${told}`);
  expect(await runCli(["start"], options)).toMatchObject({ code: 1, stderr: expect.stringContaining(told) });
  const client = new ApiClient(parseConfig("", {}), "http://127.0.0.1:1", "token", told);
  await expect(client.call("GET", "/sessions")).rejects.toThrow(`no gateway answers at http://127.0.0.1:1. ${told}`);
  const named = await runCli(["--config", "switchboard.yaml", "sessions", "list"], options);
  expect(named.stderr).not.toContain(told);
  const elsewhere = await runCli(["--url", "http://127.0.0.1:1", "sessions", "list"], options);
  expect(elsewhere).toMatchObject({ code: 1, stderr: expect.not.stringContaining(told) });
});
