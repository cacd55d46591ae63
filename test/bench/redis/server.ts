/** A private Redis for a benchmark, and what it says of its own work. */
import { rmSync } from "node:fs";
import { type RedisServer, startRedis } from "../../support/redis.ts";

/** Its append-only file is never rewritten: that would be another process beside what is measured. */
export async function startBenchRedis(): Promise<RedisServer> {
  const server = await startRedis({ config: ["auto-aof-rewrite-percentage 0"] });
  process.once("exit", () => rmSync(server.folder, { recursive: true, force: true }));
  return server;
}

/** Since the server's start. */
export interface Counters {
  /** Microseconds of CPU time. */
  readonly cpu: number;
  readonly scripts: number;
  /** Hints sent to other processes. */
  readonly published: number;
  /** All commands, those that scripts run too. */
  readonly commands: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export async function readCounters(server: RedisServer): Promise<Counters> {
  const fields = await readInfo(server);
  const of = (name: string) => Number(fields.get(name) ?? 0);
  const calls = (name: string) => Number(/^calls=(\d+)/.exec(fields.get(`cmdstat_${name}`) ?? "")?.[1] ?? 0);
  const names = [...fields.keys()].flatMap((key) => /^cmdstat_(.+)$/.exec(key)?.[1] ?? []);
  return {
    cpu: (of("used_cpu_sys") + of("used_cpu_user")) * 1e6,
    scripts: calls("evalsha") + calls("eval"),
    published: calls("publish"),
    commands: names.filter((name) => name !== "info").reduce((sum, name) => sum + calls(name), 0),
    bytesIn: of("total_net_input_bytes"),
    bytesOut: of("total_net_output_bytes"),
  };
}

/** The bytes that its data needs. */
export async function readMemory(server: RedisServer): Promise<number> {
  return Number((await readInfo(server)).get("used_memory"));
}

async function readInfo(server: RedisServer): Promise<ReadonlyMap<string, string>> {
  const lines = String(await server.command("INFO", "everything")).split("\r\n");
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]));
}

/** What happened in between, per message. */
export function perMessage(before: Counters, after: Counters, messages: number): Counters {
  const of = (name: keyof Counters) => (after[name] - before[name]) / messages;
  return {
    cpu: of("cpu"),
    scripts: of("scripts"),
    published: of("published"),
    commands: of("commands"),
    bytesIn: of("bytesIn"),
    bytesOut: of("bytesOut"),
  };
}
