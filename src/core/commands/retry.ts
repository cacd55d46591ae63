import type { Command } from "./registry.ts";

export const retry: Command = {
  name: "retry",
  summary: "Run the last message, or send the last reply, that failed once more",
  async run({ session, store }) {
    const [newest] = await store.deadLetters({ channel: session.channel, limit: 1 });
    if (!newest) return { reply: "Nothing failed in this chat, so there is nothing to run again." };
    const text = (newest.message ?? newest.reply)?.text.replace(/\s+/g, " ").slice(0, 80) ?? "";
    return { reply: `${newest.reply ? "Sending" : "Running"} it again: “${text}”`, replay: newest.id };
  },
};
