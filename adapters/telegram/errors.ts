/** What Telegram's refusals and the network's failures mean: for a delivery, and for the account as a whole. */
import { GrammyError } from "grammy";
import { DeliveryError } from "../../src/channel.ts";
import { TransportError } from "./transport.ts";

/** A repeated `post` shows a second message; a repeated `edit` changes nothing. */
export type Effect = "post" | "edit";

const NOT_MODIFIED = /message is not modified/i;
const GONE = /message to edit not found|message can't be edited|MESSAGE_ID_INVALID|message to be replied not found/i;
const FORMATTING = /can't parse entities|ENTIT(?:Y|IES)_|entity (?:beginning|url|language)/i;

export function isNotModified(error: unknown): boolean {
  return error instanceof GrammyError && error.error_code === 400 && NOT_MODIFIED.test(error.description);
}

/** Telegram does not like the entities; the same text without them may pass. */
export function isFormattingRefused(error: unknown): boolean {
  return error instanceof GrammyError && error.error_code === 400 && FORMATTING.test(error.description);
}

/** Milliseconds that Telegram asks to wait; `undefined` for any other error. */
export function retryAfterOf(error: unknown): number | undefined {
  if (!(error instanceof GrammyError) || error.error_code !== 429) return undefined;
  const seconds: unknown = error.parameters.retry_after;
  return (typeof seconds === "number" && seconds > 0 ? Math.min(seconds, 86_400) : 1) * 1000;
}

export function toDeliveryError(error: unknown, effect: Effect): DeliveryError {
  if (error instanceof DeliveryError) return error;
  const uncertain = effect === "post" ? "unknown" : "unavailable";
  if (error instanceof TransportError) {
    return new DeliveryError(error.reached === "never" ? "unavailable" : uncertain, error.message, { cause: error });
  }
  // grammY's error holds the whole message that was to be sent: only its description goes on.
  if (!(error instanceof GrammyError)) return new DeliveryError(uncertain, String(error), { cause: error });
  const { error_code: code, description } = error;
  const retryAfter = retryAfterOf(error);
  if (retryAfter !== undefined) return new DeliveryError("limited", description, { retryAfter });
  if (code >= 500) return new DeliveryError(uncertain, `Telegram failed (${code}: ${description})`);
  if (code === 401 || code === 404) return new DeliveryError("unavailable", TOKEN_REFUSED);
  if (code === 403) {
    return new DeliveryError(
      "refused",
      `Telegram forbids it (${description}). The person must start or unblock the bot, or somebody must add it to the group again.`,
    );
  }
  const moved = error.parameters.migrate_to_chat_id;
  if (moved !== undefined) {
    return new DeliveryError(
      "refused",
      `The group became a supergroup with the id ${moved}. Write to the bot there; this chat no longer exists.`,
    );
  }
  return new DeliveryError(GONE.test(description) ? "gone" : "refused", `Telegram refuses it (${description}).`);
}

/** Bytes: core.telegram.org/bots/api#getfile */
export const LARGEST_FILE = 20 * 1024 * 1024;

const TOO_LARGE = /file is too big/i;
const NO_FILE = /file_id|file identifier|FILE_ID_|FILE_REFERENCE_/i;
const FILE_GONE = "The file is no longer at Telegram, or was sent to another bot. Ask for it to be sent again.";

export function tooLarge(): DeliveryError {
  return new DeliveryError(
    "refused",
    "Telegram gives bots no file larger than 20 MB. Ask for a smaller one, or a link.",
  );
}

/** Why the server gave no file, by the HTTP status of its answer. */
export function unfetched(status: number): DeliveryError {
  if (status === 404 || status === 410) return new DeliveryError("gone", FILE_GONE);
  if (status === 401) return new DeliveryError("unavailable", TOKEN_REFUSED);
  const kind = status >= 500 || status === 429 ? "unavailable" : "refused";
  return new DeliveryError(kind, `Telegram does not give the file (HTTP ${status}).`);
}

export function toFileError(error: unknown): DeliveryError {
  if (error instanceof GrammyError && error.error_code === 400) {
    if (TOO_LARGE.test(error.description)) return tooLarge();
    if (NO_FILE.test(error.description)) return new DeliveryError("gone", FILE_GONE);
  }
  // Nothing is changed by it, so that it may be repeated.
  return toDeliveryError(error, "edit");
}

/** What a failed poll means for the account: what `health` says, and how soon to try again. */
export interface Trouble {
  readonly state: "degraded" | "failed";
  readonly detail: string;
  readonly pace: "backoff" | "conflict" | "rejected";
  /** Milliseconds, where Telegram names a time. */
  readonly retryAfter?: number;
}

const TOKEN_REFUSED =
  "Telegram does not accept the bot's token: it is mistyped, or was revoked. Get the current one from @BotFather, " +
  "put it into the configuration and restart. Messages wait at Telegram for 24 hours.";

const OTHER_POLLER =
  "Another program polls with this token, and Telegram serves only one at a time. Stop the other one, or give " +
  "this gateway a bot of its own. It tries again by itself.";

const WEBHOOK =
  "A webhook is set for this bot, so Telegram refuses polling. If no other program needs it, remove it with the " +
  "Bot API method deleteWebhook; this gateway won't do that unasked. It tries again by itself.";

export function troubleOf(error: unknown): Trouble {
  if (error instanceof GrammyError) {
    const { error_code: code, description } = error;
    const retryAfter = retryAfterOf(error);
    if (retryAfter !== undefined) {
      return { state: "degraded", detail: "Telegram asks to poll less often.", pace: "backoff", retryAfter };
    }
    if (code === 401 || code === 404) return { state: "failed", detail: TOKEN_REFUSED, pace: "rejected" };
    if (code === 409) {
      const detail = /webhook/i.test(description) ? WEBHOOK : OTHER_POLLER;
      return { state: "failed", detail, pace: "conflict" };
    }
    const detail = `Telegram answers ${code} (${description}). It tries again by itself; nothing is lost.`;
    return { state: "degraded", detail, pace: "backoff" };
  }
  const cause = error instanceof Error ? error.message : String(error);
  const detail = `Telegram can't be reached (${cause}). It tries again by itself; messages wait at Telegram.`;
  return { state: "degraded", detail, pace: "backoff" };
}
