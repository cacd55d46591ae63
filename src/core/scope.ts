import type { ChannelAdapter } from "../channel.ts";
import type { ChannelId, OutboxEntry, Session } from "../model.ts";
import type { Fence } from "../store.ts";
import type { Context } from "./context.ts";

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
  deliver(entries: readonly OutboxEntry[]): void;
  /** Repeats a step of the store until it succeeds or can't. */
  insist<T>(doing: string, step: () => Promise<T>): Promise<T>;
}
