/** The end of a store: what it still owns is free at once where Redis can be told, and when its lease is over where not. */
import { type Connections, disconnect } from "./connection.ts";
import type { Context } from "./context.ts";

/** Milliseconds that the last words to Redis may take. */
const FAREWELL = 2_000;

export async function bidFarewell(
  { members, hints }: Context,
  connections: Connections,
  log: (problem: string) => void,
): Promise<void> {
  const farewell = members.leave().then(() => {
    hints.replicas();
    return hints.flush();
  });
  let late: NodeJS.Timeout | undefined;
  const enough = new Promise<void>((resolve) => {
    late = setTimeout(resolve, FAREWELL);
  });
  try {
    await Promise.race([farewell, enough]);
  } catch (error) {
    log(`Redis could not be told that this replica leaves: ${String(error)}`);
  } finally {
    clearTimeout(late);
    disconnect(connections);
  }
}
