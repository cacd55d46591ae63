/**
 * Receives by Socket Mode: keeps one connection, and makes the next one at once when Slack moves or loses it. Slack
 * delivers over any connection of the app, so every replica may have its own.
 */
import type { Clock } from "../../src/model.ts";
import { SOCKET_MODE_OFF, type Trouble, troubleOf } from "./errors.ts";
import type { Reply } from "./presses.ts";
import { type Envelope, Socket, type SocketOptions } from "./socket.ts";

export interface SocketsOptions extends Omit<SocketOptions, "onEnvelope"> {
  /** Resolves when the envelope may be acknowledged, with what to say then; rejects where not. */
  readonly onEnvelope: (envelope: Envelope) => Promise<Reply>;
  readonly onConnected: () => void;
  /** Waits as long as the trouble asks for; returns early where `signal` aborts. */
  readonly recover: (trouble: Trouble) => Promise<void>;
  readonly log: (message: string) => void;
}

/** A connection that lasted for less counts as a failure. */
const LASTING = 5000;

export class Sockets {
  readonly #options: SocketsOptions;
  readonly #clock: Clock;
  /** What is under way with core, to be acknowledged still. */
  readonly #handling = new Set<Promise<void>>();
  #socket: Socket | undefined;
  #stopped = false;

  constructor(options: SocketsOptions) {
    this.#options = options;
    this.#clock = options.clock;
  }

  /** Resolves after `stop`. */
  async run(): Promise<void> {
    let short = 0;
    while (!this.#stopped) {
      const trouble = await this.#connection();
      if (this.#stopped) return;
      short = trouble === undefined ? 0 : short + 1;
      // The first loss is no trouble yet: Slack moves connections every now and then.
      if (trouble !== undefined && (short > 1 || trouble.state === "failed")) await this.#options.recover(trouble);
    }
  }

  /** Core has no more in hand: what it took is acknowledged, then nothing comes any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#handling);
    await this.#socket?.close();
  }

  cut(): void {
    this.#stopped = true;
    this.#socket?.cut();
  }

  /** One connection from its opening to its end; undefined where it lasted. */
  async #connection(): Promise<Trouble | undefined> {
    const socket = new Socket({
      ...this.#options,
      onEnvelope: (envelope, from) => this.#handle(envelope, from),
    });
    this.#socket = socket;
    const begun = this.#clock.now();
    try {
      await socket.open();
      this.#options.onConnected();
      const reason = await socket.closed;
      this.#options.log(`the connection ended: ${reason ?? "lost"}`);
      if (reason === "link_disabled") return disabled();
      if (this.#clock.now() - begun >= LASTING) return undefined;
      return {
        state: "degraded",
        detail: `Slack closes its connections (${reason ?? "lost"}). ${AGAIN}`,
        pace: "backoff",
      };
    } catch (error) {
      if (error instanceof Error && error.message === "link_disabled") return disabled();
      return { ...troubleOf(error, "app") };
    } finally {
      socket.cut();
    }
  }

  #handle(envelope: Envelope, socket: Socket): void {
    const handling = this.#options
      .onEnvelope(envelope)
      .then(
        (reply) => {
          if (!socket.acknowledge(envelope, reply))
            this.#options.log("could not acknowledge: a message will come again, and be known");
        },
        (error: unknown) => this.#options.log(`not acknowledged: ${String(error)}`),
      )
      .finally(() => this.#handling.delete(handling));
    this.#handling.add(handling);
  }
}

const AGAIN = "It tries again by itself; nothing is lost.";

function disabled(): Trouble {
  return { state: "failed", detail: SOCKET_MODE_OFF, pace: "rejected" };
}
