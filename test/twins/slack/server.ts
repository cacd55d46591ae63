import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "../../../src/model.ts";
import type { Call, Journal } from "../telegram/journal.ts";
import { ApiError } from "./errors.ts";
import type { FaultOptions, Faults } from "./faults.ts";
import type { Files, Handed } from "./files.ts";
import type { Interactions } from "./interactions.ts";
import { type Method, SCOPES } from "./methods.ts";
import { type Params, parseBody, text } from "./params.ts";
import type { Sockets } from "./sockets.ts";
import type { Uploads } from "./uploads.ts";
import { instead, type Reply, refusal, send, spoil, success } from "./wire.ts";

export interface ServerParts {
  readonly botToken: string;
  readonly appToken: string;
  readonly scopes: ReadonlySet<string>;
  readonly clock: Clock;
  readonly methods: ReadonlyMap<string, Method>;
  readonly faults: Faults;
  readonly journal: Journal;
  readonly sockets: Sockets;
  readonly files: Files;
  readonly uploads: Uploads;
  readonly interactions: Interactions;
}

/**
 * One call: 1. what, into the journal; 2. faults that come before; 3. who calls, and with what rights; 4. the method;
 * 5. faults that come after; 6. the reply.
 */
export class WebApiServer {
  readonly #parts: ServerParts;
  readonly #http: Server;
  readonly #broken: unknown[] = [];

  constructor(parts: ServerParts) {
    this.#parts = parts;
    this.#http = createServer((request, response) => {
      this.#handle(request, response).catch((error: unknown) => {
        if (request.complete) this.#broken.push(error);
        response.destroy();
      });
    });
    this.#http.on("upgrade", (request, socket, head) => parts.sockets.upgrade(request, socket, head));
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
    if (this.#broken.length > 0) throw new AggregateError(this.#broken, "the Slack twin failed at a request");
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    const { pathname } = new URL(request.url ?? "/", "http://twin");
    const [, room, name = ""] = /^\/(api|upload|actions|files)\/(.+)$/.exec(pathname) ?? [];
    if (room === "upload") {
      this.#transfer("upload", { file: name }, response, () => {
        const ok = this.#parts.uploads.receive(name, body);
        const answer = ok ? `OK - ${body.length}` : "bad upload";
        return { status: ok ? 200 : 400, headers: { "content-type": "text/plain" }, body: answer };
      });
    } else if (room === "files") {
      const [, token] = /^Bearer (.+)$/.exec(request.headers.authorization ?? "") ?? [];
      const mayRead = token === this.#parts.botToken && this.#parts.scopes.has("files:read");
      const params = { file: name, ...(token === undefined ? {} : { token }) };
      this.#transfer("download", params, response, () => this.#parts.files.hand(name, mayRead));
    } else if (room === "actions") {
      this.#respond(name, request, body, response);
    } else if (room === "api") await this.#call(name, request, body, response);
    else response.writeHead(404, { "content-type": "text/html" }).end("<html>not found</html>");
  }

  /** A `response_url`. In the journal, and for faults, it is a method of that name. */
  #respond(token: string, request: IncomingMessage, body: Buffer, response: ServerResponse): void {
    const { clock, faults, journal, interactions } = this.#parts;
    const params = readable(() => parseBody(request.headers["content-type"] ?? "", body));
    const said = params instanceof ApiError ? {} : params;
    const call = journal.begin("response_url", said, clock.now());
    const { fault } = faults.plan(call.method, said);
    const outcome = this.#instead(fault, response);
    if (outcome !== undefined) {
      journal.end(call, clock.now(), outcome);
      return;
    }
    const { status, answer } = interactions.respond(token, said);
    call.effect = status === 200;
    response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(answer);
    journal.end(call, clock.now(), { outcome: call.effect ? "ok" : "error", status });
  }

  /** A file's bytes, in either direction. In the journal, and for faults, it is a method of that name. */
  #transfer(method: string, params: Params, response: ServerResponse, run: () => Handed): void {
    const { clock, faults, journal } = this.#parts;
    const call = journal.begin(method, params, clock.now());
    const { fault } = faults.plan(method, params);
    const outcome = this.#instead(fault, response);
    if (outcome !== undefined) {
      journal.end(call, clock.now(), outcome);
      return;
    }
    const { status, headers, body } = run();
    call.effect = status === 200;
    const reply = { status, body: typeof body === "string" ? body : Buffer.from(body).toString("latin1") };
    const spoilt = fault === undefined ? undefined : spoil(fault, reply, response);
    if (spoilt === undefined) response.writeHead(status, headers).end(body);
    journal.end(call, clock.now(), spoilt ?? { outcome: call.effect ? "ok" : "error", status });
  }

  async #call(method: string, request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
    const { clock, faults, journal } = this.#parts;
    const params = readable(() => parseBody(request.headers["content-type"] ?? "", body));
    const call = journal.begin(method, params instanceof ApiError ? {} : params, clock.now());
    const { delayMs, fault } = faults.plan(method, call.params);
    if (delayMs > 0) await new Promise<void>((resolve) => void clock.after(delayMs, resolve));
    const outcome = this.#instead(fault, response) ?? this.#answer(call, params, request, response, fault);
    journal.end(call, clock.now(), outcome);
  }

  #instead(fault: FaultOptions | undefined, response: ServerResponse) {
    return fault === undefined ? undefined : instead(fault, response);
  }

  #answer(
    call: Call,
    params: Params | ApiError,
    request: IncomingMessage,
    response: ServerResponse,
    fault: FaultOptions | undefined,
  ) {
    const reply = params instanceof ApiError ? refusal(params) : this.#run(call, request);
    return (
      (fault === undefined ? undefined : spoil(fault, reply, response)) ?? send(response, reply, this.#parts.scopes)
    );
  }

  #run(call: Call, request: IncomingMessage): Reply {
    try {
      const method = this.#parts.methods.get(call.method);
      this.#authorise(call, request);
      if (method === undefined) throw new ApiError("unknown_method", { req_method: call.method });
      const result = method(call.params);
      call.effect = true;
      return success(result);
    } catch (error) {
      if (error instanceof ApiError) return refusal(error);
      throw error;
    }
  }

  #authorise({ method, params }: Call, request: IncomingMessage): void {
    const { botToken, appToken, scopes } = this.#parts;
    const [, bearer = text(params, "token")] = /^Bearer (.+)$/.exec(request.headers.authorization ?? "") ?? [];
    const [wanted, other] = method === "apps.connections.open" ? [appToken, botToken] : [botToken, appToken];
    if (bearer === "") throw new ApiError("not_authed");
    if (bearer === other) throw new ApiError("not_allowed_token_type");
    if (bearer !== wanted) throw new ApiError("invalid_auth");
    const needed = SCOPES[method];
    if (needed !== undefined && !scopes.has(needed)) {
      throw new ApiError("missing_scope", { needed, provided: [...scopes].join(",") });
    }
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function readable(parse: () => Params): Params | ApiError {
  try {
    return parse();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
}
