/** A text that still grows, made fit to be looked at: what is open at its end is closed or left out. */
import { closing, placesIn } from "./inline.ts";
import { endsFence, type Fence, leavesFence, openingFence } from "./lines.ts";

export function heal(markdown: string): string {
  const text = markdown.trimEnd();
  const { fence, block } = lastBlock(text);
  // A fence that nothing closes is code to the end; only half of its closing line has to go.
  if (fence !== undefined) return text.replace(/\n[ >]*[`~]{1,2}$/, "");
  const head = text.slice(0, block);
  const tail = withoutHalfLink(withoutHalfLink(text.slice(block), HALF_ADDRESS), HALF_LABEL)
    // Markers that nothing follows yet.
    .replace(/(^|\s)(?:\*{1,3}|_{1,3}|~{1,2}|`{1,2})$/, "$1")
    .trimEnd();
  const open = placesIn(tail, tail.length, { growing: true }).at(-1)?.open ?? [];
  return head + mended(tail, open);
}

/** `[label](http://exam` and `[lab`: the label alone, until the link is whole. */
const HALF_ADDRESS = /!?\[([^[\]\n]*)\]\([^()\s]*$/;
const HALF_LABEL = /!?\[([^[\]\n]*)$/;

function withoutHalfLink(text: string, half: RegExp): string {
  return text.replace(half, (whole, label: string, at: number) => (isCode(text, at) ? whole : label));
}

function isCode(text: string, at: number): boolean {
  const { open = [] } = placesIn(text, at, { growing: true }).at(-1) ?? {};
  return open.some((marker) => marker.startsWith("`"));
}

function mended(tail: string, open: readonly string[]): string {
  const end = closing(open);
  // `**bold*`: one half of the closing marker is there already.
  const half = end.startsWith("**") && /[^*\s]\*$/.test(tail) ? 1 : 0;
  return tail + end.slice(half);
}

function lastBlock(text: string): { fence: Fence | undefined; block: number } {
  let fence: Fence | undefined;
  let block = 0;
  let at = 0;
  for (const line of text.split("\n")) {
    if (fence !== undefined && leavesFence(line, fence)) fence = undefined;
    if (fence === undefined) {
      fence = openingFence(line);
      if (line.trim() === "" || /^[ >]*(?:[-+*]|\d{1,9}[.)]|#{1,6})[ ]/.test(line)) block = at;
    } else if (endsFence(line, fence)) {
      fence = undefined;
      block = at + line.length + 1;
    }
    at += line.length + 1;
  }
  return { fence, block: Math.min(block, text.length) };
}
