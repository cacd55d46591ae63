/** Replies as bytes, whole or spoiled. */
import type { ServerResponse } from "node:http";
import { ApiError, badRequest, tooManyRequests } from "./errors.ts";
import type { FaultOptions } from "./faults.ts";
import type { Call } from "./journal.ts";

export interface Reply {
  readonly status: number;
  readonly body: string | Uint8Array;
  /** Default: JSON. */
  readonly type?: string;
  /** Of a refusal. */
  readonly description?: string;
  readonly retryAfter?: number;
}

type Outcome = Pick<Call, "outcome"> & Partial<Pick<Call, "status" | "description">>;

const BAD_GATEWAY =
  "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n" +
  "<hr><center>nginx/1.18.0</center>\r\n</body>\r\n</html>\r\n";

export function success(result: unknown): Reply {
  return { status: 200, body: JSON.stringify({ ok: true, result }) };
}

export function refusal(error: ApiError): Reply {
  const retryAfter = error.parameters?.retry_after;
  return {
    status: error.code,
    body: JSON.stringify(error.payload()),
    description: error.message,
    ...(retryAfter === undefined ? {} : { retryAfter }),
  };
}

export function send(
  response: ServerResponse,
  { status, body, type = "application/json", description, retryAfter }: Reply,
): Outcome {
  if (response.destroyed) return { outcome: "aborted" };
  if (retryAfter !== undefined) response.setHeader("retry-after", retryAfter);
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) });
  response.end(body);
  return description === undefined ? { outcome: "ok", status } : { outcome: "error", status, description };
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
      response.writeHead(502, { "content-type": "text/html", "content-length": BAD_GATEWAY.length });
      response.end(BAD_GATEWAY);
      return { outcome: "error", status: 502, description: "Bad Gateway" };
    case "429":
      return send(response, refusal(tooManyRequests(fault.retryAfter ?? 1)));
    case "refuse":
      return send(response, refusal(new ApiError(fault.error?.code ?? 400, fault.error?.description ?? "Bad Request")));
    case "refuse-entities":
      return send(response, refusal(badRequest("can't parse entities: refused by a fault of the twin")));
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
      const body = typeof reply.body === "string" ? Buffer.from(reply.body) : reply.body;
      response.writeHead(reply.status, { "content-type": "application/json", "content-length": body.length });
      response.write(body.subarray(0, Math.ceil(body.length / 2)), () => response.destroy());
      return { outcome: "lost" };
    }
    default:
      return undefined;
  }
}
