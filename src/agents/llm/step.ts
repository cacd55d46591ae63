/** One request to the model, as events while it answers, and what came of it. */
import { type LanguageModel, type LanguageModelUsage, type ModelMessage, streamText, type ToolSet } from "ai";
import type { AgentEvent } from "../../model.ts";
import { LlmError } from "./failure.ts";

// The SDK warns on the console of options that a model does not take: nobody reads there.
globalThis.AI_SDK_LOG_WARNINGS = false;

export interface StepRequest {
  readonly model: LanguageModel;
  readonly system: string;
  readonly messages: readonly ModelMessage[];
  /** None of them is carried out here. */
  readonly tools?: ToolSet;
  /** It must answer now. */
  readonly toolsClosed?: boolean;
  /** Said ahead of its first text. */
  readonly opening?: string;
  readonly providerOptions: NonNullable<Parameters<typeof streamText>[0]["providerOptions"]>;
  readonly maxOutput: number | undefined;
  readonly signal: AbortSignal;
}

export interface Step {
  /** What the model said, to be given back to it. */
  readonly messages: readonly ModelMessage[];
  readonly usage: LanguageModelUsage;
  /** It was cut at the limit of its output. */
  readonly isCut: boolean;
  readonly hasText: boolean;
}

/** Throws whatever the provider gives as an error, and when the signal aborts. */
export async function* step(request: StepRequest): AsyncGenerator<AgentEvent, Step> {
  const { model, system, messages, tools = {}, providerOptions, maxOutput, signal } = request;
  const hasTools = Object.keys(tools).length > 0;
  const result = streamText({
    ...{ model, providerOptions, abortSignal: signal },
    ...(system === "" ? {} : { system }),
    messages: [...messages],
    ...(hasTools ? { tools, toolChoice: request.toolsClosed ? ("none" as const) : ("auto" as const) } : {}),
    ...(maxOutput === undefined ? {} : { maxOutputTokens: maxOutput }),
    // `fetch.ts` repeats: it keeps to the server's pace, and to the injected clock.
    maxRetries: 0,
    onError: () => {}, // It comes as a part of the stream, too.
  });
  let end: { finishReason: string; usage: LanguageModelUsage } | undefined;
  let hasText = false;
  for await (const part of result.fullStream) {
    signal.throwIfAborted();
    if (part.type === "text-delta") {
      // Empty lines between a thought and the answer belong to neither.
      const delta = hasText ? part.text : part.text.replace(/^(?:[ \t]*\r?\n)+/, "");
      if (delta === "") continue;
      if (!hasText && request.opening) yield { type: "text", delta: request.opening };
      hasText = true;
      yield { type: "text", delta };
    } else if (part.type === "reasoning-delta" && part.text !== "") {
      yield { type: "thought", delta: part.text };
    } else if (part.type === "finish-step") {
      end = part;
    } else if (part.type === "error") {
      throw part.error;
    }
  }
  signal.throwIfAborted();
  // A connection that is closed in the middle looks like an end to some of the providers' packages.
  if (end === undefined || end.finishReason === "other" || end.finishReason === "error") {
    throw new Error("its stream ended without saying why");
  }
  if (end.finishReason === "content-filter" && !hasText) {
    throw new LlmError(
      "LLM_DECLINED",
      "The model declined to answer this. Say it in other words, or choose another model.",
    );
  }
  const { messages: said } = await result.response;
  return { messages: said, usage: end.usage, isCut: end.finishReason === "length", hasText };
}
