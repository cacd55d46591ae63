import { answerIn, whichOf } from "../asks/reading.ts";
import { openQuestions } from "../asks/state.ts";
import type { Command } from "./registry.ts";

const MOST = 20;

export const answer: Command = {
  name: "answer",
  summary: "Answer a question of the agent: `/answer blue`, or `/answer 2 blue` where several are open",
  async run({ control, session, store, asks }) {
    const page = await store.asks({ channel: session.channel, kind: "questions", limit: MOST });
    const open = page.asks.flatMap((ask) => openQuestions(ask).map((question) => ({ ask, question })));
    if (open.length === 0) return { reply: "No question is open in this chat." };
    const [, number = "", rest = ""] = /^(\d+)\s+(.+)$/s.exec(control.args) ?? [];
    const one = open.length === 1 && open[Number(number) - 1] === undefined ? open[0] : open[Number(number) - 1];
    if (!one) return { reply: whichOf(open.map(({ question }) => question)) };
    const value = answerIn(one.question, rest === "" ? control.args : rest);
    if (value === undefined) {
      const labels = (one.question.choices ?? []).map(({ label }) => `“${label}”`).join(", ");
      return {
        reply: labels === "" ? "Write the answer behind the command." : `Please choose one of these: ${labels}.`,
      };
    }
    const { text } = await asks.answer(one.ask, { question: one.question.id, value }, control.sender, "command");
    return { reply: text };
  },
};
