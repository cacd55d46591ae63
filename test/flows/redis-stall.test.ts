/**
 * A gateway that could not reach Redis for longer than its lease, because it was stopped (SIGSTOP) or cut off, comes
 * back to find that others have taken over: it writes nothing and sends nothing of what it had in hand.
 */
import { expect, test } from "vitest";
import { type CutProxy, startCutProxy } from "../support/cut-proxy.ts";
import { eventually } from "../support/eventually.ts";
import type { GatewayProcess } from "../support/process.ts";
import { startRedis } from "../support/redis.ts";
import { Stage } from "./redis-stage.ts";

interface Case {
  readonly how: string;
  readonly stall: (replica: GatewayProcess, proxy: CutProxy) => void;
  readonly resume: (replica: GatewayProcess, proxy: CutProxy) => void;
}

const cases: Case[] = [
  { how: "stopped", stall: (replica) => replica.pause(), resume: (replica) => replica.resume() },
  { how: "cut off from Redis", stall: (_, proxy) => proxy.stall(), resume: (_, proxy) => proxy.flow() },
];

test.each(cases)(
  "a replica that was $how for longer than its lease sends and writes nothing stale",
  async (scene) => {
    const redis = await startRedis();
    const proxies = await Promise.all([0, 1].map(() => startCutProxy(redis.port)));
    const stage = await Stage.open({ url: proxies.map(({ url }) => url), replicas: 2, chats: 8, turn: 3, lease: "2s" });
    const { crowd, replicas, twin } = stage;

    // Each in turn, so that the one that receives is among them.
    for (const [i, replica] of replicas.entries()) {
      const proxy = proxies[i];
      if (!proxy) throw new Error("each replica has a proxy");
      crowd.sayAll();
      await twin.until(() => crowd.growing >= crowd.chats / 2, { timeoutMs: 20_000, label: "turns under way" });
      scene.stall(replica, proxy);
      crowd.say();
      // All of it, by the other one.
      await crowd.allAnswered();

      const before = twin.calls().length;
      scene.resume(replica, proxy);
      await eventually(async () => (await stage.probe("/readyz")).every((status) => status === 200), "all are ready");
      const since = twin.calls().slice(before);
      const texts = since.filter(({ method }) => method === "sendMessage" || method === "editMessageText");
      expect(texts.map(({ method, params }) => ({ method, params }))).toEqual([]);
    }
    crowd.sayAll();
    await stage.finish(`each of ${replicas.length} replicas ${scene.how} for longer than its lease`, [redis]);
  },
  180_000,
);
