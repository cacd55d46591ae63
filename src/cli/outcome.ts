/** What came of a message, for people. */
import { z } from "zod";
import { ApiError } from "./client.ts";

const wanted = z.looseObject({
  ask: z.string(),
  kind: z.string(),
  query: z.string(),
  prompt: z.string(),
  about: z.string().optional(),
  choices: z.array(z.looseObject({ id: z.string(), label: z.string() })).optional(),
});

const outcome = z.discriminatedUnion("status", [
  z.looseObject({ status: z.literal("running") }),
  z.looseObject({ status: z.literal("completed"), result: z.string() }),
  z.looseObject({ status: z.literal("error"), code: z.string(), message: z.string() }),
  z.looseObject({ status: z.literal("cancelled") }),
  z.looseObject({ status: z.literal("needs_response"), queries: z.array(wanted) }),
]);

/** A turn that failed is a fault of this command too. */
export function printOutcome(answer: unknown): void {
  const flat = z.looseObject({ status: z.literal("needs_response"), ask: z.string() }).safeParse(answer);
  const seen = outcome.parse(flat.success ? { status: "needs_response", queries: [flat.data] } : answer);
  process.stdout.write(`${tell(seen)}\n`);
}

function tell(seen: z.infer<typeof outcome>): string {
  switch (seen.status) {
    case "running":
      return "It is at work.";
    case "completed":
      return seen.result;
    case "cancelled":
      return "It was stopped.";
    case "error":
      throw new ApiError(seen.code, seen.message, undefined);
    case "needs_response":
      return seen.queries.map(tellQuery).join("\n\n");
  }
}

function tellQuery({ ask, kind, query, prompt, about, choices }: z.infer<typeof wanted>): string {
  const how =
    kind === "questions"
      ? `switchboard asks answer ${ask} --question ${query} <answer>`
      : `switchboard asks approve ${ask}, or reject ${ask}`;
  const options = choices?.map(({ id, label }) => `  ${id}: ${label}`) ?? [];
  return [...(about === undefined ? [] : [about, ""]), prompt, ...options, `→ ${how}`].join("\n");
}
