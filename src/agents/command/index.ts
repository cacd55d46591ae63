/**
 * The command agent: a program for each turn. The message, with what the turn's phase wants, is its standard input
 * (UTF-8, then the end). Its standard output is streamed as the answer, or as the plan where one is wanted. Exit code 0
 * ends the turn well; other ends stand in `failure.ts`, its environment in `environment.ts`.
 *
 * The turn ends with the program: processes that it leaves in its process group are ended then. Where the gateway
 * itself is killed (`kill -9`), nobody ends the program: it sees its pipes close and runs to its own end, while a new
 * gateway may already make the next attempt. A program with effects can tell by SWITCHBOARD_TURN.
 *
 * Standard input, output and error are sockets, as everywhere in Node.js: a script must not open them by path
 * (`/dev/stdin`, `> /dev/stderr`), but use them as they are (`cat`, `>&2`).
 */
import { type Agent, type AgentSession, type AgentTurn, promptOf } from "../../agent.ts";
import type { CommandConfig } from "../../config.ts";
import type { AgentEvent } from "../../model.ts";
import { RunSlot } from "../shared/run.ts";
import { environmentOf, type Place } from "./environment.ts";
import { exitFailure, startFailure } from "./failure.ts";
import { fetchFiles, type TurnFiles } from "./files.ts";
import { Program } from "./program.ts";

export interface CommandOptions {
  readonly config: CommandConfig;
  /** The gateway's own environment, of which a few variables are passed on. */
  readonly env?: NodeJS.ProcessEnv;
}

export function createCommandAgent({ config, env = process.env }: CommandOptions): Agent {
  return {
    open: async ({ session, channel }) => new CommandSession(config, env, { session, channel }),
  };
}

class CommandSession implements AgentSession {
  readonly #slot = new RunSlot();
  readonly #config: CommandConfig;
  readonly #env: NodeJS.ProcessEnv;
  readonly #place: Place;
  /** Settles when the program of a run that was cut short, and all it started, is gone. */
  #stopping: Promise<void> | undefined;

  constructor(config: CommandConfig, env: NodeJS.ProcessEnv, place: Place) {
    this.#config = config;
    this.#env = env;
    this.#place = place;
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
      if (!turn.signal.aborted) yield* this.#run(turn, files);
    } finally {
      await files.remove();
    }
  }

  async *#run(turn: AgentTurn, files: TurnFiles): AsyncGenerator<AgentEvent> {
    const { signal } = turn;
    const { command, cwd } = this.#config;
    const name = command[0] ?? "";
    const env = environmentOf(this.#env, this.#config.env, this.#place, turn, files.paths);
    const input = [promptOf(turn), ...files.missing].join("\n\n");
    const starting = Program.start({ command, env, input, ...(cwd === undefined ? {} : { cwd }) });
    // Stopped as soon as the signal aborts and not when the consumer asks next: after a `close` it may never ask.
    const stop = () => {
      const stopped = starting.then(
        (program) => program.stop(),
        () => {}, // It never started: the failure is told below.
      );
      this.#stopping = stopped.then(files.remove);
    };
    signal.addEventListener("abort", stop, { once: true });
    let program: Program;
    try {
      program = await starting;
    } catch (error) {
      yield { type: "failed", failure: startFailure(name, cwd, error) };
      return;
    }
    try {
      yield* textOf(program);
      if (!signal.aborted) yield await endOf(program, name);
    } finally {
      await program.stop();
    }
  }
}

async function* textOf(program: Program): AsyncGenerator<AgentEvent> {
  const decoder = new TextDecoder();
  for await (const chunk of program.output()) {
    const delta = decoder.decode(chunk, { stream: true });
    if (delta !== "") yield { type: "text", delta };
  }
  const rest = decoder.decode();
  if (rest !== "") yield { type: "text", delta: rest };
}

async function endOf(program: Program, name: string): Promise<AgentEvent> {
  const exit = await program.exited;
  const failure = exit.code === 0 ? undefined : exitFailure(name, exit, await program.complaint());
  await program.stop();
  return failure === undefined ? { type: "done" } : { type: "failed", failure };
}
