/** Code fences that stand by themselves, at the left edge of a text: they can be taken out of it, line by line. */
import { endsFence, type Fence, leavesFence, openingFence } from "./lines.ts";

export interface Fenced {
  /** With the lines that open and close it. */
  readonly whole: string;
  /** As it was named; empty where it was not. */
  readonly language: string;
  readonly code: string;
}

/** The text in its order: fences, and what stands between them. */
export function blocksOf(markdown: string): (string | Fenced)[] {
  const blocks: (string | Fenced)[] = [];
  let held: string[] = [];
  let fence: Fence | undefined;
  const end = (isFence: boolean) => {
    if (held.length > 0) blocks.push(isFence ? fencedOf(held, fence) : held.join("\n"));
    held = [];
  };
  for (const line of markdown.replace(/\r\n?/g, "\n").toWellFormed().split("\n")) {
    if (fence !== undefined && leavesFence(line, fence)) fence = undefined;
    if (fence === undefined) {
      fence = openingFence(line);
      if (standsAlone(fence)) end(false);
      held.push(line);
    } else {
      held.push(line);
      if (!endsFence(line, fence)) continue;
      if (standsAlone(fence)) end(true);
      fence = undefined;
    }
  }
  end(standsAlone(fence));
  return blocks;
}

function standsAlone(fence: Fence | undefined): boolean {
  return fence !== undefined && !fence.quoted && fence.indent === 0;
}

/** One that nobody has closed goes on to the end of the text. */
function fencedOf(lines: readonly string[], fence: Fence | undefined): Fenced {
  const [opening = "", ...inner] = lines;
  const last = inner.at(-1);
  if (fence !== undefined && last !== undefined && endsFence(last, fence)) inner.pop();
  const language = /^[`~]+[ ]*(\S*)/.exec(opening)?.[1] ?? "";
  return { whole: lines.join("\n"), language: language.toLowerCase(), code: inner.join("\n") };
}
