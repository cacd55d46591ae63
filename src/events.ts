/**
 * What happens in a gateway, as typed events. Core emits them; main attaches logs and counters. A listener
 * must be quick and must not throw.
 */
import type { ChannelId, CostSource, Receipt } from "./model.ts";

/** What an attempt at a turn used and took. */
export interface TurnFigures {
  /** The name of the agent that ran. */
  readonly agent: string;
  readonly tokensIn: number;
  readonly tokensOut: number;
  /** US dollars, where it is known. */
  readonly cost?: number;
  readonly costSource?: CostSource;
  /** Milliseconds until its first text, and in all. */
  readonly firstTextMs?: number;
  readonly ms: number;
}

export type GatewayEvent =
  | { readonly type: "taken"; readonly channel: ChannelId; readonly id: string; readonly status: string }
  /** So many events were read from a platform's history, because they had been missed. */
  | { readonly type: "caught.up"; readonly channel: ChannelId; readonly events: number }
  | { readonly type: "refused"; readonly channel: ChannelId; readonly sender: string; readonly reason: string }
  | { readonly type: "session.live"; readonly channel: ChannelId; readonly session: string }
  | { readonly type: "session.evicted"; readonly channel: ChannelId; readonly session: string; readonly why: string }
  | { readonly type: "session.lost"; readonly channel: ChannelId; readonly session: string }
  | { readonly type: "turn.started"; readonly channel: ChannelId; readonly turn: string; readonly attempt: number }
  | {
      readonly type: "turn.ended";
      readonly channel: ChannelId;
      readonly turn: string;
      readonly outcome: Receipt["state"] | "retry" | "requeued" | "suspended";
      readonly ms: number;
      readonly cause?: string;
      /** What the attempt used, where an agent ran. */
      readonly figures?: Omit<TurnFigures, "ms">;
    }
  /** `over`: it has no next time, and was removed. `refused`: its owner may not speak there any more. */
  | {
      readonly type: "schedule";
      readonly channel: ChannelId;
      readonly schedule: string;
      readonly what: "run" | "missed" | "full" | "refused" | "over";
      readonly dueAt: number;
    }
  /** An agent has said nothing for so long. */
  | { readonly type: "agent.silent"; readonly channel: ChannelId; readonly turn: string; readonly ms: number }
  /** `by`: a person's id. */
  | {
      readonly type: "ask";
      readonly channel: ChannelId;
      readonly ask: string;
      readonly what: "opened" | "accepted" | "decided" | "already" | "reminded" | "expired" | "withdrawn";
      readonly by?: string;
    }
  | { readonly type: "command"; readonly channel: ChannelId; readonly command: string; readonly sender: string }
  | { readonly type: "delivered"; readonly channel: ChannelId; readonly entry: string }
  | {
      readonly type: "delivery.failed";
      readonly channel: ChannelId;
      readonly entry: string;
      readonly kind: string;
      readonly cause: string;
      readonly retryIn?: number;
    }
  /** The others counted this replica as dead; it goes on with nothing of what it had. */
  | { readonly type: "replica.lost" }
  /** Not secure: another replica may have taken over, so nothing is sent. */
  | { readonly type: "replica.secured"; readonly secure: boolean }
  | { readonly type: "replica.changed"; readonly replicas: readonly string[] }
  /** The store refused or could not be reached; what was under way waits and is tried again. */
  | { readonly type: "store.fault"; readonly doing: string; readonly error: unknown }
  /** Something that should not happen; the session it happened in starts anew from the store. */
  | { readonly type: "fault"; readonly doing: string; readonly error: unknown };

export type Emit = (event: GatewayEvent) => void;
