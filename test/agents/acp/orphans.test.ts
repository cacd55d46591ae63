import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { isRunning } from "../processes.ts";

const GATEWAY = fileURLToPath(new URL("../programs/acp-gateway.ts", import.meta.url));
const AGENT = fileURLToPath(new URL("../programs/acp-agent.mjs", import.meta.url));

test("kill -9 of the gateway ends the agent, its children and its terminals, whatever they ignore", async () => {
  const folder = mkdtempSync(join(tmpdir(), "switchboard-acp-"));
  const pids = () => readFileSync(join(folder, "pids"), "utf8").trimEnd().split("\n");
  const running = async () => (await Promise.all(pids().map(isRunning))).filter((is) => is).length;
  const args = ["--import", "tsx", GATEWAY, process.execPath, AGENT];
  const env = { ...process.env, FOLDER: folder, CAN: JSON.stringify({ stubborn: true, lingers: true }) };
  const gateway = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(async () => {
    gateway.kill("SIGKILL");
    for (const pid of pids()) if (await isRunning(pid)) process.kill(Number(pid), "SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });
  for await (const line of createInterface({ input: gateway.stdout })) if (line.endsWith("working")) break;
  await eventually(() => pids().length === 3, "the agent, its child and its terminal have told their ids");
  expect(await running()).toBe(3);
  gateway.kill("SIGKILL");
  await eventually(async () => (await running()) === 0, "all of them are gone");
});
