/** What Discord's refusals and the network's failures mean: for a delivery, and for the account as a whole. */
import { DiscordAPIError, HTTPError, RateLimitError } from "discord.js";
import { DeliveryError } from "../../src/channel.ts";

/** A repeated `post` may show a second message; a repeated `edit` or `read` changes nothing. */
export type Effect = "post" | "edit" | "read";

/**
 * A REST call that did not succeed. discord.js's own errors hold what was sent, and addresses with an interaction's
 * token in them: nothing of that goes on.
 */
export class CallError extends Error {
  /** Of the answer, where there was one. */
  readonly status: number | undefined;
  /** Discord's code for what is wrong. */
  readonly code: number | undefined;
  /** `never`: it certainly was not carried out. `maybe`: it may have been. */
  readonly done: "never" | "maybe";
  /** Milliseconds that Discord asks to wait. */
  readonly retryAfter: number | undefined;
  /** The pause is for all that the account does. */
  readonly global: boolean;

  constructor(
    message: string,
    facts: { status?: number; code?: number; done: "never" | "maybe"; retryAfter?: number; global?: boolean },
  ) {
    super(message);
    this.name = "CallError";
    this.status = facts.status;
    this.code = facts.code;
    this.done = facts.done;
    this.retryAfter = facts.retryAfter;
    this.global = facts.global ?? false;
  }
}

/** What fails before anything was written to a connection. */
const NEVER_REACHED =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_\w+|EHOSTUNREACH|ENETUNREACH|ENETDOWN|EADDRNOTAVAIL|UND_ERR_CONNECT_TIMEOUT|CERT_\w+|ERR_TLS_\w+|\w*(?:SELF_SIGNED|UNABLE_TO_)\w*)$/;

export function toCallError(error: unknown): CallError {
  if (error instanceof CallError) return error;
  if (error instanceof RateLimitError) {
    const retryAfter = Math.max(1000, error.retryAfter);
    const { global } = error;
    return new CallError("Discord asks for a pause.", { status: 429, done: "never", retryAfter, global });
  }
  if (error instanceof HTTPError) {
    return new CallError(`HTTP ${error.status}`, { status: error.status, done: "maybe" });
  }
  if (error instanceof DiscordAPIError) {
    const code = typeof error.code === "number" ? { code: error.code } : {};
    // Its message goes over several lines where a form has faults.
    const said = error.message.replace(/\s*\n\s*/g, "; ").slice(0, 300);
    return new CallError(said, { status: error.status, done: "never", ...code });
  }
  if (error instanceof Error && error.name === "AbortError") {
    return new CallError("no complete reply in time", { done: "maybe" });
  }
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const code = first instanceof Error && "code" in first && typeof first.code === "string" ? first.code : "";
  const message = first instanceof Error ? first.message : String(first);
  const detail = [code, message].filter((part) => part !== "").join(": ");
  return new CallError(detail, { done: NEVER_REACHED.test(code) ? "never" : "maybe" });
}

/** Discord's codes: discord.com/developers/docs/topics/opcodes-and-status-codes#json */
const UNKNOWN_MESSAGE = 10008;
const ANOTHERS_MESSAGE = 50005;
const REMEDIES: Readonly<Record<number, string>> = {
  10003: "The channel is no more.",
  50001: "Give the bot the right to see this channel, or invite it to the server again.",
  50007: "This person takes no direct messages from the bot, or shares no server with it.",
  50013: "Give the bot's role the right to send messages here (in threads: Send Messages in Threads).",
  50083: "The thread is archived or locked. Open it again.",
};

/** It may not be the reply that it was to be, or not in this form. */
const NO_REPLY = new Set([50035, 160002, 160009, 160010]);

/** Whether the same post may be taken where it is no reply. */
export function isOfReply(error: unknown): boolean {
  return !(error instanceof DeliveryError) && NO_REPLY.has(toCallError(error).code ?? 0);
}

/** Too large for this place, or by the code: too large, and no right here (which may be the one to attach files). */
const NO_FILE = new Set([40005, 50013]);

/** Whether the same post may be taken where it brings no file. */
export function isOfFile(error: unknown): boolean {
  if (error instanceof DeliveryError) return false;
  const { status, code } = toCallError(error);
  return status === 413 || NO_FILE.has(code ?? 0);
}

export function toDeliveryError(error: unknown, effect: Effect): DeliveryError {
  if (error instanceof DeliveryError) return error;
  const { message, status, code, done, retryAfter } = toCallError(error);
  const uncertain = effect === "post" ? "unknown" : "unavailable";
  if (retryAfter !== undefined) return new DeliveryError("limited", message, { retryAfter });
  if (status === undefined) {
    const kind = done === "never" ? "unavailable" : uncertain;
    return new DeliveryError(kind, `Discord can't be reached (${message}).`);
  }
  if (status >= 500) return new DeliveryError(uncertain, `Discord fails (${message}).`);
  if (status === 401) return new DeliveryError("unavailable", TOKEN_REFUSED);
  if (code === UNKNOWN_MESSAGE && effect === "post") {
    // The nonce is known, and its message is no more.
    return new DeliveryError("refused", "It was posted, and somebody has deleted it since.");
  }
  const isGone = code === UNKNOWN_MESSAGE || code === ANOTHERS_MESSAGE;
  const remedy = code === undefined ? undefined : REMEDIES[code];
  const detail = `Discord refuses it (${code === undefined ? status : code}: ${message}).`;
  return new DeliveryError(isGone ? "gone" : "refused", remedy === undefined ? detail : `${detail} ${remedy}`);
}

/** What a failed attempt to receive means for the account: what `health` says, and how soon to try again. */
export interface Trouble {
  readonly state: "degraded" | "failed";
  readonly detail: string;
  readonly pace: "backoff" | "rejected";
  /** Milliseconds, where Discord names a time. */
  readonly retryAfter?: number;
}

const TOKEN_REFUSED =
  "Discord does not accept the bot's token: it is mistyped, or was reset. Copy the current one from the Discord " +
  "Developer Portal (your application, Bot, Reset Token), put it into the configuration and restart.";

export const CONTENT_MISSING =
  "The Message Content intent is switched off, so Discord shows the bot only direct messages and messages that mention " +
  "it: those work. To let it follow threads, switch the intent on in the Discord Developer Portal (your application, " +
  "Bot, Privileged Gateway Intents). It is noticed by itself.";

const again = "It tries again by itself; what is missed is read later.";

export function troubleOf(error: unknown): Trouble {
  const { message, status, retryAfter } = toCallError(error);
  if (retryAfter !== undefined) {
    return { state: "degraded", detail: "Discord asks to connect less often.", pace: "backoff", retryAfter };
  }
  if (status === 401) return { state: "failed", detail: TOKEN_REFUSED, pace: "rejected" };
  if (status !== undefined) {
    return { state: "degraded", detail: `Discord answers ${status} (${message}). ${again}`, pace: "backoff" };
  }
  return { state: "degraded", detail: `Discord can't be reached (${message}). ${again}`, pace: "backoff" };
}

/** What the code says with which the gateway has closed: discord.com/developers/docs/topics/opcodes-and-status-codes#gateway */
export function troubleOfClose(code: number | undefined, cause: string): Trouble {
  if (code === 4004) return { state: "failed", detail: TOKEN_REFUSED, pace: "rejected" };
  if (code !== undefined && code >= 4010 && code <= 4013) {
    const why = code === 4011 ? "the bot is in more servers than one connection may serve" : cause;
    return { state: "failed", detail: `Discord does not take this connection (${code}: ${why}).`, pace: "rejected" };
  }
  const detail = `The connection to Discord has ended (${code === undefined ? cause : `code ${code}`}). ${again}`;
  return { state: "degraded", detail, pace: "backoff" };
}
