/** The metrics: who gets them, what they count, and what they say while the store is away. */
import { expect, test } from "vitest";
import { SwitchboardError } from "../../src/errors.ts";
import { createMetrics } from "../../src/metrics.ts";
import { eventually } from "../support/eventually.ts";
import { Bench } from "../support/gateway.ts";
import { mounted, stage } from "./stage.ts";

/** One line each: name, labels as they stand, value. Comments are left out. */
async function linesOf(response: Response): Promise<string[]> {
  return (await response.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

test("are the operator's, in Prometheus' format, whatever is mounted", async () => {
  const page = mounted("/", "platform", async () => new Response("page"));
  const hook = mounted("/metrics", "platform", async () => new Response("hook"));
  const { call } = await stage([page, hook]);
  expect((await call("/metrics", { signedIn: false })).status).toBe(401);
  expect((await call("/metrics", { method: "POST" })).status).toBe(404);
  const response = await call("/metrics");
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toContain("text/plain; version=0.0.4");
  const text = await response.text();
  const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const line of text.split("\n")) {
    expect(line).toMatch(/^$|^# (?:HELP|TYPE) switchboard_\w+ .+$|^switchboard_\w+(?:\{[^}]*\})? -?[\d.e+-]+$/);
  }
});

test("tell what the stats tell", async () => {
  const { call } = await stage();
  expect(await linesOf(await call("/metrics"))).toEqual(
    expect.arrayContaining([
      "switchboard_store_up 1",
      "switchboard_sessions 1",
      'switchboard_sessions_by_source{source="channel"} 1',
      'switchboard_sessions_by_source{source="cron"} 0',
      'switchboard_sessions_by_status{status="error"} 1',
      "switchboard_dead_letters 1",
      "switchboard_queued_messages 0",
      "switchboard_live_sessions 0",
      "switchboard_running_turns 0",
      "switchboard_all_turns 7",
      "switchboard_all_turns_failed 2",
      'switchboard_all_tokens{direction="out"} 40',
      "switchboard_all_cost_dollars 0.5",
    ]),
  );
});

test("count turns with what they used", async () => {
  const { call, metrics } = await stage();
  const turn = { type: "turn.ended", channel: "telegram:1", turn: "t", ms: 4_200 } as const;
  const figures = { agent: "llm", tokensIn: 10, tokensOut: 5, firstTextMs: 700 };
  metrics.emit({ ...turn, outcome: "answered", figures: { ...figures, cost: 0.25, costSource: "prices" } });
  metrics.emit({ ...turn, outcome: "answered", figures: { ...figures, cost: 0.5, costSource: "agent" } });
  metrics.emit({ ...turn, outcome: "retry", figures: { agent: "llm", tokensIn: Number.NaN, tokensOut: -1 } });
  metrics.emit({ ...turn, outcome: "dropped", cause: "Stopped." });
  expect(await linesOf(await call("/metrics"))).toEqual(
    expect.arrayContaining([
      'switchboard_turns_total{agent="llm",outcome="answered"} 2',
      'switchboard_turns_total{agent="llm",outcome="retry"} 1',
      'switchboard_turns_total{agent="none",outcome="dropped"} 1',
      'switchboard_turn_seconds_bucket{le="3",agent="llm"} 0',
      'switchboard_turn_seconds_bucket{le="10",agent="llm"} 3',
      'switchboard_turn_seconds_count{agent="llm"} 3',
      'switchboard_first_text_seconds_bucket{le="1",agent="llm"} 2',
      'switchboard_first_text_seconds_count{agent="llm"} 2',
      'switchboard_tokens_total{agent="llm",direction="in"} 20',
      'switchboard_tokens_total{agent="llm",direction="out"} 10',
      'switchboard_cost_dollars_total{agent="llm",source="prices"} 0.25',
      'switchboard_cost_dollars_total{agent="llm",source="agent"} 0.5',
    ]),
  );
});

test("count deliveries, asks, refusals, faults and silences, and name nobody", async () => {
  const { call, metrics } = await stage();
  const channel = "telegram:-100/7";
  metrics.emit({ type: "taken", channel, id: "42", status: "queued" });
  metrics.emit({ type: "refused", channel, sender: "telegram:666", reason: "not on the access list" });
  metrics.emit({ type: "ask", channel, ask: "a", what: "opened" });
  metrics.emit({ type: "ask", channel, ask: "a", what: "decided", by: "telegram:666" });
  metrics.emit({ type: "delivered", channel, entry: "e" });
  metrics.emit({ type: "delivery.failed", channel, entry: "e", kind: "limited", cause: "slow down" });
  metrics.emit({ type: "store.fault", doing: "claim", error: new SwitchboardError("STORE_FULL", "The disk is full.") });
  metrics.emit({ type: "store.fault", doing: "claim", error: new Error("no idea") });
  metrics.emit({ type: "agent.silent", channel, turn: "t", ms: 60_000 });
  metrics.emit({ type: "schedule", channel, schedule: "daily", what: "missed", dueAt: 1 });
  const lines = await linesOf(await call("/metrics"));
  expect(lines).toEqual(
    expect.arrayContaining([
      'switchboard_events_taken_total{adapter="telegram",status="queued"} 1',
      'switchboard_events_refused_total{adapter="telegram"} 1',
      'switchboard_asks_total{adapter="telegram",what="opened"} 1',
      'switchboard_asks_total{adapter="telegram",what="decided"} 1',
      'switchboard_deliveries_total{adapter="telegram"} 1',
      'switchboard_delivery_failures_total{adapter="telegram",kind="limited"} 1',
      'switchboard_store_faults_total{code="STORE_FULL"} 1',
      'switchboard_store_faults_total{code="other"} 1',
      'switchboard_agent_silences_total{adapter="telegram"} 1',
      'switchboard_schedules_total{what="missed"} 1',
    ]),
  );
  expect(lines.join("\n")).not.toMatch(/666|-100|daily/);
});

test("go on without what the store alone knows while it is away", async () => {
  const { call, gateway, metrics, logged } = await stage();
  metrics.emit({ type: "store.fault", doing: "claim", error: new SwitchboardError("STORE_FULL", "The disk is full.") });
  expect(await linesOf(await call("/metrics"))).toContain("switchboard_sessions 1");
  gateway.fault = new SwitchboardError("STORE_FULL", "The disk is full.");
  const lines = await linesOf(await call("/metrics"));
  expect(lines).toContain("switchboard_store_up 0");
  expect(lines).toContain('switchboard_store_faults_total{code="STORE_FULL"} 1');
  expect(lines.join("\n")).not.toContain("switchboard_sessions ");
  expect(logged).toHaveLength(1);
});

test("of a gateway: a message that was answered", async () => {
  const metrics = createMetrics();
  const bench = await Bench.open({ emit: metrics.emit });
  await bench.channel.say("one", "1", "hello");
  const run = await bench.run("one");
  run.say("hi");
  run.done();
  await bench.idle("one");
  let text = "";
  await eventually(async () => {
    text = await metrics.render(await bench.gateway.operations.stats());
    return text.includes("switchboard_deliveries_total{");
  }, "a delivery is counted");
  expect(text).toContain('switchboard_events_taken_total{adapter="local",status="queued"} 1');
  expect(text).toContain('switchboard_turns_total{agent="scripted",outcome="answered"} 1');
  expect(text).toContain('switchboard_deliveries_total{adapter="local"} 1');
  expect(text).toContain("switchboard_all_turns 1");
});
