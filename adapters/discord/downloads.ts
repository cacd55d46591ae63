/**
 * Gets what was attached to a message, from where Discord's own link leads: no redirect is followed, and the token stays
 * here. Where the link holds no longer, the message is read again for a fresh one.
 */
import { Agent, request } from "undici";
import { DeliveryError } from "../../src/channel.ts";
import { type Attachment, type ChannelId, nativeOf } from "../../src/model.ts";
import { handleOf, linkIn } from "./attachments.ts";
import { CallError, toCallError, toDeliveryError } from "./errors.ts";
import type { Rest } from "./rest.ts";
import { isSnowflake } from "./snowflake.ts";

interface Reply {
  readonly status: number;
  readonly bytes: Uint8Array;
  /** Seconds. */
  readonly retryAfter: number;
}

/** Bytes. People may send more than a process should hold. */
const LARGEST = 64 * 1024 * 1024;
/** What the CDN says of a link that is too old, and as well of a file that is no more. */
const STALE = new Set([401, 403, 404, 410]);

const GONE = "The file is no longer at Discord. Ask for it to be sent again.";

export class Downloads {
  readonly #rest: Rest;
  readonly #agent: Agent;

  /** `deadline`: milliseconds for the head of an answer, and between two pieces of a file. */
  constructor(rest: Rest, deadline: number) {
    this.#rest = rest;
    this.#agent = new Agent({
      connections: 8,
      connect: { timeout: Math.min(10_000, deadline) },
      headersTimeout: deadline,
      bodyTimeout: deadline,
      maxResponseSize: LARGEST,
    });
  }

  async get(channel: ChannelId, { id, size }: Attachment, signal: AbortSignal): Promise<Uint8Array> {
    const handle = handleOf(id);
    const place = nativeOf(channel);
    if (handle === undefined || !isSnowflake(place)) throw new DeliveryError("gone", "No file of this adapter.");
    if (size > LARGEST) throw tooLarge();
    const { message, attachment, link } = handle;
    try {
      let reply = await this.#fetch(link, signal);
      if (STALE.has(reply.status)) {
        const now = await this.#rest.call("GET", `/channels/${place}/messages/${message}`, { signal });
        const fresh = linkIn(now, attachment);
        if (fresh === undefined) throw new DeliveryError("gone", GONE);
        reply = await this.#fetch(fresh, signal);
      }
      return bytesOf(reply);
    } catch (error) {
      throw toDeliveryError(error, "read");
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #fetch(link: string, signal: AbortSignal): Promise<Reply> {
    if (signal.aborted) throw new CallError("given up before it was asked for", { done: "never" });
    try {
      const { statusCode, headers, body } = await request(link, { signal, dispatcher: this.#agent });
      return { status: statusCode, bytes: await body.bytes(), retryAfter: Number(headers["retry-after"]) };
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "UND_ERR_RES_EXCEEDED_MAX_SIZE") throw tooLarge();
      throw toCallError(error);
    }
  }
}

function bytesOf({ status, bytes, retryAfter }: Reply): Uint8Array {
  if (status === 200) return bytes;
  if (status === 404 || status === 410) throw new DeliveryError("gone", GONE);
  const detail = `Discord does not give the file (HTTP ${status}).`;
  if (status === 429)
    throw new DeliveryError("limited", detail, { retryAfter: (retryAfter > 0 ? retryAfter : 1) * 1000 });
  throw new DeliveryError(status >= 500 ? "unavailable" : "refused", detail);
}

function tooLarge(): DeliveryError {
  return new DeliveryError("refused", "The file is larger than 64 MB. Ask for a smaller one, or use its link.");
}
