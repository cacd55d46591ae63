import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { isRunning } from "./processes.ts";

const PROGRAM = fileURLToPath(new URL("programs/reaped.ts", import.meta.url));
/** A program with a child, which SIGTERM can't end; both wait for longer than a test may take. */
const STUBBORN = ["sh", "-c", `trap '' TERM; sleep 3600 & echo "$$ $!"; wait`];

interface Gateway {
  readonly child: ChildProcessByStdio<null, Readable, null>;
  /** Of the processes that it said it has. */
  readonly pids: readonly string[];
  /** The next line that it writes. */
  next(): Promise<string>;
}

async function gateway(...args: string[]): Promise<Gateway> {
  const node = ["--import", "tsx", PROGRAM, ...args];
  const child = spawn(process.execPath, node, { stdio: ["ignore", "pipe", "inherit"], detached: true });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const line = await lines.next();
    if (line.done === true) throw new Error("it says nothing more");
    return line.value;
  };
  const pids = (await next()).split(" ");
  onTestFinished(async () => {
    for (const pid of pids) if (await isRunning(pid)) process.kill(Number(pid), "SIGKILL");
  });
  return { child, pids, next };
}

const gone = (pids: readonly string[]) =>
  eventually(
    async () => (await Promise.all(pids.map(isRunning))).every((running) => !running),
    `the processes ${pids.join(" ")} are gone`,
  );

describe("when the gateway's process is killed", () => {
  test("an agent's program and its children are ended, whatever they ignore", async () => {
    const { child, pids } = await gateway("agent", ...STUBBORN);
    expect(await Promise.all(pids.map(isRunning))).toEqual([true, true]);
    child.kill("SIGKILL");
    await gone(pids);
  });

  test("also where its whole process group is", async () => {
    const { child, pids } = await gateway("agent", ...STUBBORN);
    process.kill(-(child.pid ?? 0), "SIGKILL");
    await gone(pids);
  });

  test("in the very step that started the program", async () => {
    const { pids } = await gateway("at-once");
    await gone(pids);
  });

  test("what was taken off is spared", async () => {
    const { child, pids } = await gateway("groups");
    const [first = "", second = ""] = pids;
    child.kill("SIGKILL");
    await gone([second]);
    expect(await isRunning(first)).toBe(true);
  });

  test.runIf(process.platform === "linux")("a watcher that died before was replaced", async () => {
    const { child, pids, next } = await gateway("groups");
    const [, second = ""] = pids;
    const [watcher = 0] = watchersOf(child);
    // A watcher that dies young is only replaced with the next registration.
    await eventually(() => secondsOf(watcher) > 1.2, "the watcher is old enough");
    process.kill(watcher, "SIGKILL");
    await eventually(() => watchersOf(child).some((pid) => pid !== watcher), "there is another one");
    // It was told all in the step that started it: when the gateway gets to something else, that is over.
    child.kill("SIGUSR2");
    expect(await next()).toBe(String(child.pid));
    child.kill("SIGKILL");
    await gone([second]);
  });
});

test("the watcher keeps no gateway from its end, and ends with it", async () => {
  const { child } = await gateway("ends");
  const watchers = watchersOf(child);
  if (child.exitCode === null) await once(child, "exit");
  expect(child.exitCode).toBe(0);
  await gone(watchers.map(String));
});

/** The shells among the children of a process. */
function watchersOf({ pid }: { readonly pid?: number | undefined }): number[] {
  if (process.platform !== "linux") return [];
  const found = readdirSync("/proc").filter((entry) => {
    const [name, , parent] = statOf(entry);
    return name === "sh" && parent === String(pid);
  });
  return found.map(Number);
}

/** How long ago a process was started. */
function secondsOf(pid: number): number {
  const started = Number(statOf(String(pid))[20]) / 100;
  return Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) - started;
}

/** The fields of /proc/<pid>/stat from the command's name on (proc(5)). */
function statOf(pid: string): string[] {
  try {
    const [, name = "", rest = ""] = /\((.*)\) (.*)/s.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
    return [name, ...rest.split(" ")];
  } catch {
    return []; // It is no process, or no more.
  }
}
