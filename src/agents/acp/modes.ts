/** What agents call the permission modes. */
import type { PermissionMode } from "../../model.ts";

/** Letters only, in lower case. Best first: by the modes of the agents that have presets. */
const NAMES: Readonly<Record<PermissionMode, readonly string[]>> = {
  ask: ["default", "ask", "alwaysask", "manual", "approve", "readonly"],
  "accept-edits": ["acceptedits", "autoedit", "autoacceptedits"],
  plan: ["plan", "planmode", "planning"],
  bypass: ["bypasspermissions", "bypass", "yolo", "fullaccess"],
};

/** The id of the mode that clearly is this one. */
export function modeFor(
  mode: PermissionMode,
  choices: readonly { readonly id: string; readonly label: string }[],
): string | undefined {
  for (const name of NAMES[mode]) {
    const found = choices.find(({ id, label }) => lettersOf(id) === name || lettersOf(label) === name);
    if (found) return found.id;
  }
  return undefined;
}

function lettersOf(text: string): string {
  return text.toLowerCase().replace(/[^a-z]/g, "");
}
