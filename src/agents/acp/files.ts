/** Text files that an agent has the gateway read and write for it. */
import { constants } from "node:fs";
import { type FileHandle, mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { type Reach, within } from "./scope.ts";

const readParams = z.object({
  path: z.string().min(1),
  /** From 1. */
  line: z.int().nonnegative().nullish(),
  limit: z.int().nonnegative().nullish(),
});
const writeParams = z.object({ path: z.string().min(1), content: z.string() });

/** Bytes. What is larger does not fit into a message, and no model reads it. */
const LARGEST = 10 * 1024 * 1024;

/** The path was checked: what took its place since must be no link. A pipe must not keep anybody waiting. */
const { O_RDONLY, O_WRONLY, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;

export async function readTextFile(reach: Reach, params: unknown): Promise<{ content: string }> {
  const { path, line, limit } = readParams.parse(params);
  const real = await within(reach, path);
  const content = await using(await open(real, O_RDONLY | O_NOFOLLOW | O_NONBLOCK), path, (file) =>
    file.readFile("utf8"),
  );
  if (!line && limit === undefined) return { content };
  const lines = content.split("\n").slice(Math.max(0, (line ?? 1) - 1));
  return { content: lines.slice(0, limit ?? lines.length).join("\n") };
}

export async function writeTextFile(reach: Reach, params: unknown): Promise<Record<string, never>> {
  const { path, content } = writeParams.parse(params);
  const real = await within(reach, path);
  await mkdir(dirname(real), { recursive: true });
  // Only what has shown to be a plain file is emptied.
  await using(await open(real, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o666), path, async (file) => {
    await file.truncate();
    await file.writeFile(content);
  });
  return {};
}

async function using<Value>(
  file: FileHandle,
  path: string,
  work: (file: FileHandle) => Promise<Value>,
): Promise<Value> {
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new Error(`${path} is no plain file`);
    if (stat.size > LARGEST) throw new Error(`${path} is larger than ${LARGEST} bytes`);
    return await work(file);
  } finally {
    await file.close();
  }
}
