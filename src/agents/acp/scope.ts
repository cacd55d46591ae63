/** How far an agent reaches when it has the gateway read, write or run something for it. */
import { lstat, realpath } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import type { WorkspaceScope } from "../../model.ts";

export interface Reach {
  /** Absolute. */
  readonly folder: string;
  /** The folder of all projects, absolute. */
  readonly workspace: string | undefined;
  readonly scope: WorkspaceScope;
}

class OutOfReach extends Error {
  constructor(path: string, { folder, workspace, scope }: Reach) {
    const end = scope === "workspace" ? (workspace ?? folder) : folder;
    super(`${path} is out of reach: this session reaches as far as ${end}. People can widen it with /workspace.`);
    this.name = "OutOfReach";
  }
}

/**
 * The path that `path` truly is, also of what does not exist yet: no link leads out of reach, and none that leads
 * nowhere is followed. Rejects where it is out of reach.
 */
export async function within(reach: Reach, path: string): Promise<string> {
  // "..", taken back before any link is followed: what is opened is what was checked.
  const real = await realOf(resolve(reach.folder, path));
  if (reach.scope === "full") return real;
  const ends = reach.scope === "workspace" ? [reach.folder, reach.workspace ?? reach.folder] : [reach.folder];
  for (const end of ends) if (isIn(await realpath(end), real)) return real;
  throw new OutOfReach(path, reach);
}

async function realOf(path: string): Promise<string> {
  const missing: string[] = [];
  for (let at = path; ; at = dirname(at)) {
    try {
      return join(await realpath(at), ...missing);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
    if (await exists(at)) throw new Error(`${at} is a link that leads nowhere`);
    missing.unshift(relative(dirname(at), at));
  }
}

/** The entry itself, wherever it leads. */
async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

function isIn(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
