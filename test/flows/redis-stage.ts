/** Several gateways on one Redis and one Telegram bot: what the flow tests on Redis have in common. */
import { expect, onTestFailed, onTestFinished } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { openRedisStore } from "../../src/stores/redis/store.ts";
import { temporaryFolder } from "../support/gateway.ts";
import { GatewayProcess } from "../support/process.ts";
import type { RedisServer } from "../support/redis.ts";
import { startTelegramTwin, type TelegramTwin } from "../twins/telegram/index.ts";
import { Crowd, growingAgent } from "./crowd.ts";

export interface StageOptions {
  /** Of the store: one for all replicas, or one for each. */
  readonly url: string | readonly string[];
  /** Default 3. */
  readonly replicas?: number;
  /** Default 20. */
  readonly chats?: number;
  /** How long a turn lasts, in seconds. Default 0.4. */
  readonly turn?: number;
  /** Default: the product's own. */
  readonly lease?: string;
}

export class Stage {
  readonly twin: TelegramTwin;
  readonly crowd: Crowd;
  readonly replicas: GatewayProcess[] = [];
  readonly #options: StageOptions;

  private constructor(twin: TelegramTwin, crowd: Crowd, options: StageOptions) {
    this.twin = twin;
    this.crowd = crowd;
    this.#options = options;
  }

  /** With all replicas running. */
  static async open(options: StageOptions): Promise<Stage> {
    const twin = await startTelegramTwin();
    onTestFinished(() => twin.stop());
    const stage = new Stage(twin, new Crowd(twin, options.chats ?? 20), options);
    onTestFailed(() => stage.#showLogs());
    for (let i = 0; i < (options.replicas ?? 3); i++) stage.join();
    await Promise.all(stage.replicas.map((replica) => replica.start()));
    return stage;
  }

  /** One more replica, not yet started. */
  join(): GatewayProcess {
    const i = this.replicas.length;
    const { lease } = this.#options;
    const replica = new GatewayProcess(
      temporaryFolder(),
      `store: { url: ${JSON.stringify(this.#url(i))} }
replica: { name: r${i}${lease ? `, lease: ${lease}` : ""} }
adapters: { telegram: { type: telegram, token: "${this.twin.token}", apiRoot: "${this.twin.apiRoot}" } }
agents: { growing: ${growingAgent(this.#options.turn ?? 0.4)} }
http: { port: 0, token: "a-token-for-these-tests" }
access: { default: allow }
# A message may well be hit by several faults: that must not look like one that kills its agent.
queue: { attempts: 50 }`,
    );
    this.replicas.push(replica);
    return replica;
  }

  /** What must be true at the end of all: the answers are right, nothing waits anywhere, and everyone stops in order. */
  async finish(what: string, servers: readonly RedisServer[]): Promise<void> {
    await this.crowd.allAnswered();
    expect(this.replicas.map(({ running }) => running)).toEqual(this.replicas.map(() => true));
    const codes = await Promise.all(this.replicas.map(async (replica) => (await replica.signal("SIGTERM")).code));
    expect(codes).toEqual(this.replicas.map(() => 0));
    this.crowd.check();
    this.crowd.report(what);
    await this.#checkStore(servers);
  }

  /** The statuses of a probe, asked of each replica. */
  async probe(path: "/readyz" | "/healthz"): Promise<number[]> {
    return await Promise.all(this.replicas.map(async ({ url }) => (await fetch(`${url}${path}`)).status));
  }

  #url(i: number): string {
    const { url } = this.#options;
    return typeof url === "string" ? url : (url[i] ?? "");
  }

  /** Nothing is left to do, and no key that was for it. */
  async #checkStore(servers: readonly RedisServer[]): Promise<void> {
    const { chats } = this.crowd;
    const store = await openRedisStore({
      url: this.#url(0),
      clock: systemClock,
      dedupeFor: 86_400_000,
      lease: 3_000,
      keep: 0,
    });
    try {
      const none = { queued: 0, inFlight: 0, undelivered: 0, deadLetters: 0 };
      expect(await store.stats()).toMatchObject({ ...none, sessions: chats });
      // Looking for work also takes off the list whoever has none any more.
      expect(await store.unattended("test")).toEqual([]);
    } finally {
      await store.close();
    }
    const keys = await keysOf(servers);
    const kinds = keys.map((key) => /^sb:\{\d+\}:([a-z]+)/.exec(key)?.[1] ?? "");
    expect(keys.filter((_, i) => !LASTING.has(kinds[i] ?? ""))).toEqual([]);
    expect(kinds.filter((kind) => kind === "c")).toHaveLength(chats);
    expect(kinds.filter((kind) => kind === "s")).toHaveLength(chats);
  }

  #showLogs(): void {
    for (const [i, { stderr }] of this.replicas.entries()) {
      const last = stderr.split("\n").slice(-40);
      console.error(`replica ${i} wrote at last:\n${last.map((line) => line.slice(0, 300)).join("\n")}`);
    }
  }
}

/** Kinds of keys that stay when nothing is left to do; `src/stores/redis/keys.ts` says what each is. */
const LASTING = new Set(["c", "s", "t", "r", "l", "e", "n"]);

/** The keys of all shards; those of the store as a whole and of the governor are not a channel's. */
async function keysOf(servers: readonly RedisServer[]): Promise<string[]> {
  const lists = await Promise.all(servers.map((server) => server.command("KEYS", "sb:{[0-9]*")));
  return [...new Set(lists.flat().map(String))];
}
