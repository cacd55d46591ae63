import type { StreamLevel } from "../../model.ts";
import { streamOf } from "../routes.ts";
import type { Command } from "./registry.ts";
import { unlisted } from "./words.ts";

const LEVELS: Readonly<Record<StreamLevel, string>> = {
  off: "only the whole answer is shown",
  compact: "one line tells how far the agent is, until the answer is whole",
  full: "the answer is shown as it grows, with every tool call and what came of it",
};

export const stream: Command = {
  name: "stream",
  summary: "What is shown before an answer is whole: `/stream off`, `compact` or `full`",
  async run({ control, session, route }) {
    const wanted = control.args.toLowerCase();
    const now = streamOf(session, route);
    if (!isLevel(wanted)) {
      const lines = Object.entries(LEVELS).map(
        ([name, means]) => `- \`${name}\`: ${means}${name === now ? " ← now" : ""}`,
      );
      return { reply: `${unlisted("level", control.args, Object.keys(LEVELS))}${lines.join("\n")}` };
    }
    return {
      reply: `From the next message on ${LEVELS[wanted]}.`,
      settings: { ...session.settings, stream: wanted },
    };
  },
};

function isLevel(text: string): text is StreamLevel {
  return Object.hasOwn(LEVELS, text);
}
