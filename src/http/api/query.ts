/** How the API reads its query strings: unknown names and odd values are refused with their name, never guessed at. */
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

/** What `schema` makes of the query; keys that were not given are absent, as the ports' optional fields want it. */
export function readQuery<T extends z.ZodType>(schema: T, query: Record<string, string>): Defined<z.output<T>> {
  const result = schema.safeParse(query);
  if (!result.success) {
    const problems = result.error.issues.map((issue) => [...issue.path.map(String), issue.message].join(": "));
    throw new SwitchboardError("REQUEST_INVALID", `The query can't be read: ${problems.join("; ")}.`);
  }
  return result.data as Defined<z.output<T>>;
}

/** zod gives optional keys the type `T | undefined` but never sets them to undefined where they were absent. */
type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> } extends infer D ? { [K in keyof D]: D[K] } : never;
