/** An agent's process, the leader of a group of its own, that lives until it is ended or the gateway is. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import type { AgentFailure } from "../../model.ts";
import { endGroup } from "../shared/group.ts";
import { reap } from "../shared/reaper.ts";
import { startFailure } from "../shared/start-failure.ts";
import { Tail } from "../shared/tail.ts";

export interface ProcessSpec {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** `code` or `signal`, as it ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** How long it may take to end by itself when its input has ended, and to say its last. Milliseconds. */
const AFTER_EOF = 1_500;
const LAST_WORDS = 500;

export class AgentProcess {
  readonly child: ChildProcessWithoutNullStreams;
  readonly name: string;
  /** Resolves when it has ended; with a failure where it never began. */
  readonly exited: Promise<Exit | AgentFailure>;
  readonly #tail = new Tail();
  readonly #silent: Promise<unknown>;
  readonly #takeOff: () => void;
  #ending: Promise<void> | undefined;

  constructor({ command, cwd, env }: ProcessSpec) {
    const [file = "", ...args] = command;
    this.name = file;
    this.child = spawn(file, args, { cwd, env, stdio: "pipe", detached: true });
    const { child } = this;
    this.#takeOff = child.pid === undefined ? () => {} : reap(child.pid);
    this.exited = new Promise((resolve) => {
      child.once("exit", (code, signal) => resolve({ code, signal }));
      child.once("error", (error) => {
        if (child.pid === undefined) resolve(startFailure(file, cwd, error));
      });
    });
    // Losing the rest of what it complains about must not lose the turn.
    child.stderr.on("error", () => {}).on("data", (chunk: Buffer) => this.#tail.add(chunk));
    this.#silent = new Promise((resolve) => child.stderr.once("close", resolve));
    // It may end at any time: what was written to it by then counts as not said, which its exit tells.
    child.stdin.on("error", () => {});
    child.stdout.on("error", () => {});
  }

  /** Until its end was noticed. */
  get isRunning(): boolean {
    const { pid, exitCode, signalCode } = this.child;
    return pid !== undefined && exitCode === null && signalCode === null;
  }

  /** What it wrote to its output that is no message of the protocol: as good as a complaint. */
  stray(line: string): void {
    this.#tail.add(Buffer.from(`${line}\n`));
  }

  /** The tail of its error output; complete where it has exited. */
  async complaint(): Promise<string> {
    if (!this.isRunning) {
      await Promise.race([this.#silent, sleep(LAST_WORDS, undefined, { ref: false })]);
    }
    return this.#tail.text();
  }

  /** How it ended, where it does so about now. */
  async exit(): Promise<Exit | AgentFailure | undefined> {
    return await Promise.race([this.exited, sleep(LAST_WORDS, undefined, { ref: false })]);
  }

  /** Ends its input, then it, then what it left behind. Resolves when no process of its group runs. */
  end(): Promise<void> {
    this.#ending ??= this.#end(AFTER_EOF);
    return this.#ending;
  }

  /** The same for one that no longer listens. */
  kill(): Promise<void> {
    this.#ending ??= this.#end(0);
    return this.#ending;
  }

  async #end(patience: number): Promise<void> {
    const { child } = this;
    child.stdin.end();
    if (child.pid === undefined) return;
    if (patience > 0) {
      const timer = new AbortController();
      await Promise.race([this.exited, sleep(patience, undefined, { signal: timer.signal }).catch(() => {})]);
      timer.abort();
    }
    await endGroup(child.pid).finally(this.#takeOff);
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
  }
}
