/** What Slack's refusals and the network's failures mean: for a delivery, and for the account as a whole. */
import { webApi } from "@slack/bolt";
import { DeliveryError } from "../../src/channel.ts";
import { list, text } from "./fields.ts";
import { TransportError } from "./transport.ts";

/** A repeated `post` shows a second message; a repeated `edit` changes nothing. */
export type Effect = "post" | "edit" | "read";

const GONE = new Set(["message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"]);
const TOKEN = new Set([
  "invalid_auth",
  "not_authed",
  "account_inactive",
  "token_revoked",
  "token_expired",
  "not_allowed_token_type",
  "team_access_not_granted",
]);
/** Slack's own troubles. What was asked may have been done all the same. */
const FAILED = new Set([
  "internal_error",
  "fatal_error",
  "service_unavailable",
  "request_timeout",
  "team_added_to_org",
]);
const BLOCKS = /^(?:invalid_blocks(?:_format)?|msg_blocks_too_long|blocks_not_supported)$/;

/** Slack's code of a refusal; `undefined` for any other error. */
export function codeOf(error: unknown): string | undefined {
  if (error instanceof webApi.WebAPIRateLimitedError) return "ratelimited";
  if (!(error instanceof webApi.WebAPIPlatformError)) return undefined;
  // Where a reply is no JSON, Slack's client puts all of it here.
  const { error: code } = error.data;
  return /^[a-z][a-z0-9_]{2,60}$/.test(code) ? code : undefined;
}

/** Slack does not show such blocks; the same text without them may pass. */
export function areBlocksRefused(error: unknown): boolean {
  return BLOCKS.test(codeOf(error) ?? "");
}

/** The workspace does not know this kind of block at all. */
export function isBlockUnknown(error: unknown): boolean {
  if (!areBlocksRefused(error) || !(error instanceof webApi.WebAPIPlatformError)) return false;
  const { response_metadata: metadata } = error.data;
  return list(metadata?.messages).some((line) =>
    /unsupported type|invalid additional property: type/i.test(String(line)),
  );
}

/** Milliseconds that Slack asks to wait; `undefined` for any other error. */
export function retryAfterOf(error: unknown): number | undefined {
  if (error instanceof webApi.WebAPIRateLimitedError) return Math.min(Math.max(error.retryAfter, 1), 86_400) * 1000;
  // Slack's client has no word for a 429 that names no time.
  if (error instanceof Error && error.message.startsWith("Retry header did not contain")) return 1000;
  return /^rate_?limited$/.test(codeOf(error) ?? "") ? 1000 : undefined;
}

export function toDeliveryError(error: unknown, effect: Effect): DeliveryError {
  const original = error instanceof webApi.WebAPIRequestError ? error.original : error;
  if (original instanceof DeliveryError) return original;
  const uncertain = effect === "post" ? "unknown" : "unavailable";
  if (original instanceof TransportError) {
    const kind = original.reached === "never" ? "unavailable" : uncertain;
    return new DeliveryError(kind, original.message, { cause: error });
  }
  const retryAfter = retryAfterOf(error);
  if (retryAfter !== undefined) return new DeliveryError("limited", "Slack asks for a pause.", { retryAfter });
  if (error instanceof webApi.WebAPIHTTPError) {
    const kind = error.statusCode >= 500 ? uncertain : "unavailable";
    return new DeliveryError(kind, `Slack answers with HTTP ${error.statusCode}.`);
  }
  const code = codeOf(error);
  if (code === undefined) {
    const isUnreadable = error instanceof webApi.WebAPIPlatformError || !(error instanceof Error);
    const message = isUnreadable ? "Slack gave no readable answer." : error.message;
    return new DeliveryError(uncertain, message, { cause: error });
  }
  if (FAILED.has(code)) return new DeliveryError(uncertain, `Slack failed (${code}).`);
  if (TOKEN.has(code)) return new DeliveryError("unavailable", BOT_TOKEN);
  if (code === "missing_scope") return new DeliveryError("unavailable", missing(neededBy(error)));
  if (GONE.has(code) && effect !== "post") return new DeliveryError("gone", `Slack no longer has it (${code}).`);
  return new DeliveryError("refused", REMEDIES[code] ?? `Slack refuses it (${code}).`);
}

const REMEDIES: Readonly<Record<string, string>> = {
  not_in_channel: "The bot is not in this conversation (not_in_channel). Somebody must invite it: /invite @<the bot>.",
  channel_not_found:
    "Slack knows no such conversation, or the bot is not in it (channel_not_found). Somebody must invite it: /invite @<the bot>.",
  is_archived: "The conversation is archived (is_archived). Somebody must unarchive it.",
  messages_tab_disabled:
    "The app takes no direct messages (messages_tab_disabled). Turn on the Messages Tab under App Home.",
};

/** What a failure means for the account: what `health` says, and how soon to try again. */
export interface Trouble {
  readonly state: "degraded" | "failed";
  readonly detail: string;
  readonly pace: "backoff" | "rejected";
  /** Milliseconds, where Slack names a time. */
  readonly retryAfter?: number;
}

const BOT_TOKEN =
  "Slack does not accept the bot's token (botToken): it is mistyped, was revoked, or the app was removed. Take the " +
  'current "Bot User OAuth Token" (xoxb-…) from "OAuth & Permissions" of the app, put it into the configuration and restart.';

const APP_TOKEN =
  "Slack does not accept the app-level token (appToken). It begins with xapp- and needs the scope connections:write: " +
  'make one under "Basic Information", put it into the configuration and restart.';

export const SOCKET_MODE_OFF =
  'Socket Mode is turned off for this app. Turn it on under "Socket Mode". It tries again by itself.';

/** `token`: which one the call that failed was made with. */
export function troubleOf(error: unknown, token: "bot" | "app"): Trouble {
  const retryAfter = retryAfterOf(error);
  if (retryAfter !== undefined) {
    return { state: "degraded", detail: "Slack asks to call less often.", pace: "backoff", retryAfter };
  }
  const code = codeOf(error);
  if (code !== undefined && (TOKEN.has(code) || (token === "app" && code === "missing_scope"))) {
    return { state: "failed", detail: token === "bot" ? BOT_TOKEN : APP_TOKEN, pace: "rejected" };
  }
  if (code !== undefined && /socket_mode|link_disabled/.test(code)) {
    return { state: "failed", detail: SOCKET_MODE_OFF, pace: "rejected" };
  }
  if (code !== undefined) {
    return { state: "degraded", detail: `Slack refuses (${code}). It tries again by itself.`, pace: "backoff" };
  }
  const { message } = toDeliveryError(error, "read");
  const detail = `Slack can't be reached (${message}). It tries again by itself; nothing is lost.`;
  return { state: "degraded", detail, pace: "backoff" };
}

export function missing(scopes: readonly string[]): string {
  return (
    `The bot's token lacks what it needs: ${scopes.join(", ")}. Add it under "OAuth & Permissions" of the app and ` +
    "install the app again; `switchboard slack manifest` prints a complete one."
  );
}

function neededBy(error: unknown): string[] {
  const needed = error instanceof webApi.WebAPIPlatformError && "needed" in error.data ? error.data.needed : undefined;
  return (text(needed) ?? "a scope").split(",");
}
