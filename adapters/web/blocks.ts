/**
 * Cuts Markdown into pieces that mean the same apart as together, so that of a growing answer only the last
 * piece has to be rendered anew.
 *
 * A piece ends before a line at the margin that follows a blank line and can't go on with a list or a quote, and
 * on both sides of a fenced code block at the margin.
 */
export function blocksOf(markdown: string): string[] {
  const blocks: string[] = [];
  let block: string[] = [];
  let fence: string | undefined;
  let afterBlank = false;
  const end = (): void => {
    if (block.length > 0) blocks.push(block.join("\n"));
    block = [];
  };

  for (const line of markdown.split("\n")) {
    if (fence !== undefined) {
      block.push(line);
      if (closes(line, fence)) {
        end();
        fence = undefined;
      }
      continue;
    }
    fence = /^(`{3,}(?=[^`]*$)|~{3,})/.exec(line)?.[1];
    if (fence !== undefined || (afterBlank && startsAnew(line))) end();
    block.push(line);
    afterBlank = line.trim() === "";
  }
  end();
  return withDefinitions(blocks);
}

function closes(line: string, fence: string): boolean {
  const marker = /^ {0,3}(`{3,}|~{3,})\s*$/.exec(line)?.[1];
  return marker !== undefined && marker[0] === fence[0] && marker.length >= fence.length;
}

/** Text at the margin: not blank, not indented (a list item's second paragraph), no list item, no quote. */
function startsAnew(line: string): boolean {
  return /^\S/.test(line) && !/^([-+*>]|\d{1,9}[.)])/.test(line);
}

/** `[text][name]` may stand in another piece than `[name]: address`: each piece that could need them gets them all. */
function withDefinitions(blocks: string[]): string[] {
  const definitions = blocks
    .filter((block) => !isFenced(block))
    .flatMap((block) => block.match(/^ {0,3}\[(?!\^)[^\]\n]+\]:[ \t]*\S.*$/gm) ?? []);
  if (definitions.length === 0 || definitions.length > 100) return blocks;
  const appendix = `\n\n${definitions.join("\n")}`;
  return blocks.map((block) => (block.includes("]") && !isFenced(block) ? block + appendix : block));
}

function isFenced(block: string): boolean {
  return /^(```|~~~)/.test(block);
}

/**
 * Can the parser take it? Its time grows with the square of unmatched marks and of list or quote marks, and
 * faster with nesting: what holds more of them than a text for people does would stop the gateway for seconds.
 */
export function isTame(block: string): boolean {
  if (isFenced(block)) return true;
  const containers = block.match(/^(?:[ \t]*(?:[-+*>]|\d{1,9}[.)]))+/gm) ?? [];
  const depths = containers.map((marks) => marks.match(/[-+*>.)]/g)?.length ?? 0);
  if (depths.some((depth) => depth > 20)) return isRule(block);
  const inline = block.match(/[*_~[\]`<]/g)?.length ?? 0;
  return inline <= 2_000 && depths.reduce((sum, depth) => sum + depth, 0) <= 2_500;
}

/** A line of nothing but "-" or "*": it looks like deep nesting and is none. */
function isRule(block: string): boolean {
  return /^(?:-[ \t-]*|\*[ \t*]*)$/.test(block.trim());
}
