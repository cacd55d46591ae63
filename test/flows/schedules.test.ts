/**
 * Two gateways on one Redis, and a schedule that comes due every second; each of them in turn is killed with SIGKILL in the
 * middle of it, and comes back.
 */
import { expect, onTestFailed, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { openRedisStore } from "../../src/stores/redis/store.ts";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder } from "../support/gateway.ts";
import { GatewayProcess } from "../support/process.ts";
import { startRedis } from "../support/redis.ts";

const CHANNEL = "web:tick";
const ID = "cfg-tick";
const SECOND = 1_000;

test("every time has one message and one turn, whoever is killed", async () => {
  const redis = await startRedis();
  const gateways = ["a", "b"].map(
    (name) =>
      new GatewayProcess(
        temporaryFolder(),
        `store: { url: "${redis.url}" }
replica: { name: ${name}, lease: 1s }
adapters: { web: { type: web } }
agents: { echo: { type: command, command: ["cat"] } }
schedules: { tick: { channel: "${CHANNEL}", cron: "* * * * * *", timezone: UTC, prompt: what is new? } }
http: { port: 0, token: "a-token-for-these-tests" }
# A message may be hit by both kills.
queue: { attempts: 50 }`,
      ),
  );
  onTestFailed(() => {
    for (const { stderr } of gateways) console.error(stderr.slice(-5_000));
  });
  const store = await openRedisStore({
    url: redis.url,
    clock: systemClock,
    dedupeFor: 86_400_000,
    lease: 1_000,
    keep: 0,
  });
  const scheduled = () => store.schedule(ID);
  /** Waits until so many more times have had their run. */
  const runs = async (count: number) => {
    const from = (await scheduled())?.lastAt ?? Date.now();
    await soon(async () => ((await scheduled())?.lastAt ?? 0) >= from + count * SECOND, `${count} more runs`);
  };

  await Promise.all(gateways.map((gateway) => gateway.start()));
  const first = await scheduled();
  await runs(2);
  for (const victim of gateways) {
    await victim.kill();
    await runs(3);
    await victim.start();
    await runs(2);
  }
  const last = (await scheduled())?.lastAt ?? 0;
  expect(await store.removeSchedule(ID)).toBe(true);
  await soon(async () => {
    const { queued, inFlight, undelivered } = await store.stats();
    return queued + inFlight + undelivered === 0;
  }, "all answered");
  const codes = await Promise.all(gateways.map(async (gateway) => (await gateway.signal("SIGTERM")).code));
  expect(codes).toEqual([0, 0]);

  const session = await store.current(CHANNEL);
  const { entries } = await store.transcript(session?.id ?? "", { limit: 1_000 });
  const asked = entries.filter(({ role }) => role === "user").map(({ at }) => at);
  expect(asked.length).toBeGreaterThanOrEqual(12);
  // Between the last look and the removal it may have run once more.
  const end = Math.max(last, asked.at(-1) ?? 0);
  const begin = Math.min(asked[0] ?? 0, first?.nextAt ?? 0);
  const times = Array.from({ length: (end - begin) / SECOND + 1 }, (_, i) => begin + i * SECOND);
  expect(asked).toEqual(times);
  const receipts = await Promise.all(times.map((at) => store.receipt(CHANNEL, `schedule:${ID}:${at}`)));
  expect(receipts.map((view) => view?.receipt.state)).toEqual(times.map(() => "answered"));
  expect(session).toMatchObject({ source: "cron", stats: { turns: times.length, failed: 0 } });
  await store.close();
}, 90_000);

/** Like `eventually`, but leaves the processor to the gateways in between. */
function soon(condition: () => Promise<boolean>, what: string): Promise<void> {
  return eventually(
    async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      return await condition();
    },
    what,
    30_000,
  );
}
