import type { Agent, AgentSession, AgentTurn, AskOutcome, OpenOptions } from "../../../src/agent.ts";
import type { AgentEvent, AskRequest, ChannelId } from "../../../src/model.ts";

/** One request of an agent to people. */
export interface Call {
  readonly request: AskRequest;
  /** When it was made, on the scene's counter. */
  readonly at: number;
  outcome?: AskOutcome;
  isOver: boolean;
  /** When it was answered, or given up. */
  overAt?: number;
}

/** One attempt at one turn, as the agent sees it. */
export class Run {
  readonly channel: ChannelId;
  readonly agent: string;
  readonly turn: AgentTurn;
  /** The agents of its process. */
  readonly process: Agents;
  readonly calls: Call[] = [];
  end: "done" | "failed" | "stopped" | "killed" | undefined;
  readonly #events: AgentEvent[] = [];
  #notify = () => {};

  constructor(process: Agents, channel: ChannelId, agent: string, turn: AgentTurn) {
    this.process = process;
    this.channel = channel;
    this.agent = agent;
    this.turn = turn;
  }

  get isWaiting(): boolean {
    return this.calls.some(({ isOver }) => !isOver);
  }

  get isLive(): boolean {
    return this.end === undefined && !this.turn.signal.aborted;
  }

  push(event: AgentEvent): void {
    this.#events.push(event);
    this.#notify();
  }

  ask(request: AskRequest): void {
    const { tick } = this.process;
    const call: Call = { request, at: tick(), isOver: false };
    this.calls.push(call);
    this.turn.ask(request).then(
      (outcome) => Object.assign(call, { outcome, isOver: true, overAt: tick() }),
      () => Object.assign(call, { isOver: true, overAt: tick() }),
    );
  }

  async *events(): AsyncGenerator<AgentEvent> {
    const { signal } = this.turn;
    signal.addEventListener("abort", () => this.#notify(), { once: true });
    while (!signal.aborted && this.end === undefined) {
      const event = this.#events.shift();
      if (event) {
        if (event.type === "done" || event.type === "failed") this.end = event.type;
        yield event;
        continue;
      }
      await new Promise<void>((resolve) => {
        this.#notify = resolve;
      });
    }
  }
}

/** The agents of one process: they do what the scene tells their runs to do, and die with the process. */
export class Agents {
  readonly tick: () => number;
  readonly #began: (run: Run) => void;
  readonly #runs: Run[] = [];

  constructor(tick: () => number, began: (run: Run) => void) {
    this.tick = tick;
    this.#began = began;
  }

  named(name: string): Agent {
    return {
      open: async ({ channel }: OpenOptions): Promise<AgentSession> => ({
        run: (turn) => this.#run(new Run(this, channel, name, turn)),
        close: async () => {},
      }),
    };
  }

  kill(): void {
    for (const run of this.#runs) run.end ??= "killed";
  }

  async *#run(run: Run): AsyncGenerator<AgentEvent> {
    this.#runs.push(run);
    this.#began(run);
    try {
      yield* run.events();
    } finally {
      run.end ??= "stopped";
    }
  }
}
