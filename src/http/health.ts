import { describe } from "../errors.ts";
import type { GatewayHealth, Operations } from "../operations.ts";

interface Readiness {
  readonly ready: boolean;
  readonly store: { readonly ok: boolean; readonly warnings: readonly string[] };
  readonly replicas: number;
  readonly adapters: Readonly<Record<string, string>>;
}

/** What anyone may know of the gateway's state: no details, which may name accounts, folders and addresses. */
export async function readiness(
  operations: Operations,
  log: { error(fields: Record<string, unknown>, message: string): void },
): Promise<Readiness> {
  try {
    return summary(await operations.health());
  } catch (error) {
    log.error({ err: error }, `the gateway's health can't be told: ${describe(error)}`);
    return { ready: false, store: { ok: false, warnings: [] }, replicas: 0, adapters: {} };
  }
}

function summary(health: GatewayHealth): Readiness {
  const adapters = Object.entries(health.adapters).map(([name, adapter]) => [name, adapter.state] as const);
  const { ok, warnings } = health.store;
  const replicas = health.replicas.length;
  return { ready: health.ready, store: { ok, warnings }, replicas, adapters: Object.fromEntries(adapters) };
}
