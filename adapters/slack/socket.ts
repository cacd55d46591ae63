/**
 * One connection of Socket Mode, made by Bolt's receiver. What is done here instead of there, and why:
 * - Reconnecting (sockets.ts): Bolt's waits five seconds at least, and a refusal of it ends the process.
 * - The greeting is timed out: Bolt waits for it for ever.
 * - Envelopes are read here: an odd one is an unhandled rejection there, and one whose event is called "close" or
 *   "error" passes for a state of the connection.
 */
import { SocketModeReceiver } from "@slack/bolt";
import type { Clock } from "../../src/model.ts";
import type { ClientOptions, SlackClient } from "./client.ts";
import { fields, json, text } from "./fields.ts";
import type { Reply } from "./presses.ts";

/** What Slack delivers. `payload` is as it came. */
export interface Envelope {
  readonly id: string;
  readonly type: string;
  readonly payload: unknown;
}

export interface SocketOptions {
  readonly appToken: string;
  readonly webOptions: SlackClient["webOptions"];
  readonly clock: ClientOptions["clock"];
  /** Milliseconds until the greeting must have come. */
  readonly helloWithin: number;
  /** Called for each envelope; it is acknowledged by `Socket.acknowledge`. */
  readonly onEnvelope: (envelope: Envelope, socket: Socket) => void;
}

/** How long the closing may take before the connection is cut. */
const CLOSED_WITHIN = 1000;

export class Socket {
  readonly #options: SocketOptions;
  readonly #client: SocketModeReceiver["client"];
  readonly #clock: Clock;
  readonly #aborted = new AbortController();
  /** Resolves when nothing comes any more, with Slack's reason where it gave one. */
  readonly closed: Promise<string | undefined>;
  #reason: string | undefined;

  constructor(options: SocketOptions) {
    this.#options = options;
    this.#clock = options.clock;
    const { logger, ...clientOptions } = options.webOptions;
    const receiver = new SocketModeReceiver({
      appToken: options.appToken,
      autoReconnectEnabled: false,
      ...(logger === undefined ? {} : { logger }),
      installerOptions: { clientOptions },
    });
    this.#client = receiver.client;
    this.closed = new Promise((resolve) => {
      this.#client.once("disconnected", () => resolve(this.#reason));
    });
    const [deliver] = this.#client.listeners("ws_message");
    this.#client.removeAllListeners("ws_message");
    this.#client.on("ws_message", (data: unknown, isBinary: unknown) => {
      if (!this.#read(data)) deliver?.(data, isBinary);
    });
    // Given up while its address was asked for: this keeps the client from connecting all the same.
    this.#client.on("authenticated", () => this.#aborted.signal.throwIfAborted());
  }

  /** Resolves with the greeting. Rejects where there is no connection, as Slack's client does. */
  async open(): Promise<void> {
    let late = false;
    const cancel = this.#clock.after(this.#options.helloWithin, () => {
      late = true;
      this.cut();
    });
    try {
      await this.#client.start();
    } catch (error) {
      if (late) throw new Error("Slack's greeting did not come");
      throw error ?? new Error(this.#reason ?? "the connection was closed at once");
    } finally {
      cancel();
    }
  }

  /** False where there is no connection any more: Slack delivers it again then. */
  acknowledge({ id }: Envelope, payload: Reply): boolean {
    const { websocket } = this.#client;
    if (websocket?.isActive() !== true) return false;
    let sent = true;
    websocket.send(JSON.stringify({ envelope_id: id, payload }), (error) => {
      sent = error === undefined;
    });
    return sent;
  }

  /** What was acknowledged still goes out. */
  async close(): Promise<void> {
    const cancel = this.#clock.after(CLOSED_WITHIN, () => this.cut());
    this.#disconnect();
    await this.closed;
    cancel();
  }

  /** The second call does not wait for the other side. */
  cut(): void {
    this.#aborted.abort(new Error("given up"));
    this.#disconnect();
    if (this.#client.websocket !== undefined) this.#disconnect();
  }

  #disconnect(): void {
    this.#client.disconnect().catch(ignore);
  }

  /** Whether it was an envelope, or something that can't be read. The rest is for the client. */
  #read(data: unknown): boolean {
    const frame = frameOf(data);
    if (frame === undefined) return true;
    if (frame.type === "disconnect") this.#reason = text(frame.reason);
    if (frame.type === "hello" || frame.type === "disconnect") return false;
    const [id, type] = [text(frame.envelope_id), text(frame.type)];
    if (id !== undefined && type !== undefined) this.#options.onEnvelope({ id, type, payload: frame.payload }, this);
    return true;
  }
}

function frameOf(data: unknown) {
  return typeof data === "string" ? fields(json(data)) : undefined;
}

/** `closed` tells how it ended. */
function ignore(): void {}
