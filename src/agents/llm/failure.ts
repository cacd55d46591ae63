/** What went wrong with a model, in words for the people in the channel: what it was, whose it is, what to do. */
import { APICallError } from "ai";
import { describe } from "../../errors.ts";
import type { AgentFailure } from "../../model.ts";
import { isFinal, LONGEST_WAIT, retryAfter } from "./fetch.ts";

/** Something that the agent itself says no to, already in its final words. */
export class LlmError extends Error {
  readonly failure: AgentFailure;

  constructor(code: string, message: string, retryable = false) {
    super(message);
    this.name = "LlmError";
    this.failure = { code, message, retryable };
  }
}

/** Who was asked for what. */
export interface Asked {
  readonly model: string;
  /** The server's address. */
  readonly server: string;
  /** Where the key comes from, or could. */
  readonly key: string;
}

export function failureOf(error: unknown, asked: Asked, now: number): AgentFailure {
  if (error instanceof LlmError) return error.failure;
  const status = APICallError.isInstance(error) ? error.statusCode : undefined;
  if (APICallError.isInstance(error) && status !== undefined && status >= 400) return refusal(error, asked, now);
  if (APICallError.isInstance(error) && status === undefined) {
    const why = describe(error.cause instanceof Error ? error.cause : error);
    const message = `The model server at ${asked.server} could not be reached: ${why}. Check that it runs, and "baseURL" of this agent.`;
    return { code: "LLM_UNREACHABLE", message, retryable: true };
  }
  // The connection, or the server in the middle of its answer: to the packages, that is an error with status 200.
  const message = `The answer of "${asked.model}" at ${asked.server} broke off: ${reasonOf(error)}`;
  return { code: "LLM_BROKE_OFF", message, retryable: true };
}

function refusal(error: APICallError, { model, server, key }: Asked, now: number): AgentFailure {
  const status = error.statusCode ?? 0;
  const said = `${status}: ${error.message.trim() || "no reason given"}`;
  const fail = (code: string, message: string, retryable = false) => ({ code, message, retryable });
  if (status === 401 || status === 403) {
    return fail("LLM_KEY_REFUSED", `${server} refused the key (${said}). Correct ${key}.`);
  }
  if (status === 402 || isFinal(error.responseBody ?? "")) {
    return fail(
      "LLM_NO_CREDIT",
      `The account at ${server} has no credit left (${said}). Top it up, or use another key.`,
    );
  }
  if (status === 404) {
    const what = `${server} has no model "${model}", or nothing is at that address (${said})`;
    return fail(
      "LLM_MODEL_UNKNOWN",
      `${what}. Correct "model" or "baseURL" of this agent; an Ollama server wants \`ollama pull\` first.`,
    );
  }
  if (status === 429 || status === 503 || status === 529) {
    const wait = retryAfter(error.responseHeaders ?? {}, now) ?? 0;
    const later = wait > LONGEST_WAIT ? ` It wants to be asked again in ${Math.ceil(wait / 60_000)} minutes.` : "";
    return fail("LLM_BUSY", `${server} takes no more requests at the moment (${said}).${later}`, true);
  }
  if (status >= 500 || status === 408 || status === 409) {
    return fail("LLM_UNAVAILABLE", `${server} could not answer (${said}).`, true);
  }
  const hint = /context|too long|too large|maximum.*tokens|tokens.*maximum/i.test(`${said} ${error.responseBody ?? ""}`)
    ? ' Shorten the message, use `/compact` or `/new`, or lower "context" of this agent.'
    : "";
  return fail("LLM_REQUEST_REFUSED", `${server} refused the request for "${model}" (${said}).${hint}`);
}

/** Errors within a stream come as whatever the provider's package makes of them. */
function reasonOf(error: unknown): string {
  if (error instanceof Error || typeof error !== "object" || error === null) return describe(error);
  if ("message" in error && typeof error.message === "string") return error.message;
  if ("error" in error) return reasonOf(error.error);
  return JSON.stringify(error);
}
