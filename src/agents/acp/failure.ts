/** Why an agent could not do a turn, in words for the people in the channel. */
import { RequestError } from "@agentclientprotocol/sdk";
import { z } from "zod";
import type { AgentFailure } from "../../model.ts";
import type { Exit } from "./process.ts";

/** What stops a turn, as the turn will tell it. */
export class AcpFailure extends Error {
  readonly failure: AgentFailure;

  constructor(failure: AgentFailure, options?: { cause?: unknown }) {
    super(failure.message, options);
    this.name = "AcpFailure";
    this.failure = failure;
  }
}

/** The protocol's error code of an agent that wants to know who uses it. */
const AUTH_REQUIRED = -32000;

/** The longest explanation of an agent that is passed on, in characters. */
const LONGEST = 1_000;

/** It ended, or let go of its output, while it was needed. */
export function ended(program: string, exit: Exit | undefined, complaint: string): AcpFailure {
  const how =
    exit === undefined
      ? "closed its output"
      : exit.signal === null
        ? `ended with exit code ${exit.code}`
        : `was ended by ${exit.signal}`;
  const message = `The agent "${program}" ${how} while it was needed. It is started again when it is needed next.${said(complaint)}`;
  return new AcpFailure({ code: "ACP_ENDED", message, retryable: true, told: true });
}

export function tooSlow(program: string, ms: number, complaint: string): AcpFailure {
  const message = `The agent "${program}" has not opened a session within ${ms / 1000} seconds. Give it longer with "startTimeout".${said(complaint)}`;
  return new AcpFailure({ code: "ACP_START_TIMEOUT", message, retryable: true, told: true });
}

/** It speaks, but not what was agreed on. */
export function misspoke(program: string, what: string, complaint: string): AcpFailure {
  const message = `The agent "${program}" does not speak the Agent Client Protocol as it should: ${what}.${said(complaint)}`;
  return new AcpFailure({ code: "ACP_PROTOCOL", message, retryable: true, told: true });
}

/** It answered a request with an error. */
export function refused(program: string, doing: string, error: RequestError, complaint: string): AcpFailure {
  if (error.code === AUTH_REQUIRED) {
    const message = `The agent "${program}" is not signed in: ${error.message}. Sign in with its own program as the user that runs the gateway, or give it its key under "env" of this agent in the configuration.`;
    return new AcpFailure({ code: "ACP_AUTH_REQUIRED", message, retryable: false }, { cause: error });
  }
  const message = `The agent "${program}" failed to ${doing}: ${explanationOf(error)}${said(complaint)}`;
  return new AcpFailure({ code: "ACP_ERROR", message, retryable: true }, { cause: error });
}

/** The agent's model says that what it was sent is no proper request. Agents pass on its HTTP status as the code. */
export function isMalformed(failure: AcpFailure): boolean {
  return failure.cause instanceof RequestError && failure.cause.code === 400;
}

/** What an agent's error says: most put what matters into its data. */
function explanationOf(error: RequestError): string {
  const { details, message } = DETAILS.safeParse(error.data).data ?? {};
  const more = details ?? message;
  const text = more === undefined || error.message.includes(more) ? error.message : `${error.message}: ${more}`;
  return text.slice(0, LONGEST);
}

const DETAILS = z.object({ details: z.string().optional(), message: z.string().optional() });

function said(complaint: string): string {
  return complaint === "" ? "" : ` It last wrote:\n\n${complaint}`;
}
