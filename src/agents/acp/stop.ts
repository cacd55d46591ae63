/** Why an agent stopped, and what it used by then. */
import { z } from "zod";
import type { AgentEvent, AgentFailure } from "../../model.ts";

export type Stop =
  /** `notice`: what people should know of it. */
  { readonly kind: "done"; readonly notice?: string } | { readonly kind: "failed"; readonly failure: AgentFailure };

const tokens = z.number().nonnegative().nullish().catch(undefined);
const usage = z.object({
  inputTokens: z.number().nonnegative(),
  outputTokens: z.number().nonnegative(),
  cachedReadTokens: tokens,
  cachedWriteTokens: tokens,
  totalTokens: tokens,
});

/** Gemini's way to tell it. */
const quota = z
  .object({ quota: z.object({ token_count: z.object({ input_tokens: tokens, output_tokens: tokens }) }) })
  .transform(({ quota: { token_count } }) =>
    usage.parse({ inputTokens: token_count.input_tokens ?? 0, outputTokens: token_count.output_tokens ?? 0 }),
  );

export const stopped = z
  .object({
    stopReason: z.string(),
    usage: usage.nullish().catch(undefined),
    _meta: quota.nullish().catch(undefined),
  })
  .transform(({ stopReason, usage, _meta }) => ({ stop: stopOf(stopReason), usage: usage ?? _meta }));

function stopOf(reason: string): Stop {
  switch (reason) {
    case "end_turn":
      return { kind: "done" };
    case "cancelled":
      // Nobody stopped it: it does so where people turned down what it asked for.
      return { kind: "done", notice: "The agent stopped, because it was not allowed to go on." };
    case "max_tokens":
      return {
        kind: "done",
        notice: "The answer breaks off: it has reached the longest that the agent's model can give.",
      };
    case "max_turn_requests":
      return { kind: "done", notice: "The agent stopped: it has called its model as often as it may in one turn." };
    case "refusal":
      return {
        kind: "failed",
        failure: { code: "ACP_REFUSED", message: "The agent's model refuses to answer this.", retryable: false },
      };
    default:
      return { kind: "done", notice: `The agent stopped, and gave "${reason}" as its reason.` };
  }
}

/** Agents count what came from a cache apart, or within the input: by the total it can be told. */
export function usageIn({ usage }: z.infer<typeof stopped>): AgentEvent | undefined {
  if (!usage) return undefined;
  const { inputTokens, outputTokens, cachedReadTokens, cachedWriteTokens, totalTokens } = usage;
  const cached = (cachedReadTokens ?? 0) + (cachedWriteTokens ?? 0);
  const isApart = (totalTokens ?? 0) >= inputTokens + cached + outputTokens;
  return { type: "usage", tokensIn: inputTokens + (isApart ? cached : 0), tokensOut: outputTokens };
}
