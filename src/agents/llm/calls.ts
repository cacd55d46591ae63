/** Carrying out what the model wants of its tools: people are asked first, and what came of it goes back to the model. */
import type { ModelMessage, ToolModelMessage } from "ai";
import { z } from "zod";
import type { AgentTurn, AskOutcome } from "../../agent.ts";
import { describe } from "../../errors.ts";
import type { AgentEvent, PermissionRequest } from "../../model.ts";
import type { SessionTool, ToolOutput } from "./toolbox.ts";

export interface Call {
  readonly id: string;
  /** The tool's name. */
  readonly name: string;
  readonly input: unknown;
}

/** The calls that have no result yet. */
export function openCalls(messages: readonly ModelMessage[]): Call[] {
  const calls = new Map<string, Call>();
  for (const { content } of messages) {
    for (const part of typeof content === "string" ? [] : content) {
      if (part.type === "tool-result") calls.delete(part.toolCallId);
      if (part.type !== "tool-call" || part.providerExecuted) continue;
      calls.set(part.toolCallId, { id: part.toolCallId, name: part.toolName, input: part.input });
    }
  }
  return [...calls.values()];
}

export interface Calls {
  readonly turn: AgentTurn;
  readonly calls: readonly Call[];
  readonly tools: ReadonlyMap<string, SessionTool>;
  /** Those that an attempt which was cut short had begun. Added to before a tool is called. */
  readonly begun: Set<string>;
  /** Characters of a result that the model gets. */
  readonly most: number;
  /** Whether a tool's result may hold pictures. */
  readonly takesPictures: boolean;
  /** Makes durable what was begun. */
  save(): AgentEvent;
}

/** All of them are asked for at once, and carried out one after the other. */
export async function* carryOut(job: Calls): AsyncGenerator<AgentEvent, ToolModelMessage> {
  const { turn, tools, begun } = job;
  const wanted = job.calls.map((call) => {
    const tool = tools.get(call.name);
    const isInDoubt = begun.has(call.id) && tool?.readOnly !== true;
    return { call, tool, asked: tool === undefined || isInDoubt ? undefined : turn.ask(permission(tool, call)) };
  });
  const content: ToolModelMessage["content"] = [];
  for (const { call, tool, asked } of wanted) {
    const answer = (output: ToolOutput) =>
      content.push({ type: "tool-result", toolCallId: call.id, toolName: call.name, output });
    if (tool === undefined) {
      answer(failed(`There is no tool "${call.name}" at the moment.`));
      continue;
    }
    const refusal = asked === undefined ? IN_DOUBT : refusalIn(await asked);
    if (refusal !== undefined) {
      yield event(call, "failed");
      answer(failed(refusal));
      continue;
    }
    begun.add(call.id);
    yield job.save();
    yield event(call, "running");
    const { output, status } = await use(tool, call, job);
    yield event(call, status);
    answer(output);
  }
  return { role: "tool", content };
}

const IN_DOUBT =
  "The gateway was interrupted while this call was carried out: it may or may not have had its effect. Find out before you call it again, or ask.";

/** The same on every attempt, so that a decision which was made meanwhile is found again. */
function permission({ name, description }: SessionTool, { input }: Call): PermissionRequest {
  const text = JSON.stringify(input, null, 2) ?? "{}";
  const shown = text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}\n…` : text;
  const fence = "`".repeat(Math.max(3, ...[...shown.matchAll(/`+/g)].map(([ticks]) => ticks.length + 1)));
  const what = description.split("\n")[0]?.slice(0, 200) ?? "";
  return {
    kind: "permission",
    tool: name,
    target: (JSON.stringify(input) ?? "{}").slice(0, MOST_COMPARED),
    text: `Use the tool \`${name}\`${what === "" ? "" : ` (${what})`} with\n\n${fence}json\n${shown}\n${fence}`,
  };
}

const MOST_SHOWN = 1_500;
const MOST_COMPARED = 2_000;

/** What the model is told where it may not; undefined where it may. */
function refusalIn(outcome: AskOutcome): string | undefined {
  switch (outcome.kind) {
    case "approved":
      return undefined;
    case "rejected":
      return outcome.reason === undefined
        ? `${outcome.by.name} did not allow this call.`
        : `${outcome.by.name} did not allow this call: ${outcome.reason}`;
    case "closed":
      return `Nobody decided about this call, so it was not made: ${outcome.reason}`;
    case "answered":
      return "This call was answered and not allowed.";
  }
}

async function use(
  { tool }: SessionTool,
  { id, input }: Call,
  { turn, most, takesPictures }: Calls,
): Promise<{ output: ToolOutput; status: "done" | "failed" }> {
  try {
    const options = { toolCallId: id, messages: [], abortSignal: turn.signal };
    const given = result.parse(await tool.execute?.(input, options));
    const pictures = takesPictures ? picturesIn(given) : [];
    const text = cut(textIn(given, takesPictures), most);
    const output: ToolOutput =
      pictures.length === 0
        ? { type: given.isError ? "error-text" : "text", value: text }
        : { type: "content", value: [{ type: "text", text }, ...pictures] };
    return { output, status: given.isError ? "failed" : "done" };
  } catch (error) {
    turn.signal.throwIfAborted();
    return { output: failed(`The tool failed: ${describe(error)}`), status: "failed" };
  }
}

/** As servers give it. */
const result = z.looseObject({
  content: z.array(z.looseObject({ type: z.string() })).optional(),
  isError: z.boolean().default(false),
});
type Result = z.infer<typeof result>;

const picture = z.object({ type: z.literal("image"), data: z.string(), mimeType: z.string() });

function picturesIn({ content = [] }: Result) {
  return content.flatMap((part) => {
    const { data } = picture.safeParse(part);
    return data ? [{ type: "image-data" as const, data: data.data, mediaType: data.mimeType }] : [];
  });
}

function textIn({ content, ...rest }: Result, takesPictures: boolean): string {
  if (content === undefined) return JSON.stringify(rest);
  const texts = content.flatMap((part) => {
    if (typeof part.text === "string") return [part.text];
    if (part.type !== "image") return [JSON.stringify(part)];
    return takesPictures ? [] : ["(It gave a picture, which can't be shown to you.)"];
  });
  return texts.join("\n\n") || "(It gave nothing.)";
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most)}\n(… ${text.length - most} more characters are left out.)`;
}

function failed(value: string): ToolOutput {
  return { type: "error-text", value };
}

function event({ id, name }: Call, status: "running" | "done" | "failed"): AgentEvent {
  return { type: "tool", id, title: name, status };
}
