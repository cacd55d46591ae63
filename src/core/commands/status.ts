import { modeOf } from "../routes.ts";
import type { Command } from "./registry.ts";
import { ago } from "./words.ts";

export const status: Command = {
  name: "status",
  summary: "What this chat is doing",
  async run({ control, session, store, route, now }) {
    const { running, waiting, asks } = await store.queue(session.channel);
    const { stats } = session;
    const lines = [
      `**${session.title || "Untitled session"}** · agent \`${session.agent}\` · mode \`${modeOf(session, route)}\``,
      running
        ? `Running since ${ago(now - running.startedAt)}${running.attempt > 1 ? `, attempt ${running.attempt}` : ""}; ${waiting.length} waiting.`
        : `Idle; ${waiting.length} waiting.`,
      `${stats.turns} answered, ${stats.failed} failed${stats.lastTurnMs === undefined ? "" : `; last answer took ${ago(stats.lastTurnMs)}`}.`,
    ];
    if (asks > 0) lines.push(asks === 1 ? "1 thing waits for a decision." : `${asks} things wait for a decision.`);
    if (stats.tokensIn + stats.tokensOut > 0) lines.push(`${stats.tokensIn} tokens in, ${stats.tokensOut} out.`);
    if (session.error) lines.push(`Last error: ${session.error.message}`);
    lines.push(`Session \`${session.id}\` · your id is \`${control.sender.id}\``);
    return { reply: lines.join("\n\n") };
  },
};
