/** A refusal as the Web API gives it: HTTP 200 with `{"ok":false,"error":…}`, but for too many requests. */
export class ApiError extends Error {
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;
  /** Seconds, where the call came too soon: HTTP 429. */
  readonly retryAfter: number | undefined;

  constructor(code: string, details: Readonly<Record<string, unknown>> = {}, retryAfter?: number) {
    super(code);
    this.name = "ApiError";
    this.code = code;
    this.details = details;
    this.retryAfter = retryAfter;
  }

  payload(): object {
    return { ok: false, error: this.code, ...this.details };
  }
}

export function rateLimited(seconds: number): ApiError {
  return new ApiError("ratelimited", {}, seconds);
}

/** What Slack says of blocks that it can't show. */
export function invalidBlocks(message: string): ApiError {
  const errors = [message];
  return new ApiError("invalid_blocks", {
    errors,
    response_metadata: { messages: errors.map((line) => `[ERROR] ${line}`) },
  });
}
