import type { Command } from "./registry.ts";
import { stopped } from "./stop.ts";

export const renew: Command = {
  name: "new",
  summary: "Start a new session; the old one is archived",
  aliases: ["reset"],
  cancels: () => "all",
  async run({ control, session, fresh }) {
    const reply = `A new session begins. The one before is archived as \`${session.id}\`.`;
    const done = stopped(control.effect);
    return {
      reply: done ? `${reply} ${done}` : reply,
      renew: { ...fresh(), ...(control.args ? { title: control.args } : {}) },
    };
  },
};
