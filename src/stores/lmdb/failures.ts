/** What LMDB and the file system say, in the words of the port. */
import { describe, SwitchboardError } from "../../errors.ts";

/** No space, quota used up, the file may grow no more: the system's names, and the numbers that lmdb-js gives. */
const FULL = new Set<unknown>(["ENOSPC", "EDQUOT", "EFBIG", 28, 122, 27]);

/** Why a write to the folder was not made. */
export function writeFailure(error: unknown, path: string): SwitchboardError {
  if (error instanceof SwitchboardError) return error;
  if (error instanceof Error && "code" in error && FULL.has(error.code)) {
    return new SwitchboardError("STORE_FULL", `There is no space left for the store in ${path}.`, { cause: error });
  }
  return new SwitchboardError("STORE_UNAVAILABLE", `The store in ${path} can't be written: ${describe(error)}`, {
    cause: error,
  });
}

export function readFailure(error: unknown, path: string): SwitchboardError {
  if (error instanceof SwitchboardError) return error;
  return new SwitchboardError("STORE_UNAVAILABLE", `The store in ${path} can't be read: ${describe(error)}`, {
    cause: error,
  });
}
