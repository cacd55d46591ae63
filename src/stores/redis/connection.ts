/**
 * The connections to Redis: one for commands, one that only listens. Both come back by themselves. A command that was
 * under way when its connection broke is rejected, never sent again behind the caller's back: whoever calls again is
 * answered as if for the first time (see `Store`).
 */
import { readFileSync } from "node:fs";
import { Cluster, Redis } from "ioredis";
import { describe, SwitchboardError } from "../../errors.ts";
import type { RedisAddress } from "./address.ts";
import type { Client } from "./scripts.ts";

/** Milliseconds without an answer after which a connection counts as dead. */
const SILENCE = 4_000;
const CONNECT = 3_000;
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 1_000;
/** How long, after a failover, commands of a cluster look for the new master: about 16 times this. */
const FAILOVER_PAUSE = 100;

export interface Connections {
  readonly commands: Client;
  readonly hints: Client;
}

export function connect(address: RedisAddress, log: (problem: string) => void): Connections {
  return { commands: clientOf(address, "commands", log), hints: clientOf(address, "hints", log) };
}

export function disconnect({ commands, hints }: Connections): void {
  commands.disconnect();
  hints.disconnect();
}

/** Resolves when commands can be sent, however long that takes; says every `report` ms that it waits. Rejects where `signal` aborts. */
export async function whenReady(
  client: Client,
  report: number,
  log: (problem: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  if (client.status === "ready") return;
  await new Promise<void>((resolve, reject) => {
    const reporting = setInterval(() => log("Still waiting for Redis. It goes on by itself."), report);
    const settle = (end: () => void) => () => {
      clearInterval(reporting);
      client.off("ready", ready);
      signal?.removeEventListener("abort", aborted);
      end();
    };
    const ready = settle(resolve);
    const aborted = settle(() => reject(new SwitchboardError("STORE_UNAVAILABLE", "Given up waiting for Redis")));
    client.on("ready", ready);
    signal?.addEventListener("abort", aborted, { once: true });
  });
}

function clientOf(address: RedisAddress, name: string, log: (problem: string) => void): Client {
  const client = address.kind === "cluster" ? clusterOf(address, name) : serverOf(address, name);
  // Each failed attempt is one event: the same is said once, until something else happens.
  let said = "";
  client.on("error", (error: unknown) => {
    const problem = describe(error);
    if (problem === said) return;
    said = problem;
    log(`Redis (${name}): ${problem}`);
  });
  client.on("ready", () => {
    if (said !== "") log(`Redis (${name}): connected again`);
    said = "";
  });
  return client;
}

function serverOf(address: RedisAddress, name: string): Redis {
  const [{ host, port } = { host: "127.0.0.1", port: 6379 }] = address.hosts;
  const options = { ...optionsOf(address, name), enableOfflineQueue: false, retryStrategy: pause };
  if (address.kind === "single") return new Redis({ ...options, host, port });
  return new Redis({
    ...options,
    sentinels: [...address.hosts],
    name: address.master ?? "mymaster",
    sentinelRetryStrategy: pause,
    failoverDetector: true,
    ...(address.tls ? { enableTLSForSentinelMode: true, sentinelTLS: tlsOf(address) } : {}),
  });
}

function clusterOf(address: RedisAddress, name: string): Cluster {
  return new Cluster(
    address.hosts.map(({ host, port }) => ({ host, port })),
    {
      enableOfflineQueue: false,
      clusterRetryStrategy: pause,
      retryDelayOnFailover: FAILOVER_PAUSE,
      slotsRefreshTimeout: CONNECT,
      slotsRefreshInterval: 5_000,
      redisOptions: optionsOf(address, name),
    },
  );
}

function optionsOf(address: RedisAddress, name: string) {
  const { username, password, db, tls } = address;
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: tlsOf(address) } : {}),
    db,
    connectionName: `switchboard-${name}`,
    connectTimeout: CONNECT,
    socketTimeout: SILENCE,
    keepAlive: 5_000,
    // A master that became a replica refuses writes: the next connection finds the new one.
    reconnectOnError: (error: Error) => error.message.startsWith("READONLY"),
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
  };
}

function tlsOf({ ca }: RedisAddress) {
  return ca === undefined ? {} : { ca: readFileSync(ca) };
}

function pause(attempt: number): number {
  return Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(attempt, 10)) * (0.5 + Math.random() / 2);
}

/** What went wrong with a command, as an error of the registry. Errors of the program itself stay as they are. */
export function asStoreError(error: unknown): unknown {
  if (error instanceof SwitchboardError) return error;
  const message = describe(error);
  if (/^OOM\b/.test(message)) {
    return new SwitchboardError("STORE_FULL", "Redis has no memory left (maxmemory)", { cause: error });
  }
  if (/^(NOAUTH|WRONGPASS|NOPERM)\b/.test(message)) {
    return new SwitchboardError("STORE_REFUSED", `Redis refuses this user: ${message}`, { cause: error });
  }
  // A script that is wrong answers ERR: repeating it can't help.
  if (/^ERR\b/.test(message) && !/^ERR (unknown|max number of clients)/i.test(message)) return error;
  return new SwitchboardError("STORE_UNAVAILABLE", `Redis can't be used: ${message}`, { cause: error });
}
