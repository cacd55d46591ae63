import type { Rule, SessionSettings } from "../../model.ts";
import type { Command } from "./registry.ts";

export const rules: Command = {
  name: "rules",
  summary: "What was allowed for this session or for always; `/rules revoke 1` takes it back",
  async run({ control, session }) {
    const { rules: always = [], grants = [] } = session.settings ?? {};
    const all = [...always, ...grants];
    const [, number] = /^(?:revoke|remove|delete)\s+(\d+)$/i.exec(control.args) ?? [];
    if (number === undefined) return { reply: listed(always, grants) };
    const gone = all[Number(number) - 1];
    if (!gone) return { reply: `There is no rule ${number}.\n\n${listed(always, grants)}` };
    const settings: SessionSettings = {
      ...session.settings,
      rules: always.filter((rule) => rule !== gone),
      grants: grants.filter((rule) => rule !== gone),
    };
    return { reply: `Revoked: ${nameOf(gone)}. From now on the agent asks again.`, settings };
  },
};

function listed(always: readonly Rule[], grants: readonly Rule[]): string {
  const lines = [
    ...always.map((rule) => `${nameOf(rule)}, always`),
    ...grants.map((rule) => `${nameOf(rule)}, for this session`),
  ];
  if (lines.length === 0) return "Nothing was allowed for more than once.";
  return lines.map((line, index) => `${index + 1}. ${line}`).join("\n");
}

function nameOf({ tool, pattern, by }: Rule): string {
  const what = pattern === undefined ? "" : ` \`${pattern.replaceAll("`", "'")}\``;
  return `**${tool}**${what} (by ${by.name})`;
}
