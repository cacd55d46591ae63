/** Gateways that the demo agent answers for, on every platform at once: what the flow tests of asks have in common. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, onTestFailed, onTestFinished } from "vitest";
import type { AuditEntry } from "../../src/model.ts";
import { temporaryFolder } from "../support/gateway.ts";
import { freePort } from "../support/lifetime.ts";
import { GatewayProcess } from "../support/process.ts";
import { startRedis } from "../support/redis.ts";
import type { Post, Room } from "./asks-rooms.ts";
import { type Platform, type PlatformName, startPlatform } from "./platforms.ts";

export const STORES = ["lmdb", "redis"] as const;
export type StoreKind = (typeof STORES)[number];
export const ALL: readonly PlatformName[] = ["telegram", "slack", "slack over HTTP", "discord"];

export interface StageOptions {
  readonly platforms: readonly PlatformName[];
  readonly store: StoreKind;
  /** Default: the product's own. */
  readonly lease?: string;
  /** More lines for the configuration. */
  readonly config?: string;
}

/** The beginnings of their channels' ids. */
export const CHANNELS = ["telegram:*", "slack:*", "slack-http:*", "discord:*"];

export const TOKEN = "a-token-for-these-tests";
const PATIENCE = 120_000;

export class Stage {
  readonly platforms: readonly Platform[];
  /** On LMDB one, on Redis two. None is running at first. */
  readonly replicas: readonly GatewayProcess[];

  private constructor(platforms: readonly Platform[], replicas: readonly GatewayProcess[]) {
    this.platforms = platforms;
    this.replicas = replicas;
  }

  static async open({ platforms: names, store, lease = "3s", config = "" }: StageOptions): Promise<Stage> {
    const platforms = await Promise.all(names.map((name) => startPlatform(name, {})));
    for (const platform of platforms) onTestFinished(() => platform.stop());
    const folder = temporaryFolder();
    const url = store === "redis" ? (await startRedis()).url : "lmdb:./data";
    const ports = await Promise.all(Array.from({ length: store === "redis" ? 2 : 1 }, freePort));
    const replicas = ports.map((port, i) => {
      const home = join(folder, `r${i}`);
      mkdirSync(home);
      return new GatewayProcess(
        home,
        `store: { url: "${url}" }
replica: { name: r${i}, lease: ${lease} }
adapters:
${platforms.map((platform) => `  ${platform.config}`).join("\n")}
http: { port: ${port}, token: "${TOKEN}" }
${config}`,
      );
    });
    const stage = new Stage(platforms, replicas);
    onTestFailed(() => stage.#showLogs());
    return stage;
  }

  /** So many rooms on each platform. */
  rooms(each: number, size: number): Room[] {
    return this.platforms.flatMap((platform) => Array.from({ length: each }, () => platform.room(size)));
  }

  /** Starts the first so many replicas, and waits until each platform is heard. */
  async start(count = 1): Promise<void> {
    const replicas = this.replicas.slice(0, count);
    await Promise.all(replicas.map((replica) => replica.start()));
    this.#reach(replicas[0]);
    await this.heard();
  }

  /** `kill -9` of the one that runs; then it comes back, or another one takes over. */
  async killAndReplace(): Promise<void> {
    const [first, second] = this.replicas;
    if (second === undefined) {
      await first?.kill();
      return await this.start();
    }
    await second.start();
    await first?.kill();
    this.#reach(second);
    await this.heard();
  }

  /** What was decided, and everything else that happened to asks. */
  async audit(): Promise<AuditEntry[]> {
    const { entries } = await this.#get<{ entries: AuditEntry[] }>("audit?limit=500");
    return entries;
  }

  /** Resolves when nothing is left to do or to deliver. */
  async rest(): Promise<void> {
    type Stats = { readonly queued: number; readonly inFlight: number; readonly undelivered: number };
    let stats: Stats | undefined;
    await eventually(
      async () => {
        stats = await this.#get<Stats>("stats");
        return stats.queued + stats.inFlight + stats.undelivered === 0;
      },
      () => `nothing is left to do: ${JSON.stringify(stats)}`,
    );
  }

  /** Everyone stops in order. */
  async stop(): Promise<void> {
    const running = this.replicas.filter((replica) => replica.running);
    const codes = await Promise.all(running.map(async (replica) => (await replica.signal("SIGTERM")).code));
    expect(codes).toEqual(running.map(() => 0));
  }

  #reach(replica: GatewayProcess | undefined): void {
    if (replica !== undefined) for (const platform of this.platforms) platform.reach(replica.url);
  }

  /** Where several replicas run, one of them receives: it may be any. */
  async heard(): Promise<void> {
    type Health = { readonly adapters: Readonly<Record<string, { readonly state: string }>> };
    let states: string[][] = [];
    await eventually(
      async () => {
        const all = await Promise.all(
          this.replicas.filter(({ running }) => running).map((replica) => askApi<Health>(replica, "health")),
        );
        states = all.map(({ adapters }) => Object.values(adapters).map(({ state }) => state));
        return states[0]?.every((_, i) => states.some((of) => of[i] === "connected")) === true;
      },
      () => `every platform is heard: ${JSON.stringify(states)}`,
    );
  }

  async #get<T>(path: string): Promise<T> {
    const replica = this.replicas.find(({ running }) => running);
    if (replica === undefined) throw new Error("no gateway runs");
    return await askApi<T>(replica, path);
  }

  #showLogs(): void {
    for (const { stderr } of this.replicas) {
      const last = stderr.split("\n").slice(-40);
      console.error(`a gateway wrote at last:\n${last.map((line) => line.slice(0, 300)).join("\n")}`);
    }
  }
}

/** What a gateway's API says, of which the caller knows the form. */
export async function askApi<T>({ url }: GatewayProcess, path: string): Promise<T> {
  const response = await fetch(`${url}/api/v1/${path}`, { headers: { authorization: `Bearer ${TOKEN}` } });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

/** Looks again and again, and leaves the processor to the gateways in between. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  what: () => string,
  patience = PATIENCE,
): Promise<void> {
  const until = Date.now() + patience;
  while (!(await condition())) {
    if (Date.now() > until) throw new Error(`never came true: ${what()}`);
    await pause(20);
  }
}

/** Waits for a message of the bot in this room. */
export async function shown(room: Room, pattern: RegExp): Promise<Post> {
  const found = () => room.posts().find(({ text }) => pattern.test(text));
  await eventually(
    () => found() !== undefined,
    () => `${room.name} shows ${pattern}; it shows ${JSON.stringify(room.posts())}`,
  );
  return found() as Post;
}

/** Waits for a message with this button below it. */
export async function offered(room: Room, label: string): Promise<Post> {
  const found = () => room.posts().find(({ buttons }) => buttons.includes(label));
  await eventually(
    () => found() !== undefined,
    () => `${room.name} offers ${label}; it shows ${JSON.stringify(room.posts())}`,
  );
  return found() as Post;
}

/** What is said to whoever pressed. */
export async function told(room: Room, click: () => string | undefined): Promise<string> {
  await eventually(
    () => click() !== undefined,
    () => `who pressed in ${room.name} is told; it shows ${JSON.stringify(room.posts())}`,
  );
  return click() ?? "";
}
