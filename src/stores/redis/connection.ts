/**
 * The connections to Redis: one for commands, one that only listens. Both come back by themselves. A command that was
 * under way when its connection broke is rejected, never sent again behind the caller's back (in a cluster it may be,
 * to the node that has taken over): whoever calls again is answered as if for the first time (see `Store`).
 */
import { readFileSync } from "node:fs";
import { Socket } from "node:net";
import { Cluster, Redis } from "ioredis";
import { describe, SwitchboardError } from "../../errors.ts";
import type { RedisAddress } from "./address.ts";
import type { Client } from "./scripts.ts";

/** Milliseconds without an answer after which a connection counts as dead. */
const SILENCE = 4_000;
const CONNECT = 3_000;
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 250;
/** How long, after a failover, commands of a cluster look for the new master: about 16 times this. */
const FAILOVER_PAUSE = 100;
/** The last two: a script began something that its user may not do. */
const REFUSED = /^((NOAUTH|WRONGPASS|NOPERM)\b|ERR The user executing the script can't|ERR ACL failure in script)/;

export interface Connections {
  readonly commands: Client;
  readonly hints: Client;
}

export function connect(address: RedisAddress, log: (problem: string) => void): Connections {
  return { commands: clientOf(address, "commands", log), hints: clientOf(address, "hints", log) };
}

/** Those that were told to end. All others come back, whatever ended them. */
const told = new WeakSet<Client>();

export function disconnect({ commands, hints }: Connections): void {
  for (const client of [commands, hints]) {
    told.add(client);
    for (const server of client instanceof Cluster ? client.nodes() : [client]) {
      // TLS that is ended amid its handshake can fail twice, and ioredis listens to one error: nobody wants the other.
      const stream: unknown = Reflect.get(server, "stream");
      if (stream instanceof Socket) stream.on("error", () => {});
    }
    client.disconnect();
  }
}

/**
 * Resolves when commands can be sent, however long that takes; says every `report` ms that it waits. Rejects where
 * waiting can't help (STORE_REFUSED, CONFIG_INVALID), and with STORE_UNAVAILABLE where `signal` aborts.
 */
export async function whenReady(
  client: Client,
  report: number,
  log: (problem: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  if (client.status === "ready") return;
  const givenUp = () => new SwitchboardError("STORE_UNAVAILABLE", "Given up waiting for Redis");
  if (signal?.aborted) throw givenUp();
  await new Promise<void>((resolve, reject) => {
    const reporting = setInterval(() => log("Still waiting for Redis. It goes on by itself."), report);
    const settle = (end: () => void) => {
      clearInterval(reporting);
      client.off("ready", ready);
      client.off("error", failed);
      signal?.removeEventListener("abort", aborted);
      end();
    };
    const ready = () => settle(resolve);
    const aborted = () => settle(() => reject(givenUp()));
    const failed = (error: unknown) => {
      const hopeless = whyHopeless(error);
      if (hopeless !== undefined) settle(() => reject(hopeless));
    };
    client.on("ready", ready);
    client.on("error", failed);
    signal?.addEventListener("abort", aborted, { once: true });
  });
}

/** Why it can't be connected to however long one waits; undefined where it may come. */
function whyHopeless(error: unknown): SwitchboardError | undefined {
  const message = reasonOf(error);
  const invalid = (why: string) => new SwitchboardError("CONFIG_INVALID", `store.url: ${why}`, { cause: error });
  if (REFUSED.test(message)) return refused(error);
  // ioredis would go on in database 0.
  if (/^ERR DB index is out of range/.test(message)) return invalid("this Redis has no database of that number");
  if (/^ERR This instance has cluster support disabled/.test(message)) return invalid("this Redis is no cluster");
  if (/^ERR unknown command '?sentinel/i.test(message)) return invalid("this Redis is no Sentinel");
  return undefined;
}

/** What lies behind an error: of several servers in turn, that of the last one. */
function reasonOf(error: unknown): string {
  const behind = error instanceof Error ? Reflect.get(error, "lastNodeError") : undefined;
  return behind instanceof Error ? behind.message : describe(error).replace(/^All sentinels .* Last error: /, "");
}

function clientOf(address: RedisAddress, name: string, log: (problem: string) => void): Client {
  const client = address.kind === "cluster" ? clusterOf(address, name) : serverOf(address, name);
  // Each failed attempt is one event: the same is said once, until something else happens.
  let said = "";
  client.on("error", (error: unknown) => {
    const problem = reasonOf(error);
    if (problem === said) return;
    said = problem;
    log(`Redis (${name}): ${problem}`);
  });
  client.on("ready", () => {
    if (said !== "") log(`Redis (${name}): connected again`);
    said = "";
  });
  client.on("end", () => comeBack(client));
  return client;
}

/**
 * ioredis gives a connection up for good where it is cut while it is being made: a Sentinel that tells of a failover in
 * the moment in which it is asked for the master does that.
 */
function comeBack(client: Client): void {
  setTimeout(() => {
    if (told.has(client) || client.status !== "end") return;
    client.connect().catch(() => {}); // The event "error" tells of it, and "end" leads here again.
  }, pause(0));
}

function serverOf(address: RedisAddress, name: string): Redis {
  const { username, password } = address;
  const [{ host, port } = { host: "127.0.0.1", port: 6379 }] = address.hosts;
  // ioredis would leave a subscription that fails again unhandled, which ends the process: hints.ts does it.
  const resuming = { autoResubscribe: false, retryStrategy: pause };
  const options = { ...optionsOf(address, name), ...resuming, enableOfflineQueue: false };
  if (address.kind === "single") return new Redis({ ...options, host, port });
  return new Redis({
    ...options,
    sentinels: [...address.hosts],
    name: address.master ?? "mymaster",
    // Sentinels that want no password take any, but know no user by name.
    ...(password === undefined || username !== undefined ? {} : { sentinelPassword: password }),
    sentinelRetryStrategy: pause,
    sentinelCommandTimeout: CONNECT,
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
  if (ca === undefined) return {};
  try {
    return { ca: readFileSync(ca) };
  } catch (error) {
    throw new SwitchboardError("CONFIG_INVALID", `store.url: ca can't be read: ${describe(error)}`, { cause: error });
  }
}

function pause(attempt: number): number {
  return Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(attempt, 10)) * (0.5 + Math.random() / 2);
}

/** What went wrong with a command, as an error of the registry. Errors of the program itself stay as they are. */
export function asStoreError(error: unknown): unknown {
  if (error instanceof SwitchboardError || isFault(error)) return error;
  const message = reasonOf(error);
  if (/^OOM\b/.test(message)) {
    return new SwitchboardError("STORE_FULL", "Redis has no memory left (maxmemory)", { cause: error });
  }
  if (REFUSED.test(message)) return refused(error);
  // A script that is wrong answers ERR: repeating it can't help.
  if (/^ERR\b/.test(message) && !/^ERR (unknown|max number of clients)/i.test(message)) return error;
  const isDown = /^(Stream isn't writeable|Connection is closed|Reached the max retries|Socket timeout)/.test(message);
  const why = isDown ? "there is no connection" : message;
  return new SwitchboardError("STORE_UNAVAILABLE", `Redis can't be used: ${why}`, { cause: error });
}

function refused(error: unknown): SwitchboardError {
  return new SwitchboardError("STORE_REFUSED", `Redis refuses this user: ${reasonOf(error)}`, { cause: error });
}

/** Errors of the program, which no other Redis and no later time mends. */
function isFault(error: unknown): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError;
}
