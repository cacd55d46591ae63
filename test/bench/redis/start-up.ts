import { type Benchmark, type Figures, show } from "../benchmark.ts";
import { startBare, startGateway } from "../start-up.ts";
import { startBenchRedis } from "./server.ts";

export const redisStartUp: Benchmark = {
  name: "redis-start-up",
  title: "Redis: start-up of the built program: spawn → GET /readyz answers 200",
  rounds: 3,
  stored: "redis",
  variants: {
    "bare Node, an HTTP server": startBare,
    "empty store": startOnEmpty,
    "stored sessions": ({ place }) => startGateway(place),
  },
  report: (results) => [
    ["", "ready ms", "of an empty store", "RSS MB at idle", "RSS MB at most"],
    ...Object.keys(redisStartUp.variants).map((variant) => [
      variant,
      show(results.median(variant, "ready")),
      show(results.ratio("ready", variant, "empty store")),
      ...["rss", "peak"].map((figure) => show(results.median(variant, figure))),
    ]),
  ],
};

async function startOnEmpty(): Promise<Figures> {
  const server = await startBenchRedis();
  const figures = await startGateway(server.url);
  await server.stop();
  return figures;
}
