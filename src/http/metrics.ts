/** `/metrics`: what the gateway counts, for Prometheus. Behind the token, as the API is. */
import { describe } from "../errors.ts";
import type { GatewayStats, Operations } from "../operations.ts";

export interface MetricsSource {
  readonly contentType: string;
  render(stats: GatewayStats | undefined): Promise<string>;
}

/** A store that is away is what one wants to see in its metrics: they come without what it alone knows. */
export async function metricsPage(
  source: MetricsSource,
  operations: Operations,
  log: { error(fields: Record<string, unknown>, message: string): void },
): Promise<Response> {
  let stats: GatewayStats | undefined;
  try {
    stats = await operations.stats();
  } catch (error) {
    log.error({ err: error }, `the gateway's stats can't be told: ${describe(error)}`);
  }
  return new Response(await source.render(stats), { headers: { "content-type": source.contentType } });
}
