/** What a line of Markdown is to whoever looks for a place to cut between lines. */

/** A fenced code block that is open. */
export interface Fence {
  /** The line that opens it again, its end included, and the line that closes it. */
  readonly opening: string;
  readonly closing: string;
  readonly marker: string;
  /** The quote marks before each of its lines, and the width of the indentation. */
  readonly quoted: boolean;
  readonly indent: number;
}

const OPENING = /^((?:[ ]|>|[-+*](?=[ ])|\d{1,9}[.)](?=[ ]))*)(`{3,}|~{3,})(.*)$/;
const CLOSING = /^[ >]*(`{3,}|~{3,})[ ]*$/;
const ITEM = /^([ ]*(?:[-+*]|\d{1,9}[.)])[ ]{1,4})\S?/;
const DELIMITER_ROW = /^[ >]*\|?[ ]*:?-+:?[ ]*(?:\|[ ]*:?-+:?[ ]*)*\|?[ ]*$/;
const BLOCK_START =
  /^(?:[-+*](?:\s|$)|#{1,6}\s|>|[=_*-][=_*\- ]*(?:\n|$)|\||~{3}|`{3}|\d{1,9}[.)](?:\s|$)|<|\[[^\]\n]*\]:| {4})/;

export function openingFence(line: string): Fence | undefined {
  const [, lead = "", marker = "", info = ""] = OPENING.exec(line) ?? [];
  if (marker === "" || marker.length > 20 || (marker.startsWith("`") && info.includes("`"))) return undefined;
  const quotes = lead.includes(">") ? `${lead.slice(0, lead.lastIndexOf(">") + 1).replace(/[^>]/g, "")} ` : "";
  return {
    opening: `${quotes}${marker}${info.length > 40 ? "" : info}\n`,
    closing: `${quotes}${marker}`,
    marker,
    quoted: quotes !== "",
    indent: quotes === "" ? lead.length : 0,
  };
}

export function endsFence(line: string, fence: Fence): boolean {
  const marker = CLOSING.exec(line)?.[1] ?? "";
  return marker.startsWith(fence.marker);
}

/** A quote's fence ends with the quote. */
export function leavesFence(line: string, fence: Fence): boolean {
  return fence.quoted && !/^[ ]*>/.test(line);
}

export function isBlank(line: string): boolean {
  return /^[ >]*$/.test(line);
}

/** Where the text of a list's item begins; 0 for any other line. */
export function itemIndent(line: string): number {
  return ITEM.exec(line)?.[1]?.length ?? 0;
}

export function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

export function isHeading(line: string): boolean {
  return /^ {0,3}#{1,6}(?: |$)/.test(line);
}

export function isDelimiterRow(line: string): boolean {
  return line.includes("|") && DELIMITER_ROW.test(line);
}

/** A line that gives the one above it its meaning, and must stay with it. */
export function belongsAbove(line: string): boolean {
  return isDelimiterRow(line) || /^[ >]*(?:=+|-+)[ ]*$/.test(line);
}

/** Text that would be read as the start of a block, were it the first on a line. */
export function looksLikeBlock(text: string): boolean {
  return BLOCK_START.test(text);
}

/** Takes `indent` spaces off each line, up to the first line that has fewer: there what was indented has ended. */
export function dedent(text: string, indent: number): { text: string; ended: boolean } {
  if (indent === 0) return { text, ended: false };
  const lines = text.split("\n");
  for (const [index, line] of lines.entries()) {
    if (line.trim() !== "" && indentOf(line) < indent && index > 0) {
      return { text: lines.join("\n"), ended: true };
    }
    lines[index] = line.slice(Math.min(indent, indentOf(line)));
  }
  return { text: lines.join("\n"), ended: false };
}
