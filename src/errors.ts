/**
 * Every error that Switchboard raises on purpose, in one place: its code, what it means, whether a
 * repetition can help, and what the person who sees it can do.
 */
export const ERRORS = {
  CONFIG_INVALID: { retryable: false, remedy: "Correct the configuration at the path named, then start again." },
  STORE_LOCKED: {
    retryable: false,
    remedy: "Another gateway runs on this folder. Stop it, or give this one its own store.url.",
  },
  STORE_FORMAT: {
    retryable: false,
    remedy: "Start the version and with the settings that the store was written with, or restore a backup.",
  },
  STORE_IN_USE: {
    retryable: true,
    remedy: "Stop every gateway that uses this store, and run the command again.",
  },
  STORE_NOT_EMPTY: {
    retryable: false,
    remedy: "Copy into a new folder, or into Redis under a prefix of its own (?prefix=…).",
  },
  STORE_UNKNOWN: { retryable: false, remedy: "Correct the address: the store to copy from must be there." },
  STORE_HALF_COPIED: {
    retryable: false,
    remedy: "Run `switchboard store copy` again with the same addresses: it goes on where it was stopped.",
  },
  COPY_DIFFERS: {
    retryable: true,
    remedy: "Make sure that nothing else uses either store, and run the command again: it mends what differs.",
  },
  STORE_FULL: {
    retryable: true,
    remedy: "The disk or Redis is full. Make room; the gateway goes on by itself. Nothing was lost.",
  },
  STORE_UNAVAILABLE: {
    retryable: true,
    remedy: "The store can't be written. Nothing was acknowledged, so nothing was lost.",
  },
  STORE_REFUSED: {
    retryable: true,
    remedy: "Correct the user and password in store.url, or the user's rights in Redis. Nothing was acknowledged.",
  },
  STORE_CLOSED: {
    retryable: false,
    remedy: "The gateway is shutting down; the message will be redelivered or can be sent again.",
  },
  STALE_FENCE: { retryable: false, remedy: "Another owner has the session now. Nothing to do: that owner goes on." },
  SESSION_UNKNOWN: { retryable: false, remedy: "List the sessions with `switchboard sessions list`." },
  DEAD_LETTER_UNKNOWN: { retryable: false, remedy: "List the dead letters with `switchboard dead list`." },
  ASK_UNKNOWN: {
    retryable: false,
    remedy: "List what is open with `switchboard asks list`; the asks of a removed session are gone.",
  },
  ASK_CLOSED: {
    retryable: false,
    remedy: "Nothing was changed. `switchboard audit` tells who decided what, and when.",
  },
  QUESTION_UNKNOWN: {
    retryable: false,
    remedy: "Name one of the ask's questions by its id: `switchboard asks list` shows them.",
  },
  SESSION_ENDED: {
    retryable: false,
    remedy: "The session is archived: nothing waits in it any more. Write to its channel for a new one.",
  },
  AGENT_UNKNOWN: { retryable: false, remedy: "Name the agent under `agents` in the configuration." },
  AGENT_OPEN_FAILED: { retryable: true, remedy: "Check the agent's command or endpoint with `switchboard check`." },
  ADAPTER_UNKNOWN: { retryable: false, remedy: "Name the adapter under `adapters` in the configuration." },
  GATEWAY_UNREACHABLE: {
    retryable: true,
    remedy: "Start the gateway with `switchboard start`, or name its address with --url.",
  },
  HTTP_PORT_TAKEN: {
    retryable: false,
    remedy: "Another program listens there. Stop it, or set http.port (0 lets the system choose).",
  },
  HTTP_ADDRESS_REFUSED: { retryable: false, remedy: "Set http.host and http.port to an address this machine may use." },
  UNAUTHORIZED: {
    retryable: false,
    remedy: "Open the link that `switchboard start` prints, or send `Authorization: Bearer <token>`.",
  },
  HOST_REFUSED: {
    retryable: false,
    remedy: "Use the gateway's own address, or list this name under http.allowedHosts.",
  },
  ORIGIN_REFUSED: { retryable: false, remedy: "Send it from a page that the gateway itself served." },
  BODY_LENGTH_MISSING: { retryable: false, remedy: "Send it with a Content-Length header." },
  BODY_TOO_LARGE: { retryable: false, remedy: "Send less than 1 MiB." },
  REQUEST_INVALID: { retryable: false, remedy: "Correct the request as the message says. Nothing was done." },
  NOT_FOUND: { retryable: false, remedy: "Check the address." },
  INTERNAL: { retryable: true, remedy: "Try again; the gateway's log names the cause." },
} as const;

export type ErrorCode = keyof typeof ERRORS;

/** An error with a code from the registry. `message` says what happened; `remedy` what to do. */
export class SwitchboardError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "SwitchboardError";
    this.code = code;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }

  get remedy(): string {
    return ERRORS[this.code].remedy;
  }
}

export function hasCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof SwitchboardError && error.code === code;
}

/** One line for logs and receipts, whatever was thrown. */
export function describe(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
