import type { ChannelAdapter } from "../channel.ts";
import type { ChannelId, OutboxEntry, Session, SessionPatch } from "../model.ts";
import type { Fence } from "../store.ts";
import type { Context } from "./context.ts";
import type { Runner } from "./runner.ts";
import type { Work } from "./work.ts";

/** What the parts of one live session share. */
export interface SessionScope {
  readonly context: Context;
  readonly adapter: ChannelAdapter;
  readonly channel: ChannelId;
  readonly fence: Fence;
  /** The record as it is now. */
  session(): Session;
  /** The record has changed; it may be another session's. */
  changed(session: Session): Promise<void>;
  /** The record was changed so by this owner. */
  patch(patch: SessionPatch): void;
  /** What is under way. */
  work(): Work;
  /** Its agents. */
  runner(): Runner;
  /** False from when no further turns are to begin. */
  draining(): boolean;
  /** Runs a task as part of the session's work. */
  track(task: () => Promise<unknown>): void;
  wake(kind: "inbox" | "control" | "outbox"): void;
  deliver(entries: readonly OutboxEntry[]): void;
  /** Repeats a step of the store until it succeeds or can't. */
  insist<T>(doing: string, step: () => Promise<T>): Promise<T>;
}
