/** OpenAI's Chat Completions, as OpenAI-compatible servers (Ollama, vLLM, OpenRouter) speak them. */
import type { FullReply, Sse, Stop, ToolCall, Usage, Wire } from "./reply.ts";

const STOPS: Readonly<Record<Stop, string>> = {
  end: "stop",
  calls: "tool_calls",
  length: "length",
  refusal: "content_filter",
};

const ID = "chatcmpl-twin";
const CREATED = 1_700_000_000;

export const chat: Wire = {
  *stream(model: string, reply: FullReply): Generator<Sse> {
    const chunk = (delta: object, finish: string | null = null): Sse => ({
      data: {
        ...{ id: ID, object: "chat.completion.chunk", created: CREATED, model, system_fingerprint: "fp_twin" },
        choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
      },
    });
    yield chunk({ role: "assistant", content: "" });
    if (reply.thought !== "") yield chunk({ reasoning_content: reply.thought });
    let said = "";
    for (const piece of reply.text) {
      said += piece;
      yield chunk({ content: piece });
    }
    for (const [index, { id, name, input }] of reply.calls.entries()) {
      const type = "function";
      yield chunk({ tool_calls: [{ index, id, type, function: { name, arguments: "" } }] });
      for (const piece of halves(JSON.stringify(input))) {
        yield chunk({ tool_calls: [{ index, function: { arguments: piece } }] });
      }
    }
    yield chunk({}, STOPS[reply.stop]);
    if (reply.tellsUsage) {
      const usage = usageOf(reply.usage(said));
      yield { data: { id: ID, object: "chat.completion.chunk", created: CREATED, model, choices: [], usage } };
    }
    yield { data: "[DONE]" };
  },

  whole(model: string, reply: FullReply): unknown {
    const content = [...reply.text].join("");
    const tool_calls = reply.calls.map(callOf);
    const message = { role: "assistant", content, ...(tool_calls.length > 0 ? { tool_calls } : {}) };
    return {
      ...{ id: ID, object: "chat.completion", created: CREATED, model },
      choices: [{ index: 0, message, logprobs: null, finish_reason: STOPS[reply.stop] }],
      usage: usageOf(reply.usage(content)),
    };
  },

  error: openAiError,

  errorEvent: (message, code = "server_error") => ({ data: { error: { message, type: code, code, param: null } } }),
};

export function openAiError(status: number, message: string, code?: string): unknown {
  const type = status === 429 ? "rate_limit_error" : status < 500 ? "invalid_request_error" : "server_error";
  return { error: { message, type, param: null, code: code ?? null } };
}

/** A string in two pieces, so that nobody can rely on getting it whole. */
export function halves(text: string): string[] {
  const middle = Math.ceil(text.length / 2);
  return [text.slice(0, middle), text.slice(middle)].filter((piece) => piece !== "");
}

function callOf({ id, name, input }: ToolCall): unknown {
  return { id, type: "function", function: { name, arguments: JSON.stringify(input) } };
}

function usageOf({ input, output, cached }: Required<Usage>): unknown {
  return {
    ...{ prompt_tokens: input, completion_tokens: output, total_tokens: input + output },
    prompt_tokens_details: { cached_tokens: cached },
    completion_tokens_details: { reasoning_tokens: 0 },
  };
}
