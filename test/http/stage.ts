import { type IncomingHttpHeaders, request } from "node:http";
import { onTestFinished } from "vitest";
import type { ChannelAdapter, Routes } from "../../src/channel.ts";
import { SwitchboardError } from "../../src/errors.ts";
import { type HttpServer, startHttpServer } from "../../src/http/server.ts";
import type { DeadLetter } from "../../src/model.ts";
import type { GatewayHealth, Operations, SessionRow } from "../../src/operations.ts";

export const TOKEN = "the-token-of-this-test";

export const SESSION: SessionRow = {
  id: "s1",
  channel: "web:one",
  title: "A title",
  source: "channel",
  agent: "demo",
  pinned: false,
  createdAt: 1,
  updatedAt: 2,
  lastActivityAt: 3,
  stats: { turns: 0, failed: 0, tokensIn: 0, tokensOut: 0 },
  status: "idle",
  waiting: 0,
};

const LETTER: DeadLetter = {
  id: "telegram:-100/7#42",
  channel: "telegram:-100/7",
  message: { id: "42", sender: { id: "telegram:1", name: "Ann" }, text: "hello", sentAt: 1, acceptedAt: 1 },
  cause: "it failed",
  attempts: 3,
  at: 4,
};

/** A gateway of one session and one dead letter, which notes what it was asked to do. */
export class Gateway implements Operations {
  readonly asked: unknown[] = [];
  ready: GatewayHealth = {
    ready: true,
    store: { ok: true, warnings: [] },
    replicas: ["main"],
    adapters: { telegram: { state: "failed", detail: "the token 42:secret is wrong" } },
  };
  fault: unknown;

  async health() {
    if (this.fault !== undefined) throw this.fault;
    return this.ready;
  }
  async stats() {
    if (this.fault !== undefined) throw this.fault;
    return { sessions: 1, queued: 0, inFlight: 0, undelivered: 0, deadLetters: 1, live: 0, running: 0 };
  }
  commands() {
    return [{ name: "help", summary: "List the commands" }];
  }
  async sessions(query: unknown) {
    this.asked.push(["sessions", query]);
    return { sessions: [SESSION], cursor: "more" };
  }
  async session(id: string) {
    return id === SESSION.id ? SESSION : undefined;
  }
  async transcript(id: string, page: unknown) {
    this.asked.push(["transcript", id, page]);
    return { entries: [] };
  }
  async queue() {
    return { waiting: [], recent: [] };
  }
  async cancel(id: string, by: string) {
    this.asked.push(["cancel", id, by]);
    if (id !== SESSION.id) throw new SwitchboardError("SESSION_UNKNOWN", `There is no session "${id}".`);
    return { cancelledTurn: "t1", dropped: 2 };
  }
  async remove(id: string) {
    this.asked.push(["remove", id]);
  }
  async deadLetters(query: unknown) {
    this.asked.push(["deadLetters", query]);
    return [LETTER];
  }
  async replay(id: string) {
    this.asked.push(["replay", id]);
  }
  async discard(id: string) {
    this.asked.push(["discard", id]);
    if (id !== LETTER.id) throw new SwitchboardError("DEAD_LETTER_UNKNOWN", `There is no dead letter "${id}".`);
  }
}

/** The part of an adapter that the server looks at. */
export function mounted(mount: string, caller: Routes["caller"], fetch: Routes["fetch"]): ChannelAdapter & Routes {
  return {
    name: mount,
    limits: { maxTextLength: 1, minEditInterval: 1, repeatableSend: true },
    start: async () => {},
    stop: async () => {},
    close: async () => {},
    health: () => ({ state: "connected" }),
    split: (text) => [text],
    send: async () => "",
    mount,
    caller,
    fetch,
  };
}

export interface Stage {
  readonly gateway: Gateway;
  readonly server: HttpServer;
  readonly logged: unknown[];
  /** With the token, where `signedIn` is not false. */
  call(path: string, init?: RequestInit & { signedIn?: boolean }): Promise<Response>;
}

export async function stage(
  adapters: readonly ChannelAdapter[] = [],
  config: { host?: string; port?: number; allowedHosts?: string[] } = {},
): Promise<Stage> {
  const gateway = new Gateway();
  const logged: unknown[] = [];
  const server = await startHttpServer({
    config: { host: "127.0.0.1", port: 0, allowedHosts: [], ...config },
    token: TOKEN,
    operations: gateway,
    adapters,
    log: { error: (...line) => logged.push(line) },
    version: "1.2.3",
  });
  onTestFinished(() => server.close());
  return {
    gateway,
    server,
    logged,
    call: (path, { signedIn = true, ...init } = {}) => {
      const headers = new Headers(init.headers);
      if (signedIn && !headers.has("authorization")) headers.set("authorization", `Bearer ${TOKEN}`);
      return fetch(server.url + path, { redirect: "manual", ...init, headers });
    },
  };
}

/** A request with headers that `fetch` does not let one choose. */
export async function raw(
  url: string,
  options: { method?: string; headers: Record<string, string>; body?: string },
): Promise<{ status: number; headers: IncomingHttpHeaders; body: string }> {
  return await new Promise((resolve, reject) => {
    const call = request(url, { method: options.method ?? "GET", headers: options.headers }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        body += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    call.on("error", reject);
    call.end(options.body);
  });
}
