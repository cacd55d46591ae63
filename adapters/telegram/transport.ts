/**
 * One call of the Bot API, or one file of its server, over a pooled connection. It replaces grammY's own HTTP client, which costs four times
 * the processor time and waits 500 s for a reply that was cut short.
 *
 * The bot's token is part of every address: nothing of a request's address leaves this file.
 */
import type { Api, Transformer } from "grammy";
import type { ApiResponse } from "grammy/types";
import { Pool } from "undici";
import { DeliveryError } from "../../src/channel.ts";
import type { Clock } from "../../src/model.ts";
import { asksPermit } from "../shared/permit.ts";

/** The call did not bring an answer of the Bot API. */
export class TransportError extends Error {
  /** `never`: the request certainly did not reach Telegram. `maybe`: it may have been carried out. */
  readonly reached: "never" | "maybe";

  constructor(reached: TransportError["reached"], message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "TransportError";
    this.reached = reached;
  }
}

export interface TransportOptions {
  readonly apiRoot: string;
  readonly token: string;
  readonly clock: Clock;
  /** Milliseconds that a call may take from its start to the end of its reply. */
  readonly deadline: number;
}

export interface Transport {
  readonly transformer: Transformer;
  /** What lies at a path that `getFile` has told, or what is said instead. Fails with `TransportError`. */
  download(path: string, signal: AbortSignal): Promise<{ readonly status: number; readonly bytes: Uint8Array }>;
  close(): Promise<void>;
}

type GrammySignal = NonNullable<Parameters<Api["getMe"]>[0]>;

/** grammY's types know the AbortSignal of a polyfill only; what it does with one works with the platform's own. */
export function forGrammy(signal: AbortSignal): GrammySignal {
  return signal as unknown as GrammySignal;
}

/** A batch of 100 updates stays far below. */
const MAX_REPLY = 64 * 1024 * 1024;

/** What fails before anything was written to a connection. */
const NEVER_REACHED =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_\w+|EHOSTUNREACH|ENETUNREACH|ENETDOWN|EADDRNOTAVAIL|UND_ERR_CONNECT_TIMEOUT|CERT_\w+|ERR_TLS_\w+|\w*(?:SELF_SIGNED|UNABLE_TO_)\w*)$/;

export function createTransport({ apiRoot, token, clock, deadline }: TransportOptions): Transport {
  const root = new URL(apiRoot);
  const prefix = root.pathname.replace(/\/+$/, "");
  const base = `${prefix}/bot${token}/`;
  const pool = new Pool(root.origin, {
    connections: 32,
    connect: { timeout: Math.min(10_000, deadline) },
    // The deadline below covers both, also where a reply trickles.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 15_000,
    maxResponseSize: MAX_REPLY,
  }).compose(asksPermit);

  const call = async (
    method: string,
    payload: object,
    signal: AbortSignal | undefined,
  ): Promise<ApiResponse<never>> => {
    if (signal?.aborted) throw new TransportError("never", `${method}: given up before it was sent`);
    const { timeout } = payload as { timeout?: unknown };
    const limit = deadline + (method === "getUpdates" && typeof timeout === "number" ? timeout * 1000 : 0);
    const controller = new AbortController();
    const abort = () => controller.abort();
    const cancelDeadline = clock.after(limit, abort);
    signal?.addEventListener("abort", abort, { once: true });
    try {
      const { statusCode, body } = await pool.request({
        method: "POST",
        path: base + method,
        headers: { "content-type": "application/json" },
        body: JSON.stringify(payload),
        signal: controller.signal,
      });
      return parseReply(method, statusCode, await body.text());
    } catch (error) {
      if (error instanceof TransportError || error instanceof DeliveryError) throw error;
      if (signal?.aborted) throw new TransportError("maybe", `${method}: given up while it was under way`);
      if (controller.signal.aborted)
        throw new TransportError("maybe", `${method}: no complete reply within ${limit} ms`);
      throw toTransportError(method, error, token);
    } finally {
      cancelDeadline();
      signal?.removeEventListener("abort", abort);
    }
  };

  const download = async (path: string, signal: AbortSignal) => {
    if (signal.aborted) throw new TransportError("never", "file: given up before it was asked for");
    try {
      const { statusCode, body } = await pool.request({
        method: "GET",
        path: `${prefix}/file/bot${token}/${path.split("/").map(encodeURIComponent).join("/")}`,
        signal,
        // For the whole of a large file there is no telling.
        headersTimeout: deadline,
        bodyTimeout: deadline,
      });
      return { status: statusCode, bytes: await body.bytes() };
    } catch (error) {
      if (signal.aborted) throw new TransportError("maybe", "file: given up while it was under way");
      throw toTransportError("file", error, token);
    }
  };

  return {
    download,
    transformer: (_previous, method, payload, signal) => call(method, payload ?? {}, signal as AbortSignal | undefined),
    close: () => pool.destroy(),
  };
}

/** Refusals come as JSON; what stands between here and Telegram answers with pages of its own. */
function parseReply(method: string, status: number, text: string): ApiResponse<never> {
  let reply: unknown;
  try {
    reply = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const reached = status >= 400 && status < 500 ? "never" : "maybe";
    throw new TransportError(reached, `${method}: HTTP ${status} without a readable reply`);
  }
  if (typeof reply === "object" && reply !== null && "ok" in reply) {
    if (reply.ok === true && "result" in reply) return reply as ApiResponse<never>;
    if ("error_code" in reply && "description" in reply) return reply as ApiResponse<never>;
  }
  throw new TransportError("maybe", `${method}: HTTP ${status} with a reply of unknown form`);
}

/** The original error stays out of the chain: the HTTP client's errors may carry the address. */
function toTransportError(method: string, error: unknown, token: string): TransportError {
  const first = error instanceof AggregateError ? error.errors[0] : error;
  const code = first instanceof Error && "code" in first && typeof first.code === "string" ? first.code : "";
  const message = first instanceof Error ? first.message : String(first);
  const detail = [code, message.replaceAll(token, "<token>")].filter((part) => part !== "").join(": ");
  return new TransportError(NEVER_REACHED.test(code) ? "never" : "maybe", `${method}: ${detail}`);
}
