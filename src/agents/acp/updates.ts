/** What an agent reports of its work, read leniently: what is new or odd in it must not cost the rest. */
import { z } from "zod";
import type { AgentEvent, TodoItem } from "../../model.ts";

const text = z.string();
const block = z.union([
  z.object({ type: z.literal("text"), text }),
  z.object({ type: z.literal("resource_link"), uri: text, name: text.catch("") }),
  z.object({ type: z.literal("resource"), resource: z.object({ text }) }),
  z.object({ type: text }),
]);
const chunk = z.object({ content: block, messageId: text.nullish().catch(undefined) });

const toolContent = z.union([
  z.object({ type: z.literal("content"), content: block }),
  z.object({ type: z.literal("diff"), path: text, oldText: text.nullish(), newText: text }),
  z.object({ type: text }),
]);
/** A call, or a change of one: what it leaves out stays as it was. */
export const toolCall = z.object({
  toolCallId: text,
  title: text.nullish().catch(undefined),
  name: text.nullish().catch(undefined),
  kind: text.nullish().catch(undefined),
  status: text.nullish().catch(undefined),
  content: z.array(toolContent).nullish().catch(undefined),
  locations: z
    .array(z.object({ path: text }))
    .nullish()
    .catch(undefined),
  rawInput: z.unknown().optional(),
});
export type ToolCall = z.infer<typeof toolCall>;

const planUpdate = z.object({ entries: z.array(z.object({ content: text, status: text.catch("pending") })) });
export const usageUpdate = z.object({
  cost: z.object({ amount: z.number(), currency: text }).nullish().catch(undefined),
});
export const commandsUpdate = z.object({ availableCommands: z.array(z.object({ name: text })) });
export const modeUpdate = z.object({ currentModeId: text });
const modeSpoken = z.object({ content: z.object({ text: z.string().regex(/^\[MODE_UPDATE\] \S+$/) }) });
export const optionsUpdate = z.object({ configOptions: z.unknown() });
const notice = z.object({ title: text, description: text.nullish() });
const compaction = z.object({ status: text, error: text.nullish().catch(undefined) });
const kind = z.object({ sessionUpdate: text });

/** What kind of update it is; "" where it is none at all. */
export function kindOf(update: unknown): string {
  return kind.safeParse(update).data?.sessionUpdate ?? "";
}

/** The mode that an agent says it is in now, where its model should speak: Gemini does. */
export function modeSpokenIn(update: unknown): string | undefined {
  return modeSpoken.safeParse(update).data?.content.text.split(" ")[1];
}

export interface Piece {
  readonly text: string;
  /** The message that it belongs to, where the agent tells its messages apart. */
  readonly message: string | undefined;
}

export function pieceOf(update: unknown): Piece | undefined {
  const read = chunk.safeParse(update).data;
  return read && { text: textOf(read.content), message: read.messageId ?? undefined };
}

export function textOf(content: z.infer<typeof block>): string {
  if ("text" in content) return content.text;
  if ("uri" in content) return `[${content.name || content.uri}](${content.uri})`;
  if ("resource" in content) return content.resource.text;
  return `(${content.type === "image" ? "an image" : "something"} that can't be shown here)`;
}

export function todoIn(update: unknown): AgentEvent | undefined {
  const read = planUpdate.safeParse(update).data;
  if (!read) return undefined;
  const items = read.entries.map(({ content, status }) => ({ text: content, status: TODO[status] ?? "open" }));
  return { type: "todo", items };
}

const TODO: Readonly<Record<string, TodoItem["status"]>> = { in_progress: "running", completed: "done" };

export function noticeIn(update: unknown): AgentEvent | undefined {
  const read = notice.safeParse(update).data;
  if (!read) return undefined;
  return { type: "notice", text: read.description ? `**${read.title}**: ${read.description}` : read.title };
}

/** Its memory of the session was shortened, or could not be. */
export function compactionIn(update: unknown): AgentEvent | undefined {
  const read = compaction.safeParse(update).data;
  if (read?.status === "completed")
    return { type: "notice", text: "The agent has shortened its memory of this session." };
  if (read?.status !== "failed") return undefined;
  const why = read.error ? `: ${read.error}` : ".";
  return { type: "notice", text: `The agent could not shorten its memory of this session${why}` };
}
