/** Replies as bytes, whole or spoiled. */
import type { ServerResponse } from "node:http";
import type { Call } from "../telegram/journal.ts";
import { ApiError, rateLimited } from "./errors.ts";
import type { FaultOptions } from "./faults.ts";

export interface Reply {
  readonly status: number;
  readonly body: string;
  /** Of a refusal. */
  readonly error?: string;
  readonly retryAfter?: number;
}

type Outcome = Pick<Call, "outcome"> & Partial<Pick<Call, "status" | "description">>;

const UNAVAILABLE =
  "<html><head><title>503 Service Unavailable</title></head><body>upstream connect error</body></html>";

export function success(result: object): Reply {
  return { status: 200, body: JSON.stringify({ ok: true, ...result }) };
}

export function refusal(error: ApiError): Reply {
  const { retryAfter, code } = error;
  return {
    status: retryAfter === undefined ? 200 : 429,
    body: JSON.stringify(error.payload()),
    error: code,
    ...(retryAfter === undefined ? {} : { retryAfter }),
  };
}

export function send(
  response: ServerResponse,
  { status, body, error, retryAfter }: Reply,
  scopes: ReadonlySet<string> = new Set(),
): Outcome {
  if (response.destroyed) return { outcome: "aborted" };
  if (retryAfter !== undefined) response.setHeader("retry-after", retryAfter);
  if (scopes.size > 0) response.setHeader("x-oauth-scopes", [...scopes].join(","));
  response.writeHead(status, {
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(body),
  });
  response.end(body);
  return error === undefined ? { outcome: "ok", status } : { outcome: "error", status, description: error };
}

/** What a fault does instead of the method; `undefined` where the method is to run. */
export function instead(fault: FaultOptions, response: ServerResponse): Outcome | undefined {
  switch (fault.kind) {
    case "drop-before":
      response.destroy();
      return { outcome: "dropped" };
    case "hang-before":
      return { outcome: "hanging" };
    case "5xx":
      response.writeHead(503, { "content-type": "text/html", "content-length": UNAVAILABLE.length });
      response.end(UNAVAILABLE);
      return { outcome: "error", status: 503, description: "Service Unavailable" };
    case "429":
      return send(response, refusal(rateLimited(fault.retryAfter ?? 1)));
    case "refuse":
      return send(response, refusal(new ApiError(fault.error ?? "internal_error", fault.details)));
    case "answer":
      return send(response, success(fault.details ?? {}));
    default:
      return undefined;
  }
}

/** What a fault makes of the reply to a method that has run; `undefined` where it is to be sent as it is. */
export function spoil(fault: FaultOptions, reply: Reply, response: ServerResponse): Outcome | undefined {
  switch (fault.kind) {
    case "drop-after":
      response.destroy();
      return { outcome: "lost" };
    case "hang-after":
      return { outcome: "hanging" };
    case "cut": {
      const body = Buffer.from(reply.body);
      response.writeHead(reply.status, { "content-type": "application/json", "content-length": body.length });
      response.write(body.subarray(0, Math.ceil(body.length / 2)), () => response.destroy());
      return { outcome: "lost" };
    }
    default:
      return undefined;
  }
}
