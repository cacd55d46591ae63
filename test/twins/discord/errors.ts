/** Refusals in the form that Discord gives them: an HTTP status and a JSON error code. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: number;
  readonly more: Readonly<Record<string, unknown>>;

  constructor(status: number, code: number, message: string, more: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.more = more;
  }

  payload(): object {
    return { message: this.message, code: this.code, ...this.more };
  }
}

export const unauthorized = () => new ApiError(401, 0, "401: Unauthorized");
export const notFound = () => new ApiError(404, 0, "404: Not Found");
export const methodNotAllowed = () => new ApiError(405, 0, "405: Method Not Allowed");
export const unknownChannel = () => new ApiError(404, 10003, "Unknown Channel");
export const unknownMessage = () => new ApiError(404, 10008, "Unknown Message");
export const unknownWebhook = () => new ApiError(404, 10015, "Unknown Webhook");
export const unknownInteraction = () => new ApiError(404, 10062, "Unknown interaction");
export const alreadyAcknowledged = () => new ApiError(400, 40060, "Interaction has already been acknowledged.");
export const missingAccess = () => new ApiError(403, 50001, "Missing Access");
export const missingPermissions = () => new ApiError(403, 50013, "Missing Permissions");
export const anothersMessage = () => new ApiError(403, 50005, "Cannot edit a message authored by another user");
export const emptyMessage = () => new ApiError(400, 50006, "Cannot send an empty message");
export const closedToUser = () => new ApiError(403, 50007, "Cannot send messages to this user");
export const wrongChannelType = () => new ApiError(400, 50008, "Cannot send messages in a non-text channel");
export const unrepliable = () => new ApiError(403, 160002, "Cannot reply without permission to read message history");
export const tooLarge = () => new ApiError(413, 40005, "Request entity too large");
export const fileNotFound = () => new ApiError(400, 50146, "Uploaded file not found");
export const threadLocked = () => new ApiError(400, 50083, "Thread is archived");

/** `errors` as Discord nests them: below each field of the path a list of what is wrong with it. */
export function invalidForm(path: string, code: string, message: string): ApiError {
  const leaf: object = { _errors: [{ code, message }] };
  const errors = path.split(".").reduceRight((below, field) => ({ [field]: below }), leaf);
  return new ApiError(400, 50035, "Invalid Form Body", { errors });
}

/** Seconds, with their fraction, as Discord gives them. */
export function tooManyRequests(retryAfter: number, global: boolean): ApiError {
  return new ApiError(429, 0, "You are being rate limited.", { retry_after: retryAfter, global });
}
