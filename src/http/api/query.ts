/** How the API reads what comes with a request: unknown names and odd values are refused with their name, never guessed at. */
import type { Context } from "hono";
import { z } from "zod";
import { SwitchboardError } from "../../errors.ts";
import type { ChannelId } from "../../model.ts";

/** Who stands behind a call to the API: whoever holds the gateway's token. */
export const OPERATOR = "operator";

export const count = z.coerce.number().int().min(1).max(500);
export const cursor = z.coerce.number().int().min(0);
export const time = z.coerce.number().int().min(0);
export const flag = z.enum(["true", "false"]).transform((text) => text === "true");
export const channel = z
  .string()
  .regex(/^[^:]+:.+$/, "a channel id such as telegram:123")
  .transform((text) => text as ChannelId);

/** A duration such as 500ms, 30s or 5m, in milliseconds. */
export const duration = z
  .string()
  .regex(/^\d{1,6}(ms|s|m)$/, "a duration such as 500ms, 30s or 5m")
  .transform((text) => Number.parseInt(text, 10) * (text.endsWith("ms") ? 1 : text.endsWith("s") ? 1_000 : 60_000));

/** What `schema` makes of the query; keys that were not given are absent, as the ports' optional fields want it. */
export function readQuery<T extends z.ZodType>(schema: T, query: Record<string, string>): Defined<z.output<T>> {
  return parsed(schema, query, "query");
}

/** The JSON in the body, to be read by a schema. */
export async function jsonBody(c: Context): Promise<unknown> {
  const text = await c.req.text();
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SwitchboardError("REQUEST_INVALID", "The body is not JSON.", { cause: error });
  }
}

export function readBody<T extends z.ZodType>(schema: T, body: unknown): Defined<z.output<T>> {
  return parsed(schema, body, "body");
}

function parsed<T extends z.ZodType>(schema: T, input: unknown, what: string): Defined<z.output<T>> {
  const result = schema.safeParse(input);
  if (!result.success) {
    const problems = result.error.issues.map((issue) => [...issue.path.map(String), issue.message].join(": "));
    throw new SwitchboardError("REQUEST_INVALID", `The ${what} can't be read: ${problems.join("; ")}.`);
  }
  return result.data as Defined<z.output<T>>;
}

/** zod gives optional keys the type `T | undefined` but never sets them to undefined where they were absent. */
type Defined<T> = T extends unknown ? { [K in keyof T]: Exclude<T[K], undefined> } : never;
