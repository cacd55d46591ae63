/**
 * The command agent: a program for each turn, which speaks one of two protocols (`text.ts`, `json-lines.ts`; both are
 * told in docs/command-agents.md). Exit code 0 ends the turn well; other ends stand in `failure.ts`, the program's
 * environment in `environment.ts`.
 *
 * The turn ends with the program: processes that it leaves in its process group are ended then. Where the gateway's
 * own process dies, `shared/reaper.ts` ends the group.
 *
 * Standard input, output and error are sockets, as everywhere in Node.js: a script must not open them by path
 * (`/dev/stdin`, `> /dev/stderr`), but use them as they are (`cat`, `>&2`).
 */
import { resolve } from "node:path";
import type { Agent, AgentSession, AgentTurn, OpenOptions } from "../../agent.ts";
import type { CommandConfig } from "../../config.ts";
import type { AgentEvent, Json } from "../../model.ts";
import { fetchFiles, type TurnFiles } from "../shared/files.ts";
import { RunSlot } from "../shared/run.ts";
import { startFailure } from "../shared/start-failure.ts";
import { environmentOf } from "./environment.ts";
import { exitFailure } from "./failure.ts";
import { jsonLines } from "./json-lines.ts";
import { Program } from "./program.ts";
import type { Protocol } from "./protocol.ts";
import { text } from "./text.ts";

export interface CommandOptions {
  readonly config: Pick<CommandConfig, "command" | "env"> & Partial<CommandConfig>;
  /** The gateway's own environment, of which a few variables are passed on. */
  readonly env?: NodeJS.ProcessEnv;
}

const PROTOCOLS: Readonly<Record<CommandConfig["protocol"], Protocol>> = { text, "json-lines": jsonLines };

export function createCommandAgent({ config, env = process.env }: CommandOptions): Agent {
  return { open: async (options) => new CommandSession(config, env, options) };
}

class CommandSession implements AgentSession {
  readonly #slot = new RunSlot();
  readonly #config: CommandOptions["config"];
  readonly #env: NodeJS.ProcessEnv;
  readonly #options: OpenOptions;
  readonly #protocol: Protocol;
  /** Absolute: where the programs run. */
  readonly #folder: string;
  #state: Json | undefined;
  /** Settles when the program of a run that was cut short, and all it started, is gone. */
  #stopping: Promise<void> | undefined;

  constructor(config: CommandOptions["config"], env: NodeJS.ProcessEnv, options: OpenOptions) {
    this.#config = config;
    this.#env = env;
    this.#options = options;
    this.#protocol = PROTOCOLS[config.protocol ?? "text"];
    this.#folder = options.folder ?? resolve(config.cwd ?? ".");
    this.#state = options.state;
  }

  run(turn: AgentTurn): AsyncIterable<AgentEvent> {
    return this.#slot.run(turn, (own) => this.#events(own));
  }

  async close(): Promise<void> {
    this.#slot.close();
    await this.#stopping;
  }

  async *#events(turn: AgentTurn): AsyncGenerator<AgentEvent> {
    const files = await fetchFiles(turn);
    try {
      const context = { turn, files, options: this.#options, folder: this.#folder, state: this.#state };
      const input = await this.#protocol.beginning(context);
      if (!turn.signal.aborted) yield* this.#run(turn, files, input);
    } finally {
      await files.remove();
    }
  }

  async *#run(turn: AgentTurn, files: TurnFiles, input: string): AsyncGenerator<AgentEvent> {
    const { signal } = turn;
    const { talks, goodbye } = this.#protocol;
    const env = environmentOf(this.#env, this.#config.env, this.#options, turn, files.paths);
    const starting = Program.start({ command: this.#command(), cwd: this.#folder, env, input, talks });
    // Stopped as soon as the signal aborts and not when the consumer asks next: after a `close` it may never ask.
    const stop = () => {
      const stopped = starting.then(
        (program) => program.stop(goodbye),
        () => {}, // It never started: the failure is told below.
      );
      this.#stopping = stopped.then(files.remove);
    };
    signal.addEventListener("abort", stop, { once: true });
    let program: Program;
    try {
      program = await starting;
    } catch (error) {
      await files.remove();
      yield { type: "failed", failure: startFailure(this.#name(), this.#folder, error) };
      return;
    }
    try {
      for await (const event of this.#told(program, turn)) {
        if ("state" in event && event.state !== undefined) this.#state = event.state;
        // Nobody need ask again after the last event.
        if (event.type === "done" || event.type === "failed") await files.remove();
        yield event;
      }
    } finally {
      await program.stop(goodbye);
    }
  }

  /** What the program says, and how it ended where it doesn't say that. */
  async *#told(program: Program, turn: AgentTurn): AsyncGenerator<AgentEvent> {
    for await (const event of this.#protocol.events(program, turn)) {
      yield event;
      if (event.type === "done" || event.type === "failed") return;
    }
    if (turn.signal.aborted) return;
    const exit = await program.exited;
    const failure = exit.code === 0 ? undefined : exitFailure(this.#name(), exit, await program.complaint());
    await program.stop();
    yield failure === undefined ? { type: "done" } : { type: "failed", failure };
  }

  #name(): string {
    return this.#config.command[0] ?? "";
  }

  /** A program by its path is found from the configured folder, whichever project it works in. */
  #command(): string[] {
    const [program = "", ...args] = this.#config.command;
    return [program.includes("/") ? resolve(this.#config.cwd ?? ".", program) : program, ...args];
  }
}
