/**
 * Markdown → parts, one Slack message each. Most are shown as they are. One that is longer than a message stands for a
 * file (files.ts): a code fence that would have to be cut, or all of an answer that would take too many messages. Only its
 * text says so: what a part becomes is the same whenever it is sent, and by whom. The first part is never a file, so
 * that an edit never has to bring one.
 */
import { blocksOf, type Fenced } from "../shared/fences.ts";
import { isTooLong, split } from "./render.ts";

/** What needs more messages than `MOST` is shown by its `FIRST`, and the whole goes as a file. */
const MOST = 5;
const FIRST = 3;

/** A text that is cut between two places may miss them. */
const DEFINITION = /^ {0,3}\[[^\]\n]+\]:/m;

export function partsOf(markdown: string): string[] {
  const parts = piecesOf(markdown);
  return parts.length > MOST && isTooLong(markdown) ? [...parts.slice(0, FIRST), markdown] : parts;
}

/** Of a part that stands for a file: what of it is shown where no file can be, and has not been shown before it. */
export function unfiled(part: string): string[] {
  if (soleFence(part) !== undefined) return split(part);
  const parts = piecesOf(part);
  return (parts.length > MOST ? parts.slice(FIRST) : parts).flatMap((piece) => split(piece));
}

/** The fence that is all of the text. */
export function soleFence(markdown: string): Fenced | undefined {
  const [only, ...others] = blocksOf(markdown).filter((block) => typeof block !== "string" || block.trim() !== "");
  return others.length > 0 || typeof only === "string" ? undefined : only;
}

/** Messages, and the fences that would have to be cut between them. */
function piecesOf(markdown: string): string[] {
  if (DEFINITION.test(markdown)) return split(markdown);
  const pieces: string[] = [];
  let before: string[] = [];
  for (const block of blocksOf(markdown)) {
    const isFence = typeof block !== "string";
    const text = isFence ? block.whole : block;
    const messages = isFence && block.code.trim() !== "" && isTooLong(text) ? split(before.join("\n")) : undefined;
    if (messages === undefined || pieces.length + messages.length === 0) {
      before.push(text);
    } else {
      pieces.push(...messages, text);
      before = [];
    }
  }
  return [...pieces, ...split(before.join("\n"))];
}
