import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "./config.ts";

const EMBEDDED = "lmdb:";

/** The gateway's token: the configured one, else the one kept beside the store; undefined where none was made yet. */
export function readToken(config: Config): string | undefined {
  if (config.http.token) return config.http.token;
  try {
    return readFileSync(tokenPath(config), "utf8").trim() || undefined;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Like `readToken`, but makes one at the first start. Only its owner can read the file. */
export function ensureToken(config: Config): string {
  const found = readToken(config);
  if (found) return found;
  const token = randomBytes(24).toString("base64url");
  mkdirSync(dataFolder(config.store.url), { recursive: true });
  writeFileSync(tokenPath(config), `${token}\n`, { mode: 0o600 });
  return token;
}

/** The folder of the embedded store; beside a shared one, the folder for what this machine keeps for itself. */
export function dataFolder(url: string): string {
  return url.startsWith(EMBEDDED) ? url.slice(EMBEDDED.length) : "data";
}

export function isEmbedded(url: string): boolean {
  return url.startsWith(EMBEDDED);
}

function tokenPath(config: Config): string {
  return join(dataFolder(config.store.url), "token");
}
