import type { Command } from "./registry.ts";

export const help: Command = {
  name: "help",
  summary: "List the commands",
  aliases: ["start"],
  async run({ session, commands }) {
    const lines = commands.map(({ name, summary }) => `- \`/${name}\`: ${summary}`);
    return {
      reply: `Write a message, and \`${session.agent}\` answers. Messages are answered in order.\n\n${lines.join("\n")}`,
    };
  },
};
