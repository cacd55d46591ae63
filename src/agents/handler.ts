/**
 * `defineAgent`: a function of a library user as an agent.
 *
 * The function must honour `turn.signal`, as any cancellable code does: it shares the gateway's process, so one
 * that ignores the signal can't be ended, only left alone. Its later output goes nowhere.
 */
import { type Agent, type AgentSession, type AgentTurn, type OpenOptions, promptOf } from "../agent.ts";
import { describe } from "../errors.ts";
import type { AgentEvent, ChannelId, Json, TranscriptEntry } from "../model.ts";
import { RunSlot } from "./shared/run.ts";

/**
 * Answers a turn: with a text, or with a stream of texts and events. Strings become text, the end of the stream
 * becomes `done`, and a throw a retryable failure; yield `{ type: "failed", … }` for one that is not, and
 * `{ type: "done", state }` to be given `state` back from the next turn on.
 */
export type Handler = (
  turn: HandlerTurn,
  context: HandlerContext,
) => AsyncIterable<string | AgentEvent> | Promise<string | AsyncIterable<string | AgentEvent>>;

export interface HandlerTurn extends AgentTurn {
  /** All of the turn as one prompt: its messages, and what its phase, plan and note want. */
  readonly text: string;
}

export interface HandlerContext {
  readonly session: string;
  readonly channel: ChannelId;
  /** What the last `done` of this session gave. */
  readonly state: Json | undefined;
  /** The newest `limit` entries of the session so far, oldest first. */
  transcript(limit: number): Promise<TranscriptEntry[]>;
}

export function defineAgent(handler: Handler): Agent {
  return { open: async (options) => new HandlerSession(handler, options) };
}

class HandlerSession implements AgentSession {
  readonly #slot = new RunSlot();
  readonly #handler: Handler;
  readonly #options: OpenOptions;
  #state: Json | undefined;
  /** Settles when the handler has left a run that was cut short. */
  #leaving: Promise<void> | undefined;

  constructor(handler: Handler, options: OpenOptions) {
    this.#handler = handler;
    this.#options = options;
    this.#state = options.state;
  }

  run(turn: AgentTurn): AsyncIterable<AgentEvent> {
    return this.#slot.run(turn, (own) => this.#events({ ...own, text: promptOf(turn) }));
  }

  async close(): Promise<void> {
    this.#slot.close();
    await this.#leaving;
  }

  async *#events(turn: HandlerTurn): AsyncGenerator<AgentEvent> {
    const pieces = piecesOf(this.#handler, turn, { ...this.#options, state: this.#state });
    // Left as soon as the signal aborts and not when the consumer asks next: after a `close` it may never ask.
    let left: Promise<void> | undefined;
    const aborted = new Promise<undefined>((resolve) => {
      const abort = () => {
        left = leave(pieces);
        this.#leaving = left;
        resolve(undefined);
      };
      turn.signal.addEventListener("abort", abort, { once: true });
    });
    try {
      for (;;) {
        const piece = await Promise.race([pieces.next(), aborted]);
        if (piece === undefined) return;
        const event = eventOf(piece);
        if (event.type === "done" && event.state !== undefined) this.#state = event.state;
        const isLast = event.type === "done" || event.type === "failed";
        if (isLast) await leave(pieces);
        yield event;
        if (isLast) return;
      }
    } catch (error) {
      yield { type: "failed", failure: { code: "HANDLER_FAILED", message: describe(error), retryable: true } };
    } finally {
      await (left ?? leave(pieces));
    }
  }
}

type Pieces = AsyncGenerator<string | AgentEvent, void>;

async function* piecesOf(handler: Handler, turn: HandlerTurn, context: HandlerContext): Pieces {
  const answer = await handler(turn, context);
  if (typeof answer === "string") yield answer;
  else yield* answer;
}

function eventOf(piece: IteratorResult<string | AgentEvent, void>): AgentEvent {
  if (piece.done) return { type: "done" };
  return typeof piece.value === "string" ? { type: "text", delta: piece.value } : piece.value;
}

/** How long a handler may take to clean up before it is left alone, in milliseconds. */
const CLEAN_UP = 2_000;

/** Ends the handler's stream. A handler that throws while it leaves has nobody left to tell: its turn is over. */
function leave(pieces: Pieces): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, CLEAN_UP);
    const left = () => {
      clearTimeout(timer);
      resolve();
    };
    pieces.return().then(left, left);
  });
}
