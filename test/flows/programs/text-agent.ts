/** An agent that is a program for each turn: the prompt comes in, the answer goes out. It keeps its memory in files. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { perform } from "./skills.ts";

const file = join(process.env.FOLDER ?? ".", `memory-${process.env.SWITCHBOARD_SESSION}`);
const memory: string[] = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : [];
await perform(await text(process.stdin), {
  signal: new AbortController().signal,
  memory,
  say: (words) => void process.stdout.write(words),
  tool: () => {},
  permit: async () => false,
});
writeFileSync(file, JSON.stringify(memory));
