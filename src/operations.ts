/**
 * The port of `http/` and the CLI: what an operator may ask of a running gateway. Core implements it.
 */
import type { AdapterHealth, CommandInfo, Taken } from "./channel.ts";
import type { Ask, ChannelId, ControlEffect, DeadLetter, Session, SessionStatus, Verdict } from "./model.ts";
import type { AskQuery, AuditPage, QueueView, SessionQuery, StoreStats, TranscriptPage } from "./store.ts";

export interface Operations {
  health(): Promise<GatewayHealth>;
  stats(): Promise<GatewayStats>;
  commands(): readonly CommandInfo[];

  sessions(query: SessionQuery): Promise<{ sessions: SessionRow[]; cursor?: string }>;
  session(id: string): Promise<SessionRow | undefined>;
  transcript(id: string, page: { limit: number; before?: number }): Promise<TranscriptPage>;
  queue(channel: ChannelId): Promise<QueueView>;

  /** Stops the session's turn and drops what waits, as `/stop` does. Rejects with SESSION_UNKNOWN. */
  cancel(id: string, by: string): Promise<ControlEffect>;
  /** Interrupts the session's agent and forgets the session. Rejects with SESSION_UNKNOWN. */
  remove(id: string): Promise<void>;

  /** Open asks, oldest first; those of a plan only where their session is not busy, with `idle`. */
  asks(query: AskQuery & { idle?: boolean }): Promise<{ asks: AskView[]; cursor?: string }>;
  /** Rejects with ASK_UNKNOWN. */
  ask(id: string): Promise<AskView>;
  /**
   * Decides, or answers one question, as an admin. Rejects with ASK_UNKNOWN, QUESTION_UNKNOWN, REQUEST_INVALID (the kind
   * of ask or the choice does not fit), ASK_CLOSED (who was first, and when) and SESSION_ENDED.
   */
  decide(id: string, decision: Decision, by: string): Promise<{ remaining: number }>;
  audit(page: { limit: number; after?: string }): Promise<AuditPage>;
  /** Puts a message into the session's channel, as from a person named `by`. Rejects with SESSION_UNKNOWN, SESSION_ENDED. */
  say(session: string, text: string, by: string): Promise<Taken>;

  deadLetters(query: { channel?: ChannelId; limit: number }): Promise<DeadLetter[]>;
  /** Both reject with DEAD_LETTER_UNKNOWN. */
  replay(id: string): Promise<void>;
  discard(id: string): Promise<void>;
}

/** An ask without what is nobody's business. */
export interface AskView extends Omit<Ask, "key" | "context"> {
  readonly state: "open" | "partly answered" | "decided" | "expired" | "withdrawn";
  /** How many questions are open still, or 1 for what is not a question; 0 when it has ended. */
  readonly remaining: number;
}

export type Decision =
  | { readonly verdict: Exclude<Verdict, { kind: "answered" }> }
  /** The question's id may be left out where only one is open. */
  | { readonly question?: string; readonly value: string };

/** A session's stored fields with its live ones on top. */
export interface SessionRow extends Session {
  readonly status: SessionStatus;
  readonly waiting: number;
}

export interface GatewayHealth {
  /** Everything that is acknowledged is durable and will be worked on. Adapters that fail don't change it. */
  readonly ready: boolean;
  /** `warnings`: how this store can lose data, a sentence each. */
  readonly store: { readonly ok: boolean; readonly detail?: string; readonly warnings: readonly string[] };
  /** The replicas that run channels, this one among them. */
  readonly replicas: readonly string[];
  readonly adapters: Readonly<Record<string, AdapterHealth>>;
}

export interface GatewayStats extends StoreStats {
  /** Of this replica: sessions in memory, and turns at work. */
  readonly live: number;
  readonly running: number;
  /** Of all replicas: whether any turn is in flight, and how much there is to do: messages, turns and replies. */
  readonly processing: boolean;
  readonly active: number;
  /** Of this replica; absent before its first answer. */
  readonly latency?: Latency;
}

/** How long the newest answers of one replica took: the last 1,000, `answers` of them. */
export interface Latency {
  readonly answers: number;
  /** What the attempt that answered worked, without the time that people took to decide. */
  readonly turn: Percentiles;
  /** To the agent's first text; absent where none of them had any. */
  readonly firstText?: Percentiles;
}

/** Milliseconds. */
export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
}
