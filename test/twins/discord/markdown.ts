/**
 * What a person sees of a message's content: Discord's own dialect of Markdown, undone. The rules stand in the order in
 * which Discord's client tries them; at each place the first that fits takes what it matches.
 */

interface State {
  /** Quotes don't stand in quotes. */
  readonly quoted: boolean;
}

interface Rule {
  readonly pattern: RegExp;
  /** Fits only where a line begins. */
  readonly atLineStart?: true;
  shown(match: RegExpExecArray, state: State): string | undefined;
}

const RULES: readonly Rule[] = [
  {
    pattern: /(#{1,3}) +([^\n]+?)(\n|$)/y,
    atLineStart: true,
    shown: ([, , text = "", end = ""], state) => parse(text, state) + end,
  },
  { pattern: /-# +([^\n]+)/y, atLineStart: true, shown: ([, text = ""], state) => parse(text, state) },
  {
    pattern: / *>>> ([\s\S]*)/y,
    atLineStart: true,
    shown: ([, text = ""], { quoted }) => (quoted ? undefined : parse(text, { quoted: true })),
  },
  {
    pattern: /( *> [^\n]*(?:\n *> [^\n]*)*)/y,
    atLineStart: true,
    shown: ([, text = ""], { quoted }) => (quoted ? undefined : parse(text.replace(/^ *> /gm, ""), { quoted: true })),
  },
  { pattern: /( *)[-*] +(?=\S)/y, atLineStart: true, shown: ([, indent = ""]) => `${indent}• ` },
  { pattern: /( *\d{1,9}\. +)(?=\S)/y, atLineStart: true, shown: ([, marker = ""]) => marker },
  {
    pattern: /```(?:([a-z0-9_+\-.#]+?)\n)?\n*([^\n][\s\S]*?)\n*```/iy,
    shown: ([, , code = ""]) => code,
  },
  {
    pattern: /(`+)([\s\S]*?[^`])\1(?!`)/y,
    shown: ([, , code = ""]) => code.replace(/^ (?=`)/, "").replace(/(?<=`) $/, ""),
  },
  { pattern: /\\([^0-9A-Za-z\s])/y, shown: ([, character]) => character },
  { pattern: /<(https?:\/\/[^\s>]+)>/y, shown: ([, url]) => url },
  {
    pattern: /\[((?:\\[\s\S]|[^\]\\])+)\]\(<?https?:\/\/[^\s)>]+>?\)/y,
    shown: ([, label = ""], state) => parse(label, state),
  },
  { pattern: /https?:\/\/[^\s<]+[^<.,:;"'\]\s]/y, shown: ([url]) => url },
  { pattern: /\*\*((?:\\[\s\S]|[^\\])+?)\*\*(?!\*)/y, shown: ([, text = ""], state) => parse(text, state) },
  { pattern: /__((?:\\[\s\S]|[^\\])+?)__(?!_)/y, shown: ([, text = ""], state) => parse(text, state) },
  {
    pattern: /\*(?=\S)((?:\*\*|\\[\s\S]|\s+(?:\\[\s\S]|[^\s*\\]|\*\*)|[^\s*\\])+?)\*(?!\*)/y,
    shown: ([, text = ""], state) => parse(text, state),
  },
  {
    pattern: /(?<![A-Za-z0-9_])_((?:__|\\[\s\S]|[^\\_])+?)_(?![A-Za-z0-9_])/y,
    shown: ([, text = ""], state) => parse(text, state),
  },
  { pattern: /~~([\s\S]+?)~~(?!_)/y, shown: ([, text = ""], state) => parse(text, state) },
  { pattern: /\|\|([\s\S]+?)\|\|/y, shown: ([, text = ""], state) => parse(text, state) },
];

/** What shows nothing and takes no room. */
const INVISIBLE = /[\u200b\u2060-\u2064]/g;

export function shownText(content: string): string {
  return parse(content, { quoted: false }).replace(INVISIBLE, "").trim();
}

function parse(source: string, state: State): string {
  let out = "";
  let at = 0;
  while (at < source.length) {
    const found = first(source, at, state);
    if (found === undefined) {
      out += source.charAt(at++);
    } else {
      out += found.text;
      at = found.end;
    }
  }
  return out;
}

function first(source: string, at: number, state: State): { text: string; end: number } | undefined {
  const lineStart = at === 0 || source.charAt(at - 1) === "\n";
  for (const { pattern, atLineStart, shown } of RULES) {
    if (atLineStart && !lineStart) continue;
    pattern.lastIndex = at;
    const match = pattern.exec(source);
    if (match === null) continue;
    const end = pattern.lastIndex;
    const text = shown(match, state);
    if (text !== undefined && end > at) return { text, end };
  }
  return undefined;
}
