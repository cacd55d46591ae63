/**
 * Markdown (GitHub's flavour) as a syntax tree, for every adapter that translates it to its platform.
 * Parsing never throws: what the parser can't digest comes back as one paragraph of literal text.
 */
import type { Nodes, Root } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { gfmFromMarkdown } from "mdast-util-gfm";
import { gfm } from "micromark-extension-gfm";

const SYNTAX = [gfm()];
const TREE = [gfmFromMarkdown()];

/** Beyond this depth a tree is no text that a person wrote, and recursion over it would exhaust the stack. */
const MAX_DEPTH = 100;

/** Container markers at the start of one line. The parser's time grows with the square of their number. */
const ABSURD_NESTING = /^(?:[ \t]*(?:>|(?:[-+*]|\d{1,9}[.)])(?=[ \t]))){40}/m;

/**
 * Anything that the parser could see as markup. A text without any of it is only paragraphs: most of what people
 * and agents say to one another, and parsing costs 10 µs a character.
 */
const MARKUP = /[\\`*_~[\]<>#|&@]|:\/\/|www\.|^[ \t]*(?:[-+=]|\d+[.)])|^(?: {4}| {0,3}\t)|[ \t]{2}$/m;

/** The one form of line ends and indentation that everything below works with; no half surrogate pairs. */
export function normalise(markdown: string): string {
  return markdown
    .replace(/\r\n?/g, "\n")
    .replace(/\p{Surrogate}/gu, "\ufffd")
    .replace(/^[ ]*\t[ \t]*/gm, (indent) => indent.replace(/\t/g, "    "));
}

function isPlain(markdown: string): boolean {
  return !MARKUP.test(markdown);
}

export function parseMarkdown(markdown: string): Root {
  const text = normalise(markdown);
  if (isPlain(text) || ABSURD_NESTING.test(text)) return literal(text);
  try {
    const tree = fromMarkdown(text, { extensions: SYNTAX, mdastExtensions: TREE });
    return isDeep(tree) ? literal(text) : tree;
  } catch (error) {
    // The parser recurses over what it reads: the stack is the only thing that can fail it.
    if (error instanceof RangeError) return literal(text);
    throw error;
  }
}

function literal(text: string): Root {
  const paragraphs = text.split(/\n[ \t]*\n\s*/).filter((paragraph) => paragraph.trim() !== "");
  return {
    type: "root",
    children: paragraphs.map((value) => ({ type: "paragraph", children: [{ type: "text", value: value.trim() }] })),
  };
}

function isDeep(tree: Root): boolean {
  let level: readonly Nodes[] = [tree];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return true;
    level = level.flatMap((node): readonly Nodes[] => ("children" in node ? node.children : []));
  }
  return false;
}
