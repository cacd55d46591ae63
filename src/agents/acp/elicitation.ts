/** What an agent wants to know of people as questions, and their answers as it wants them. */
import type { CreateElicitationResponse } from "@agentclientprotocol/sdk";
import { z } from "zod";
import type { AskOutcome } from "../../agent.ts";
import type { Question, QuestionsRequest } from "../../model.ts";

const text = z.string();
const optionalText = text.nullish().catch(undefined);
const optionalNumber = z.number().nullish().catch(undefined);
const titled = z.array(z.object({ const: text, title: text })).nullish();
const property = z.object({
  type: text,
  title: optionalText,
  description: optionalText,
  enum: z.array(text).nullish(),
  oneOf: titled,
  items: z.object({ enum: z.array(text).nullish(), anyOf: titled }).nullish(),
  minimum: optionalNumber,
  maximum: optionalNumber,
  minLength: optionalNumber,
  maxLength: optionalNumber,
  minItems: optionalNumber,
  maxItems: optionalNumber,
});
type Property = z.infer<typeof property>;

const form = z.object({
  mode: z.literal("form").default("form"),
  message: text,
  requestedSchema: z.object({ properties: z.record(text, property).default({}), required: z.array(text).nullish() }),
});
const link = z.object({ mode: z.literal("url"), message: text, url: z.url({ protocol: /^https?$/ }) });
export const elicitationParams = z.union([form, link]);
export type Elicitation = z.infer<typeof elicitationParams>;

/** How people leave out what need not be answered. */
const NOTHING = "-";
const LINK = { id: "link", done: "done", not: "not" };

export function questionsOf(wanted: Elicitation): QuestionsRequest {
  if (wanted.mode === "url") {
    const choices = [
      { id: LINK.done, label: "Done" },
      { id: LINK.not, label: "Not now" },
    ];
    const prompt = `Open ${wanted.url} and do what it asks for.`;
    return { kind: "questions", text: wanted.message, questions: [{ id: LINK.id, prompt, choices }] };
  }
  const { properties, required } = wanted.requestedSchema;
  const entries = Object.entries(properties);
  if (entries.length === 0) {
    const choices = [
      { id: "yes", label: "Yes" },
      { id: "no", label: "No" },
    ];
    return { kind: "questions", text: "", questions: [{ id: "confirm", prompt: wanted.message, choices }] };
  }
  const questions = entries.map(([id, wants]) => questionOf(id, wants, required?.includes(id) ?? false));
  return { kind: "questions", text: wanted.message, questions };
}

function questionOf(id: string, wants: Property, isRequired: boolean): Question {
  const { title, description, type } = wants;
  const choices = choicesOf(wants);
  const hints = [
    type === "array"
      ? `several of ${itemsOf(wants)
          .map((item) => item.label)
          .join(", ")}; separated by commas`
      : undefined,
    type === "number" || type === "integer" ? "a number" : undefined,
    choices === undefined && !isRequired ? `"${NOTHING}" to leave it out` : undefined,
  ];
  const hint = hints.filter((part) => part !== undefined).join("; ");
  const said = [title || (description ? "" : id), description].filter((part) => part).join(": ");
  return { id, prompt: hint === "" ? said : `${said} (${hint})`, ...(choices === undefined ? {} : { choices }) };
}

function choicesOf({ type, enum: values, oneOf }: Property): { id: string; label: string }[] | undefined {
  if (type === "boolean") {
    return [
      { id: "true", label: "Yes" },
      { id: "false", label: "No" },
    ];
  }
  if (type !== "string") return undefined;
  if (oneOf) return oneOf.map((value) => ({ id: value.const, label: value.title }));
  return values?.map((value) => ({ id: value, label: value }));
}

function itemsOf({ items }: Property): { id: string; label: string }[] {
  if (items?.anyOf) return items.anyOf.map((value) => ({ id: value.const, label: value.title }));
  return (items?.enum ?? []).map((value) => ({ id: value, label: value }));
}

export interface Answer {
  readonly response: CreateElicitationResponse;
  /** What the agent should know besides: the protocol has no words for why there is no answer. */
  readonly remark?: string;
}

export function answerTo(outcome: AskOutcome, wanted: Elicitation): Answer {
  if (outcome.kind !== "answered") {
    const remark = outcome.kind === "approved" ? undefined : outcome.reason;
    const action = outcome.kind === "closed" ? "cancel" : "decline";
    return { response: { action }, ...(remark === undefined ? {} : { remark }) };
  }
  const { answers } = outcome;
  if (wanted.mode === "url") return { response: { action: answers[LINK.id] === LINK.not ? "decline" : "accept" } };
  const { properties, required } = wanted.requestedSchema;
  if (Object.keys(properties).length === 0) {
    return { response: answers.confirm === "no" ? { action: "decline" } : { action: "accept", content: {} } };
  }
  const content: Record<string, string | number | boolean | string[]> = {};
  for (const [id, wants] of Object.entries(properties)) {
    const given = answers[id]?.trim() ?? "";
    if ((given === "" || given === NOTHING) && !required?.includes(id)) continue;
    const value = readAnswer(given, wants);
    if (value === undefined) {
      const remark = `The answer "${given}" to "${wants.title || id}" is not what was asked for.`;
      return { response: { action: "decline" }, remark };
    }
    content[id] = value;
  }
  return { response: { action: "accept", content } };
}

/** Undefined where it is not what was asked for. */
function readAnswer(given: string, wants: Property): string | number | boolean | string[] | undefined {
  const { type, minimum, maximum, minLength, maxLength } = wants;
  switch (type) {
    case "boolean":
      return given === "true" ? true : given === "false" ? false : undefined;
    case "number":
    case "integer": {
      const value = given === "" ? Number.NaN : Number(given);
      const fits = type === "integer" ? Number.isSafeInteger(value) : Number.isFinite(value);
      return fits && isWithin(value, minimum, maximum) ? value : undefined;
    }
    case "array":
      return readAnswers(given, wants);
    default: {
      const choices = choicesOf(wants);
      if (choices && !choices.some(({ id }) => id === given)) return undefined;
      return isWithin(given.length, minLength, maxLength) ? given : undefined;
    }
  }
}

function readAnswers(given: string, wants: Property): string[] | undefined {
  const items = itemsOf(wants);
  const named = given
    .split(",")
    .map((part) => part.trim().toLowerCase())
    .filter((part) => part !== "");
  const chosen = named.map(
    (name) => items.find(({ id, label }) => [id, label].some((word) => word.toLowerCase() === name))?.id,
  );
  const known = chosen.filter((id) => id !== undefined);
  return known.length === chosen.length && isWithin(known.length, wants.minItems, wants.maxItems) ? known : undefined;
}

function isWithin(value: number, least: number | null | undefined, most: number | null | undefined): boolean {
  return value >= (least ?? Number.NEGATIVE_INFINITY) && value <= (most ?? Number.POSITIVE_INFINITY);
}
