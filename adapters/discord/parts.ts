/**
 * Markdown → parts, one Discord message each. Most are shown as they are. One that is longer than a message stands for a
 * file (files.ts): a code fence that would have to be cut, or all of an answer that would take too many messages. Only its
 * text says so: what a part becomes is the same whenever it is sent, and by whom. The first part is never a file, so
 * that an edit never has to bring one.
 */

import { blocksOf, type Fenced } from "../shared/fences.ts";
import { splitMarkdown } from "../shared/split.ts";
import { MARK_LENGTH } from "./marks.ts";
import { render } from "./render.ts";

/** Discord's limit, less the mark of each post: discord.com/developers/docs/resources/message#create-message */
export const MAX_TEXT = 2000 - MARK_LENGTH;

/** What needs more messages than `MOST` is shown by its `FIRST`, and the whole goes as a file. */
const MOST = 5;
const FIRST = 3;

/** A text that is cut between two places may miss them. Not of a footnote: Discord knows none. */
const DEFINITION = /^ {0,3}\[(?!\^)[^\]\n]+\]:/m;

export function partsOf(markdown: string): string[] {
  const parts = piecesOf(markdown);
  return parts.length > MOST && isTooLong(markdown) ? [...parts.slice(0, FIRST), markdown] : parts;
}

/** Of a part that stands for a file: what of it is shown where no file can be, and has not been shown before it. */
export function unfiled(part: string): string[] {
  if (soleFence(part) !== undefined) return messagesOf(part);
  const parts = piecesOf(part);
  return (parts.length > MOST ? parts.slice(FIRST) : parts).flatMap((piece) => messagesOf(piece));
}

/** Whether one message can't show it. What is much longer than a message is not rendered to find that out: it takes long. */
export function isTooLong(part: string): boolean {
  return part.length > 4 * MAX_TEXT || render(part).length > MAX_TEXT;
}

/** The fence that is all of the text. */
export function soleFence(markdown: string): Fenced | undefined {
  const [only, ...others] = blocksOf(markdown).filter((block) => typeof block !== "string" || block.trim() !== "");
  return others.length > 0 || typeof only === "string" ? undefined : only;
}

/** Messages, and the fences that would have to be cut between them. */
function piecesOf(markdown: string): string[] {
  if (DEFINITION.test(markdown)) return messagesOf(markdown);
  const pieces: string[] = [];
  let before: string[] = [];
  for (const block of blocksOf(markdown)) {
    const isFence = typeof block !== "string";
    const text = isFence ? block.whole : block;
    const messages = isFence && block.code.trim() !== "" && isTooLong(text) ? messagesOf(before.join("\n")) : undefined;
    if (messages === undefined || pieces.length + messages.length === 0) {
      before.push(text);
    } else {
      pieces.push(...messages, text);
      before = [];
    }
  }
  return [...pieces, ...messagesOf(before.join("\n"))];
}

/** Parts that messages can show. */
export function messagesOf(markdown: string): string[] {
  return cut(markdown, MAX_TEXT);
}

/**
 * What Discord is sent may be longer than the Markdown, by its escapes: where a part is too long it is split again, with
 * less room. That depends on the part alone, so the first parts of a growing answer stay what they were.
 */
function cut(markdown: string, max: number): string[] {
  return splitMarkdown(markdown, { max, measure: (part) => render(part).length }).flatMap((part) => {
    const size = render(part).length;
    if (size <= MAX_TEXT) return [part];
    return cut(part, Math.max(1, Math.floor(max * Math.min(0.9, (0.95 * MAX_TEXT) / size))));
  });
}
