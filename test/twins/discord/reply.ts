import type { ServerResponse } from "node:http";
import type { Call } from "../telegram/journal.ts";
import type { ApiError } from "./errors.ts";

export interface Reply {
  readonly status: number;
  readonly body: string | Uint8Array;
  /** Default: JSON. */
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Of a refusal. */
  readonly description?: string;
}

export type Outcome = Pick<Call, "outcome"> & Partial<Pick<Call, "status" | "description">>;

/** Nothing to say is 204, as Discord has it. */
export function success(result: unknown): Reply {
  return result === undefined ? { status: 204, body: "" } : { status: 200, body: JSON.stringify(result) };
}

export function refusal(error: ApiError): Reply {
  const { retry_after: retryAfter, global } = error.more;
  const limited = {
    "retry-after": String(retryAfter),
    "x-ratelimit-scope": global === true ? "global" : "user",
    ...(global === true ? { "x-ratelimit-global": "true" } : {}),
  };
  return {
    status: error.status,
    body: JSON.stringify(error.payload()),
    description: `${error.code} ${error.message}`,
    ...(error.status === 429 ? { headers: limited } : {}),
  };
}

export function send(
  response: ServerResponse,
  { status, body, type = "application/json", headers = {}, description }: Reply,
): Outcome {
  if (response.destroyed) return { outcome: "aborted" };
  const content = status === 204 ? {} : { "content-type": type };
  response.writeHead(status, { ...headers, ...content, "content-length": Buffer.byteLength(body) });
  response.end(body);
  return description === undefined ? { outcome: "ok", status } : { outcome: "error", status, description };
}
