/**
 * One gateway per folder. The lock is the kernel's, on an open file: it is gone with the process however that
 * ends, is seen from other containers on the same machine, and two openings within one process exclude each
 * other too. What stands in the file only says whom to look for.
 */
import { closeSync, constants, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { tryLock } from "fs-native-extensions";
import { SwitchboardError } from "../../errors.ts";

/** Returns what gives the folder up. Throws STORE_LOCKED. */
export function lockFolder(path: string): () => void {
  const file = join(path, "gateway.lock");
  const descriptor = openSync(file, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    if (!tryLock(descriptor)) {
      const holder = readFileSync(file, "utf8").trim();
      throw new SwitchboardError(
        "STORE_LOCKED",
        `The store in ${path} is in use by ${holder === "" ? "another gateway" : `another gateway: ${holder}`}.`,
      );
    }
    ftruncateSync(descriptor, 0);
    writeSync(descriptor, `process ${process.pid} on ${hostname()}\n`, 0);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  return () => closeSync(descriptor);
}

/** Makes the names of new files in a folder survive a loss of power. */
export function syncFolder(path: string): void {
  const descriptor = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
