/** What a refusal or a fault looks like to a caller: `{ error: { code, message, remedy } }`. */
import { type ErrorCode, SwitchboardError } from "../errors.ts";

type Status = 400 | 401 | 403 | 404 | 409 | 410 | 411 | 413 | 421 | 500 | 503;

const STATUS: Partial<Record<ErrorCode, Status>> = {
  SESSION_UNKNOWN: 404,
  DEAD_LETTER_UNKNOWN: 404,
  ASK_UNKNOWN: 404,
  QUESTION_UNKNOWN: 404,
  NOT_FOUND: 404,
  ASK_CLOSED: 409,
  STALE_FENCE: 409,
  SESSION_ENDED: 410,
  STORE_FULL: 503,
  STORE_UNAVAILABLE: 503,
  STORE_CLOSED: 503,
  REQUEST_INVALID: 400,
  UNAUTHORIZED: 401,
  ORIGIN_REFUSED: 403,
  HOST_REFUSED: 421,
  BODY_LENGTH_MISSING: 411,
  BODY_TOO_LARGE: 413,
};

/**
 * An error as a response. Only errors that were raised on purpose may speak for themselves: anything else could
 * carry a secret or a path, so it is INTERNAL to the caller and stands in full in the log alone.
 */
export function errorResponse(error: unknown): Response {
  const known = error instanceof SwitchboardError && STATUS[error.code] !== undefined ? error : undefined;
  const { code, message, remedy } = known ?? new SwitchboardError("INTERNAL", "Something went wrong in the gateway.");
  const status = STATUS[code] ?? 500;
  const headers = status === 401 ? { "www-authenticate": 'Bearer realm="switchboard"' } : {};
  return Response.json({ error: { code, message, remedy } }, { status, headers });
}

/** Is this error worth a line in the log? A refused request is the caller's affair. */
export function isFault(error: unknown): boolean {
  return !(error instanceof SwitchboardError) || (STATUS[error.code] ?? 500) >= 500;
}

export function refuse(code: ErrorCode, message: string): Response {
  return errorResponse(new SwitchboardError(code, message));
}
