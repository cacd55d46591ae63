/** The lines that a program of `protocol: json-lines` may write; docs/command-agents.md tells people of them. */
import { z } from "zod";
import { describe } from "../../errors.ts";
import type { AgentEvent, AskRequest } from "../../model.ts";
import { type Line, ProtocolError } from "./lines.ts";

const some = z.string().min(1);
const question = z.object({
  id: some,
  prompt: z.string(),
  choices: z
    .array(z.object({ id: some, label: some }))
    .min(1)
    .exactOptional(),
  free: z.boolean().exactOptional(),
  grounded: z.boolean().exactOptional(),
  underspecified: z.boolean().exactOptional(),
});
const questions = z
  .array(question)
  .min(1)
  .refine((all) => new Set(all.map(({ id }) => id)).size === all.length, "the ids must differ");

const ask = { type: z.literal("ask"), id: some };
const tokens = z.number().min(0);

const line = z.discriminatedUnion("type", [
  z.object({ type: z.literal("text"), delta: z.string() }),
  z.object({ type: z.literal("thought"), delta: z.string() }),
  z.object({ type: z.literal("tool"), id: some, title: z.string(), status: z.enum(["running", "done", "failed"]) }),
  z.object({
    type: z.literal("todo"),
    items: z.array(z.object({ text: z.string(), status: z.enum(["open", "running", "done"]) })),
  }),
  z.object({ type: z.literal("usage"), tokensIn: tokens, tokensOut: tokens, cost: z.number().min(0).exactOptional() }),
  z.object({ type: z.literal("notice"), text: some }),
  z.object({ type: z.literal("state"), state: z.json() }),
  z.object({ type: z.literal("alive") }),
  z.discriminatedUnion("kind", [
    z.object({ ...ask, kind: z.literal("plan"), text: some }),
    z.object({
      ...ask,
      kind: z.literal("permission"),
      text: some,
      tool: some,
      target: z.string().exactOptional(),
      edits: z.boolean().exactOptional(),
    }),
    z.object({ ...ask, kind: z.literal("questions"), text: z.string().default(""), questions }),
  ]),
  z.object({ type: z.literal("withdraw"), id: some }),
  z.object({ type: z.literal("done"), state: z.json().exactOptional() }),
  z.object({
    type: z.literal("failed"),
    message: some,
    code: z
      .string()
      .regex(/^[A-Z][A-Z0-9_]*$/, "capital letters, digits and _")
      .default("COMMAND_FAILED"),
    retryable: z.boolean().default(true),
  }),
]);

/** An ask carries the program's own id of it, which comes back with the answer, and by which it is taken back. */
export type Said =
  | AgentEvent
  | { readonly type: "ask"; readonly id: string; readonly request: AskRequest }
  | { readonly type: "withdraw"; readonly id: string };

/** A line that begins with "{" is an event; every other one is text, so that `echo` is all that a script needs. */
export function isEvent({ text }: Line): boolean {
  return text.startsWith("{");
}

/** Throws a ProtocolError that says what is wrong with the line. */
export function saidIn(given: Line): Said {
  if (!isEvent(given)) return { type: "text", delta: given.whole ? `${given.text}\n` : given.text };
  const parsed = line.safeParse(jsonIn(given));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue?.path.length ? `"${issue.path.join(".")}": ` : "";
    throw new ProtocolError(`Its line ${given.number} is no event: ${where}${issue?.message}.${quoted(given)}`);
  }
  const event = parsed.data;
  switch (event.type) {
    case "ask": {
      const { type, id, ...request } = event;
      return { type, id, request };
    }
    case "usage":
      return event.cost === undefined ? event : { ...event, costSource: "agent" };
    case "failed": {
      const { type, ...failure } = event;
      return { type, failure };
    }
    default:
      return event;
  }
}

function jsonIn(given: Line): unknown {
  try {
    return JSON.parse(given.text);
  } catch (error) {
    const hint = "Each event is a JSON object on one line; a text that begins with { must be written as an event, too.";
    throw new ProtocolError(`Its line ${given.number} is no JSON: ${describe(error)}. ${hint}${quoted(given)}`);
  }
}

const MOST_QUOTED = 200;

function quoted({ text }: Line): string {
  return ` It reads:\n\n${text.length > MOST_QUOTED ? `${text.slice(0, MOST_QUOTED)}…` : text}`;
}
