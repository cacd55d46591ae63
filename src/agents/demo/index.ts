/**
 * The demo agent: answers offline and always the same, so that a newcomer (and a test) sees streaming, queueing,
 * stop, retry and memory without an account anywhere. What it understands stands in `answers.ts`.
 */
import { type Agent, type AgentSession, type AgentTurn, promptOf } from "../../agent.ts";
import type { AgentEvent, Clock, Json } from "../../model.ts";
import { pause, RunSlot } from "../shared/run.ts";
import { type Answer, answerTo } from "./answers.ts";

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
    return this.#slot.run(turn, (signal) => this.#answer(turn, signal));
  }

  async close(): Promise<void> {
    this.#slot.close();
  }

  async *#answer(turn: AgentTurn, signal: AbortSignal): AsyncGenerator<AgentEvent> {
    const messages = this.#messages + turn.messages.length;
    const answer = answerTo(promptOf(turn), { attempt: turn.attempt, messages });
    if (answer.kind === "failure") {
      yield { type: "failed", failure: { code: "DEMO_FAILED", message: answer.message, retryable: true } };
      return;
    }
    const delay = answer.kind === "lines" ? answer.every : this.#wordDelay;
    for (const [index, delta] of deltasOf(answer).entries()) {
      if (index > 0 && delay > 0) await pause(this.#clock, delay, signal);
      yield { type: "text", delta };
    }
    this.#messages = messages;
    yield { type: "done", state: { messages } };
  }
}

function deltasOf(answer: Exclude<Answer, { kind: "failure" }>): readonly string[] {
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
