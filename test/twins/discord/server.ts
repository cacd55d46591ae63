import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "../../../src/model.ts";
import type { Call, Journal } from "../telegram/journal.ts";
import { isRecord, type Params } from "../telegram/params.ts";
import { ApiError, methodNotAllowed, notFound, unauthorized } from "./errors.ts";
import { type Faults, instead, spoil } from "./faults.ts";
import type { Limiter } from "./limits.ts";
import { type Reply, refusal, send, success } from "./reply.ts";
import { type Handler, ROUTES, type Twin } from "./routes.ts";
import type { Upload } from "./uploads.ts";

export interface ServerParts {
  readonly token: string;
  readonly clock: Clock;
  readonly twin: Twin;
  readonly faults: Faults;
  readonly journal: Journal;
  readonly limiter: Limiter | undefined;
}

interface Route {
  readonly name: string;
  readonly method: string;
  readonly pattern: RegExp;
  readonly handler: Handler;
}

const TABLE: readonly Route[] = Object.entries(ROUTES).map(([name, handler]) => {
  const [method = "", path = ""] = name.split(" ");
  return { name, method, pattern: new RegExp(`^${path.replace(/:(\w+)/g, "(?<$1>[^/]+)")}$`), handler };
});

/** The CDN's only route, in the journal and for faults. */
const CDN = "GET /attachments";

/** Of a link that is too old and of a file that is no more. */
const NO_CONTENT_ANY_MORE: Reply = {
  status: 404,
  body: "This content is no longer available.",
  type: "text/plain;charset=UTF-8",
  description: "This content is no longer available.",
};

/**
 * One request: 1. which route; 2. who calls; 3. into the journal; 4. faults that come before; 5. limits; 6. the call;
 * 7. faults that come after; 8. the reply.
 */
export class RestServer {
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
    this.#http.on("upgrade", (request, socket, head) => parts.twin.gateway.upgrade(request, socket, head));
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
    if (this.#broken.length > 0) throw new AggregateError(this.#broken, "the Discord twin failed at a request");
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { token } = this.#parts;
    const body = await readBody(request);
    const url = new URL(request.url ?? "/", "http://twin");
    if (url.pathname.startsWith("/attachments/")) return await this.#cdn(request, url, response);
    const path = /^\/api\/v10(\/.*)$/.exec(url.pathname)?.[1]?.replaceAll("%40", "@");
    const candidates = TABLE.filter(({ pattern }) => path !== undefined && pattern.test(path));
    const route = candidates.find(({ method }) => method === request.method);
    if (route === undefined || path === undefined) {
      return void send(response, refusal(candidates.length > 0 ? methodNotAllowed() : notFound()));
    }
    const open = route.name.includes(":token");
    if (!open && request.headers.authorization !== `Bot ${token}`) return void send(response, refusal(unauthorized()));
    const named = route.pattern.exec(path)?.groups ?? {};
    const given = await readParams(request, body);
    const params: Params = { ...Object.fromEntries(url.searchParams), ...given, ...named };
    await this.#answer(route.name, params, response, (call) => this.#run(call, route, params));
  }

  /** Whoever has a link that holds gets the file, whoever it is. The journal shows who said who they are. */
  async #cdn({ headers }: IncomingMessage, { pathname, searchParams }: URL, response: ServerResponse): Promise<void> {
    const path = decodeURI(pathname);
    const { authorization } = headers;
    await this.#answer(CDN, { path, ...(authorization === undefined ? {} : { authorization }) }, response, (call) => {
      const { world } = this.#parts.twin;
      const file = world.links.holds(path, searchParams) ? world.fileAt(path) : undefined;
      if (file === undefined) return NO_CONTENT_ANY_MORE;
      call.effect = true;
      return { status: 200, body: file.bytes, type: file.type };
    });
  }

  async #answer(name: string, params: Params, response: ServerResponse, run: (call: Call) => Reply): Promise<void> {
    const { clock, faults, journal } = this.#parts;
    const call = journal.begin(name, params, clock.now());
    const { delayMs, fault } = faults.plan(name, params);
    if (delayMs > 0) await new Promise<void>((resolve) => void clock.after(delayMs, resolve));
    let outcome = fault === undefined ? undefined : instead(fault, response);
    if (outcome === undefined) {
      const reply = run(call);
      outcome = (fault === undefined ? undefined : spoil(fault, reply, response)) ?? send(response, reply);
    }
    journal.end(call, clock.now(), outcome);
  }

  #run(call: Call, { handler }: Route, params: Params): Reply {
    try {
      const major = String(params.channel ?? params.token ?? params.application ?? "");
      const headers = this.#parts.limiter?.spend(call.method, major) ?? {};
      const result = handler(this.#parts.twin, params);
      call.effect = true;
      return { ...success(result), headers };
    } catch (error) {
      if (error instanceof ApiError) return refusal(error);
      throw error;
    }
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** JSON, or a form with the JSON in `payload_json` and files beside it, as `files[0]` and so on. A list stands under `body`. */
async function readParams(request: IncomingMessage, body: Buffer): Promise<Params> {
  const type = request.headers["content-type"] ?? "";
  if (type.startsWith("multipart/form-data")) {
    const form = await new Response(new Uint8Array(body), { headers: { "content-type": type } }).formData();
    const files: Upload[] = [];
    for (const [key, value] of form) {
      if (typeof value === "string") continue;
      const { name, type, size } = value;
      files.push({ index: /^files\[(\d+)\]$/.exec(key)?.[1] ?? key, name, type, size, text: await value.text() });
    }
    const json: unknown = JSON.parse(String(form.get("payload_json") ?? "{}"));
    return { ...(isRecord(json) ? json : {}), files };
  }
  if (body.length === 0) return {};
  const json: unknown = JSON.parse(body.toString("utf8"));
  return isRecord(json) ? json : { body: json };
}
