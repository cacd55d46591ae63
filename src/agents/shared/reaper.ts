/**
 * Ends process groups that outlive the gateway's own process, also where that is killed (`kill -9`).
 *
 * A watcher, one small shell for each gateway, reads from a pipe which groups there are. The kernel closes the pipe
 * when the gateway's process dies, however it dies: the watcher then sends SIGKILL to every group left, and ends. It is
 * in a session of its own and ignores what asks to end, so that whoever ends the gateway's group or service spares it
 * until its work is done.
 */
import { spawn } from "node:child_process";
import type { Writable } from "node:stream";
import { describe } from "../../errors.ts";

/** "+123": watch the group 123. "-123": no longer. At the end of the input: end those left. */
const WATCHER = `
trap '' HUP INT QUIT TERM
groups=' '
while read -r line; do
  group=\${line#?}
  case $line in
  +*) groups="$groups$group " ;;
  -*) groups="\${groups%% $group *} \${groups#* $group }" ;;
  esac
done
for group in $groups; do kill -9 "-$group" 2>/dev/null; done`;

/** A watcher that dies sooner than this, in milliseconds, is only replaced with the next registration. */
const SHORT_LIFE = 1_000;

interface Registration {
  readonly group: number;
}

class Reaper {
  readonly #registrations = new Set<Registration>();
  #pipe: Writable | undefined;

  /** Where no shell can be started, a warning says so, and the agents work all the same. */
  watch(group: number): () => void {
    const registration = { group };
    this.#registrations.add(registration);
    if (this.#pipe === undefined) this.#start();
    else this.#pipe.write(`+${group}\n`);
    return () => {
      if (this.#registrations.delete(registration)) this.#pipe?.write(`-${group}\n`);
    };
  }

  #start(): void {
    const startedAt = performance.now();
    const options = { cwd: "/", env: {}, detached: true } as const;
    const child = spawn("/bin/sh", ["-c", WATCHER], { ...options, stdio: ["pipe", "ignore", "ignore"] });
    // Where no file handle is left there is none, and "error" comes.
    const pipe: Writable | undefined = child.stdin;
    const ended = (why: string) => {
      if (this.#pipe !== pipe) return;
      this.#pipe = undefined;
      if (this.#registrations.size === 0) return;
      if (performance.now() - startedAt > SHORT_LIFE) return this.#start();
      const lost = "programs of agents would outlive the gateway if it were killed now";
      process.emitWarning(`The process that watches over agents' programs ended (${why}): ${lost}.`);
    };
    child.once("exit", (code, signal) => ended(signal ?? `exit code ${code}`));
    child.once("error", (error) => ended(describe(error)));
    // It broke because the watcher ended, which is told by the events above.
    pipe?.on("error", () => {});
    child.unref();
    this.#pipe = pipe;
    for (const { group } of this.#registrations) pipe?.write(`+${group}\n`);
  }
}

/** One for the process, because the process is what it watches. */
const reaper = new Reaper();

/**
 * Registers a process group that must be ended when the gateway's process dies. To be called in the same step as the
 * `spawn` that made the group: what is registered is safe when this returns. The returned function takes it off: to be
 * called as soon as the group is gone, because its number may then be given to another.
 */
export function reap(group: number): () => void {
  return reaper.watch(group);
}
