import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const execute = promisify(execFile);

/** A program as a stranger would call it: nothing of this run's own `npm test` comes through by the environment. */
function run(cwd: string, program: string, ...args: string[]) {
  const foreign = /^(npm_|VITEST|NODE_ENV$|INIT_CWD$)/;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
  return execute(program, args, { cwd, env, maxBuffer: 64 * 1024 * 1024 });
}

describe("the packed package, installed in an empty folder", () => {
  let folder: string;
  let command: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "switchboard-package-"));
    await run(ROOT, "npm", "pack", "--silent", "--pack-destination", folder);
    const archive = (await readdir(folder)).find((name) => name.endsWith(".tgz")) ?? "(none)";
    await writeFile(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
    await run(folder, "npm", "install", "--prefer-offline", "--no-audit", "--no-fund", `./${archive}`);
    command = join(folder, "node_modules/.bin/switchboard");
  }, 300_000);

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  test("`npx switchboard --help` names the commands", async () => {
    const { stdout } = await run(folder, "npx", "--no-install", "switchboard", "--help");
    for (const name of ["start", "check", "sessions", "dead"]) expect(stdout).toContain(name);
  });

  test("starts, is ready, serves the page and ends on SIGTERM", async () => {
    await writeFile(join(folder, "switchboard.yaml"), "http: { port: 0 }\nlog: { level: warn }\n");
    const gateway = spawn(command, ["start", "--config", "switchboard.yaml"], {
      cwd: folder,
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      const link = await linkOf(gateway);
      expect((await fetch(new URL("/healthz", link))).status).toBe(200);
      const signIn = await fetch(link, { redirect: "manual" });
      const cookie = signIn.headers.get("set-cookie")?.split(";")[0] ?? "";
      const page = await fetch(new URL("/", link), { headers: { cookie } });
      expect(page.status).toBe(200);
      expect(page.headers.get("content-type")).toContain("text/html");
      const ended = once(gateway, "exit");
      gateway.kill("SIGTERM");
      expect(await ended).toEqual([0, null]);
    } finally {
      gateway.kill("SIGKILL");
    }
  });

  test("is a library, with its types", async () => {
    const script = 'import * as api from "switchboard-gateway"; console.log(Object.keys(api).join(" "));';
    const { stdout } = await run(folder, process.execPath, "--input-type=module", "--eval", script);
    for (const name of ["Gateway", "defineAgent", "defineAdapter"]) expect(stdout).toContain(name);
    const types =
      'import { defineAgent } from "switchboard-gateway";\nexport const echo = defineAgent(async ({ text }) => text);\n';
    await writeFile(join(folder, "own.ts"), types);
    const options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2023"];
    // With the types of Node.js, as any program for it has.
    options.push("--types", "node", "--typeRoots", join(ROOT, "node_modules/@types"));
    await run(folder, join(ROOT, "node_modules/.bin/tsc"), ...options, "own.ts");
  });
});

/** The link that the gateway prints when it is ready. */
function linkOf(gateway: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = "";
    gateway.stdout?.on("data", (chunk: Buffer) => {
      output += chunk.toString("utf8");
      const link = /http:\/\/\S+/.exec(output)?.[0];
      if (link !== undefined) resolve(link);
    });
    gateway.once("exit", (code) => reject(new Error(`The gateway ended with ${code} before it was ready:\n${output}`)));
  });
}
