/** The gateway's own: an agent has said nothing for long. Never typed by people, so it is in no list. */
import type { Command } from "./registry.ts";
import { ago } from "./words.ts";

export const silence: Command = {
  name: "silence",
  summary: "An agent has said nothing for long",
  hidden: true,
  async run({ control, session, store }) {
    const [turn, attempt, ms] = control.args.split(" ");
    const { running } = await store.queue(session.channel);
    // It may have ended, been stopped or be another replica's meanwhile.
    if (running?.id !== turn || running?.attempt !== Number(attempt) || running.cancelled) return {};
    const silent = ago(Number(ms));
    return {
      reply: `⏳ The agent has given no sign of life for ${silent}. It may still be at work: \`/stop turn\` ends this answer, otherwise it goes on.`,
    };
  },
};
