/**
 * The demo agent: answers offline and always the same, so that a newcomer (and a test) sees streaming, queueing,
 * stop, retry, memory, plans, permissions and questions without an account anywhere. What it understands stands in
 * `answers.ts`. It asks again after a restart, and is given what was decided meanwhile.
 */
import { type Agent, type AgentSession, type AgentTurn, promptOf } from "../../agent.ts";
import type { AgentEvent, Clock, Json } from "../../model.ts";
import { pause, RunSlot } from "../shared/run.ts";
import { type Answer, answerTo, carryOut, type Said, short } from "./answers.ts";
import { planFor } from "./plans.ts";

export interface DemoOptions {
  readonly clock: Clock;
  /** Milliseconds between two chunks of words; 0 streams without any pause. */
  readonly wordDelay?: number;
}

/** With this pace and `ECHO_CHUNKS`, a short answer is there in well under 100 ms. */
const DEFAULT_WORD_DELAY = 3;

export function createDemoAgent({ clock, wordDelay = DEFAULT_WORD_DELAY }: DemoOptions): Agent {
  return {
    open: async ({ state }) => new DemoSession(clock, wordDelay, countIn(state)),
  };
}

class DemoSession implements AgentSession {
  readonly #slot = new RunSlot();
  readonly #clock: Clock;
  readonly #wordDelay: number;
  #messages: number;

  constructor(clock: Clock, wordDelay: number, messages: number) {
    this.#clock = clock;
    this.#wordDelay = wordDelay;
    this.#messages = messages;
  }

  run(turn: AgentTurn): AsyncIterable<AgentEvent> {
    return this.#slot.run(turn, (own) => this.#events(own));
  }

  async close(): Promise<void> {
    this.#slot.close();
  }

  async *#events(turn: AgentTurn): AsyncGenerator<AgentEvent> {
    // What is carried out was said before: when it was asked for.
    const isCounted = turn.phase === "plan" || turn.plan === undefined;
    const messages = this.#messages + (isCounted ? turn.messages.length : 0);
    const answer = answerIn(turn, messages);
    const said = answer.kind === "ask" ? answer.answerTo(await turn.ask(answer.request)) : answer;
    if (said.kind === "failure") {
      yield { type: "failed", failure: { code: "DEMO_FAILED", message: said.message, retryable: true } };
      return;
    }
    if (turn.note !== undefined) yield { type: "text", delta: `Noted: ${turn.note}\n\n` };
    const delay = said.kind === "lines" ? said.every : this.#wordDelay;
    for (const [index, delta] of deltasOf(said).entries()) {
      if (index > 0 && delay > 0) await pause(this.#clock, delay, turn.signal);
      yield { type: "text", delta };
    }
    this.#messages = messages;
    yield { type: "done", state: { messages } };
  }
}

function answerIn({ messages: said, attempt, phase, plan }: AgentTurn, messages: number): Answer {
  const prompt = promptOf({ messages: said });
  if (phase === "plan") return short(planFor(prompt, plan));
  return plan === undefined ? answerTo(prompt, { attempt, messages }) : carryOut(plan);
}

function deltasOf(answer: Exclude<Said, { kind: "failure" }>): readonly string[] {
  return answer.kind === "lines" ? answer.lines : chunksOf(answer.text, answer.chunks);
}

/** The text in at most `count` pieces of whole words, as even as can be. */
function chunksOf(text: string, count: number): string[] {
  const words = text.match(/\s*\S+\s*/g) ?? [];
  const size = Math.ceil(words.length / count);
  return Array.from({ length: Math.ceil(words.length / size) }, (_, index) =>
    words.slice(index * size, (index + 1) * size).join(""),
  );
}

/** The number of messages in a state that an earlier `done` gave; 0 where there is none. */
function countIn(state: Json | undefined): number {
  const count = typeof state === "object" && state !== null && "messages" in state ? state.messages : 0;
  return typeof count === "number" && Number.isSafeInteger(count) && count > 0 ? count : 0;
}
