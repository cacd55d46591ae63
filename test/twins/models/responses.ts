/** OpenAI's Responses API. */
import { randomUUID } from "node:crypto";
import { halves, openAiError } from "./chat.ts";
import type { FullReply, Sse, ToolCall, Usage, Wire } from "./reply.ts";

const ID = "resp_twin";
const CREATED = 1_700_000_000;

export const responses: Wire = {
  *stream(model: string, reply: FullReply): Generator<Sse> {
    let sequence = 0;
    const event = (type: string, data: object): Sse => ({
      event: type,
      data: { type, sequence_number: sequence++, ...data },
    });
    const output: unknown[] = [];
    const open = responseOf(model, "in_progress", [], null);
    yield event("response.created", { response: open });
    yield event("response.in_progress", { response: open });

    if (reply.thought !== "") {
      const id = `rs_${randomUUID()}`;
      const at = { output_index: output.length, item_id: id, summary_index: 0 };
      const part = { type: "summary_text", text: reply.thought };
      yield event("response.output_item.added", { ...at, item: { id, type: "reasoning", summary: [] } });
      yield event("response.reasoning_summary_part.added", { ...at, part: { type: "summary_text", text: "" } });
      yield event("response.reasoning_summary_text.delta", { ...at, delta: reply.thought });
      yield event("response.reasoning_summary_text.done", { ...at, text: reply.thought });
      yield event("response.reasoning_summary_part.done", { ...at, part });
      const item = { id, type: "reasoning", summary: [part], encrypted_content: "twin" };
      yield event("response.output_item.done", { ...at, item });
      output.push(item);
    }

    let said = "";
    let isOpen = false;
    const id = `msg_${randomUUID()}`;
    const at = { output_index: output.length, item_id: id, content_index: 0 };
    for (const piece of reply.text) {
      if (!isOpen) {
        yield event("response.output_item.added", { ...at, item: messageOf(id, "in_progress", []) });
        yield event("response.content_part.added", { ...at, part: textOf("") });
        isOpen = true;
      }
      said += piece;
      yield event("response.output_text.delta", { ...at, delta: piece, logprobs: [] });
    }
    if (isOpen) {
      yield event("response.output_text.done", { ...at, text: said, logprobs: [] });
      yield event("response.content_part.done", { ...at, part: textOf(said) });
      const item = messageOf(id, "completed", [textOf(said)]);
      yield event("response.output_item.done", { ...at, item });
      output.push(item);
    }

    for (const call of reply.calls) {
      const item = callOf(call);
      const here = { output_index: output.length, item_id: item.id };
      yield event("response.output_item.added", { ...here, item: { ...item, status: "in_progress", arguments: "" } });
      for (const delta of halves(item.arguments)) {
        yield event("response.function_call_arguments.delta", { ...here, delta });
      }
      yield event("response.function_call_arguments.done", { ...here, arguments: item.arguments });
      yield event("response.output_item.done", { ...here, item });
      output.push(item);
    }

    const isCut = reply.stop === "length" || reply.stop === "refusal";
    const response = responseOf(model, isCut ? "incomplete" : "completed", output, usageOf(reply.usage(said)));
    yield event(isCut ? "response.incomplete" : "response.completed", { response: { ...response, ...cut(reply) } });
  },

  whole(model: string, reply: FullReply): unknown {
    const said = [...reply.text].join("");
    const output = [
      ...(said === "" ? [] : [messageOf(`msg_${randomUUID()}`, "completed", [textOf(said)])]),
      ...reply.calls.map(callOf),
    ];
    return { ...responseOf(model, "completed", output, usageOf(reply.usage(said))), ...cut(reply) };
  },

  error: openAiError,

  errorEvent: (message, code = "server_error") => ({
    event: "error",
    data: { type: "error", sequence_number: 0, error: { type: code, code, message, param: null } },
  }),
};

function responseOf(model: string, status: string, output: readonly unknown[], usage: unknown) {
  return {
    ...{ id: ID, object: "response", created_at: CREATED, status, model, output, usage },
    ...{ error: null, incomplete_details: null, instructions: null, metadata: {}, parallel_tool_calls: true },
    ...{ tools: [], tool_choice: "auto", store: false, service_tier: "default" },
  };
}

function cut({ stop }: FullReply): object {
  if (stop !== "length" && stop !== "refusal") return {};
  return { incomplete_details: { reason: stop === "length" ? "max_output_tokens" : "content_filter" } };
}

function messageOf(id: string, status: string, content: readonly unknown[]) {
  return { id, type: "message", role: "assistant", status, content };
}

function textOf(text: string) {
  return { type: "output_text", text, annotations: [], logprobs: [] };
}

function callOf({ id, name, input }: ToolCall) {
  return {
    ...{ id: `fc_${id}`, type: "function_call", call_id: id, name },
    ...{ arguments: JSON.stringify(input), status: "completed" },
  };
}

function usageOf({ input, output, cached }: Required<Usage>): unknown {
  return {
    ...{ input_tokens: input, output_tokens: output, total_tokens: input + output },
    input_tokens_details: { cached_tokens: cached },
    output_tokens_details: { reasoning_tokens: 0 },
  };
}
