/**
 * Calls of Discord's REST API: discord.js's client, which knows the buckets, over a pooled connection. A call has one
 * try, and ends at its deadline also where a reply trickles: discord.js itself times only the head of a reply, and
 * repeats posts by itself. Every call fails with `CallError`, or with `DeliveryError` where it was not permitted.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { REST, type RESTOptions } from "discord.js";
import { Agent, type Dispatcher, request } from "undici";
import { DeliveryError, type Permitted } from "../../src/channel.ts";
import { asksPermit, permitted } from "../shared/permit.ts";
import { CallError, toCallError } from "./errors.ts";

export interface RestOptions {
  /** Ends in "/api"; the version is added. */
  readonly apiUrl: string;
  readonly token: string;
  /** Milliseconds for a call from its start to the end of its reply. */
  readonly deadline: number;
}

export interface CallOptions extends Permitted {
  readonly body?: unknown;
  /** Goes along with the body, as a form. */
  readonly file?: Attached | undefined;
  readonly query?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

export interface Attached {
  readonly name: string;
  readonly text: string;
}

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** One call on its way through discord.js. */
interface Call {
  /** Discord has asked for a pause. */
  refused: boolean;
}

/** Milliseconds. */
const SHORT_PAUSE = 2000;
/** Discord tells what it is by its name; without the encoding it guesses at that. */
const PLAIN = "text/plain; charset=utf-8";
const MAX_REPLY = 64 * 1024 * 1024;

export class Rest {
  readonly #client: REST;
  readonly #token: string;
  readonly #agent: Dispatcher;
  readonly #deadline: number;
  /** The call that a request belongs to: discord.js may let it wait for its bucket in between. */
  readonly #calls = new AsyncLocalStorage<Call>();

  constructor({ apiUrl, token, deadline }: RestOptions) {
    this.#token = token;
    this.#deadline = deadline;
    this.#agent = new Agent({
      connections: 32,
      connect: { timeout: Math.min(10_000, deadline) },
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: 15_000,
      maxResponseSize: MAX_REPLY,
    }).compose(asksPermit);
    this.#client = new REST({
      api: apiUrl,
      version: "10",
      retries: 0,
      timeout: deadline,
      // A pause that Discord has not asked for yet is waited for in place, where it is short.
      rejectOnRateLimit: ({ retryAfter }) => this.#calls.getStore()?.refused === true || retryAfter > SHORT_PAUSE,
      makeRequest: (url, init) => this.#request(url, init),
    });
  }

  /** What comes back is network input. */
  async call(method: Method, route: `/${string}`, options: CallOptions = {}): Promise<unknown> {
    const { signal } = options;
    if (signal?.aborted) throw new CallError("given up before it was sent", { done: "never" });
    // One refusal makes discord.js forget the token for good.
    this.#client.setToken(this.#token);
    // discord.js never takes its listener off a signal again, and some live as long as the process.
    const controller = new AbortController();
    const abort = () => controller.abort();
    signal?.addEventListener("abort", abort, { once: true });
    try {
      const send = () => this.#send(method, route, options, controller.signal);
      return await permitted(options.permit, () => this.#calls.run({ refused: false }, send));
    } catch (error) {
      if (error instanceof DeliveryError) throw error;
      throw toCallError(error);
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  async close(): Promise<void> {
    this.#client.clearHashSweeper();
    this.#client.clearHandlerSweeper();
    await this.#agent.destroy();
  }

  #send(
    method: Method,
    route: `/${string}`,
    { body, file, query }: CallOptions,
    signal: AbortSignal,
  ): Promise<unknown> {
    return this.#client.request({
      method: method as Parameters<REST["request"]>[0]["method"],
      fullRoute: route,
      signal,
      ...(body === undefined ? {} : { body }),
      ...(file === undefined ? {} : { files: [{ name: file.name, data: file.text, contentType: PLAIN }] }),
      ...(query === undefined ? {} : { query: new URLSearchParams(query) }),
    });
  }

  /** Resolves with the whole reply, so that discord.js's time-out covers all of it. */
  async #request(url: string, init: Parameters<RESTOptions["makeRequest"]>[1]): ReturnType<RESTOptions["makeRequest"]> {
    const call = this.#calls.getStore();
    const { content, type } = await contentOf(init.body);
    const { statusCode, headers, body } = await request(url, {
      method: (init.method ?? "GET") as Method,
      headers: { ...(init.headers as Record<string, string>), ...type },
      body: content,
      signal: init.signal ?? AbortSignal.timeout(this.#deadline),
      dispatcher: this.#agent,
    });
    const text = await body.text();
    if (call !== undefined && statusCode === 429) call.refused = true;
    const known = new Headers();
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) known.set(name, String(value));
    return new Response(statusCode === 204 ? null : text, { status: statusCode, headers: known });
  }
}

/** A form is written out: it is of another make than the one that undici takes. */
async function contentOf(body: unknown): Promise<{ content: string | Buffer | null; type?: Record<string, string> }> {
  if (!(body instanceof FormData)) return { content: typeof body === "string" ? body : null };
  const form = new Response(body);
  const content = Buffer.from(await form.arrayBuffer());
  return { content, type: { "Content-Type": form.headers.get("content-type") ?? "" } };
}
