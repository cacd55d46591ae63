import type { Config } from "../config.ts";
import { SwitchboardError } from "../errors.ts";
import { readToken } from "../token.ts";

/** An answer of the API that is not a success, as the gateway worded it. */
export class ApiError extends Error {
  readonly code: string;
  readonly remedy: string | undefined;

  constructor(code: string, message: string, remedy: string | undefined) {
    super(message);
    this.name = "ApiError";
    this.code = code;
    this.remedy = remedy;
  }
}

/** Talks to a running gateway's HTTP API. */
export class ApiClient {
  readonly #url: string;
  readonly #token: string | undefined;
  readonly #advice: string;

  /** `advice`: why a gateway might be looked for in the wrong place. */
  constructor(config: Config, url: string | undefined, token: string | undefined, advice?: string) {
    const host = config.http.host === "0.0.0.0" || config.http.host === "::" ? "127.0.0.1" : config.http.host;
    this.#url = (url ?? `http://${host.includes(":") ? `[${host}]` : host}:${config.http.port}`).replace(/\/+$/, "");
    this.#token = token ?? readToken(config);
    this.#advice = advice === undefined ? "" : `. ${advice}`;
  }

  /**
   * `path` begins behind `/api/v1`, `body` becomes JSON; the gateway may take `within` ms. Gives the parsed body;
   * undefined where there is none.
   */
  async call(
    method: "GET" | "POST" | "DELETE",
    path: string,
    { body, within = ANSWERS }: { readonly body?: unknown; readonly within?: number } = {},
  ): Promise<unknown> {
    const json = body === undefined ? {} : { body: JSON.stringify(body) };
    return await bodyOf(await this.#fetch(path, { method, ...json, signal: AbortSignal.timeout(within) }));
  }

  /** A body of any length, as it comes. */
  async stream(path: string): Promise<ReadableStream<Uint8Array>> {
    const slow = new AbortController();
    const timer = setTimeout(() => slow.abort(), ANSWERS);
    try {
      const response = await this.#fetch(path, { signal: slow.signal });
      if (!response.ok) await bodyOf(response);
      return response.body ?? new Blob([]).stream();
    } finally {
      clearTimeout(timer);
    }
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    const headers: Record<string, string> = init.body === undefined ? {} : { "content-type": "application/json" };
    if (this.#token) headers.authorization = `Bearer ${this.#token}`;
    try {
      return await fetch(`${this.#url}/api/v1${path}`, { ...init, headers });
    } catch (error) {
      const message = `no gateway answers at ${this.#url}${this.#advice}`;
      throw new SwitchboardError("GATEWAY_UNREACHABLE", message, { cause: error });
    }
  }
}

/** Milliseconds that the gateway may take to answer. */
const ANSWERS = 30_000;

async function bodyOf(response: Response): Promise<unknown> {
  const text = await response.text();
  const body: unknown = text === "" ? undefined : parseJson(text);
  if (response.ok) return body;
  const fault = errorIn(body);
  throw new ApiError(fault?.code ?? `HTTP_${response.status}`, fault?.message ?? response.statusText, fault?.remedy);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ApiError("NOT_A_GATEWAY", `what answers there is no Switchboard: ${String(error)}`, undefined);
  }
}

function errorIn(body: unknown): { code: string; message: string; remedy?: string } | undefined {
  if (typeof body !== "object" || body === null || !("error" in body)) return undefined;
  const { error } = body;
  if (typeof error !== "object" || error === null || !("code" in error) || !("message" in error)) return undefined;
  const remedy = "remedy" in error && typeof error.remedy === "string" ? { remedy: error.remedy } : {};
  return { code: String(error.code), message: String(error.message), ...remedy };
}
