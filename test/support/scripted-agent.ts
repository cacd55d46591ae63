import type { Agent, AgentOption, AgentTurn, AskOutcome, OpenOptions } from "../../src/agent.ts";
import type { AgentEvent, AskRequest, ChannelId, Json } from "../../src/model.ts";

/** A turn that waits for the test's word. */
export interface OpenRun {
  readonly channel: ChannelId;
  readonly turn: AgentTurn;
  readonly state: Json | undefined;
  /** Anything else that agents say. */
  emit(event: AgentEvent): void;
  say(text: string): void;
  done(state?: Json): void;
  fail(message: string, retryable?: boolean): void;
  /** Nobody needs to wait for it: one that rejects because the turn is ended harms nothing. */
  ask(request: AskRequest, takenBack?: AbortSignal): Promise<AskOutcome>;
  readonly aborted: boolean;
}

/** An agent that does what a test tells it to, turn by turn. */
export class ScriptedAgent implements Agent {
  /** Runs under way, by channel. */
  readonly runs = new Map<ChannelId, OpenRun>();
  /** Every run that began: channel, prompt and attempt. */
  readonly began: { channel: ChannelId; text: string; attempt: number }[] = [];
  opened = 0;
  closing = 0;
  closed = 0;
  /** What each opening was given. */
  readonly openings: OpenOptions[] = [];
  /** Throws from `open`, or holds it up, where set. */
  refuses: (() => void | Promise<void>) | undefined;
  /** Holds up `close`, where set. */
  lingers: (() => Promise<void>) | undefined;
  /** What people can choose of it, where set before it is opened. */
  offers: (() => Promise<readonly AgentOption[]>) | undefined;
  compacts?: true;
  /** The most that were under way at one time in one channel, ever. */
  overlaps = 0;

  async open(options: OpenOptions) {
    const { channel, state } = options;
    this.openings.push(options);
    await this.refuses?.();
    this.opened += 1;
    return {
      run: (turn: AgentTurn) => this.#run(channel, turn, state),
      ...(this.offers ? { options: this.offers } : {}),
      close: async () => {
        this.closing += 1;
        await this.lingers?.();
        this.closed += 1;
      },
    };
  }

  async *#run(channel: ChannelId, turn: AgentTurn, state: Json | undefined): AsyncGenerator<AgentEvent> {
    this.began.push({ channel, text: turn.messages.map(({ text }) => text).join("+"), attempt: turn.attempt });
    if (this.runs.has(channel)) this.overlaps += 1;
    const events: AgentEvent[] = [];
    let notify = () => {};
    const push = (event: AgentEvent) => {
      events.push(event);
      notify();
    };
    this.runs.set(channel, {
      channel,
      turn,
      state,
      emit: push,
      say: (delta) => push({ type: "text", delta }),
      done: (after) => push({ type: "done", ...(after === undefined ? {} : { state: after }) }),
      fail: (message, retryable = true) => push({ type: "failed", failure: { code: "SCRIPTED", message, retryable } }),
      ask: (request, takenBack) => {
        const asked = turn.ask(request, takenBack);
        asked.catch(() => {});
        return asked;
      },
      get aborted() {
        return turn.signal.aborted;
      },
    });
    try {
      turn.signal.addEventListener("abort", () => notify(), { once: true });
      while (!turn.signal.aborted) {
        const event = events.shift();
        if (event) {
          yield event;
          if (event.type === "done" || event.type === "failed") return;
          continue;
        }
        await new Promise<void>((resolve) => {
          notify = resolve;
        });
      }
    } finally {
      this.runs.delete(channel);
    }
  }
}
