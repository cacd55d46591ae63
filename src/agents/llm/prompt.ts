/** What the people of a turn said, as the message that the model gets: their words, pictures, and texts from files. */
import type { UserContent } from "ai";
import { type AgentTurn, promptOf } from "../../agent.ts";
import { describe } from "../../errors.ts";
import type { Attachment } from "../../model.ts";

type Part = Exclude<UserContent, string>[number];

export interface Prompt {
  readonly parts: readonly Part[];
  /** Of its texts. */
  readonly characters: number;
  readonly images: number;
}

/** The kinds that all providers take. */
const PICTURES = /^image\/(png|jpeg|gif|webp)$/;
/** Bytes; the least that one of the providers takes. */
const LARGEST_PICTURE = 5 * 2 ** 20;
const TEXTS = /^(text\/|application\/(json|xml|yaml|x-yaml|toml|javascript|x-sh|sql|csv)\b)/;
const TEXT_NAMES =
  /\.(txt|md|csv|tsv|log|json|jsonl|xml|ya?ml|toml|ini|sh|py|rb|go|rs|[cm]?[jt]sx?|java|c|h|cpp|sql|diff|patch)$/i;
const LARGEST_TEXT = 2 ** 20;

/** Other files are only named, as the message's text already does. `most` characters of a text file are read. */
export async function readPrompt(turn: AgentTurn, named: boolean, most: number): Promise<Prompt> {
  const messages = turn.messages.map((message) =>
    named ? { ...message, text: `${message.sender.name}: ${message.text}` } : message,
  );
  const { phase, plan, note, resumes } = turn;
  const text = promptOf({
    ...{ messages, phase },
    ...(plan === undefined ? {} : { plan }),
    ...(note === undefined ? {} : { note }),
    ...(resumes === undefined ? {} : { resumes }),
  });
  const files = turn.messages.flatMap((message) => message.files ?? []);
  const parts: Part[] = [{ type: "text", text: text.trim() === "" ? "…" : text }];
  for (const file of files) parts.push(...(await partOf(turn, file, most)));
  return {
    parts,
    characters: parts.reduce((sum, part) => sum + (part.type === "text" ? part.text.length : 0), 0),
    images: parts.filter(({ type }) => type === "image").length,
  };
}

async function partOf(turn: AgentTurn, file: Attachment, most: number): Promise<Part[]> {
  const type = file.type.toLowerCase();
  const isPicture = PICTURES.test(type);
  const isText = TEXTS.test(type) || (!type.startsWith("image/") && TEXT_NAMES.test(file.name));
  if (!isPicture && !isText) return [];
  if (file.size > (isPicture ? LARGEST_PICTURE : LARGEST_TEXT))
    return [said(`(The file ${file.name} is too large to be shown to you.)`)];
  let bytes: Uint8Array;
  try {
    bytes = await turn.read(file);
  } catch (error) {
    turn.signal.throwIfAborted();
    return [said(`(The file ${file.name} could not be had: ${describe(error)})`)];
  }
  if (isPicture) return [{ type: "image", image: bytes, mediaType: type }];
  const text = new TextDecoder().decode(bytes);
  const rest = text.length > most ? `\n(… ${text.length - most} more characters are left out.)` : "";
  return [said(`The file ${file.name}:\n\n${text.slice(0, most)}${rest}`)];
}

function said(text: string): Part {
  return { type: "text", text };
}
