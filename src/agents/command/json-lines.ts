/**
 * `protocol: json-lines`. Standard output is events, one a line (`events.ts`); standard input is the turn and then, as
 * long as it lasts, what the program must be told, one JSON object a line: answers to its asks, and that it must stop.
 */
import type { AgentTurn, AskOutcome } from "../../agent.ts";
import type { AgentEvent, AskRequest } from "../../model.ts";
import { isEvent, saidIn } from "./events.ts";
import { linesOf, ProtocolError } from "./lines.ts";
import type { Program } from "./program.ts";
import type { Protocol, TurnContext } from "./protocol.ts";
import { promptWith } from "./text.ts";

/** Bytes. */
const LONGEST_LINE = 1024 * 1024;
/** Entries of the session that come with the turn. */
const TRANSCRIPT = 50;
/** How long a program may take to end by itself, in milliseconds: when it must stop, and after its last event. */
const PATIENCE = { stop: 1_000, end: 2_000 };

export const jsonLines: Protocol = {
  talks: true,
  goodbye: { words: lineOf({ type: "stop" }), patience: PATIENCE.stop },
  beginning,
  events,
};

function lineOf(message: object): string {
  return `${JSON.stringify(message)}\n`;
}

async function beginning(context: TurnContext): Promise<string> {
  const { turn, files, options, folder, state } = context;
  const { id, attempt, resumes, phase, mode, model, effort, plan, note, systemPrompt, decided } = turn;
  const messages = turn.messages.map(({ id, sender, text, sentAt, files: sent = [] }) => ({
    id,
    sender,
    text,
    sentAt,
    files: sent.map((file) => ({ name: file.name, type: file.type, size: file.size, path: files.pathOf(file) })),
  }));
  // A script without a JSON parser finds the first two by their names: nothing ahead of them has names of its own.
  return lineOf({
    type: "turn",
    prompt: promptWith(context),
    state,
    id,
    attempt,
    resumes,
    session: options.session,
    channel: options.channel,
    phase,
    mode,
    model,
    effort,
    messages,
    systemPrompt,
    note,
    plan,
    decided,
    folder,
    workspace: options.workspace,
    scope: options.scope ?? "project",
    mcpServers: options.mcpServers ?? {},
    transcript: await options.transcript(TRANSCRIPT),
  });
}

async function* events(program: Program, turn: AgentTurn): AsyncGenerator<AgentEvent> {
  const asks = new Asks(program, turn);
  try {
    for await (const line of linesOf(program.output(), LONGEST_LINE)) {
      // The program was ended while it wrote: that is the failure, and not the half of an event that is left of it.
      if (!line.whole && isEvent(line) && (await program.exited).code !== 0) break;
      const event = saidIn(line);
      if (event.type === "ask") {
        asks.open(event.id, event.request);
      } else if (event.type === "withdraw") {
        asks.withdraw(event.id);
      } else if (event.type === "done" || event.type === "failed") {
        await program.stop({ words: "", patience: PATIENCE.end });
        yield event;
        return;
      } else if (!("delta" in event && event.delta === "")) {
        yield event;
      }
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    await program.stop();
    yield { type: "failed", failure: { code: "COMMAND_PROTOCOL", message: sentence(error), retryable: false } };
    return;
  }
  if (asks.failure !== undefined) throw asks.failure;
}

function sentence({ message }: ProtocolError): string {
  return `The program does not speak JSON Lines as it should. ${message}`;
}

/** What a program waits for people to decide. */
class Asks {
  /** Why one could not be asked: the program, which would wait for ever, was ended for it. */
  failure: Error | undefined;
  readonly #program: Program;
  readonly #turn: AgentTurn;
  readonly #open = new Map<string, AbortController>();

  constructor(program: Program, turn: AgentTurn) {
    this.#program = program;
    this.#turn = turn;
  }

  /** The answer is written whenever it comes; events go on meanwhile. */
  open(id: string, request: AskRequest): void {
    if (this.#open.has(id)) throw new ProtocolError(`It asks with the id "${id}", by which another ask is still open.`);
    const takenBack = new AbortController();
    this.#open.set(id, takenBack);
    this.#turn.ask(request, takenBack.signal).then(
      (outcome) => {
        if (!takenBack.signal.aborted) this.#answer(id, outcome);
      },
      (error: unknown) => {
        if (!takenBack.signal.aborted) this.#fail(error);
      },
    );
  }

  /** No answer comes from here on. One that has come already may not have been read yet. */
  withdraw(id: string): void {
    this.#open.get(id)?.abort();
    this.#open.delete(id);
  }

  #answer(id: string, outcome: AskOutcome): void {
    this.#open.delete(id);
    this.#program.write(lineOf({ type: "answer", id, ...outcome }));
  }

  #fail(error: unknown): void {
    if (this.#turn.signal.aborted) return;
    this.failure ??= error instanceof Error ? error : new Error(String(error));
    // A program that can't be ended is told by the end of the turn, which waits for the same.
    this.#program.stop().catch(() => {});
  }
}
