/**
 * Which emphasis, code and links are open at a place in a paragraph: enough to cut a text there, or to close what
 * a text that still grows has left open. An estimate, much cheaper than the parser; where it errs, a marker
 * shows that should not, and nothing is lost.
 */

/** A whitespace character, or the place asked for, and what is open before it. */
export interface Place {
  readonly index: number;
  /** Opening markers, outermost first: `**`, `_`, `~~`, "``". */
  readonly open: readonly string[];
  /** Inside `[…](…)` or `<…>`: what can't be closed and opened again. */
  readonly whole: boolean;
}

export interface InlineOptions {
  /** A marker counts as opened even where nothing closes it: the rest is yet to come. */
  readonly growing: boolean;
}

const MARKER = /\\[\s\S]|`+|\*+|_+|~~|\[|<|\s/g;
const LINK = /\[(?:\\.|[^\]\\])*\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:\s+"[^"]*")?\)/y;
const TAG = /<[a-z/!][^<>]*>/iy;

/** Every place where the paragraph could be cut, up to and with `end`. */
export function placesIn(paragraph: string, end: number, { growing }: InlineOptions): Place[] {
  const places: Place[] = [];
  const open: string[] = [];
  const unclosed = new Set<string>();
  const closes = (token: string, from: number): boolean => {
    if (growing) return true;
    if (unclosed.has(token)) return false;
    const found = token.startsWith("`") ? endOfCode(paragraph, token, from) >= 0 : endOfStyle(paragraph, token, from);
    if (!found) unclosed.add(token);
    return found;
  };
  const spaces = (from: number, to: number, whole: boolean, within: readonly string[]) => {
    for (let index = from; index < to && index < end; index++) {
      if (/\s/.test(paragraph.charAt(index))) places.push({ index, open: [...within], whole });
    }
    if (from <= end && end < to) places.push({ index: end, open: [...within], whole });
  };

  MARKER.lastIndex = 0;
  let at = 0;
  for (let match = MARKER.exec(paragraph); match !== null && match.index <= end; match = MARKER.exec(paragraph)) {
    const [token] = match;
    const { index } = match;
    if (at <= end && end < index) break;
    at = index + token.length;
    if (/^\s$/.test(token)) {
      places.push({ index, open: [...open], whole: false });
    } else if (token.startsWith("`")) {
      if (!closes(token, at)) continue;
      const close = endOfCode(paragraph, token, at);
      const until = close < 0 ? paragraph.length : close;
      spaces(at, until, false, [...open, token]);
      if (close < 0) {
        if (growing) open.push(token);
        at = paragraph.length;
        break;
      }
      at = close + token.length;
    } else if (token === "[" || token === "<") {
      const pattern = token === "[" ? LINK : TAG;
      pattern.lastIndex = index;
      const length = pattern.exec(paragraph)?.[0].length ?? 0;
      if (length > 0) {
        spaces(index + 1, index + length, true, open);
        at = index + length;
      }
    } else if (!token.startsWith("\\")) {
      style(token, paragraph.charAt(index - 1), paragraph.charAt(at), open, (part) => closes(part, at), growing);
    }
    MARKER.lastIndex = at;
  }
  if (places.at(-1)?.index !== end && at <= end && end <= paragraph.length) {
    places.push({ index: end, open: [...open], whole: false });
  }
  return places;
}

/** What ends the markers, innermost first. */
export function closing(open: readonly string[]): string {
  return [...open].reverse().join("");
}

function style(
  run: string,
  before: string,
  after: string,
  open: string[],
  closes: (token: string) => boolean,
  growing: boolean,
): void {
  const single = run.charAt(0);
  const tokens =
    run === "~~" ? [run] : run.length === 1 ? [single] : run.length === 2 ? [run] : [single + single, single];
  if (run.length > 3) return;
  const word = single === "_" || growing;
  const canClose = /\S/.test(before) && !(single === "_" && /[\p{L}\p{N}]/u.test(after));
  const canOpen = /\S/.test(after) && !(word && /[\p{L}\p{N}]/u.test(before));
  for (const token of canClose ? [...tokens].reverse() : tokens) {
    const depth = open.lastIndexOf(token);
    if (canClose && depth >= 0) open.length = depth;
    else if (canOpen && closes(token)) open.push(token);
  }
}

function endOfCode(text: string, run: string, from: number): number {
  for (let at = text.indexOf(run, from); at >= 0; at = text.indexOf(run, at)) {
    let end = at + run.length;
    while (text.charAt(end) === "`") end++;
    if (end - at === run.length) return at;
    at = end;
  }
  return -1;
}

function endOfStyle(text: string, token: string, from: number): boolean {
  for (let at = text.indexOf(token, from + 1); at >= 0; at = text.indexOf(token, at + 1)) {
    if (/[^\s\\]/.test(text.charAt(at - 1))) return true;
  }
  return false;
}
