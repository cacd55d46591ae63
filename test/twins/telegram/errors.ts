/** Refusals in the Bot API's own words, as the public server's source and its hosted front end give them. */

export interface ErrorParameters {
  readonly retry_after?: number;
  readonly migrate_to_chat_id?: number;
}

/** An answer `{"ok":false,…}`: the HTTP status is the error code. */
export class ApiError extends Error {
  readonly code: number;
  readonly parameters: ErrorParameters | undefined;

  constructor(code: number, description: string, parameters?: ErrorParameters) {
    super(description);
    this.name = "ApiError";
    this.code = code;
    this.parameters = parameters;
  }

  payload(): object {
    return {
      ok: false,
      error_code: this.code,
      description: this.message,
      ...(this.parameters === undefined ? {} : { parameters: this.parameters }),
    };
  }
}

/** The server puts the first letter of what TDLib says into lower case, unless it reads like a constant. */
export function badRequest(what: string): ApiError {
  const constant = /^.[A-Z_]/.test(what);
  return new ApiError(400, `Bad Request: ${constant ? what : what.slice(0, 1).toLowerCase() + what.slice(1)}`);
}

export function forbidden(what: string): ApiError {
  return new ApiError(403, `Forbidden: ${what}`);
}

export function tooManyRequests(seconds: number): ApiError {
  return new ApiError(429, `Too Many Requests: retry after ${seconds}`, { retry_after: seconds });
}

export const CONFLICT = {
  otherPoller: "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
  webhookActive:
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
  webhookSet: "Conflict: terminated by setWebhook request",
} as const;

export function conflict(reason: keyof typeof CONFLICT): ApiError {
  return new ApiError(409, CONFLICT[reason]);
}

export function migrated(to: number): ApiError {
  return new ApiError(400, "Bad Request: group chat was upgraded to a supergroup chat", { migrate_to_chat_id: to });
}
