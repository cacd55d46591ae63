/**
 * The gateway's HTTP server: health for probes, the API for operators, and whatever the adapters serve
 * themselves. Each request passes, in this order:
 *
 * 1. `/healthz`, `/readyz`: open, so that a probe needs neither name nor token; they tell no secret.
 * 2. `Host` and `Origin` must be the gateway's own.
 * 3. A token in the link is exchanged for a cookie.
 * 4. Token or cookie, except for what an adapter guards itself.
 * 5. The body's size.
 * 6. The API, the metrics, or the adapter with the longest matching mount.
 */
import { createServer, ServerResponse } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { type Context, Hono, type Next } from "hono";
import { type ChannelAdapter, hasRoutes, type Routes } from "../channel.ts";
import type { HttpConfig } from "../config.ts";
import { SwitchboardError } from "../errors.ts";
import type { Operations } from "../operations.ts";
import { createApi } from "./api/index.ts";
import { type Auth, createAuth } from "./auth.ts";
import { readiness } from "./health.ts";
import { createHosts, type Hosts, isSameOrigin, urlOf } from "./hosts.ts";
import { listen } from "./listener.ts";
import { type MetricsSource, metricsPage } from "./metrics.ts";
import { CONTENT_SECURITY_POLICY, onwardPage, signInPage, wantsPage } from "./pages.ts";
import { errorResponse, isFault, refuse } from "./respond.ts";

const MAX_BODY = 1024 * 1024;
const METRICS = "/metrics";

export interface HttpServerOptions {
  readonly config: HttpConfig;
  readonly token: string;
  readonly operations: Operations;
  readonly metrics: MetricsSource;
  /** Those that answer HTTP themselves are mounted. */
  readonly adapters: readonly ChannelAdapter[];
  readonly log: HttpLog;
  readonly version: string;
}

/** The part of a logger that the server needs. */
export interface HttpLog {
  error(fields: Record<string, unknown>, message: string): void;
}

export interface HttpServer {
  /** Where a browser on this machine finds it, without a slash at the end. */
  readonly url: string;
  /** Stops listening, lets answers under way finish (streams are cut), and frees the port. */
  close(): Promise<void>;
}

/** Resolves when requests are answered. Rejects with HTTP_PORT_TAKEN or HTTP_ADDRESS_REFUSED. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { config, log } = options;
  const server = createServer({ headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 10_000 });
  const listener = await listen(server, config.host, config.port);
  const { port } = listener;
  // A connection that can't be accepted (no file descriptors left) must not end the process.
  server.on("error", (error) => log.error({ err: error }, "the HTTP server could not accept a connection"));
  const closing = new AbortController();
  const app = createApp(options, createAuth(options.token, port), createHosts(config, port), closing.signal);
  const answer = getRequestListener(
    async (request, { outgoing }) => {
      const response = await app.fetch(request);
      if (isStream(response) && outgoing instanceof ServerResponse) listener.cutAtClose(outgoing);
      return response;
    },
    {
      overrideGlobalObjects: false,
      errorHandler: () => refuse("REQUEST_INVALID", "The request line or the Host header can't be read."),
    },
  );
  server.on("request", (request, response) => {
    answer(request, response).catch((error: unknown) => {
      log.error({ err: error, path: pathOf(request.url) }, "answering a request failed");
      response.destroy();
    });
  });
  const close = () => {
    closing.abort();
    return listener.close();
  };
  return { url: urlOf(config.host, port), close };
}

function createApp(options: HttpServerOptions, auth: Auth, hosts: Hosts, closing: AbortSignal): Hono {
  const { operations, metrics, adapters, log, version } = options;
  const mounts = adapters.filter(hasRoutes).sort((left, right) => right.mount.length - left.mount.length);
  const app = new Hono();

  app.onError((error, c) => {
    if (isFault(error)) log.error({ err: error, path: c.req.path }, "a request failed");
    return errorResponse(error);
  });
  app.notFound(() => refuse("NOT_FOUND", "There is nothing at this address."));

  app.use(securityHeaders);
  app.get("/healthz", (c) => c.json({ ok: true, version }));
  app.get("/readyz", async (c) => {
    const { ready, ...detail } = await readiness(operations, log);
    return c.json({ ready, ...detail }, ready ? 200 : 503);
  });

  app.use(async (c, next) => {
    checkHost(c.req.raw, hosts);
    await next();
  });
  app.use(async (c, next) => (isOwn(c.req.path) ? next() : (exchangeToken(c.req.raw, auth) ?? next())));
  app.use(async (c, next) => {
    const guarded = isOwn(c.req.path) || mountOf(mounts, c.req.path)?.caller !== "platform";
    if (!guarded || auth.signedIn(c.req.raw.headers)) return next();
    return askToSignIn(c.req.raw);
  });
  app.use(async (c, next) => {
    checkBody(c.req.raw.headers);
    await next();
  });

  app.get(METRICS, () => metricsPage(metrics, operations, log));
  app.route("/api/v1", createApi(operations, version, closing));
  app.all("*", async (c) => {
    const mount = isOwn(c.req.path) ? undefined : mountOf(mounts, c.req.path);
    return mount === undefined ? c.notFound() : mount.fetch(c.req.raw);
  });
  return app;
}

/** A body says its length before it comes, and Node.js cuts off what exceeds it: so it need not be counted here. */
function checkBody(headers: Headers): void {
  if (headers.has("transfer-encoding")) {
    throw new SwitchboardError("BODY_LENGTH_MISSING", "The body does not say its length.");
  }
  if (Number(headers.get("content-length") ?? 0) > MAX_BODY) {
    throw new SwitchboardError("BODY_TOO_LARGE", "The body is larger than 1 MiB.");
  }
}

async function securityHeaders(c: Context, next: Next): Promise<void> {
  await next();
  const set = (name: string, value: string): void => {
    if (!c.res.headers.has(name)) c.res.headers.set(name, value);
  };
  set("content-security-policy", CONTENT_SECURITY_POLICY);
  set("referrer-policy", "no-referrer");
  set("x-content-type-options", "nosniff");
  set("x-frame-options", "DENY");
  set("cross-origin-resource-policy", "same-origin");
  set("cache-control", "no-store");
}

function checkHost(request: Request, hosts: Hosts): void {
  const host = request.headers.get("host") ?? undefined;
  if (!hosts.knows(host)) {
    throw new SwitchboardError("HOST_REFUSED", "The Host header names another place than this gateway.");
  }
  const origin = request.headers.get("origin");
  const reads = request.method === "GET" || request.method === "HEAD";
  if (origin !== null && !reads && !isSameOrigin(origin, host)) {
    throw new SwitchboardError("ORIGIN_REFUSED", "The request comes from a page of another site.");
  }
}

/** The answer to a link that carries the token: the cookie, and on to the same address without the token. */
function exchangeToken(request: Request, auth: Auth): Response | undefined {
  const url = new URL(request.url);
  const token = url.searchParams.get("token");
  if (token === null || request.method !== "GET") return undefined;
  if (!auth.admits(token) && !auth.signedIn(request.headers)) {
    return signInPage("The link belongs to another gateway, or its token was changed since.");
  }
  url.searchParams.delete("token");
  const path = localPath(url);
  const response = isForeignNavigation(request)
    ? onwardPage(path)
    : new Response(null, { status: 303, headers: { location: path } });
  if (auth.admits(token)) {
    const secure = request.headers.get("x-forwarded-proto") === "https";
    response.headers.append("set-cookie", auth.cookie({ secure }));
  }
  return response;
}

function askToSignIn(request: Request): Response {
  if (!wantsPage(request))
    return refuse("UNAUTHORIZED", "The request carries neither the gateway's token nor its cookie.");
  // The browser withheld the cookie, if it has one, because another site's page led here.
  if (isForeignNavigation(request)) return onwardPage(localPath(new URL(request.url)));
  return signInPage("This page belongs to whoever runs the gateway.");
}

function isForeignNavigation(request: Request): boolean {
  return request.headers.get("sec-fetch-site") === "cross-site" && request.headers.get("sec-fetch-mode") === "navigate";
}

/** "//elsewhere" would lead a browser to another host: one slash stays. */
function localPath(url: URL): string {
  return `${url.pathname.replace(/^\/+/, "/")}${url.search}`;
}

function mountOf(mounts: readonly Routes[], path: string): Routes | undefined {
  return mounts.find(({ mount }) => mount === "/" || path === mount || path.startsWith(`${mount}/`));
}

function isStream(response: Response): boolean {
  return response.headers.get("content-type")?.startsWith("text/event-stream") === true;
}

/** No adapter's, whatever is mounted; and for programs, which send the token in a header. */
function isOwn(path: string): boolean {
  return path === METRICS || path === "/api" || path.startsWith("/api/");
}

/** For the log: the query may hold the token. */
function pathOf(url: string | undefined): string {
  return (url ?? "").split("?")[0] ?? "";
}
