/**
 * One run of a program, in a process group of its own. Output is read only as fast as it is asked for, so a slow
 * consumer slows the program down and memory stays bounded.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { endGroup } from "../shared/group.ts";
import { reap } from "../shared/reaper.ts";
import { Tail } from "../shared/tail.ts";

export interface ProgramSpec {
  readonly command: readonly string[];
  readonly cwd?: string;
  readonly env: NodeJS.ProcessEnv;
  /** Written to its standard input. */
  readonly input: string;
  /** Its standard input stays open, for `write`. */
  readonly talks: boolean;
}

/** How a program is asked to end before it is made to: its standard input ends, after these last words. */
export interface Goodbye {
  readonly words: string;
  /** How long it may take to end by itself, in milliseconds. */
  readonly patience: number;
}

/** `code` or `signal`, as it ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * How long a process that the program left behind may go on before its group is ended, and how long a pipe that
 * some process outside of the group holds open may stay silent before it counts as ended. Milliseconds.
 */
const AFTER_EXIT = 2_000;

export class Program {
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #leader: number;
  readonly #release: () => void;
  readonly #complaint = new Tail();
  readonly #complaintEnded: Promise<unknown>;
  #groupGone: Promise<void> | undefined;
  #leftAlone = false;
  #stopping: Promise<void> | undefined;
  #wake: () => void = () => {};

  /** Resolves when the program runs; rejects with the system's error where it can't be started. */
  static async start(spec: ProgramSpec): Promise<Program> {
    const [file = "", ...args] = spec.command;
    const child = spawn(file, args, { cwd: spec.cwd, env: spec.env, stdio: "pipe", detached: true });
    const release = child.pid === undefined ? () => {} : reap(child.pid);
    await once(child, "spawn");
    return new Program(child, release, spec);
  }

  private constructor(child: ChildProcessWithoutNullStreams, release: () => void, { input, talks }: ProgramSpec) {
    this.#child = child;
    this.#release = release;
    this.#leader = child.pid ?? 0;
    this.exited = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        resolve({ code, signal });
        // Where it fails (no file handle left to look with), `stop` fails in the same way and tells the turn.
        this.#endLeftovers().catch(() => {});
      });
    });
    for (const event of ["readable", "end", "close", "error"]) child.stdout.on(event, () => this.#wake());
    // Losing the rest of what it complains about must not lose the turn.
    child.stderr.on("error", () => {}).on("data", (chunk: Buffer) => this.#complaint.add(chunk));
    this.#complaintEnded = new Promise((resolve) => child.stderr.once("close", resolve));
    // A program that doesn't read its input to the end closes the pipe (EPIPE). It is free to: its exit code counts.
    child.stdin.on("error", () => {}).write(input);
    if (!talks) child.stdin.end();
  }

  /** Goes nowhere where the program has closed its standard input. */
  write(text: string): void {
    if (this.#child.stdin.writable) this.#child.stdin.write(text);
  }

  /** Its standard output, until the last process that could write to it is gone, or `stop`. */
  async *output(): AsyncGenerator<Buffer, void> {
    const { stdout } = this.#child;
    while (this.#stopping === undefined) {
      const chunk: Buffer | null = stdout.read();
      if (chunk !== null) yield chunk;
      else if (stdout.errored) throw stdout.errored;
      else if (stdout.readableEnded || stdout.destroyed) return;
      // A process that left the group may hold the pipe open for as long as it likes.
      else if ((await this.#woken(this.#leftAlone)) === "silent") return;
    }
  }

  /** The tail of its standard error, complete once it has exited. */
  async complaint(): Promise<string> {
    await Promise.race([this.#complaintEnded, sleep(AFTER_EXIT, undefined, { ref: false })]);
    return this.#complaint.text();
  }

  /** Ends it. Resolves when no process of its group runs; what it still writes goes nowhere. The first call counts. */
  stop(goodbye?: Goodbye): Promise<void> {
    this.#stopping ??= this.#stop(goodbye);
    return this.#stopping;
  }

  async #stop(goodbye: Goodbye | undefined): Promise<void> {
    const { stdin, stdout, stderr } = this.#child;
    // Read on, so that a program which says goodbye is not stuck at a full pipe. `resume` needs "readable" to be free.
    stdout.removeAllListeners("readable").resume();
    this.#wake();
    if (goodbye !== undefined) {
      stdin.end(goodbye.words);
      await Promise.race([this.exited, sleep(goodbye.patience, undefined, { ref: false })]);
    }
    await this.#endGroup();
    for (const stream of [stdin, stdout, stderr]) stream.destroy();
  }

  async #endLeftovers(): Promise<void> {
    const { stdout } = this.#child;
    const outputEnded = new Promise((resolve) => stdout.once("close", resolve));
    if (!stdout.closed) await Promise.race([outputEnded, sleep(AFTER_EXIT, undefined, { ref: false })]);
    try {
      await this.#endGroup();
    } finally {
      this.#leftAlone = true;
      this.#wake();
    }
  }

  /** Once only: when the group is gone, its number may be given to another. */
  #endGroup(): Promise<void> {
    this.#groupGone ??= endGroup(this.#leader).finally(this.#release);
    return this.#groupGone;
  }

  /** Resolves when the output may have changed; with `limited`, "silent" where it does not for a while. */
  #woken(limited: boolean): Promise<"woken" | "silent"> {
    return new Promise((resolve) => {
      const timer = limited ? setTimeout(resolve, AFTER_EXIT, "silent") : undefined;
      this.#wake = () => {
        clearTimeout(timer);
        resolve("woken");
      };
    });
  }
}
