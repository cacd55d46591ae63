/** UTF-16 units of what stands in one line, before it is escaped. */
const LONGEST = 80;
/** What of them is looked at. */
const READ = 1_000;

const UNSEEN = /[\p{Cc}\p{Zl}\p{Zp}\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu;

/**
 * Words from a program, as one line of Markdown that shows them as they are. `Code` stays code; nothing else is markup.
 * Empty where there is nothing to see.
 */
export function oneLine(words: string): string {
  const line = words
    .slice(0, READ)
    .replace(UNSEEN, " ")
    .replace(/\p{Surrogate}/gu, "\ufffd")
    .replace(/\s+/g, " ")
    .trim();
  const cut = line.length > LONGEST ? `${line.slice(0, LONGEST - 1).replace(/[\ud800-\udbff]$/, "")}…` : line;
  return cut
    .split(/(`[^`]*[^`\s][^`]*`)/)
    .map((part, index) => (index % 2 === 1 ? part : escaped(part)))
    .join("");
}

/** An address becomes a link all the same; an escape inside of one would be part of it. */
function escaped(text: string): string {
  return (
    text
      .replace(/[\\`*_~<&@]/g, "\\$&")
      .replace(/:(?=\/\/)/g, "\\:")
      .replace(/(?<=\bwww)\./gi, "\\.")
      // Where a text is shown while it grows, an open bracket counts as half a link, escaped or not.
      .replaceAll("[", "&#91;")
  );
}
