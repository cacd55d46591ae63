import type { Command } from "./registry.ts";
import { listed, unlisted } from "./words.ts";

export const agent: Command = {
  name: "agent",
  summary: "Which agent answers here; `/agent name` hands the session to another one",
  async run({ control, session, agents }) {
    const wanted = control.args.toLowerCase();
    if (wanted === "") return { reply: listed(agents, session.agent) };
    const found = agents.find((name) => name.toLowerCase() === wanted);
    if (found === undefined) {
      return {
        reply: `${unlisted("agent", control.args, agents)}${listed(agents, session.agent)}`,
      };
    }
    if (found === session.agent) return { reply: `\`${found}\` answers here already.` };
    // What was chosen of one agent means nothing to another.
    const { model: _model, effort: _effort, ...settings } = session.settings ?? {};
    return {
      reply: `From the next message on \`${found}\` answers. What was said last is there for it to read, unless it is a program that is given the message alone.`,
      patch: { agent: found, agentState: null },
      settings: { ...settings, agent: found },
    };
  },
};
