/** What an agent is told: a turn as blocks of the protocol's content. */
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import type { ContentBlock } from "@agentclientprotocol/sdk";
import { type AgentTurn, promptOf } from "../../agent.ts";
import type { Attachment, TranscriptEntry } from "../../model.ts";
import type { TurnFiles } from "../shared/files.ts";
import type { Capabilities } from "./link.ts";

/** Bytes that are put into the prompt itself: for each image, and for each text. */
const LARGEST_IMAGE = 8 * 1024 * 1024;
const LARGEST_TEXT = 128 * 1024;

const TEXT = /^(text\/|application\/(json|xml|yaml|toml|javascript|x-sh)\b)|\+(json|xml)$/;

export interface PromptOptions {
  readonly turn: AgentTurn;
  /** Of the turn's messages, in their order. */
  readonly files: TurnFiles;
  readonly can: Capabilities["promptCapabilities"];
  /** It has not been told what the operator wants it to be told, or not this. */
  readonly isNews: boolean;
  /** What was said before in a session that it knows nothing of. */
  readonly preamble?: string;
}

export async function blocksOf({ turn, files, can, isNews, preamble }: PromptOptions): Promise<ContentBlock[]> {
  const { systemPrompt, ...rest } = turn;
  const prompt = promptOf(isNews ? turn : rest);
  const said = [preamble, prompt, ...files.missing].filter((part) => part !== undefined && part !== "").join("\n\n");
  const attached = turn.messages.flatMap((message) => message.files ?? []);
  const blocks = await Promise.all(attached.map((file) => blockOf(files.pathOf(file), file, can)));
  return [{ type: "text", text: said }, ...blocks.flat()];
}

async function blockOf(
  path: string | undefined,
  { name, type: mimeType, size }: Attachment,
  can: Capabilities["promptCapabilities"],
): Promise<ContentBlock[]> {
  if (path === undefined) return [];
  const uri = pathToFileURL(path).href;
  if (can.image && mimeType.startsWith("image/") && size <= LARGEST_IMAGE) {
    return [{ type: "image", mimeType, data: (await readFile(path)).toString("base64"), uri }];
  }
  if (TEXT.test(mimeType) && size <= LARGEST_TEXT) {
    const text = await readFile(path, "utf8");
    if (can.embeddedContext) return [{ type: "resource", resource: { uri, mimeType, text } }];
    return [{ type: "text", text: `The file ${name}:\n\n${text}` }];
  }
  // Every agent takes links, and reads the file itself.
  return [{ type: "resource_link", name, uri, mimeType, size }];
}

/** Entries and characters of what was said before that a new session begins with. */
export const PREAMBLE_ENTRIES = 40;
const LONGEST_PREAMBLE = 20_000;

/** Undefined where nothing was said. */
export function preambleOf(transcript: readonly TranscriptEntry[]): string | undefined {
  const lines: string[] = [];
  let room = LONGEST_PREAMBLE;
  for (const { role, text, sender } of transcript.toReversed()) {
    if (role === "notice") continue;
    const who = role === "assistant" ? "Assistant" : (sender?.name ?? "They");
    const line = `${who}: ${text}`;
    lines.unshift(line.length <= room ? line : `${line.slice(0, room)} …`);
    room -= line.length;
    if (room <= 0) break;
  }
  if (lines.length === 0) return undefined;
  return [
    "(This conversation began before your session did. What was said last in it, oldest first:)",
    ...lines,
    "(That was said before. This is new:)",
  ].join("\n\n");
}
