/**
 * A process group: a program and every process it started that did not leave the group (as `setsid` does).
 *
 * Time is the real one here, not an injected clock: this waits for the kernel, and its timers must keep the
 * gateway alive until the group is gone.
 */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** How long a group may take to end after SIGTERM before SIGKILL, in milliseconds. */
const GRACE = 2_000;
/** After SIGKILL: only a process that hangs within the kernel is still there, and it runs no more code of its own. */
const LAST_WAIT = 5_000;
const POLL = { first: 4, longest: 100 };

/** Ends the group of `leader`: SIGTERM, a grace period, SIGKILL. Resolves when no process of it runs. */
export async function endGroup(leader: number): Promise<void> {
  signal(leader, "SIGTERM");
  if (await goneWithin(leader, GRACE)) return;
  signal(leader, "SIGKILL");
  await goneWithin(leader, LAST_WAIT);
}

async function goneWithin(leader: number, ms: number): Promise<boolean> {
  const deadline = performance.now() + ms;
  for (let wait = POLL.first; isAlive(leader); wait = Math.min(wait * 2, POLL.longest)) {
    if (performance.now() >= deadline) return false;
    await sleep(wait);
  }
  return true;
}

/** False where no process of the group is left to take it. Signal 0 only asks. */
function signal(leader: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-leader, name);
  } catch (error) {
    // EPERM: a process of another user is in the group (a setuid program). It lives, out of reach.
    return isErrno(error, "EPERM");
  }
}

function isAlive(leader: number): boolean {
  if (!signal(leader, 0)) return false;
  return process.platform !== "linux" || hasRunningMember(leader);
}

/**
 * Ended processes whose parent has not yet asked for their exit code (zombies) still take signals. In a container
 * whose first process never asks, an orphan stays one for ever: so they are told apart by their state.
 */
function hasRunningMember(leader: number): boolean {
  return readdirSync("/proc").some((entry) => {
    if (!/^\d+$/.test(entry)) return false;
    const [state, , group] = statOf(entry);
    return group === String(leader) && state !== "Z" && state !== "X";
  });
}

/** The fields of /proc/<pid>/stat behind the command name, which may itself hold spaces and brackets (proc(5)). */
function statOf(pid: string): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch (error) {
    // The process ended since the folder was listed.
    if (isErrno(error, "ENOENT") || isErrno(error, "ESRCH")) return [];
    throw error;
  }
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
