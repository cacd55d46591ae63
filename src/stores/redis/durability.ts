/** Whether this Redis can lose what it acknowledged. */
import { Cluster, type Redis } from "ioredis";
import type { Client } from "./scripts.ts";

/** A sentence for each way in which data could get lost, with what to do. */
export async function dangers(client: Client): Promise<string[]> {
  const servers = client instanceof Cluster ? client.nodes("master") : [client];
  const found = await Promise.all(servers.map(dangersOf));
  return [...new Set(found.flat())];
}

async function dangersOf(server: Redis): Promise<string[]> {
  const found: string[] = [];
  const info = await permitted(server.info());
  if (info === undefined)
    return ["This user may not ask Redis how it keeps data (INFO): see to it that it loses none."];
  const of = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1];
  if (of("aof_enabled") === "0") {
    found.push(
      "Redis keeps no append-only file: a crash of it loses what came since its last snapshot. Set appendonly yes.",
    );
  } else {
    const policy = await setting(server, "appendfsync");
    if (policy === "everysec") {
      found.push(
        "Redis writes to disk once a second: a crash of its machine can lose that second. appendfsync always avoids it.",
      );
    }
    if (policy === "no")
      found.push("Redis leaves writing to the operating system. Set appendfsync everysec or always.");
  }
  const eviction = of("maxmemory_policy");
  if (eviction !== undefined && eviction !== "noeviction") {
    found.push(`Redis may drop data when its memory is full (${eviction}). Set maxmemory-policy noeviction.`);
  }
  return found;
}

/** Undefined where this user may not read the configuration, as with many hosted ones. */
async function setting(server: Redis, name: string): Promise<string | undefined> {
  const reply: unknown = await permitted(server.config("GET", name));
  return Array.isArray(reply) && typeof reply[1] === "string" ? reply[1] : undefined;
}

async function permitted<Reply>(call: Promise<Reply>): Promise<Reply | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof Error && /^(NOPERM|ERR)/.test(error.message)) return undefined;
    throw error;
  }
}
