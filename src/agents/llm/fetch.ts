/**
 * Requests to a model server. One that is refused because the server is busy or away is repeated a few times, at the
 * pace that the server asks for (`Retry-After`); once an answer has begun, nothing is repeated here.
 */
import { Agent, fetch as fetchNow, Headers } from "undici";
import type { Clock } from "../../model.ts";
import { pause } from "../shared/run.ts";

export type Fetch = typeof globalThis.fetch;

/** The first one included. */
const TRIES = 3;
/** Milliseconds. Where the server asks for more, the turn fails and says so. */
export const LONGEST_WAIT = 60_000;
const FIRST_WAIT = 1_000;
const RETRIED = new Set([408, 409, 429, 500, 502, 503, 504, 529]);

export function retryingFetch(clock: Clock): Fetch {
  // A model may think for longer than any limit: how long is too long is for people, and the gateway's watchdog, to say.
  const dispatcher = new Agent({ headersTimeout: 0, bodyTimeout: 0 });
  const once = async (url: string, init: RequestInit): Promise<Response> => {
    const { method = "GET", body, signal } = init;
    if (body !== undefined && body !== null && typeof body !== "string") throw new TypeError("the body is no string");
    const headers = new Headers([...new globalThis.Headers(init.headers)]);
    const sent = { method, headers, dispatcher, ...(body ? { body } : {}), ...(signal ? { signal } : {}) };
    const { status, statusText, headers: got, body: stream } = await fetchNow(url, sent);
    return new Response(stream, { status, statusText, headers: [...got] });
  };
  return async (input, init = {}) => {
    const url = input instanceof Request ? input.url : String(input);
    const signal = init.signal ?? new AbortController().signal;
    for (let attempt = 1; ; attempt++) {
      const isLast = attempt === TRIES;
      let wait: number;
      try {
        const response = await once(url, init);
        if (isLast || !RETRIED.has(response.status)) return response;
        wait = waitAfter(response, attempt, clock.now());
        if (wait > LONGEST_WAIT) return response;
        const text = await response.text();
        if (isFinal(text)) return new Response(text, response);
      } catch (error) {
        if (isLast || signal.aborted) throw error;
        wait = backOff(attempt);
      }
      await pause(clock, wait, signal);
      signal.throwIfAborted();
    }
  };
}

/** What the server asks to wait for, in milliseconds; undefined where it doesn't say. */
export function retryAfter(headers: Readonly<Record<string, string>>, now: number): number | undefined {
  const exact = Number(headers["retry-after-ms"] ?? Number.NaN);
  if (Number.isFinite(exact)) return Math.max(0, exact);
  const text = headers["retry-after"];
  if (text === undefined) return undefined;
  const seconds = Number(text);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1_000);
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

function waitAfter(response: Response, attempt: number, now: number): number {
  return retryAfter(Object.fromEntries(response.headers), now) ?? backOff(attempt);
}

function backOff(attempt: number): number {
  return FIRST_WAIT * 4 ** (attempt - 1);
}

/** OpenAI says "too many requests", too, where an account has no money left. */
export function isFinal(body: string): boolean {
  return body.includes("insufficient_quota");
}
