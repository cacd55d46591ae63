/**
 * The port of `agents/`: whatever answers.
 *
 * Obligations of every implementation (`test/conformance/agent.ts` holds it to them):
 * - `run` yields events in order and ends with exactly one `done` or `failed`. A throw counts as a retryable failure.
 * - When `signal` aborts, `run` ends promptly, with or without a last event, and nothing that it started goes
 *   on: child processes and their children are ended before it returns.
 * - Nothing outlives `close`, also when a `run` is under way.
 */
import type { AgentEvent, ChannelId, Json, Message, TranscriptEntry } from "./model.ts";

export interface Agent {
  /** Called once for each live session. Rejects where the agent can't be started; it is tried again with the next turn. */
  open(options: OpenOptions): Promise<AgentSession>;
}

export interface OpenOptions {
  readonly session: string;
  readonly channel: ChannelId;
  /** What the last `done` of this session gave as `state`. */
  readonly state?: Json;
  /** The newest `limit` entries of the session so far, oldest first, for agents without a memory of their own. */
  transcript(limit: number): Promise<TranscriptEntry[]>;
}

export interface AgentSession {
  /** One at a time. */
  run(turn: AgentTurn): AsyncIterable<AgentEvent>;
  close(): Promise<void>;
}

export interface AgentTurn {
  readonly id: string;
  /** In order; several only where the queue mode collects. */
  readonly messages: readonly Message[];
  /** From 1; above it, an earlier attempt was cut short or failed and may have had effects. */
  readonly attempt: number;
  readonly signal: AbortSignal;
}

/** The text of a turn's messages as one prompt. */
export function promptOf(turn: Pick<AgentTurn, "messages">): string {
  return turn.messages.map((message) => message.text).join("\n\n");
}
