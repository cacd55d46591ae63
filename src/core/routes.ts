import type { ChannelId } from "../model.ts";

/** `match`: a channel id, or the beginning of one with `*` behind it. */
export interface Route {
  readonly match: string;
  readonly agent: string;
}

/** The agent of a channel: the first matching route's, else the default. */
export function agentFor(channel: ChannelId, routes: readonly Route[], fallback: string): string {
  const route = routes.find(({ match }) =>
    match.endsWith("*") ? channel.startsWith(match.slice(0, -1)) : channel === match,
  );
  return route?.agent ?? fallback;
}
