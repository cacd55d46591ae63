import { type IncomingHttpHeaders, request } from "node:http";
import { onTestFinished } from "vitest";
import type { ChannelAdapter, Routes, Taken } from "../../src/channel.ts";
import { SwitchboardError } from "../../src/errors.ts";
import { type HttpServer, startHttpServer } from "../../src/http/server.ts";
import { createMetrics, type Metrics } from "../../src/metrics.ts";
import type { AuditEntry, ChannelId, DeadLetter, TranscriptEntry } from "../../src/model.ts";
import type { AskView, GatewayHealth, Operations, SessionRow } from "../../src/operations.ts";
import type { AuditPage, QueueView } from "../../src/store.ts";

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

/** An open one, which asks two questions. */
export const ASK: AskView = {
  id: "ask-1",
  channel: "web:one",
  session: "s1",
  turn: "t1",
  request: {
    kind: "questions",
    text: "About the report:",
    questions: [
      { id: "format", prompt: "Which format?", choices: [{ id: "md", label: "Markdown" }], grounded: true },
      { id: "readers", prompt: "Who reads it?", underspecified: true },
    ],
  },
  requester: { id: "web:ann", name: "Ann" },
  approvers: "requester",
  openedAt: 1,
  version: 1,
  shown: [],
  reminders: 0,
  answers: {},
  state: "open",
  remaining: 2,
};

/** A gateway of one session and one dead letter, which notes what it was asked to do. */
export class Gateway implements Operations {
  readonly asked: unknown[] = [];
  row = SESSION;
  view: QueueView = { waiting: [], asks: 0, commands: 0, recent: [] };
  open: AskView[] = [ASK];
  said: TranscriptEntry[] = [];
  log: AuditEntry[] = [];
  taken: Taken = { status: "queued", position: 1 };
  /** How `decide` refuses, where set. */
  refusal: SwitchboardError | undefined;
  /** Called ahead of each look at the queue. */
  looked = () => {};
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
    return {
      ...{
        sessions: 1,
        queued: 0,
        inFlight: 0,
        undelivered: 0,
        deadLetters: 1,
        live: 0,
        running: 0,
        processing: false,
        active: 0,
      },
      bySource: { channel: 1, manual: 0, cron: 0, setup: 0 },
      byStatus: { running: 0, waiting: 0, error: 1 },
      totals: { turns: 7, failed: 2, tokensIn: 30, tokensOut: 40, cost: 0.5 },
    };
  }
  commands() {
    return [{ name: "help", summary: "List the commands" }];
  }
  async sessions(query: unknown) {
    this.asked.push(["sessions", query]);
    return { sessions: [SESSION], cursor: "more" };
  }
  async session(id: string) {
    return id === this.row.id ? this.row : undefined;
  }
  async transcript(id: string, page: unknown) {
    this.asked.push(["transcript", id, page]);
    return { entries: this.said };
  }
  async queue(_: ChannelId) {
    this.looked();
    return this.view;
  }
  async asks(query: unknown) {
    this.asked.push(["asks", query]);
    return { asks: this.open, cursor: "more" };
  }
  async ask(id: string) {
    const ask = this.open.find((one) => one.id === id);
    if (ask === undefined) throw new SwitchboardError("ASK_UNKNOWN", `There is no ask ${id}.`);
    return ask;
  }
  async decide(id: string, decision: unknown, by: string) {
    this.asked.push(["decide", id, decision, by]);
    if (this.refusal) throw this.refusal;
    return { remaining: (await this.ask(id)).remaining - 1 };
  }
  /** Its cursors are places in the log. Like a store, it may give less than it has. */
  async audit({ limit, after = "0" }: { limit: number; after?: string }): Promise<AuditPage> {
    this.asked.push(["audit", limit, after]);
    if (this.fault !== undefined) throw this.fault;
    const from = Number(after);
    const entries = this.log.slice(from, from + Math.min(limit, 400));
    return this.log.length === 0 ? { entries } : { entries, after: String(from + entries.length) };
  }
  async say(id: string, text: string, by: string) {
    this.asked.push(["say", id, text, by]);
    if (id !== this.row.id) throw new SwitchboardError("SESSION_UNKNOWN", `There is no session "${id}".`);
    return this.taken;
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
  readonly metrics: Metrics;
  readonly logged: unknown[];
  /** With the token, where `signedIn` is not false. */
  call(path: string, init?: RequestInit & { signedIn?: boolean }): Promise<Response>;
}

export async function stage(
  adapters: readonly ChannelAdapter[] = [],
  config: { host?: string; port?: number; allowedHosts?: string[] } = {},
): Promise<Stage> {
  const gateway = new Gateway();
  const metrics = createMetrics();
  const logged: unknown[] = [];
  const server = await startHttpServer({
    config: { host: "127.0.0.1", port: 0, allowedHosts: [], ...config },
    token: TOKEN,
    operations: gateway,
    metrics,
    adapters,
    log: { error: (...line) => logged.push(line) },
    version: "1.2.3",
  });
  onTestFinished(() => server.close());
  return {
    gateway,
    server,
    metrics,
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
