import type { Session } from "../../model.ts";
import type { Latency, Percentiles } from "../../operations.ts";
import type { StoreStats } from "../../store.ts";
import { modeOf, streamOf } from "../routes.ts";
import type { Command } from "./registry.ts";
import { ago } from "./words.ts";

export const status: Command = {
  name: "status",
  summary: "What this chat is doing",
  async run({ control, session, store, asks: people, route, now, latency }) {
    const { running, waiting, asks } = await store.queue(session.channel);
    const { stats } = session;
    const { model, effort, scope } = session.settings ?? {};
    const facts = [
      `agent \`${session.agent}\``,
      ...(model === undefined ? [] : [`model \`${model}\``]),
      ...(effort === undefined ? [] : [`effort \`${effort}\``]),
      ...(session.project === undefined ? [] : [`project \`${session.project}\``]),
      `mode \`${modeOf(session, route)}\``,
      ...(scope === undefined ? [] : [`reach \`${scope}\``]),
      `stream \`${streamOf(session, route)}\``,
    ];
    const lines = [
      `**${session.title || "Untitled session"}** · ${facts.join(" · ")}`,
      running
        ? `Running for ${ago(now - running.startedAt)}${running.attempt > 1 ? `, attempt ${running.attempt}` : ""}; ${waiting.length} waiting.`
        : `Idle; ${waiting.length} waiting.`,
      `${stats.turns} answered, ${stats.failed} failed${stats.lastTurnMs === undefined ? "" : `; last answer took ${ago(stats.lastTurnMs)}${stats.firstTextMs === undefined ? "" : `, its first words ${ago(stats.firstTextMs)}`}`}.`,
    ];
    if (asks > 0) lines.push(asks === 1 ? "1 thing waits for a decision." : `${asks} things wait for a decision.`);
    if (stats.tokensIn + stats.tokensOut > 0 || stats.cost !== undefined) lines.push(usageOf(stats));
    if (session.error) lines.push(`Last error: ${session.error.message}`);
    if (people.isAdmin(control.sender)) lines.push(overall(await store.stats(), latency()));
    lines.push(`Session \`${session.id}\` · your id is \`${control.sender.id}\``);
    return { reply: lines.join("\n\n") };
  },
};

/** The sums don't say whether the cost of each turn was known, so it may be more. */
function usageOf({ tokensIn, tokensOut, cost, costSource }: Session["stats"]): string {
  const tokens = `${tokensIn.toLocaleString("en")} tokens in, ${tokensOut.toLocaleString("en")} out`;
  if (cost === undefined) return `${tokens}; what they cost is not known.`;
  const source = costSource === "agent" ? "by the agent's account" : "by the configured prices";
  const known = `$${cost.toFixed(cost < 1 ? 4 : 2)} ${source}, as far as it is known`;
  return tokensIn + tokensOut === 0 ? `${known}; tokens are not told.` : `${tokens}; ${known}.`;
}

/** For those who look after the gateway: all channels, over all replicas. */
function overall({ sessions, byStatus, queued, totals }: StoreStats, latency: Latency | undefined): string {
  const { running, waiting } = byStatus;
  const cost = totals.cost > 0 ? `, $${totals.cost.toFixed(2)} as far as it is known` : "";
  const done = `${totals.turns.toLocaleString("en")} answered in all${cost}`;
  const all = sessions === 1 ? "1 session" : `${sessions.toLocaleString("en")} sessions`;
  const state = `Gateway: ${all}, ${running} running, ${waiting} waiting for people, ${queued} messages queued; ${done}.`;
  return latency ? `${state} ${paceOf(latency)}` : state;
}

function paceOf({ answers, turn, firstText }: Latency): string {
  const both = ({ p50, p95 }: Percentiles) => `${ago(p50)} (p50) and ${ago(p95)} (p95)`;
  const first = firstText ? `, their first words ${both(firstText)}` : "";
  return `The newest answers of this replica (${answers.toLocaleString("en")}) took ${both(turn)}${first}.`;
}
