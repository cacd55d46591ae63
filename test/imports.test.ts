import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { lockViolations, readSources, violations } from "../scripts/rules.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");

describe("the source tree", () => {
  test("imports point inward, core names no platform, no file is too long", () => {
    const sources = readSources(ROOT);
    expect(sources.size).toBeGreaterThan(10);
    expect(violations(sources)).toEqual([]);
  });

  test("the lock file names no registry and lacks no platform", () => {
    expect(lockViolations(readFileSync(`${ROOT}/package-lock.json`, "utf8"))).toEqual([]);
  });
});

describe("the rules catch", () => {
  const broken = (path: string, text: string) => violations(new Map([[path, text]]));

  test.each([
    ["src/model.ts", 'import type { Agent } from "./agent.ts";'],
    ["src/agent.ts", 'import { Gateway } from "./core/gateway.ts";'],
    ["src/store.ts", 'import { readFile } from "node:fs/promises";'],
    ["src/core/turn.ts", 'import { LmdbStore } from "../stores/lmdb/store.ts";'],
    ["src/core/turn.ts", 'import type { WebAdapter } from "../../adapters/web/index.ts";'],
    ["src/core/turn.ts", 'import { setTimeout } from "node:timers/promises";'],
    ["src/core/turn.ts", 'import { Bot } from "grammy";'],
    ["src/core/turn.ts", 'const { Bot } = await import("grammy");'],
    ["src/core/turn.ts", 'let bot: import("grammy").Bot;'],
    ["src/core/turn.ts", 'export * from "../main.ts";'],
    ["src/core/turn.ts", "const name = `x`; await import(name);"],
    ["src/core/turn.ts", 'import type { Governor } from "../governor.ts";'],
    ["src/core/commands/stop.ts", 'import type { Config } from "../../config.ts";'],
    ["src/stores/lmdb/store.ts", 'import { sleep } from "../../core/clock.ts";'],
    ["src/stores/lmdb/store.ts", 'import { keys } from "../redis/keys.ts";'],
    ["src/stores/lmdb/store.ts", 'import type { Agent } from "../../agent.ts";'],
    ["src/stores/lmdb/store.ts", 'import { load } from "../../config.ts";'],
    ["src/agents/demo/index.ts", 'import { Program } from "../command/program.ts";'],
    ["src/agents/handler.ts", 'import { createDemoAgent } from "./demo/index.ts";'],
    ["src/http/server.ts", 'import { Gateway } from "../core/gateway.ts";'],
    ["src/http/server.ts", 'import { WebAdapter } from "../../adapters/web/index.ts";'],
    ["adapters/telegram/index.ts", 'import { page } from "../web/index.ts";'],
    ["adapters/telegram/index.ts", 'import { pacing } from "../../src/core/stream.ts";'],
    ["adapters/web/index.ts", 'import { openStore } from "../../src/store.ts";'],
    ["adapters/web/page/main.tsx", 'import { readFile } from "node:fs";'],
    ["adapters/web/page/main.tsx", 'import { WebAdapter } from "../index.ts";'],
    ["src/cli.ts", 'import { openLmdb } from "./stores/lmdb/store.ts";'],
    ["src/index.ts", 'export { createTelegramAdapter } from "../adapters/telegram/index.ts";'],
    ["tools/own.ts", 'import "./x.ts";'],
  ])("%s: %s", (path, text) => {
    expect(broken(path, text)).toEqual([expect.stringContaining(path)]);
  });

  test.each([
    ["src/core/turn.ts", 'import PQueue from "p-queue"; import { promptOf } from "../agent.ts"; import "./stream.ts";'],
    ["src/agents/command/index.ts", 'import type { CommandConfig } from "../../config.ts"; import "../shared/run.ts";'],
    ["adapters/telegram/index.ts", 'import { Bot } from "grammy"; import "../shared/split.ts"; import "node:http";'],
    ["adapters/web/page/main.tsx", 'import { h } from "preact"; import type { Wire } from "../wire.ts";'],
    ["src/main.ts", 'import { Gateway } from "./core/gateway.ts"; import "../adapters/web/index.ts";'],
    ["src/core/turn.ts", "// as Telegram does\nexport const text = 'import x from \"grammy\"';"],
  ])("nothing wrong in %s: %s", (path, text) => {
    expect(broken(path, text)).toEqual([]);
  });

  test("say why", () => {
    expect(broken("src/core/turn.ts", 'import { Bot } from "grammy";')).toEqual([
      "src/core/turn.ts must not import grammy: core knows implementations only through their ports, and neither node:* nor any SDK; main.ts hands them in.",
    ]);
  });

  test("a platform's name in core", () => {
    expect(broken("src/core/turn.ts", 'if (name === "telegram") go();')).toEqual([
      expect.stringContaining('"telegram"'),
    ]);
  });

  test("a file that is too long, and one that can't be read", () => {
    expect(broken("src/core/turn.ts", "go();\n".repeat(401))).toEqual([expect.stringContaining("401 lines")]);
    expect(broken("src/core/turn.ts", "import {")).toEqual([expect.stringContaining("can't be parsed")]);
  });

  const lock = (packages: object) => lockViolations(JSON.stringify({ packages }));

  test("a registry's host in the lock file", () => {
    expect(lock({ "node_modules/a": { version: "1.0.0", resolved: "https://registry.example/a.tgz" } })).toEqual([
      expect.stringContaining("node_modules/a is tied to https://registry.example/a.tgz"),
    ]);
  });

  test("a platform's package that the lock file lacks", () => {
    const native = { version: "1.0.0", optionalDependencies: { "a-linux": "1.0.0", "a-win32": "1.0.0" } };
    const packages = { "node_modules/a": native, "node_modules/a/node_modules/a-linux": { version: "1.0.0" } };
    expect(lock(packages)).toEqual([expect.stringContaining("a-win32 is missing")]);
    expect(lock({ ...packages, "node_modules/a-win32": { version: "1.0.0" } })).toEqual([]);
  });
});
