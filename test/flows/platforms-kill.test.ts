/**
 * People on every platform while gateways are killed with SIGKILL again and again, platforms refuse, cut connections
 * before and after the effect, drop sockets and deliver twice: each message is answered exactly once, whole, in order
 * and in the right thread. `npm run soak` runs every platform on every store, with 300 messages each.
 */
import { test } from "vitest";
import type { PlatformName } from "./platforms.ts";
import { type Ordeal, survive } from "./platforms-stage.ts";

const ALL: readonly PlatformName[] = ["telegram", "slack", "discord"];
const EACH: readonly (readonly PlatformName[])[] = [["telegram"], ["slack"], ["slack over HTTP"], ["discord"], ALL];

const SHORT: readonly Ordeal[] = [
  { platforms: ["slack over HTTP"], store: "redis", messages: 40, kills: 3 },
  { platforms: ALL, store: "lmdb", messages: 75, kills: 5 },
  { platforms: ALL, store: "redis", messages: 75, kills: 5 },
];
const SOAK: readonly Ordeal[] = (["lmdb", "redis"] as const).flatMap((store) =>
  EACH.map((platforms) => ({ platforms, store, messages: 300, kills: 20 })),
);

for (const ordeal of process.env.SOAK === undefined ? SHORT : SOAK) {
  const { platforms, store, messages, kills } = ordeal;
  test(`${platforms.join(" + ")} on ${store}: ${messages} messages, ${kills} times kill -9`, async () => {
    await survive(ordeal);
  }, 600_000);
}
