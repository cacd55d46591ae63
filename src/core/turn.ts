/**
 * One run of the agent over one turn: prompt → events → outcome. It shows the answer while it grows and leaves
 * everything durable to the session.
 */
import type { AgentSession, AgentTurn } from "../agent.ts";
import { type ChannelAdapter, hasFiles } from "../channel.ts";
import { describe } from "../errors.ts";
import type { TurnFigures } from "../events.ts";
import type { AgentEvent, AgentFailure, ChannelId, Clock, Json, Turn } from "../model.ts";
import type { Asking } from "./asks/asking.ts";
import type { Assignment } from "./assignment.ts";
import type { Ownership } from "./ownership.ts";
import type { Slot } from "./slots.ts";
import type { Preview } from "./stream.ts";
import { keepTyping } from "./typing.ts";
import type { Watchdog } from "./watchdog.ts";

export type TurnOutcome = TurnResult & {
  readonly figures: TurnFigures;
  /** What the agent wants people to know besides its answer. Markdown. */
  readonly notices: readonly string[];
  /** Resolves when the agent has let go of the turn: before that, the next one must not begin. */
  readonly ending: Promise<void>;
};

type TurnResult =
  | { readonly kind: "answered"; readonly state: Json | undefined }
  | { readonly kind: "failed"; readonly failure: AgentFailure }
  /** The signal aborted. */
  | { readonly kind: "stopped" };

type Tally = { -readonly [Key in keyof Omit<TurnFigures, "ms">]: TurnFigures[Key] };

export interface TurnRun {
  readonly agent: AgentSession;
  readonly adapter: ChannelAdapter;
  readonly channel: ChannelId;
  readonly turn: Turn;
  readonly preview: Preview;
  readonly assignment: Assignment;
  readonly asking: Asking;
  readonly slot: Slot;
  readonly ownership: Pick<Ownership, "secure">;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly watchdog: Pick<Watchdog, "heard">;
  /** Makes durable what the agent must be given back where this attempt is cut short. */
  save(state: Json): Promise<void>;
}

const STOPPED = Symbol("stopped");

export async function runTurn(run: TurnRun): Promise<TurnOutcome> {
  const { agent, clock, signal, asking } = run;
  const began = clock.now();
  /** What it has worked, without the time that people took. */
  const worked = () => Math.max(clock.now() - began - asking.waited, 0);
  const tally: Tally = { agent: run.assignment.agent, tokensIn: 0, tokensOut: 0 };
  const notices: string[] = [];
  const stop = new Stop(signal);
  // Whoever waits for people is not at work.
  const isSilent = () => run.asking.isWaiting || !run.ownership.secure;
  const stopTyping = keepTyping(run.adapter, run.channel, clock, isSilent, signal);
  run.preview.begin();
  try {
    const events = agent.run(agentTurn(run))[Symbol.asyncIterator]();
    const result = await listen(run, events, stop, { tally, notices, worked });
    return { ...result, ending: letGo(events), notices, figures: { ...tally, ms: worked() } };
  } catch (error) {
    const end = { ending: Promise.resolve(), notices, figures: { ...tally, ms: worked() } };
    if (signal.aborted) return { kind: "stopped", ...end };
    return { kind: "failed", failure: { code: "AGENT_THREW", message: describe(error), retryable: true }, ...end };
  } finally {
    stop.dispose();
    stopTyping();
  }
}

function agentTurn({ turn, assignment, asking, slot, adapter, channel, signal }: TurnRun): AgentTurn {
  const { phase, messages, plan, systemPrompt, note, mode, model, effort, resumes } = assignment;
  return {
    ...{ id: turn.id, messages, attempt: turn.attempt, signal, phase, mode, decided: asking.decided },
    ...(resumes === undefined ? {} : { resumes }),
    ...(model === undefined ? {} : { model }),
    ...(effort === undefined ? {} : { effort }),
    ...(plan === undefined ? {} : { plan }),
    ...(systemPrompt === undefined ? {} : { systemPrompt }),
    ...(note === undefined ? {} : { note }),
    ask: (request, takenBack) => asking.ask(request, slot, takenBack),
    read: async (file) => {
      if (!hasFiles(adapter)) throw new Error(`${adapter.name} gives no files`);
      return await adapter.download(channel, file, signal);
    },
  };
}

/** Follows the agent until it ends, or the turn is stopped: it may take its time then, the people don't wait for it. */
async function listen(
  { preview, signal, watchdog, save }: TurnRun,
  events: AsyncIterator<AgentEvent>,
  stop: Stop,
  { tally, notices, worked }: { tally: Tally; notices: string[]; worked: () => number },
): Promise<TurnResult> {
  while (true) {
    const next = signal.aborted ? STOPPED : await stop.or(events.next());
    // An agent that ends because it was told to has neither failed nor answered.
    if (next === STOPPED || signal.aborted) return { kind: "stopped" };
    if (next.done) return { kind: "failed", failure: ENDED_EARLY };
    const event = next.value;
    watchdog.heard();
    switch (event.type) {
      case "text":
        tally.firstTextMs ??= worked();
        preview.append(event.delta);
        if (preview.text.length > LONGEST_ANSWER) return { kind: "failed", failure: TOO_LONG };
        break;
      case "tool":
        preview.tool(event);
        break;
      case "todo":
        preview.todo(event.items);
        break;
      case "usage":
        count(tally, event);
        break;
      case "notice":
        if (notices.length < MOST_NOTICES) notices.push(event.text);
        break;
      case "state":
        await save(event.state);
        break;
      case "done":
        return { kind: "answered", state: event.state };
      case "failed":
        return { kind: "failed", failure: event.failure };
      case "thought":
      case "alive":
        break;
    }
  }
}

function count(tally: Tally, { tokensIn, tokensOut, cost, costSource }: AgentEvent & { type: "usage" }): void {
  tally.tokensIn += tokensIn;
  tally.tokensOut += tokensOut;
  if (cost !== undefined) tally.cost = (tally.cost ?? 0) + cost;
  if (costSource !== undefined) tally.costSource = costSource;
}

/** The turn's signal, to be waited for beside one promise at a time. A race with each would hold on to all of them. */
class Stop {
  readonly #signal: AbortSignal;
  #wake = () => {};
  readonly #listener = () => this.#wake();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", this.#listener, { once: true });
  }

  /** What the promise gives, or STOPPED as soon as the signal aborts. */
  or<Value>(promise: Promise<Value>): Promise<Value | typeof STOPPED> {
    return new Promise((resolve, reject) => {
      this.#wake = () => resolve(STOPPED);
      if (this.#signal.aborted) this.#wake();
      promise.then(resolve, reject);
    });
  }

  dispose(): void {
    this.#signal.removeEventListener("abort", this.#listener);
  }
}

/** Runs the iterator's own clean-up. What it throws after the turn's end belongs to nobody any more. */
async function letGo(events: AsyncIterator<AgentEvent>): Promise<void> {
  try {
    await events.return?.();
  } catch {
    // Said after the turn's end: there is nothing left to fail.
  }
}

/** Of one turn. An agent that says more besides its answer is out of hand. */
const MOST_NOTICES = 10;

/** Characters. What is longer is no answer to a chat, but a program that got out of hand. */
const LONGEST_ANSWER = 1_000_000;

const TOO_LONG: AgentFailure = {
  code: "ANSWER_TOO_LONG",
  message: `the answer grew beyond ${LONGEST_ANSWER.toLocaleString("en")} characters`,
  retryable: false,
};

const ENDED_EARLY: AgentFailure = {
  code: "AGENT_ENDED_EARLY",
  message: "the agent ended without saying that it was done",
  retryable: true,
};
