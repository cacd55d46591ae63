/**
 * The gateway: sessions over WebSocket connections. A session outlives its connection: what is dispatched meanwhile is
 * replayed to who resumes it. There is one shard.
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { isRecord } from "../telegram/params.ts";
import { Intent } from "./wire.ts";

const Op = {
  dispatch: 0,
  heartbeat: 1,
  identify: 2,
  resume: 6,
  reconnect: 7,
  requestGuildMembers: 8,
  invalidSession: 9,
  hello: 10,
  heartbeatAck: 11,
  requestSoundboardSounds: 31,
} as const;

const PRIVILEGED = Intent.guildMembers | Intent.guildPresences | Intent.messageContent;
const KNOWN = (1 << 26) - 1;

export interface GatewayParts {
  readonly token: string;
  readonly heartbeatInterval: number;
  /** The privileged intents that are switched on for the application. */
  granted(): number;
  /** The data of READY, without what belongs to the session. */
  ready(): object;
  /** What follows READY: the guilds. */
  guilds(): readonly object[];
  readonly changed: () => void;
}

/** What one session was sent, and who listens to it now. */
export interface TwinSession {
  readonly id: string;
  readonly intents: number;
  /** The highest number that a heartbeat or a resume has named as received. */
  readonly acknowledged: number;
  readonly sequence: number;
  readonly connected: boolean;
}

interface Session {
  readonly id: string;
  readonly intents: number;
  readonly packets: string[];
  acknowledged: number;
  sequence: number;
  socket: WebSocket | undefined;
  /** Nothing is dispatched to it any more, nor kept for it. */
  deaf: boolean;
}

export class Gateway {
  readonly #parts: GatewayParts;
  readonly #server = new WebSocketServer({ noServer: true });
  readonly #sessions = new Map<string, Session>();
  readonly #sockets = new Map<WebSocket, Session | undefined>();
  readonly #log: { op: number; d: unknown }[] = [];
  #next = 1;
  /** New connections are refused, by an HTTP error or by cutting them. */
  refusing: "no" | "status" | "cut" = "no";
  /** Who identifies or resumes is turned away with this code. */
  rejecting: number | undefined;
  /** Hellos that never come. */
  silent = false;
  /** Heartbeats are not acknowledged. */
  mute = false;
  url = "";

  constructor(parts: GatewayParts) {
    this.#parts = parts;
  }

  /** Everything that clients have sent, in order. */
  get received(): readonly { readonly op: number; readonly d: unknown }[] {
    return this.#log;
  }

  identifies(): number {
    return this.#log.filter(({ op }) => op === Op.identify).length;
  }

  resumes(): number {
    return this.#log.filter(({ op }) => op === Op.resume).length;
  }

  sessions(): readonly TwinSession[] {
    return [...this.#sessions.values()].map(({ socket, packets: _packets, ...rest }) => ({
      ...rest,
      connected: socket !== undefined,
    }));
  }

  /** Whether a session is listened to now. */
  get connected(): boolean {
    return [...this.#sessions.values()].some(({ socket }) => socket !== undefined);
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.refusing === "cut") return void socket.destroy();
    if (this.refusing === "status") {
      socket.end("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (connection) => this.#accept(connection));
  }

  /** Sends an event to every session whose intents cover it. `data` depends on whether the session may see content. */
  dispatch(type: string, intent: number, data: (privileged: boolean) => unknown): void {
    for (const session of this.#sessions.values()) {
      if (intent !== 0 && (session.intents & intent) === 0) continue;
      this.#push(session, type, data((session.intents & Intent.messageContent) !== 0));
    }
    this.#parts.changed();
  }

  /** Sends something raw, as it is, over every connection. */
  send(payload: string): void {
    for (const socket of this.#sockets.keys()) socket.send(payload);
  }

  /** Closes every connection with a code; sessions stay. */
  close(code: number, reason = ""): void {
    for (const socket of this.#sockets.keys()) socket.close(code, reason);
  }

  /** Cuts every connection without a word; sessions stay. */
  drop(): void {
    for (const socket of this.#sockets.keys()) socket.terminate();
  }

  /** Asks every client to connect again. */
  reconnect(): void {
    this.send(JSON.stringify({ op: Op.reconnect, d: null, s: null, t: null }));
  }

  /** Tells every client that its session is void, or (resumable) that it should resume at once. */
  invalidate(resumable = false): void {
    if (!resumable) this.forget();
    this.send(JSON.stringify({ op: Op.invalidSession, d: resumable, s: null, t: null }));
  }

  /** Sessions end: who resumes one is told that it is void, and what was kept for it is lost. */
  forget(): void {
    this.#sessions.clear();
  }

  /** The sessions of now go on with heartbeats, and get no event any more: what happens is lost for them. */
  deafen(): void {
    for (const session of this.#sessions.values()) session.deaf = true;
  }

  async stop(): Promise<void> {
    this.drop();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(socket: WebSocket): void {
    this.#sockets.set(socket, undefined);
    socket.on("message", (data) => this.#receive(socket, String(data)));
    // A cut connection is what faults are for: "close" follows.
    socket.on("error", () => {});
    socket.on("close", () => {
      const session = this.#sockets.get(socket);
      this.#sockets.delete(socket);
      if (session?.socket === socket) session.socket = undefined;
      this.#parts.changed();
    });
    if (this.silent) return;
    this.#send(socket, Op.hello, { heartbeat_interval: this.#parts.heartbeatInterval });
    this.#parts.changed();
  }

  #receive(socket: WebSocket, text: string): void {
    let payload: unknown;
    try {
      payload = JSON.parse(text);
    } catch {
      return void socket.close(4002, "Error while decoding payload.");
    }
    if (!isRecord(payload) || typeof payload.op !== "number") return void socket.close(4001, "Unknown opcode.");
    this.#log.push({ op: payload.op, d: payload.d });
    this.#handle(socket, payload.op, payload.d);
    this.#parts.changed();
  }

  #handle(socket: WebSocket, op: number, d: unknown): void {
    const session = this.#sockets.get(socket);
    switch (op) {
      case Op.heartbeat:
        if (session !== undefined && typeof d === "number") session.acknowledged = Math.max(session.acknowledged, d);
        if (!this.mute) this.#send(socket, Op.heartbeatAck, undefined);
        return;
      case Op.identify:
        if (this.rejecting !== undefined) return void socket.close(this.rejecting);
        if (session !== undefined) return void socket.close(4005, "Already authenticated.");
        return void this.#identify(socket, isRecord(d) ? d : {});
      case Op.resume:
        if (this.rejecting !== undefined) return void socket.close(this.rejecting);
        if (session !== undefined) return void socket.close(4005, "Already authenticated.");
        return void this.#resume(socket, isRecord(d) ? d : {});
      default:
        if (session === undefined) return void socket.close(4003, "Not authenticated.");
        if (op === Op.requestGuildMembers) return void this.#members(session, isRecord(d) ? d : {});
        if (op === Op.requestSoundboardSounds) return void this.#sounds(session, isRecord(d) ? d : {});
        if (op !== 3 && op !== 4) socket.close(4001, "Unknown opcode.");
    }
  }

  #identify(socket: WebSocket, { token, intents }: Record<string, unknown>): void {
    if (token !== this.#parts.token) return void socket.close(4004, "Authentication failed.");
    if (typeof intents !== "number" || (intents & ~KNOWN) !== 0) return void socket.close(4013, "Invalid intent(s).");
    if ((intents & PRIVILEGED & ~this.#parts.granted()) !== 0) return void socket.close(4014, "Disallowed intent(s).");
    const session: Session = {
      id: `session-${this.#next++}`,
      intents,
      packets: [],
      acknowledged: 0,
      sequence: 0,
      socket,
      deaf: false,
    };
    this.#sessions.set(session.id, session);
    this.#sockets.set(socket, session);
    this.#push(session, "READY", {
      v: 10,
      ...this.#parts.ready(),
      session_id: session.id,
      session_type: "normal",
      resume_gateway_url: this.url,
      shard: [0, 1],
    });
    for (const guild of this.#parts.guilds()) this.#push(session, "GUILD_CREATE", guild);
  }

  #resume(socket: WebSocket, { token, session_id: id, seq }: Record<string, unknown>): void {
    if (token !== this.#parts.token) return void socket.close(4004, "Authentication failed.");
    const session = this.#sessions.get(String(id));
    if (session === undefined) return void this.#send(socket, Op.invalidSession, false);
    if (typeof seq !== "number" || seq > session.sequence) return void socket.close(4007, "Invalid seq.");
    session.socket?.terminate();
    session.socket = socket;
    session.acknowledged = Math.max(session.acknowledged, seq);
    this.#sockets.set(socket, session);
    for (const packet of session.packets.slice(seq)) socket.send(packet);
    this.#push(session, "RESUMED", { _trace: [] });
  }

  #members(session: Session, { guild_id, nonce }: Record<string, unknown>): void {
    this.#push(session, "GUILD_MEMBERS_CHUNK", { guild_id, members: [], chunk_index: 0, chunk_count: 1, nonce });
  }

  #sounds(session: Session, { guild_ids }: Record<string, unknown>): void {
    for (const guild_id of Array.isArray(guild_ids) ? guild_ids : []) {
      this.#push(session, "SOUNDBOARD_SOUNDS", { guild_id, soundboard_sounds: [] });
    }
  }

  #push(session: Session, t: string, d: unknown): void {
    if (session.deaf) return;
    const packet = JSON.stringify({ op: Op.dispatch, t, s: ++session.sequence, d });
    session.packets.push(packet);
    session.socket?.send(packet);
  }

  #send(socket: WebSocket, op: number, d: unknown): void {
    socket.send(JSON.stringify({ op, d, s: null, t: null }));
  }
}
