/**
 * Figures for Prometheus. Counters are this process's since its start, from the gateway's events; gauges are taken at
 * each look. No label names a channel, a session or a person: there may be any number of them.
 */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { SwitchboardError } from "./errors.ts";
import type { Emit, GatewayEvent } from "./events.ts";
import { adapterOf } from "./model.ts";
import type { GatewayStats } from "./operations.ts";

/** Seconds: from an answer that is at hand to work of an hour. */
const TURN_BUCKETS = [0.1, 0.3, 1, 3, 10, 30, 60, 120, 300, 900, 3_600];
const FIRST_TEXT_BUCKETS = [0.1, 0.3, 0.5, 1, 2, 5, 10, 30, 60, 300];

/** The agent of a turn that ended before one ran. */
const NO_AGENT = "none";

export interface Metrics {
  readonly contentType: string;
  readonly emit: Emit;
  /** In Prometheus' text format. Without `stats`, which can't be had while the store is away, their gauges are left out. */
  render(stats: GatewayStats | undefined): Promise<string>;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  return {
    contentType: registry.contentType,
    emit: counting(registry),
    render: async (stats) => {
      const parts = [await registry.metrics(), await gauges(stats).metrics()];
      return parts.map((part) => `${part.trimEnd()}\n`).join("\n");
    },
  };
}

function counting(registry: Registry): Emit {
  const counter = (name: string, help: string, ...labelNames: string[]) =>
    new Counter({ name: `switchboard_${name}_total`, help, labelNames, registers: [registry] });
  const histogram = (name: string, help: string, buckets: number[]) =>
    new Histogram({ name: `switchboard_${name}_seconds`, help, buckets, labelNames: ["agent"], registers: [registry] });

  const taken = counter("events_taken", "What people sent, by what became of it", "adapter", "status");
  const refused = counter("events_refused", "What people sent and was refused", "adapter");
  const caughtUp = counter("events_caught_up", "What was missed and read from the platform later", "adapter");
  const sessions = counter(
    "session_changes",
    "Sessions that were loaded, put away, or lost to another replica",
    "change",
  );
  const started = counter("turn_attempts", "Attempts at turns that began");
  const turns = counter("turns", "Attempts at turns that ended, by how", "agent", "outcome");
  const turnSeconds = histogram("turn", "What an attempt at a turn took, where an agent ran", TURN_BUCKETS);
  const firstText = histogram("first_text", "From an agent's start to its first text", FIRST_TEXT_BUCKETS);
  const tokens = counter("tokens", "Tokens used, in and out", "agent", "direction");
  const cost = counter("cost_dollars", "US dollars, by who says so: the agent, or the prices", "agent", "source");
  const silent = counter("agent_silences", "How often an agent was found silent in a turn", "adapter");
  const schedules = counter("schedules", "Schedules that fell due, by what became of it", "what");
  const asks = counter("asks", "Asks that were opened, decided, and so on", "adapter", "what");
  const commands = counter("commands", "Commands that were carried out", "command");
  const delivered = counter("deliveries", "Replies that were delivered", "adapter");
  const failures = counter("delivery_failures", "Attempts to deliver that failed, by kind", "adapter", "kind");
  const storeFaults = counter("store_faults", "Calls that the store refused or did not answer", "code");
  const faults = counter("faults", "Things that should not happen: the log says what");
  const lost = counter("replica_losses", "How often the others counted this replica as dead");

  const ended = ({ outcome, ms, figures }: GatewayEvent & { type: "turn.ended" }) => {
    const agent = figures?.agent ?? NO_AGENT;
    turns.inc({ agent, outcome });
    if (figures === undefined) return;
    turnSeconds.observe({ agent }, ms / 1_000);
    if (figures.firstTextMs !== undefined) firstText.observe({ agent }, figures.firstTextMs / 1_000);
    add(tokens, { agent, direction: "in" }, figures.tokensIn);
    add(tokens, { agent, direction: "out" }, figures.tokensOut);
    add(cost, { agent, source: figures.costSource ?? "agent" }, figures.cost);
  };

  return (event) => {
    switch (event.type) {
      case "taken":
        return taken.inc({ adapter: adapterOf(event.channel), status: event.status });
      case "refused":
        return refused.inc({ adapter: adapterOf(event.channel) });
      case "caught.up":
        return add(caughtUp, { adapter: adapterOf(event.channel) }, event.events);
      case "session.live":
        return sessions.inc({ change: "live" });
      case "session.evicted":
        return sessions.inc({ change: "evicted" });
      case "session.lost":
        return sessions.inc({ change: "lost" });
      case "turn.started":
        return started.inc();
      case "turn.ended":
        return ended(event);
      case "agent.silent":
        return silent.inc({ adapter: adapterOf(event.channel) });
      case "schedule":
        return schedules.inc({ what: event.what });
      case "ask":
        return asks.inc({ adapter: adapterOf(event.channel), what: event.what });
      case "command":
        return commands.inc({ command: event.command });
      case "delivered":
        return delivered.inc({ adapter: adapterOf(event.channel) });
      case "delivery.failed":
        return failures.inc({ adapter: adapterOf(event.channel), kind: event.kind });
      case "store.fault":
        return storeFaults.inc({ code: event.error instanceof SwitchboardError ? event.error.code : "other" });
      case "fault":
        return faults.inc();
      case "replica.lost":
        return lost.inc();
      case "replica.secured":
      case "replica.changed":
        return;
    }
  };
}

/** What an agent says may be no number; and what is 0 needs no line. */
function add(counter: Counter, labels: Record<string, string>, amount = 0): void {
  if (Number.isFinite(amount) && amount > 0) counter.inc(labels, amount);
}

/** Made anew for each look, so that none tells what was true before. */
function gauges(stats: GatewayStats | undefined): Registry {
  const registry = new Registry();
  const gauge = (name: string, help: string, ...labelNames: string[]) =>
    new Gauge({ name: `switchboard_${name}`, help, labelNames, registers: [registry] });
  gauge("store_up", "Whether the store answers").set(stats === undefined ? 0 : 1);
  if (stats === undefined) return registry;

  gauge("live_sessions", "Sessions that this process has loaded").set(stats.live);
  gauge("running_turns", "Turns that this process runs").set(stats.running);

  const stored = (name: string, help: string, ...labels: string[]) => gauge(name, `${help} (all replicas)`, ...labels);
  stored("sessions", "Sessions, the archived ones too").set(stats.sessions);
  const bySource = stored("sessions_by_source", "Current sessions by source", "source");
  for (const [source, count] of Object.entries(stats.bySource)) bySource.set({ source }, count);
  const byStatus = stored("sessions_by_status", "Current sessions that are not idle", "status");
  for (const [status, count] of Object.entries(stats.byStatus)) byStatus.set({ status }, count);
  stored("queued_messages", "Messages that wait").set(stats.queued);
  stored("turns_in_flight", "Turns that run, or wait for people").set(stats.inFlight);
  stored("undelivered_replies", "Replies that are not delivered yet").set(stats.undelivered);
  stored("dead_letters", "What failed for good and waits for an operator").set(stats.deadLetters);

  const { turns, failed, tokensIn, tokensOut, cost } = stats.totals;
  stored("all_turns", "Turns ever answered").set(turns);
  stored("all_turns_failed", "Turns ever failed for good").set(failed);
  const tokens = stored("all_tokens", "Tokens ever used", "direction");
  tokens.set({ direction: "in" }, tokensIn);
  tokens.set({ direction: "out" }, tokensOut);
  stored("all_cost_dollars", "US dollars ever spent, where that is known").set(cost);
  return registry;
}
