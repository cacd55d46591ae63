import type { ChannelId, PermissionMode, Session, StreamLevel } from "../model.ts";
import type { ApproverRules } from "./asks/approvers.ts";

/** What the operator wants for some channels. */
export interface Route extends RouteSettings {
  /** A channel id, or the beginning of one with `*` behind it. */
  readonly match: string;
}

export interface RouteSettings {
  readonly agent: string;
  /** Said to the agent ahead of every message. */
  readonly systemPrompt?: string | undefined;
  /** Until somebody sets another one by `/mode`. */
  readonly mode?: PermissionMode | undefined;
  /** Each message leads to a plan first; this agent makes it, told so. */
  readonly planFirst?: boolean | PlanFirst | undefined;
  readonly approvers?: ApproverRules | undefined;
  /** The project that its sessions begin in. */
  readonly project?: string | undefined;
  /** Until somebody sets another one by `/stream`. */
  readonly stream?: StreamLevel | undefined;
}

export interface PlanFirst {
  readonly architect?: string | undefined;
  readonly systemPrompt?: string | undefined;
}

/** What applies to a channel: the first matching route, else the default agent alone. */
export function routeOf(channel: ChannelId, routes: readonly Route[], fallback: string): RouteSettings {
  const route = routes.find(({ match }) =>
    match.endsWith("*") ? channel.startsWith(match.slice(0, -1)) : channel === match,
  );
  return route ?? { agent: fallback };
}

/** What the agent of a session may do unasked. */
export function modeOf(
  { settings }: Pick<Session, "settings">,
  { planFirst, mode = "ask" }: RouteSettings,
): PermissionMode {
  return settings?.mode ?? (planFirst ? "plan" : mode);
}

/** What is shown of an answer of a session before it is whole. */
export function streamOf({ settings }: Pick<Session, "settings">, { stream = "full" }: RouteSettings): StreamLevel {
  return settings?.stream ?? stream;
}
