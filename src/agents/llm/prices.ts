/** What was used, as the event that tells it. */
import type { LanguageModelUsage } from "ai";
import type { LlmConfig } from "../../config.ts";
import type { AgentEvent } from "../../model.ts";

type UsageEvent = Extract<AgentEvent, { type: "usage" }>;

const PER_MILLION = 1_000_000;

/** Undefined where the server doesn't say what was used. No price, no cost: that is not 0. */
export function usageEvent(
  { inputTokens, outputTokens, inputTokenDetails }: LanguageModelUsage,
  price: LlmConfig["prices"][string] | undefined,
): UsageEvent | undefined {
  if (inputTokens === undefined && outputTokens === undefined) return undefined;
  const tokensIn = inputTokens ?? 0;
  const tokensOut = outputTokens ?? 0;
  const event: UsageEvent = { type: "usage", tokensIn, tokensOut };
  if (price === undefined) return event;
  const cached = Math.min(inputTokenDetails.cacheReadTokens ?? 0, tokensIn);
  const paid =
    (tokensIn - cached) * price.input + cached * (price.cachedInput ?? price.input) + tokensOut * price.output;
  return { ...event, cost: paid / PER_MILLION, costSource: "prices" };
}
