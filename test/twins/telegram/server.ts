import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "../../../src/model.ts";
import { parseParams, readBody } from "./body.ts";
import { ApiError } from "./errors.ts";
import type { Faults } from "./faults.ts";
import type { Call, Journal } from "./journal.ts";
import { type Methods, unknownMethod } from "./methods.ts";
import type { Params } from "./params.ts";
import { instead, type Reply, refusal, send, spoil, success } from "./wire.ts";

export interface ServerParts {
  readonly token: string;
  readonly clock: Clock;
  readonly methods: Methods;
  /** What lies on the server for the bot to fetch. */
  readonly fileAt: (path: string) => Uint8Array | undefined;
  readonly faults: Faults;
  readonly journal: Journal;
}

/** A method, or a file. The latter stands in the journal, and for faults, under a name that no method has. */
const METHOD = /^\/bot(?<token>\d+(?::|%3A)[\w-]+)\/(?<method>[^/]+)$/i;
const FILE_PATH = /^\/file\/bot(?<token>\d+(?::|%3A)[\w-]+)\/(?<file>.+)$/i;
const FILE = "file";

/**
 * One request: 1. who calls; 2. what, into the journal; 3. faults that come before; 4. the method; 5. faults that
 * come after; 6. the reply. A refusal of the first step is in no journal: it belongs to no account.
 */
export class BotApiServer {
  readonly #parts: ServerParts;
  readonly #http: Server;
  readonly #names: ReadonlyMap<string, string>;
  readonly #broken: unknown[] = [];

  constructor(parts: ServerParts) {
    this.#parts = parts;
    // Telegram does not mind how a method's name is capitalised.
    this.#names = new Map([...parts.methods.keys()].map((name) => [name.toLowerCase(), name]));
    this.#http = createServer((request, response) => {
      this.#handle(request, response).catch((error: unknown) => {
        const leftEarly = !request.complete;
        if (!leftEarly) this.#broken.push(error);
        response.destroy();
      });
    });
    // Longer than any client keeps an idle connection: a reply is lost only where a fault says so.
    this.#http.keepAliveTimeout = 75_000;
  }

  async listen(port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#http.once("error", reject);
      this.#http.listen(port, "127.0.0.1", resolve);
    });
    return (this.#http.address() as AddressInfo).port;
  }

  /** Rejects where the twin itself failed at a request: the test that used it proves nothing then. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#http.close(() => resolve()));
    this.#http.closeAllConnections();
    await closed;
    if (this.#broken.length > 0) throw new AggregateError(this.#broken, "the Telegram twin failed at a request");
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { token, clock, faults, journal } = this.#parts;
    const body = await readBody(request);
    const url = new URL(request.url ?? "/", "http://twin");
    const path = (METHOD.exec(url.pathname) ?? FILE_PATH.exec(url.pathname))?.groups;
    // The hosted front end knows no path for a token that does not look like one.
    if (path === undefined) return void send(response, refusal(new ApiError(404, "Not Found")));
    if (path.token?.replace(/%3A/i, ":") !== token) {
      return void send(response, refusal(new ApiError(401, "Unauthorized")));
    }

    const file = path.file === undefined ? undefined : decodeURIComponent(path.file);
    const params =
      file !== undefined
        ? { path: file }
        : readable(() => parseParams(url.searchParams, request.headers["content-type"] ?? "", body));
    const method =
      file !== undefined ? FILE : (this.#names.get((path.method ?? "").toLowerCase()) ?? path.method ?? "");
    const call = journal.begin(method, params instanceof ApiError ? {} : params, clock.now());
    const { delayMs, fault } = faults.plan(method, call.params);
    if (delayMs > 0) await new Promise<void>((resolve) => void clock.after(delayMs, resolve));
    let outcome = fault === undefined ? undefined : instead(fault, response);
    if (outcome === undefined) {
      const reply = params instanceof ApiError ? refusal(params) : await this.#run(call, response);
      outcome = (fault === undefined ? undefined : spoil(fault, reply, response)) ?? send(response, reply);
    }
    journal.end(call, clock.now(), outcome);
  }

  async #run(call: Call, response: ServerResponse): Promise<Reply> {
    try {
      if (call.method === FILE) return this.#give(call);
      const method = this.#parts.methods.get(call.method);
      if (method === undefined) throw unknownMethod();
      const result = await method(call.params, (left) => response.once("close", left));
      call.effect = true;
      return success(result);
    } catch (error) {
      if (error instanceof ApiError) return refusal(error);
      throw error;
    }
  }

  #give(call: Call): Reply {
    const body = this.#parts.fileAt(String(call.params.path));
    if (body === undefined) throw new ApiError(404, "Not Found");
    call.effect = true;
    return { status: 200, body, type: "application/octet-stream" };
  }
}

function readable(parse: () => Params): Params | ApiError {
  try {
    return parse();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
}
