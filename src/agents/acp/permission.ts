/** An agent's request for a permission as a request to people, and what they decided as its answer. */
import type { RequestPermissionResponse } from "@agentclientprotocol/sdk";
import { z } from "zod";
import type { AskOutcome } from "../../agent.ts";
import type { PermissionRequest, PlanRequest } from "../../model.ts";
import { diffOf } from "./diff.ts";
import { titleOf } from "./tools.ts";
import { type ToolCall, textOf, toolCall } from "./updates.ts";

const option = z.object({ optionId: z.string(), name: z.string().catch(""), kind: z.string() });
export const permissionParams = z.object({ toolCall, options: z.array(option) });
export type PermissionOption = z.infer<typeof option>;

/** What tools call what they are about to work on. */
const input = z.object({
  command: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .catch(undefined),
  cmd: z.string().optional().catch(undefined),
  file_path: z.string().optional().catch(undefined),
  filePath: z.string().optional().catch(undefined),
  path: z.string().optional().catch(undefined),
  url: z.string().optional().catch(undefined),
  query: z.string().optional().catch(undefined),
  plan: z.string().optional().catch(undefined),
});

const EDITS = new Set(["edit", "delete", "move"]);

/** Characters of what is shown of the call's content. */
const LONGEST = 6_000;

/** It wants to leave planning and begin to work: its plan is to be approved. */
export function isPlan(call: ToolCall): boolean {
  if (call.kind === "other" && call.title?.startsWith("Requesting plan approval")) return true;
  return call.kind === "switch_mode" || /\bexit.?plan/i.test(`${call.name ?? ""} ${call.title ?? ""}`);
}

/** What the agent has written into the file that the call names, or said of late: where the call holds no plan. */
export function planOf(call: ToolCall, written: string | undefined, said: string): PlanRequest {
  const plan = inputOf(call).plan ?? (contentOf(call) || (written ?? ""));
  return { kind: "plan", text: [plan, said, titleOf(call)].find((text) => text.trim() !== "") ?? "" };
}

export function permissionOf(call: ToolCall): PermissionRequest {
  const { command, cmd, file_path, filePath, path, url, query } = inputOf(call);
  const line = Array.isArray(command) ? command.join(" ") : (command ?? cmd);
  const diff = call.content?.find((content) => "newText" in content);
  const changed = diff && "path" in diff ? diff.path : undefined;
  const target = line ?? file_path ?? filePath ?? path ?? changed ?? url ?? query ?? call.locations?.[0]?.path;
  const tool = call.name || call.kind || titleOf(call);
  const title = titleOf(call);
  const shown = [
    `**${title.replaceAll("*", "\\*")}**`,
    target !== undefined && !title.includes(target) ? fenced(target) : undefined,
    contentOf(call).slice(0, LONGEST),
  ];
  return {
    kind: "permission",
    tool,
    ...(target === undefined ? {} : { target }),
    text: shown.filter((part) => part !== undefined && part !== "").join("\n\n"),
    ...(EDITS.has(call.kind ?? "") ? { edits: true } : {}),
  };
}

/** The agent's own word for what people decided: one of the options that it gave, verbatim. */
export function answerTo(
  outcome: AskOutcome,
  options: readonly PermissionOption[],
  /** What the agent calls the mode to go on in, where the options are modes. */
  mode?: string,
): RequestPermissionResponse {
  const kinds = wordsFor(outcome);
  const inMode = options.find(({ optionId, kind }) => optionId === mode && kinds.includes(kind));
  const fitting = kinds.flatMap((kind) => options.find((option) => option.kind === kind) ?? []);
  const chosen = inMode ?? fitting[0];
  if (chosen === undefined) return { outcome: { outcome: "cancelled" } };
  return { outcome: { outcome: "selected", optionId: chosen.optionId } };
}

/** Best first. What is given for the session is remembered here: an agent's "always" may outlast it. */
function wordsFor(outcome: AskOutcome): readonly string[] {
  switch (outcome.kind) {
    case "approved":
      return outcome.scope === "always" ? ["allow_always", "allow_once"] : ["allow_once", "allow_always"];
    case "rejected":
      return ["reject_once", "reject_always"];
    case "answered":
    case "closed":
      return [];
  }
}

function inputOf({ rawInput }: ToolCall): z.infer<typeof input> {
  return input.safeParse(rawInput).data ?? {};
}

function contentOf({ content }: ToolCall): string {
  const parts = (content ?? []).map((part) => {
    if ("newText" in part) return `\`${part.path}\`\n${fenced(diffOf(part.oldText ?? "", part.newText), "diff")}`;
    return "content" in part ? textOf(part.content) : "";
  });
  return parts.filter((part) => part !== "").join("\n\n");
}

/** As Markdown that nothing in it can end. */
function fenced(text: string, language = ""): string {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map((ticks) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${text}\n${fence}`;
}
