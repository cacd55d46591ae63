import type { AgentOption, AgentSession } from "../agent.ts";
import type { ChannelAdapter } from "../channel.ts";
import type { Json, Session, Turn } from "../model.ts";
import type { Asking } from "./asks/asking.ts";
import type { Assignment } from "./assignment.ts";
import { unless } from "./clock.ts";
import type { Context } from "./context.ts";
import { CannotOpen, Crew } from "./crew.ts";
import type { Slot } from "./slots.ts";
import type { Preview } from "./stream.ts";
import { runTurn, type TurnOutcome } from "./turn.ts";
import { Watchdog } from "./watchdog.ts";

/** One turn as the agent gets it. */
export interface Run {
  readonly session: Session;
  readonly turn: Turn;
  readonly assignment: Assignment;
  readonly asking: Asking;
  readonly preview: Preview;
  readonly signal: AbortSignal;
  save(state: Json): Promise<void>;
  silent(ms: number): void;
  overdue(): void;
}

/** Gives a session's agents one turn at a time, and closes them. */
export class Runner {
  readonly #context: Context;
  readonly #adapter: ChannelAdapter;
  readonly #crew: Crew;
  /** An agent that was told to stop and has not let go yet: the next turn waits for it. */
  #ending: Promise<void> | undefined;

  constructor(context: Context, adapter: ChannelAdapter) {
    this.#context = context;
    this.#adapter = adapter;
    this.#crew = new Crew(context);
  }

  /** Undefined where the signal aborted before a run slot was free. */
  async run(run: Run): Promise<TurnOutcome | undefined> {
    const { session, turn, assignment, signal } = run;
    const needed = [session.agent, assignment.agent];
    if (this.#crew.hasMoreThan(needed)) this.#expect(this.#crew.keep(needed));
    if (this.#ending) await unless(signal, this.#ending);
    const { emit, slots } = this.#context;
    emit({ type: "turn.started", channel: session.channel, turn: turn.id, attempt: turn.attempt });
    const outcome = await slots.run((slot) => this.#runNow(run, slot), signal);
    if (outcome) this.#expect(outcome.ending);
    return outcome;
  }

  /** What people can choose of the session's agent; none where it leaves them no choice. Rejects where it can't be opened. */
  async options(session: Session): Promise<readonly AgentOption[]> {
    const { agent, agentState } = session;
    const state = agentState === undefined ? {} : { state: agentState };
    const opened = await this.#crew.present(session, { agent, ...state });
    return (await opened.options?.()) ?? [];
  }

  #expect(letting: Promise<void>): void {
    const ending = this.#ending === undefined ? letting : Promise.all([this.#ending, letting]).then(() => {});
    this.#ending = ending;
    void ending.then(() => {
      if (this.#ending === ending) this.#ending = undefined;
    });
  }

  /** Never rejects, and never waits for ever: an agent that can't be closed is reported and forgotten. */
  async close(): Promise<void> {
    this.#ending = undefined;
    await this.#crew.keep([]);
  }

  /** As `close`; and nothing that is under way still opens another one. */
  async dispose(): Promise<void> {
    await this.#crew.disband();
  }

  async #runNow(run: Run, slot: Slot): Promise<TurnOutcome> {
    const { session, assignment, asking, signal, silent, overdue } = run;
    const { clock, ownership, patience } = this.#context;
    const isWaiting = () => asking.isWaiting;
    const watchdog = new Watchdog({ patience, clock, isWaiting, silent, overdue });
    try {
      const agent = await this.#opened(session, assignment, signal);
      if ("kind" in agent) return agent;
      const outcome = await runTurn({
        ...run,
        ...{ agent, adapter: this.#adapter, channel: session.channel, slot, ownership, clock, watchdog },
      });
      return { ...outcome, ending: this.#crew.release(outcome.ending) };
    } finally {
      watchdog.dispose();
    }
  }

  /** The agent, or how the turn ends without one. One that opens after the turn was stopped is closed. */
  async #opened(session: Session, assignment: Assignment, signal: AbortSignal): Promise<AgentSession | TurnOutcome> {
    try {
      const opening = this.#crew.member(session, assignment);
      await unless(signal, opening);
      if (!signal.aborted) return await opening;
      opening.catch(() => {});
      return {
        kind: "stopped",
        ending: this.#crew.dismiss(assignment.agent),
        ...nothing(assignment.agent),
      };
    } catch (error) {
      if (!(error instanceof CannotOpen)) throw error;
      return { kind: "failed", failure: error.failure, ending: Promise.resolve(), ...nothing(assignment.agent) };
    }
  }
}

/** Of a turn that no agent ran. */
function nothing(agent: string): Pick<TurnOutcome, "figures" | "notices"> {
  return { figures: { agent, tokensIn: 0, tokensOut: 0, ms: 0 }, notices: [] };
}
