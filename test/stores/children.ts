/** Starting the programs beside this file as processes of their own. */
import { type ChildProcessByStdio, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export interface Child {
  readonly pid: number;
  /** The lines of its output so far. */
  readonly lines: string[];
  /** Resolves when it has printed so many lines; rejects when it ends before. */
  printed(lines: number): Promise<void>;
  /** kill -9. Resolves when it is gone and all that it printed is read. */
  kill(): Promise<void>;
}

export function start(program: URL, ...args: string[]): Child {
  const child: ChildProcessByStdio<null, Readable, null> = spawn(process.execPath, commandOf(program, args), {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on("line", (line) => lines.push(line));
  const gone = Promise.all([once(reader, "close"), once(child, "exit")]);
  const kill = async () => {
    running.delete(kill);
    child.kill("SIGKILL");
    await gone;
  };
  running.add(kill);
  return {
    pid: child.pid ?? 0,
    lines,
    printed: (count) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (lines.length >= count) resolve();
        };
        reader.on("line", look);
        reader.once("close", () =>
          reject(new Error(`${program.pathname} ended after ${lines.length} of ${count} lines`)),
        );
        look();
      }),
    kill,
  };
}

/** Kills what a failed test left running. */
export async function killAll(): Promise<void> {
  await Promise.all([...running].map((kill) => kill()));
}

const running = new Set<() => Promise<void>>();

/**
 * Runs a program that is handed an empty file system of so many bytes, kept in memory and seen by it alone.
 * Resolves with its output.
 */
export async function runOnSmallDisk(size: number, program: URL): Promise<string> {
  const mount = `mount -t tmpfs -o size=${size} tmpfs /mnt && exec "$0" "$@" /mnt`;
  const inside = ["sh", "-c", mount, process.execPath, ...commandOf(program, [])];
  const failures: unknown[] = [];
  for (const asWhom of [["--mount"], ["--user", "--map-root-user", "--mount"]]) {
    try {
      await run("unshare", [...asWhom, "sh", "-c", `mount -t tmpfs tmpfs /mnt`]);
    } catch (error) {
      failures.push(error);
      continue;
    }
    return (await run("unshare", [...asWhom, ...inside])).stdout;
  }
  throw new AggregateError(failures, "A small file system can't be mounted: neither as root nor in a user namespace.");
}

const run = promisify(execFile);

function commandOf(program: URL, args: readonly string[]): string[] {
  return ["--import", "tsx", fileURLToPath(program), ...args];
}
