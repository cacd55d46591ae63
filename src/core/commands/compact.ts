import type { Command } from "./registry.ts";
import { gone } from "./words.ts";

export const compact: Command = {
  name: "compact",
  summary: "Have the agent shorten its memory of this session",
  enqueues: () => true,
  async run({ control, session, compacts, now, agents }) {
    if (!agents.includes(session.agent)) return { reply: gone(session.agent) };
    if (!compacts) return { reply: `The agent \`${session.agent}\` keeps no memory that it could shorten.` };
    const { id, sender } = control;
    return { enqueue: { id, sender, text: "/compact", sentAt: control.at, acceptedAt: now, compact: true } };
  },
};
