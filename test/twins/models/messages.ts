/** Anthropic's Messages API. */
import { randomUUID } from "node:crypto";
import { halves } from "./chat.ts";
import type { FullReply, Sse, Stop, Usage, Wire } from "./reply.ts";

const STOPS: Readonly<Record<Stop, string>> = {
  end: "end_turn",
  calls: "tool_use",
  length: "max_tokens",
  refusal: "refusal",
};

const ERRORS: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  529: "overloaded_error",
};

export const messages: Wire = {
  *stream(model: string, reply: FullReply): Generator<Sse> {
    const event = (type: string, data: object): Sse => ({ event: type, data: { type, ...data } });
    const begun = { ...messageOf(model, []), stop_reason: null, usage: usageOf({ ...reply.usage(""), output: 1 }) };
    yield event("message_start", { message: begun });
    yield event("ping", {});
    let index = 0;
    const delta = (data: object) => event("content_block_delta", { index, delta: data });

    if (reply.thought !== "") {
      yield event("content_block_start", { index, content_block: { type: "thinking", thinking: "", signature: "" } });
      yield delta({ type: "thinking_delta", thinking: reply.thought });
      yield delta({ type: "signature_delta", signature: "twin" });
      yield event("content_block_stop", { index });
      index++;
    }

    let said = "";
    let isOpen = false;
    for (const piece of reply.text) {
      if (!isOpen) yield event("content_block_start", { index, content_block: { type: "text", text: "" } });
      isOpen = true;
      said += piece;
      yield delta({ type: "text_delta", text: piece });
    }
    if (isOpen) {
      yield event("content_block_stop", { index });
      index++;
    }

    for (const { id, name, input } of reply.calls) {
      yield event("content_block_start", { index, content_block: { type: "tool_use", id, name, input: {} } });
      for (const piece of halves(JSON.stringify(input))) yield delta({ type: "input_json_delta", partial_json: piece });
      yield event("content_block_stop", { index });
      index++;
    }

    const usage = usageOf(reply.usage(said));
    yield event("message_delta", { delta: { stop_reason: STOPS[reply.stop], stop_sequence: null }, usage });
    yield event("message_stop", {});
  },

  whole(model: string, reply: FullReply): unknown {
    const said = [...reply.text].join("");
    const content = [
      ...(said === "" ? [] : [{ type: "text", text: said }]),
      ...reply.calls.map(({ id, name, input }) => ({ type: "tool_use", id, name, input })),
    ];
    return {
      ...messageOf(model, content),
      stop_reason: STOPS[reply.stop],
      usage: usageOf(reply.usage(said)),
    };
  },

  error: (status, message, code) => ({
    type: "error",
    error: { type: code ?? ERRORS[status] ?? "api_error", message },
    request_id: "req_twin",
  }),

  errorEvent: (message, code = "overloaded_error") => ({
    event: "error",
    data: { type: "error", error: { type: code, message } },
  }),
};

function messageOf(model: string, content: readonly unknown[]) {
  // No two answers have the same: clients join those that do.
  return { id: `msg_${randomUUID()}`, type: "message", role: "assistant", model, content, stop_sequence: null };
}

/** Anthropic counts what it reads from its cache apart from `input_tokens`. */
function usageOf({ input, output, cached }: Required<Usage>): unknown {
  return {
    input_tokens: input - cached,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cached,
    output_tokens: output,
  };
}
