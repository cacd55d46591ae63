/** What an agent may do without asking people. */
import type { PermissionMode, PermissionRequest, Rule, SessionSettings } from "../../model.ts";

/** Undefined: people must be asked. */
export function unasked(
  request: PermissionRequest,
  mode: PermissionMode,
  settings: SessionSettings | undefined,
): "allowed" | "refused" | undefined {
  if (mode === "bypass") return "allowed";
  if (mode === "plan" && request.edits === true) return "refused";
  if (mode === "accept-edits" && request.edits === true) return "allowed";
  const rules = [...(settings?.rules ?? []), ...(settings?.grants ?? [])];
  return rules.some((rule) => covers(rule, request)) ? "allowed" : undefined;
}

/** A rule names what exactly was allowed: never more than the request that led to it. */
export function ruleFor({ tool, target }: PermissionRequest, by: Rule["by"], at: number): Rule {
  return { tool, ...(target === undefined ? {} : { pattern: target.replaceAll("*", "\\*") }), by, at };
}

export function covers({ tool, pattern }: Rule, request: PermissionRequest): boolean {
  if (tool !== request.tool) return false;
  // A permission for one target says nothing of a request that names none.
  if (pattern === undefined) return request.target === undefined;
  return request.target !== undefined && matches(pattern, request.target);
}

/** `*` stands for any characters, `\*` for itself. */
function matches(pattern: string, text: string): boolean {
  const source = pattern
    .split(/(\\\*|\*)/)
    .map((part) => (part === "*" ? ".*" : part === "\\*" ? "\\*" : part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")))
    .join("");
  return new RegExp(`^${source}$`, "s").test(text);
}
