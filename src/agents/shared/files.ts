/** The files that came with a turn's messages, in a folder of their own for as long as the program runs. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { AgentTurn } from "../../agent.ts";
import { describe } from "../../errors.ts";
import type { Attachment } from "../../model.ts";

export interface TurnFiles {
  /** Absolute, in the order of the messages. */
  readonly paths: readonly string[];
  /** Undefined of one that can't be had. */
  pathOf(file: Attachment): string | undefined;
  /** What to tell the program of those that can't be had, a line each. */
  readonly missing: readonly string[];
  remove(): Promise<void>;
}

const NONE: TurnFiles = { paths: [], pathOf: () => undefined, missing: [], remove: async () => {} };

export async function fetchFiles(turn: Pick<AgentTurn, "messages" | "read">): Promise<TurnFiles> {
  const files = turn.messages.flatMap((message) => message.files ?? []);
  if (files.length === 0) return NONE;
  const folder = await mkdtemp(join(tmpdir(), "switchboard-files-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  const paths = new Map<Attachment, string>();
  const missing: string[] = [];
  for (const [index, file] of files.entries()) {
    let bytes: Uint8Array;
    try {
      bytes = await turn.read(file);
    } catch (error) {
      missing.push(`(The file ${file.name} could not be had: ${describe(error)})`);
      continue;
    }
    const path = join(folder, `${index + 1}-${safe(file.name)}`);
    await writeFile(path, bytes);
    paths.set(file, path);
  }
  return { paths: [...paths.values()], pathOf: (file) => paths.get(file), missing, remove };
}

/** A person chose the name: it must stay in the folder, and be one that every file system takes. */
function safe(name: string): string {
  const plain = basename(name).replace(/[^\p{L}\p{N}._ -]/gu, "_");
  return plain.slice(-100) || "file";
}
