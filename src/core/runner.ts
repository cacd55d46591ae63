import type { AgentSession } from "../agent.ts";
import type { ChannelAdapter } from "../channel.ts";
import { describe } from "../errors.ts";
import type { AgentFailure, Session, Turn } from "../model.ts";
import { unless } from "./clock.ts";
import type { Context } from "./context.ts";
import type { Preview } from "./stream.ts";
import { runTurn, type TurnOutcome } from "./turn.ts";

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
    if (outcome) this.#ending = outcome.ending;
    return outcome;
  }

  /** Never rejects: an agent that can't be closed is reported and forgotten. */
  async close(): Promise<void> {
    const agent = this.#agent;
    this.#agent = undefined;
    try {
      await agent?.close();
    } catch (error) {
      this.#context.emit({ type: "fault", doing: "close an agent", error });
    }
  }

  async #runNow(session: Session, turn: Turn, preview: Preview, signal: AbortSignal): Promise<TurnOutcome> {
    const agent = this.#agent ?? (await this.#open(session));
    if ("failure" in agent) {
      const figures = { tokensIn: 0, tokensOut: 0, ms: 0 };
      return { kind: "failed", failure: agent.failure, ending: Promise.resolve(), figures };
    }
    this.#agent = agent;
    const { clock } = this.#context;
    return await runTurn({ agent, adapter: this.#adapter, channel: session.channel, turn, preview, clock, signal });
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
