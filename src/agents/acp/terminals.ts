/** Commands that an agent has the gateway run for it. They are a turn's, and end with it. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import type { TerminalExitStatus, TerminalOutputResponse } from "@agentclientprotocol/sdk";
import { z } from "zod";
import { passedOn } from "../shared/environment.ts";
import { endGroup } from "../shared/group.ts";
import { reap } from "../shared/reaper.ts";
import { OutputTail } from "./output-tail.ts";
import { type Reach, within } from "./scope.ts";

const createParams = z.object({
  command: z.string().min(1),
  args: z.array(z.string()).nullish(),
  env: z.array(z.object({ name: z.string(), value: z.string() })).nullish(),
  cwd: z.string().nullish(),
  outputByteLimit: z.number().nonnegative().nullish(),
});
const named = z.object({ terminalId: z.string() });

/** At a time; bytes of output that are kept of each. */
const MOST = 32;
const LARGEST_OUTPUT = 1024 * 1024;
/** Milliseconds for what a command wrote before it ended: a process that it left behind may hold its output open. */
const AFTER_EXIT = 500;

export class Terminals {
  readonly #reach: Reach;
  readonly #env: NodeJS.ProcessEnv;
  readonly #terminals = new Map<string, Terminal>();
  #count = 0;
  #isOver = false;

  /** `env`: the gateway's own, of which a few variables are passed on. */
  constructor(reach: Reach, env: NodeJS.ProcessEnv) {
    this.#reach = reach;
    this.#env = env;
  }

  async create(params: unknown): Promise<{ terminalId: string }> {
    const { command, args, env, cwd, outputByteLimit } = createParams.parse(params);
    const folder = await within(this.#reach, cwd ?? this.#reach.folder);
    if (this.#isOver) throw new Error("the turn is over");
    if (this.#terminals.size >= MOST) throw new Error(`${MOST} terminals are open: release some`);
    const added = Object.fromEntries((env ?? []).map(({ name, value }) => [name, value]));
    // Agents put a whole command line there, for a shell to read.
    const line = args && args.length > 0 ? [command, ...args] : ["/bin/sh", "-c", command];
    const limit = Math.min(outputByteLimit ?? LARGEST_OUTPUT, LARGEST_OUTPUT);
    const terminal = new Terminal(line, folder, passedOn(this.#env, added), limit);
    this.#count += 1;
    const terminalId = `terminal-${this.#count}`;
    this.#terminals.set(terminalId, terminal);
    try {
      await terminal.begun;
    } catch (error) {
      this.#terminals.delete(terminalId);
      throw error;
    }
    return { terminalId };
  }

  output(params: unknown): TerminalOutputResponse {
    return this.#named(params).output();
  }

  async exit(params: unknown): Promise<TerminalExitStatus> {
    return await this.#named(params).exited;
  }

  /** It can still be asked for its output. */
  async kill(params: unknown): Promise<Record<string, never>> {
    await this.#named(params).end();
    return {};
  }

  async release(params: unknown): Promise<Record<string, never>> {
    const terminal = this.#named(params);
    this.#terminals.delete(named.parse(params).terminalId);
    await terminal.end();
    return {};
  }

  async endAll(): Promise<void> {
    this.#isOver = true;
    const all = [...this.#terminals.values()];
    this.#terminals.clear();
    await Promise.all(all.map((terminal) => terminal.end()));
  }

  #named(params: unknown): Terminal {
    const { terminalId } = named.parse(params);
    const terminal = this.#terminals.get(terminalId);
    if (!terminal) throw new Error(`there is no terminal "${terminalId}"`);
    return terminal;
  }
}

class Terminal {
  /** Rejects with the system's error where the command can't be started. */
  readonly begun: Promise<void>;
  readonly exited: Promise<TerminalExitStatus>;
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #takeOff: () => void;
  readonly #output: OutputTail;
  #exit: TerminalExitStatus | undefined;
  #ending: Promise<void> | undefined;

  constructor([file = "", ...args]: readonly string[], cwd: string, env: NodeJS.ProcessEnv, limit: number) {
    const child = spawn(file, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
    this.#child = child;
    this.#takeOff = child.pid === undefined ? () => {} : reap(child.pid);
    this.#output = new OutputTail(limit);
    for (const stream of [child.stdout, child.stderr]) {
      // Losing the rest of its output must not lose the turn.
      stream.on("error", () => {}).on("data", (chunk: Buffer) => this.#output.add(chunk));
    }
    this.begun = new Promise((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", reject);
    });
    this.exited = new Promise((resolve) => {
      child.once("exit", (exitCode, signal) => {
        this.#exit = { exitCode, signal };
        const told = () => resolve({ exitCode, signal });
        const timer = setTimeout(told, AFTER_EXIT);
        child.once("close", () => {
          clearTimeout(timer);
          told();
        });
      });
    });
  }

  output(): TerminalOutputResponse {
    return { ...this.#output.read(), ...(this.#exit === undefined ? {} : { exitStatus: this.#exit }) };
  }

  /** Ends it with all that it started. Once only: when the group is gone, its number may be given to another. */
  end(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    const { pid, stdout, stderr } = this.#child;
    if (pid !== undefined) await endGroup(pid).finally(this.#takeOff);
    for (const stream of [stdout, stderr]) stream.destroy();
  }
}
