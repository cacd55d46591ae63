import type { WorkspaceScope } from "../../model.ts";
import type { Command } from "./registry.ts";
import { unlisted } from "./words.ts";

const SCOPES: Readonly<Record<WorkspaceScope, string>> = {
  project: "its project's folder",
  workspace: "the folder that holds all projects",
  full: "the whole machine, as far as the gateway's user may",
};

export const workspace: Command = {
  name: "workspace",
  summary: "How far the agent may reach: `/workspace project`, `workspace` or `full` (admins)",
  async run({ control, session, asks, hasWorkspace }) {
    const wanted = control.args.toLowerCase();
    const now = session.settings?.scope ?? "project";
    if (!isScope(wanted)) {
      const lines = Object.entries(SCOPES).map(
        ([name, means]) => `- \`${name}\`: ${means}${name === now ? " ← now" : ""}`,
      );
      const none = unlisted("reach", control.args, Object.keys(SCOPES));
      return {
        reply: `${none}The agent's file and terminal tools that go through the gateway reach\n\n${lines.join("\n")}`,
      };
    }
    if (wanted !== "project" && !asks.isAdmin(control.sender)) {
      return { reply: `Only this gateway's admins may set \`${wanted}\`. Nothing was changed.` };
    }
    if (wanted === "workspace" && !hasWorkspace) {
      return { reply: "No folder that holds all projects is configured (`workspace.folder`). Nothing was changed." };
    }
    return {
      reply: `From the next message on the agent reaches ${SCOPES[wanted]}.`,
      settings: { ...session.settings, scope: wanted },
    };
  },
};

function isScope(text: string): text is WorkspaceScope {
  return Object.hasOwn(SCOPES, text);
}
