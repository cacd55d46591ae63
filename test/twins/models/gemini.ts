/** Google's Gemini API: `generateContent` and `streamGenerateContent`. */
import type { FullReply, Sse, Stop, ToolCall, Usage, Wire } from "./reply.ts";

const STOPS: Readonly<Record<Stop, string>> = {
  end: "STOP",
  calls: "STOP",
  length: "MAX_TOKENS",
  refusal: "SAFETY",
};

const ERRORS: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  429: "RESOURCE_EXHAUSTED",
  503: "UNAVAILABLE",
};

export const gemini: Wire = {
  *stream(model: string, reply: FullReply): Generator<Sse> {
    const chunk = (parts: readonly unknown[], rest: object = {}): Sse => ({ data: responseOf(model, parts, rest) });
    if (reply.thought !== "") yield chunk([thoughtOf(reply.thought)]);
    let said = "";
    for (const piece of reply.text) {
      said += piece;
      yield chunk([{ text: piece }]);
    }
    if (reply.calls.length > 0) yield chunk(reply.calls.map(callOf));
    yield chunk([{ text: "" }], { finishReason: STOPS[reply.stop], usage: reply.usage(said) });
  },

  whole(model: string, reply: FullReply): unknown {
    const said = [...reply.text].join("");
    const parts = [
      ...(reply.thought === "" ? [] : [thoughtOf(reply.thought)]),
      ...(said === "" ? [] : [{ text: said }]),
      ...reply.calls.map(callOf),
    ];
    return responseOf(model, parts, { finishReason: STOPS[reply.stop], usage: reply.usage(said) });
  },

  error: errorOf,

  errorEvent: (message, code = "UNAVAILABLE") => ({ data: errorOf(503, message, code) }),
};

interface Rest {
  readonly finishReason?: string;
  readonly usage?: Required<Usage>;
}

function responseOf(modelVersion: string, parts: readonly unknown[], { finishReason, usage }: Rest): unknown {
  const finished = finishReason === undefined ? {} : { finishReason };
  return {
    candidates: [{ index: 0, content: { role: "model", parts }, ...finished }],
    ...(usage ? { usageMetadata: usageOf(usage) } : {}),
    ...{ modelVersion, responseId: "gemini-twin" },
  };
}

function thoughtOf(text: string): unknown {
  return { text, thought: true };
}

function callOf({ id, name, input }: ToolCall): unknown {
  return { functionCall: { id, name, args: input } };
}

function usageOf({ input, output, cached }: Required<Usage>): unknown {
  return {
    ...{ promptTokenCount: input, candidatesTokenCount: output, totalTokenCount: input + output },
    cachedContentTokenCount: cached,
  };
}

function errorOf(status: number, message: string, code?: string): unknown {
  return { error: { code: status, message, status: code ?? ERRORS[status] ?? "INTERNAL" } };
}
