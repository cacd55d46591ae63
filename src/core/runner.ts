import type { AgentSession } from "../agent.ts";
import type { ChannelAdapter } from "../channel.ts";
import { describe } from "../errors.ts";
import type { AgentFailure, Session, Turn } from "../model.ts";
import type { Asking } from "./asks/asking.ts";
import type { Assignment } from "./assignment.ts";
import { unless, within } from "./clock.ts";
import type { Context } from "./context.ts";
import type { Slot } from "./slots.ts";
import type { Preview } from "./stream.ts";
import { runTurn, type TurnOutcome } from "./turn.ts";

const NO_FIGURES = { tokensIn: 0, tokensOut: 0, ms: 0 };

/** Milliseconds that an agent gets to end a turn, or itself. */
const LONGEST_END = 10_000;

/** One turn as the agent gets it. */
export interface Run {
  readonly session: Session;
  readonly turn: Turn;
  readonly assignment: Assignment;
  readonly asking: Asking;
  readonly preview: Preview;
  readonly signal: AbortSignal;
}

/** Holds a session's agent, and the one that makes its plans: opens each for its first turn, gives them one turn at a time, closes them. */
export class Runner {
  readonly #context: Context;
  readonly #adapter: ChannelAdapter;
  readonly #agents = new Map<string, AgentSession>();
  /** An agent that was told to stop and has not let go yet: the next turn waits for it. */
  #ending: Promise<void> | undefined;

  constructor(context: Context, adapter: ChannelAdapter) {
    this.#context = context;
    this.#adapter = adapter;
  }

  /** Undefined where the signal aborted before a run slot was free. */
  async run(run: Run): Promise<TurnOutcome | undefined> {
    const { session, turn, signal } = run;
    if (this.#ending) await unless(signal, this.#ending);
    const { emit, slots } = this.#context;
    emit({ type: "turn.started", channel: session.channel, turn: turn.id, attempt: turn.attempt });
    const outcome = await slots.run((slot) => this.#runNow(run, slot), signal);
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
    const agents = [...this.#agents.values()];
    this.#agents.clear();
    this.#ending = undefined;
    await Promise.all(agents.map((agent) => this.#release(agent.close())));
  }

  async #runNow(run: Run, slot: Slot): Promise<TurnOutcome> {
    const { session, assignment, signal } = run;
    const agent = this.#agents.get(assignment.agent) ?? (await this.#opened(session, assignment, signal));
    if ("kind" in agent) return agent;
    this.#agents.set(assignment.agent, agent);
    const { clock, ownership } = this.#context;
    const { turn, preview, asking } = run;
    const outcome = await runTurn({
      ...{ agent, adapter: this.#adapter, channel: session.channel, turn, preview, assignment, asking, slot },
      ...{ ownership, clock, signal },
    });
    return { ...outcome, ending: this.#release(outcome.ending) };
  }

  /** The agent, or how the turn ends without one. One that opens after the turn was stopped is closed. */
  async #opened(session: Session, assignment: Assignment, signal: AbortSignal): Promise<AgentSession | TurnOutcome> {
    const opening = this.#open(session, assignment);
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

  async #open(
    { id, channel }: Session,
    { agent: name, state }: Assignment,
  ): Promise<AgentSession | { failure: AgentFailure }> {
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
        ...(state === undefined ? {} : { state }),
      });
    } catch (error) {
      const message = `the agent "${name}" could not be started: ${describe(error)}`;
      return { failure: { code: "AGENT_OPEN_FAILED", message, retryable: true } };
    }
  }
}
