/** A request to a model, the same whatever wire it came by. */
import type { IncomingHttpHeaders } from "node:http";
import { z } from "zod";
import { placeIn, spokenIn } from "./gemini-request.ts";

export type WireName = "chat" | "responses" | "messages" | "gemini";

export interface ModelRequest {
  readonly wire: WireName;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** As it was sent. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly model: string;
  readonly stream: boolean;
  readonly system: string;
  /** All but the system prompt, in order. */
  readonly said: readonly Said[];
  /** The names of the tools that the model may call. */
  readonly tools: readonly string[];
}

export interface Said {
  readonly role: "user" | "assistant" | "tool";
  readonly text: string;
  /** How many pictures came with it. */
  readonly images: number;
  /** The names of the tools that it calls. */
  readonly calls: readonly string[];
}

/** The last thing that people said, and what tools gave since then. */
export function newest({ said }: Pick<ModelRequest, "said">): { user: string; results: readonly string[] } {
  const at = said.findLastIndex(({ role, text }) => role === "user" && text !== "");
  const since = said.slice(at + 1);
  return {
    user: said[at]?.text ?? "",
    results: since.filter(({ role }) => role === "tool").map(({ text }) => text),
  };
}

const record = z.record(z.string(), z.unknown());
type Item = z.infer<typeof record>;
const items = z.array(record);

export function parseRequest(
  wire: WireName,
  path: string,
  headers: IncomingHttpHeaders,
  json: unknown,
): ModelRequest | { readonly invalid: string } {
  const parsed = record.safeParse(json);
  if (!parsed.success) return { invalid: "the body is no JSON object" };
  const body = parsed.data;
  const place = wire === "gemini" ? placeIn(path) : undefined;
  if (place) {
    const spoken = spokenIn(body);
    return "invalid" in spoken ? spoken : { ...{ wire, path, headers, body }, ...place, ...spoken };
  }
  if (typeof body.model !== "string") return { invalid: "model: field required" };
  const key = wire === "responses" ? "input" : "messages";
  const given = typeof body[key] === "string" ? [{ role: "user", content: body[key] }] : body[key];
  const list = items.safeParse(given);
  if (!list.success) return { invalid: `${key}: field required` };
  const isSystem = ({ role }: Item) => role === "system" || role === "developer";
  const spoken = list.data.filter((item) => !isSystem(item)).flatMap(saidOf);
  const unanswered = wire === "messages" ? undefined : openCall(list.data);
  if (unanswered !== undefined) return { invalid: `no output found for the tool call ${unanswered}` };
  return {
    ...{ wire, path, headers, body, model: body.model, stream: body.stream === true },
    system: [body.system, body.instructions, ...list.data.filter(isSystem).map(({ content }) => content)]
      .map(textIn)
      .filter((text) => text !== "")
      .join("\n\n"),
    said: spoken,
    tools: (items.safeParse(body.tools).data ?? []).flatMap(toolName),
  };
}

/** All wires refuse a request in which a tool call has no result; the twin does not do so for Anthropic's. */
function openCall(list: readonly Item[]): string | undefined {
  const calls = list.flatMap((item) => [
    ...(items.safeParse(item.tool_calls).data ?? []).map(({ id }) => id),
    ...(item.type === "function_call" ? [item.call_id] : []),
  ]);
  const results = new Set(
    list.flatMap((item) => [item.tool_call_id, item.type === "function_call_output" && item.call_id]),
  );
  const open = calls.find((id) => !results.has(id));
  return typeof open === "string" ? open : undefined;
}

function saidOf(item: Item): Said[] {
  if (item.type === "function_call") return [line("assistant", "", [String(item.name)])];
  if (item.type === "function_call_output") return [line("tool", textIn(item.output))];
  if (item.type === "reasoning" || item.type === "item_reference") return [];
  const content = items.safeParse(item.content).data ?? [];
  const results = content
    .filter(({ type }) => type === "tool_result")
    .map((part) => line("tool", textIn(part.content)));
  const role = item.role === "assistant" ? "assistant" : item.role === "tool" ? "tool" : "user";
  const calls = [
    ...content.filter(({ type }) => type === "tool_use").map(({ name }) => String(name)),
    ...(items.safeParse(item.tool_calls).data ?? []).map((call) => String(record.safeParse(call.function).data?.name)),
  ];
  const text = textIn(item.content);
  const images = content.filter(
    ({ type }) => type === "image" || type === "image_url" || type === "input_image",
  ).length;
  const own = { role, text, images, calls } as const;
  return [...results, ...(text === "" && images === 0 && calls.length === 0 && results.length > 0 ? [] : [own])];
}

function line(role: Said["role"], text: string, calls: readonly string[] = []): Said {
  return { role, text, images: 0, calls };
}

/** A string, or the texts among its parts. */
function textIn(content: unknown): string {
  if (typeof content === "string") return content;
  const parts = items.safeParse(content).data ?? [];
  return parts.flatMap(({ text }) => (typeof text === "string" ? [text] : [])).join("\n\n");
}

function toolName(tool: Item): string[] {
  const name = record.safeParse(tool.function).data?.name ?? tool.name;
  return typeof name === "string" ? [name] : [];
}
