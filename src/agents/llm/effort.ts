/** How hard a model thinks, in the words of its provider. */
import type { streamText } from "ai";
import type { LlmConfig } from "../../config.ts";
import { LlmError } from "./failure.ts";
import { NAME } from "./provider.ts";

type ProviderOptions = NonNullable<Parameters<typeof streamText>[0]["providerOptions"]>;
type Provider = LlmConfig["provider"];

export const EFFORTS = ["low", "medium", "high"] as const;
type Effort = (typeof EFFORTS)[number];

/** Tokens that a model may think for which knows no effort. */
const BUDGETS: Readonly<Record<Effort, number>> = { low: 2_048, medium: 8_192, high: 24_576 };

/** Anthropic's models up to these are given a budget, the later ones an effort. */
const BUDGETED = /claude-(3|(opus|sonnet|haiku)-4(-[015]|-2025|$))/;

export function optionsFor(provider: Provider, model: string, wanted: string | undefined): ProviderOptions {
  const effort = EFFORTS.find((known) => known === wanted);
  if (wanted !== undefined && effort === undefined) {
    throw new LlmError(
      "LLM_EFFORT_UNKNOWN",
      `This agent has no effort "${wanted}". Choose one of: ${EFFORTS.join(", ")}.`,
    );
  }
  switch (provider) {
    case "openai":
      // OpenAI keeps no copy of the talk: the transcript is the gateway's.
      return { openai: { store: false, ...(effort ? { reasoningEffort: effort } : {}) } };
    case "openai-compatible":
      return effort ? { [NAME]: { reasoningEffort: effort } } : {};
    case "anthropic":
      if (effort === undefined) return {};
      if (BUDGETED.test(model)) return { anthropic: { thinking: { type: "enabled", budgetTokens: BUDGETS[effort] } } };
      return { anthropic: { thinking: { type: "adaptive" }, effort } };
  }
}
