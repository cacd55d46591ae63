/** What agents say, as types: a part of `model.ts`. */
import type { Json } from "./model.ts";

/** Where a cost comes from: the agent's own account, or tokens by the prices of the configuration. */
export type CostSource = "agent" | "prices";

/** What an agent says while it runs a turn, in order. `done` or `failed` is the last. */
export type AgentEvent =
  /** Its list of what is to be done, all of it each time. */
  | { readonly type: "todo"; readonly items: readonly TodoItem[] }
  /** Something that people should know and that is no part of the answer. Markdown. */
  | { readonly type: "notice"; readonly text: string }
  /** What it must be given back where this attempt is cut short: durable before the next event is asked for. */
  | { readonly type: "state"; readonly state: Json }
  /** Nothing to show: it lives, and works. */
  | { readonly type: "alive" }
  | { readonly type: "text"; readonly delta: string }
  | { readonly type: "thought"; readonly delta: string }
  | {
      readonly type: "tool";
      readonly id: string;
      readonly title: string;
      readonly status: "running" | "done" | "failed";
    }
  /** What was used since the last such event. `cost` in US dollars, with its source, where it is known. */
  | {
      readonly type: "usage";
      readonly tokensIn: number;
      readonly tokensOut: number;
      readonly cost?: number;
      readonly costSource?: CostSource;
    }
  | { readonly type: "done"; readonly state?: Json }
  | { readonly type: "failed"; readonly failure: AgentFailure };

export interface TodoItem {
  readonly text: string;
  readonly status: "open" | "running" | "done";
}

/** Why a turn failed. `retryable`: another attempt may go better. */
export interface AgentFailure {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  /** People are told at once, also where it is tried again: the agent died, or could not be started. */
  readonly told?: true;
}
