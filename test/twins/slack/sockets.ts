/** Socket Mode: docs.slack.dev/apis/events-api/using-socket-mode. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import type { Clock } from "../../../src/model.ts";
import { type Carrier, type Deliveries, type Delivery, type Patience, patienceFor } from "./deliveries.ts";
import { isRecord } from "./params.ts";

export interface SocketOptions {
  readonly clock: Clock;
  readonly appId: string;
  readonly deliveries: Deliveries;
  readonly within: Patience;
  readonly changed: () => void;
}

/** How new connections behave. */
export interface SocketManners {
  /** False: the greeting never comes. */
  hello: boolean;
  /** A connection is closed at once with this reason. */
  disconnect: string | undefined;
}

export class Sockets implements Carrier {
  readonly manners: SocketManners = { hello: true, disconnect: undefined };
  readonly #options: SocketOptions;
  readonly #server = new WebSocketServer({ noServer: true });
  readonly #tickets = new Set<string>();
  readonly #sockets = new Set<WebSocket>();
  readonly #sent = new Map<string, { delivery: Delivery; socket: WebSocket; cancel: () => void }>();
  #next = 0;
  opened = 0;

  constructor(options: SocketOptions) {
    this.#options = options;
  }

  /** Those that envelopes may come over. */
  get size(): number {
    return this.#sockets.size;
  }

  ticket(): string {
    const ticket = randomUUID();
    this.#tickets.add(ticket);
    return ticket;
  }

  /** An address is good for one connection. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const ticket = new URL(request.url ?? "/", "http://twin").searchParams.get("ticket") ?? "";
    if (!this.#tickets.delete(ticket)) {
      socket.end("HTTP/1.1 401 Unauthorized\r\n\r\n");
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (opened) => this.#open(opened));
  }

  carry(delivery: Delivery): boolean {
    const open = [...this.#sockets].filter((socket) => socket.readyState === socket.OPEN);
    const socket = open[this.#next++ % Math.max(open.length, 1)];
    if (socket === undefined) return false;
    const { notice, attempts, reason } = delivery;
    const id = randomUUID();
    const retry = notice.type === "events_api" ? { retry_attempt: attempts, retry_reason: reason ?? "" } : {};
    const cancel = this.#options.clock.after(patienceFor(delivery, this.#options.within), () =>
      this.#lost(id, "timeout"),
    );
    this.#sent.set(id, { delivery, socket, cancel });
    socket.send(
      JSON.stringify({
        envelope_id: id,
        type: notice.type,
        payload: notice.payload,
        accepts_response_payload: notice.type !== "events_api",
        ...retry,
      }),
    );
    return true;
  }

  /** Sends this text over every socket, whatever it is. */
  push(raw: string): void {
    for (const socket of this.#sockets) socket.send(raw);
  }

  /** Cuts every connection without a word, or announces it first as Slack does when it moves a connection. */
  drop(announced?: string): void {
    for (const socket of [...this.#sockets]) {
      if (announced === undefined) socket.terminate();
      else {
        socket.send(JSON.stringify({ type: "disconnect", reason: announced, debug_info: { host: "twin" } }));
        socket.close(1000);
      }
    }
  }

  close(): void {
    for (const { cancel } of this.#sent.values()) cancel();
    this.#sent.clear();
    for (const socket of this.#server.clients) socket.terminate();
    this.#server.close();
  }

  #open(socket: WebSocket): void {
    this.opened++;
    socket.on("error", () => socket.terminate());
    const { disconnect, hello } = this.manners;
    if (disconnect !== undefined) {
      socket.send(JSON.stringify({ type: "disconnect", reason: disconnect, debug_info: { host: "twin" } }));
      socket.close(1000);
      return;
    }
    if (!hello) return;
    this.#sockets.add(socket);
    socket.on("message", (data) => this.#receive(String(data)));
    socket.on("close", () => this.#gone(socket));
    const { appId, deliveries, changed } = this.#options;
    socket.send(
      JSON.stringify({
        type: "hello",
        num_connections: this.#sockets.size,
        debug_info: { host: "applink-twin", build_number: 1, approximate_connection_time: 18_060 },
        connection_info: { app_id: appId },
      }),
    );
    socket.ping();
    changed();
    deliveries.flush();
  }

  #receive(raw: string): void {
    const parsed: unknown = JSON.parse(raw);
    const answer = isRecord(parsed) ? parsed : {};
    const id = String(answer.envelope_id);
    const sent = this.#sent.get(id);
    if (sent === undefined) return;
    sent.cancel();
    this.#sent.delete(id);
    this.#options.deliveries.acked(sent.delivery, answer.payload);
  }

  #gone(socket: WebSocket): void {
    this.#sockets.delete(socket);
    for (const [id, sent] of [...this.#sent]) if (sent.socket === socket) this.#lost(id, "connection_failed");
    this.#options.changed();
  }

  #lost(id: string, reason: string): void {
    const sent = this.#sent.get(id);
    if (sent === undefined) return;
    sent.cancel();
    this.#sent.delete(id);
    this.#options.deliveries.failed(sent.delivery, reason);
  }
}
