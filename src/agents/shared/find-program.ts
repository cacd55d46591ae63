/** The file that starting a program would run. */
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { delimiter, join, resolve } from "node:path";

/** A name is sought on `path`, the environment's PATH; what has a slash in it is a file, relative to `cwd`. */
export async function findProgram(program: string, path: string | undefined, cwd = "."): Promise<string | undefined> {
  const folders = (path ?? "").split(delimiter).filter((folder) => folder !== "");
  const candidates = program.includes("/") ? [resolve(cwd, program)] : folders.map((folder) => join(folder, program));
  for (const candidate of candidates) if (await isProgram(candidate)) return candidate;
  return undefined;
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false; // Not there, or not for this user.
  }
}
