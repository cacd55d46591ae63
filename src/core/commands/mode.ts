import type { PermissionMode } from "../../model.ts";
import { modeOf } from "../routes.ts";
import type { Command } from "./registry.ts";
import { unlisted } from "./words.ts";

const MODES: Readonly<Record<PermissionMode, string>> = {
  ask: "asks before it uses a tool that needs permission",
  "accept-edits": "changes files unasked, and asks for the rest",
  plan: "makes a plan first, and does nothing before it is approved",
  bypass: "does everything unasked",
};

export const mode: Command = {
  name: "mode",
  summary: "What the agent may do unasked: `/mode ask`, `accept-edits`, `plan` or `bypass` (admins)",
  async run({ control, session, asks, route }) {
    const wanted = control.args.toLowerCase();
    const now = modeOf(session, route);
    if (!isMode(wanted)) {
      const lines = Object.entries(MODES).map(
        ([name, means]) => `- \`${name}\`: it ${means}${name === now ? " ← now" : ""}`,
      );
      return { reply: `${unlisted("mode", control.args, Object.keys(MODES))}${lines.join("\n")}` };
    }
    if (wanted === "bypass" && !asks.isAdmin(control.sender)) {
      return { reply: "Only this gateway's admins may set `bypass`. Nothing was changed." };
    }
    return {
      reply: `From the next message on the agent ${MODES[wanted]}.`,
      settings: { ...session.settings, mode: wanted },
    };
  },
};

function isMode(text: string): text is PermissionMode {
  return Object.hasOwn(MODES, text);
}
