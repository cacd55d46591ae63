/**
 * The port of `http/` and the CLI: what an operator may ask of a running gateway. Core implements it.
 */
import type { AdapterHealth, CommandInfo } from "./channel.ts";
import type { ChannelId, ControlEffect, DeadLetter, Session, SessionStatus } from "./model.ts";
import type { QueueView, SessionQuery, StoreStats, TranscriptPage } from "./store.ts";

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

  deadLetters(query: { channel?: ChannelId; limit: number }): Promise<DeadLetter[]>;
  /** Both reject with DEAD_LETTER_UNKNOWN. */
  replay(id: string): Promise<void>;
  discard(id: string): Promise<void>;
}

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
  readonly live: number;
  readonly running: number;
}
