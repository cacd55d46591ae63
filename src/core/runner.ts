import type { AgentSession } from "../agent.ts";
import type { ChannelAdapter } from "../channel.ts";
import { describe } from "../errors.ts";
import type { AgentFailure, Session, Turn } from "../model.ts";
import { unless, within } from "./clock.ts";
import type { Context } from "./context.ts";
import type { Preview } from "./stream.ts";
import { runTurn, type TurnOutcome } from "./turn.ts";

const NO_FIGURES = { tokensIn: 0, tokensOut: 0, ms: 0 };

/** Milliseconds that an agent gets to end a turn, or itself. */
const LONGEST_END = 10_000;

/** Holds a session's agent: opens it for the first turn, gives it one turn at a time, closes it. */
export class Runner {
  readonly #context: Context;
  readonly #adapter: ChannelAdapter;
  #agent: AgentSession | undefined;
  /** An agent that was told to stop and has not let go yet: the next turn waits for it. */
  #ending: Promise<void> | undefined;

  constructor(context: Context, adapter: ChannelAdapter) {
    this.#context = context;
    this.#adapter = adapter;
  }

  /** Undefined where the signal aborted before a run slot was free. */
  async run(session: Session, turn: Turn, preview: Preview, signal: AbortSignal): Promise<TurnOutcome | undefined> {
    if (this.#ending) await unless(signal, this.#ending);
    const { emit, slots } = this.#context;
    emit({ type: "turn.started", channel: session.channel, turn: turn.id, attempt: turn.attempt });
    const outcome = await slots.run(() => this.#runNow(session, turn, preview, signal), signal);
    if (outcome) this.#expect(outcome.ending);
    return outcome;
  }

  #expect(ending: Promise<void>): void {
    this.#ending = ending;
    void ending.then(() => {
      if (this.#ending === ending) this.#ending = undefined;
    });
  }

  /** Never rejects, and never waits for ever: an agent that can't be closed is reported and forgotten. */
  async close(): Promise<void> {
    const agent = this.#agent;
    this.#agent = undefined;
    this.#ending = undefined;
    if (agent) await this.#release(agent.close());
  }

  async #runNow(session: Session, turn: Turn, preview: Preview, signal: AbortSignal): Promise<TurnOutcome> {
    const agent = this.#agent ?? (await this.#opened(session, signal));
    if ("kind" in agent) return agent;
    this.#agent = agent;
    const { clock, ownership } = this.#context;
    const run = { agent, adapter: this.#adapter, channel: session.channel, turn, preview, ownership, clock, signal };
    const outcome = await runTurn(run);
    return { ...outcome, ending: this.#release(outcome.ending) };
  }

  /** The agent, or how the turn ends without one. One that opens after the turn was stopped is closed. */
  async #opened(session: Session, signal: AbortSignal): Promise<AgentSession | TurnOutcome> {
    const opening = this.#open(session);
    await unless(signal, opening);
    if (signal.aborted) {
      const closed = opening.then((agent) => ("failure" in agent ? undefined : agent.close()));
      return { kind: "stopped", ending: this.#release(closed), figures: NO_FIGURES };
    }
    const agent = await opening;
    if (!("failure" in agent)) return agent;
    return { kind: "failed", failure: agent.failure, ending: Promise.resolve(), figures: NO_FIGURES };
  }

  /** Waits for an agent to let go, but not for ever. */
  async #release(letting: Promise<unknown>): Promise<void> {
    const { clock, emit } = this.#context;
    try {
      if (await within(clock, LONGEST_END, letting)) return;
      emit({ type: "fault", doing: "end an agent", error: new Error(`it did not let go within ${LONGEST_END} ms`) });
    } catch (error) {
      emit({ type: "fault", doing: "close an agent", error });
    }
  }

  async #open({ agent: name, id, channel, agentState }: Session): Promise<AgentSession | { failure: AgentFailure }> {
    const { store } = this.#context;
    const agent = this.#context.agent(name);
    if (!agent) {
      const message = `the agent "${name}" is not configured`;
      return { failure: { code: "AGENT_UNKNOWN", message, retryable: false } };
    }
    try {
      return await agent.open({
        session: id,
        channel,
        transcript: async (limit) => (await store.transcript(id, { limit })).entries,
        ...(agentState === undefined ? {} : { state: agentState }),
      });
    } catch (error) {
      const message = `the agent "${name}" could not be started: ${describe(error)}`;
      return { failure: { code: "AGENT_OPEN_FAILED", message, retryable: true } };
    }
  }
}
