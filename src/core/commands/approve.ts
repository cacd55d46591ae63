import type { Ask, GrantScope } from "../../model.ts";
import { pickAsk } from "./pick.ts";
import type { Command, CommandContext, CommandResult } from "./registry.ts";

export const approve: Command = {
  name: "approve",
  summary: "Approve the plan or the permission that waits; `/approve session` or `always` for more than once",
  aliases: ["yes"],
  async run(context) {
    const [, number = "", word = ""] = /^(\d*)\s*(\w*)$/.exec(context.control.args) ?? [];
    const scope: GrantScope = word === "session" || word === "always" ? word : "once";
    return await decide(context, number, (ask) => ({
      kind: "approved",
      scope: ask.request.kind === "permission" ? scope : "once",
    }));
  },
};

export const reject: Command = {
  name: "reject",
  summary: "Reject the plan or the permission that waits; `/reject too risky` tells the agent why",
  aliases: ["no", "deny"],
  async run(context) {
    const [, number = "", reason = ""] = /^(\d*)\s*(.*)$/s.exec(context.control.args) ?? [];
    return await decide(context, number, () => ({ kind: "rejected", ...(reason === "" ? {} : { reason }) }));
  },
};

type Decided = { kind: "approved"; scope: GrantScope } | { kind: "rejected"; reason?: string };

async function decide(context: CommandContext, number: string, verdict: (ask: Ask) => Decided): Promise<CommandResult> {
  const { asks, control } = context;
  const picked = await pickAsk(context, number, ({ request }) => request.kind !== "questions");
  if ("reply" in picked) return picked;
  const { text } = await asks.answer(picked.ask, { verdict: verdict(picked.ask) }, control.sender, "command");
  return { reply: text };
}
