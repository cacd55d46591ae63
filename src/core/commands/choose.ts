/** `/model` and `/effort`: what an agent lets people choose. */
import type { AgentOption } from "../../agent.ts";
import type { Command, CommandContext, CommandResult } from "./registry.ts";
import { gone, listed, unlisted } from "./words.ts";

export const model: Command = {
  name: "model",
  summary: "Which model the agent uses; `/model name` chooses another one, `/model default` its own",
  chooses: (args) => !isDefault(args),
  run: async (context) => choose("model", context),
};

export const effort: Command = {
  name: "effort",
  summary: "How hard the agent thinks; `/effort name` chooses, `/effort default` leaves it to the agent",
  chooses: (args) => !isDefault(args),
  run: async (context) => choose("effort", context),
};

function choose(id: AgentOption["id"], { control, session, options, agents }: CommandContext): CommandResult {
  const wanted = control.args;
  const { [id]: chosen, ...others } = session.settings ?? {};
  if (isDefault(wanted)) {
    return { reply: `From the next message on the agent's own ${id} counts.`, settings: others };
  }
  if (!agents.includes(session.agent)) return { reply: `${gone(session.agent)} Nothing was changed.` };
  const { known = [], problem } = options ?? {};
  if (problem !== undefined) return { reply: `The agent can't be asked now: ${problem} Nothing was changed.` };
  const option = known.find((each) => each.id === id);
  if (!option || option.choices.length === 0) {
    return { reply: `The agent \`${session.agent}\` leaves no choice of its ${id}.` };
  }
  const names = option.choices.map((choice) => choice.id);
  const current = chosen ?? option.current;
  if (wanted === "") return { reply: listed(names, current) };
  const found = option.choices.find(({ id: name, label }) => [name, label].some((text) => same(text, wanted)));
  if (!found) return { reply: `${unlisted(id, wanted, names)}${listed(names, current)}` };
  return {
    reply: `From the next message on the agent's ${id} is \`${found.id}\`.`,
    settings: { ...others, [id]: found.id },
  };
}

function isDefault(text: string): boolean {
  return text.toLowerCase() === "default";
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
