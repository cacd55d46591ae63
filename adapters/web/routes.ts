/** What the page asks for, below the adapter's mount: its own files, and what moves in it under `channels`. */
import { Hono } from "hono";
import { ERRORS, SwitchboardError } from "../../src/errors.ts";
import type { ChannelId } from "../../src/model.ts";
import type { EventStream } from "./events.ts";
import type { Files } from "./files.ts";
import { parseChannel, parseCount, parsePost, parsePress } from "./parse.ts";
import type { Views } from "./views.ts";
import type { WireAbout, WireError, WirePost, WirePress, WirePressed } from "./wire.ts";

export interface RouteOptions {
  readonly mount: string;
  readonly files: Files;
  readonly views: Views;
  about(): WireAbout;
  channelOf(native: string): ChannelId;
  /** Resolves when the message is durable; rejects while it can't be. */
  take(channel: ChannelId, post: WirePost): Promise<void>;
  /** Resolves when what it did is durable; rejects while it can't be. */
  press(channel: ChannelId, press: WirePress): Promise<WirePressed>;
  open(channel: ChannelId, after: number | undefined): EventStream;
}

export function createRoutes(options: RouteOptions): (request: Request) => Promise<Response> {
  const { files, views } = options;
  const base = options.mount === "/" ? "" : options.mount;
  const channelOf = (native: string): ChannelId => options.channelOf(parseChannel(native));
  const app = new Hono().basePath(base);

  app.onError((error) => failure(error));
  app.get("/about", (c) => c.json(options.about()));
  app.get("/channels", async (c) => c.json(await views.channels(c.req.query("cursor"))));
  app.get("/channels/:channel/messages", async (c) => {
    const { page } = await views.page(channelOf(c.req.param("channel")), parseCount(c.req.query("before")));
    return c.json(page);
  });
  app.post("/channels/:channel/messages", async (c) => {
    const channel = channelOf(c.req.param("channel"));
    await options.take(channel, await parsePost(c.req.raw));
    return c.json({ accepted: true }, 202);
  });
  app.post("/channels/:channel/presses", async (c) => {
    const channel = channelOf(c.req.param("channel"));
    return c.json(await options.press(channel, await parsePress(c.req.raw)));
  });
  app.get("/channels/:channel/events", (c) => {
    const after = parseCount(c.req.header("last-event-id") ?? c.req.query("after"));
    const channel = channelOf(c.req.param("channel"));
    const headers = { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store" };
    // Nobody would read the stream that a HEAD request opens.
    return new Response(c.req.method === "HEAD" ? null : options.open(channel, after).body, { headers });
  });
  app.get("*", async (c) => {
    // The page's own addresses are relative: it has to stand in a folder.
    if (c.req.path === base && base !== "") return c.redirect(`${base}/`, 308);
    const path = c.req.path.slice(base.length + 1);
    return (await files.serve(path === "" ? "index.html" : path)) ?? missing(path);
  });
  app.notFound(() => failure(new SwitchboardError("NOT_FOUND", "There is nothing at this address.")));
  return async (request) => await app.fetch(request);
}

function missing(path: string): Response {
  if (path !== "") return failure(new SwitchboardError("NOT_FOUND", "There is nothing at this address."));
  return new Response("The page is not built. Run `npm run build`, then start the gateway again.\n", { status: 503 });
}

const STATUS: Readonly<Record<string, number>> = { REQUEST_INVALID: 400, NOT_FOUND: 404 };

/** Only what was raised on purpose is told; anything else could name a file or worse. */
function failure(error: unknown): Response {
  const known = error instanceof SwitchboardError;
  const body: WireError = {
    error: known
      ? { code: error.code, message: error.message, remedy: error.remedy }
      : { code: "INTERNAL", message: "Something went wrong in the gateway.", remedy: ERRORS.INTERNAL.remedy },
  };
  return Response.json(body, { status: known ? (STATUS[error.code] ?? 503) : 500 });
}
