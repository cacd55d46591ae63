/**
 * One connection to the gateway: discord.js's shard, which greets, identifies or resumes, and keeps the heart beating.
 *
 * The shard would also connect again by itself, every half second and without end, and forget its session where it can't.
 * Here a link has one connection only: once that has ended, the shard's question for its session stays unanswered, and so
 * it never connects again. When to try again, and what to resume, is the receiver's to decide.
 */
import { WebSocketShard, WebSocketShardEvents } from "@discordjs/ws";
import { describe } from "../../src/errors.ts";

/** Where a session stands: what it takes to resume it. */
export interface Resumption {
  readonly id: string;
  readonly url: string;
  /** The last number that need not come again. */
  readonly sequence: number;
}

export interface LinkOptions {
  readonly url: string;
  readonly token: string;
  readonly intents: number;
  /** Asked for at each heartbeat. Undefined: the session is to be a new one. */
  readonly resumption: () => Resumption | undefined;
  /** The session is void. */
  readonly onVoid: () => void;
  /** Dispatches, as they come. */
  readonly onDispatch: (payload: { readonly t: unknown; readonly s: unknown; readonly d: unknown }) => void;
}

export interface LinkEnd {
  /** Of the WebSocket's close; undefined where it never was open. */
  readonly code?: number;
  readonly cause: string;
}

/** Milliseconds. The greeting's is the longest, so that a connection that is never made ends as one. */
const HANDSHAKE = 10_000;
const HELLO = 20_000;
const READY = 15_000;

export class Link {
  readonly ended: Promise<LinkEnd>;
  readonly #shard: WebSocketShard;
  #over = false;
  #greeted = false;
  #end: (end: LinkEnd) => void = () => {};

  constructor({ url, token, intents, resumption, onVoid, onDispatch }: LinkOptions) {
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    const gatewayInformation = {
      url,
      shards: 1,
      session_start_limit: { total: 1, remaining: 1, reset_after: 0, max_concurrency: 1 },
    };
    this.#shard = new WebSocketShard(
      {
        options: {
          url,
          token,
          intents,
          gatewayInformation,
          shardCount: 1,
          shardIds: [0],
          compression: null,
          encoding: "json",
          version: "10",
          identifyProperties: { os: process.platform, browser: "switchboard", device: "switchboard" },
          initialPresence: null,
          largeThreshold: null,
          handshakeTimeout: HANDSHAKE,
          helloTimeout: HELLO,
          readyTimeout: READY,
        } as ConstructorParameters<typeof WebSocketShard>[0]["options"],
        retrieveSessionInfo: () => {
          if (this.#over) return new Promise(() => {});
          const session = resumption();
          if (session === undefined) return null;
          return {
            sessionId: session.id,
            resumeURL: session.url,
            sequence: session.sequence,
            shardCount: 1,
            shardId: 0,
          };
        },
        updateSessionInfo: (_, info) => {
          if (info === null && !this.#over) onVoid();
        },
        waitForIdentify: async () => {},
      },
      0,
    );
    this.#shard.on(WebSocketShardEvents.Hello, () => {
      this.#greeted = true;
      if (this.#over) this.#hangUp();
    });
    this.#shard.on(WebSocketShardEvents.Dispatch, ({ data }) => {
      if (this.#over) return;
      // What is thrown at discord.js here would end the process.
      try {
        onDispatch(data);
      } catch (error) {
        this.leave(`an event could not be handled (${describe(error)})`);
      }
    });
    this.#shard.on(WebSocketShardEvents.Closed, ({ code }) => this.#finish({ code, cause: `closed with ${code}` }));
    // A refusal has its code, and that comes first.
    this.#shard.on(WebSocketShardEvents.Error, ({ error }) => this.#finish({ cause: error.message }));
  }

  connect(): void {
    // How it ends is told by events; what rejects here repeats one of them.
    this.#shard.connect().catch((error: unknown) => this.#finish({ cause: describe(error) }));
  }

  /** Asks something of Discord. What can't be sent is as good as not answered. */
  ask(op: 8, d: { readonly guild_id: string; readonly user_ids: string; readonly limit: number }): void {
    this.#shard.send({ op, d }).catch((error: unknown) => this.#finish({ cause: describe(error) }));
  }

  /** Ends it from this side. The session can be resumed afterwards. */
  leave(cause: string): void {
    if (this.#over) return;
    this.#finish({ cause });
    // A connection that is still being made can't be let go of: its failure would have no listener. It is left when it greets.
    if (this.#greeted) this.#hangUp();
  }

  #hangUp(): void {
    // 4200 is discord.js's own: unlike 1000 it does not end the session.
    void this.#shard.destroy({ code: 4200, reason: "leaving" });
  }

  #finish(end: LinkEnd): void {
    this.#over = true;
    this.#end(end);
  }
}
