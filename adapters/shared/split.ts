/**
 * Markdown → parts that fit into one message each. Cuts between paragraphs, else between list items and lines, else
 * behind a sentence, else behind a word, else inside it. What is open at a cut (a code fence, a table, emphasis) is
 * closed and opened again.
 *
 * It looks at lines and markers and does not parse: parsing a long text takes seconds, and a growing answer is split
 * over and over. A part's Markdown is nearly always longer than what it shows, so its own length is the measure;
 * only where a part may show more than it says (a table) is it rendered and measured. Where it cuts depends on
 * the text up to there alone: the first parts of a growing answer stay what they were.
 */
import { closing, placesIn } from "./inline.ts";
import * as lines from "./lines.ts";
import { normalise } from "./markdown.ts";

export interface SplitOptions {
  /** UTF-16 units that a part may show. */
  readonly max: number;
  /** What a part shows, in UTF-16 units. */
  readonly measure: (part: string) => number;
}

export function splitMarkdown(markdown: string, options: SplitOptions): string[] {
  const text = normalise(markdown)
    .replace(/^(?:[^\S\n]*\n)+/, "")
    .trimEnd();
  return text === "" ? [] : new Splitter(text, options).run();
}

/** Where to cut, and how to go on behind it. */
interface Cut {
  readonly end: number;
  /** Where the next part begins, if not there. */
  readonly next?: number;
  /** Ends the part. */
  readonly close: string;
  /** Begins the next one. */
  readonly carry: string;
  readonly fence?: lines.Fence;
  /** The head of the table that goes on behind it. */
  readonly table?: string;
  /** Indentation that the next part's lines lose. */
  readonly indent: number;
}

/** The share of a part that must be filled for a cut of the better kind to be taken. */
const ENOUGH = 0.4;

/** How far behind a cut a marker's other half is looked for. */
const LOOKAHEAD = 4096;

/** Room for the markers that close what is open. */
const RESERVE = 24;

/** A table is padded to equal columns. */
const TABLE = /^[ >]*\|?[ ]*:?-+:?[ ]*\|/m;
/** A list may be numbered anew, with longer numbers. */
const NUMBER = /^[ >]*(?:[-+*][ ]+)*\d{1,3}[.)][ ]/gm;
const DEFINITION = /^ {0,3}\[((?!\^)[^\]\n]+)\]:[ \t]*\S.*$/gm;

class Splitter {
  readonly #text: string;
  readonly #options: SplitOptions;
  readonly #definitions: ReadonlyMap<string, string>;
  #at = 0;
  #carry = "";
  #fence: lines.Fence | undefined;
  #table: string | undefined;
  #indent = 0;

  constructor(text: string, options: SplitOptions) {
    this.#text = text;
    this.#options = options;
    this.#definitions = new Map(
      [...text.matchAll(DEFINITION)].map(([line, label = ""]) => [label.toLowerCase(), line]),
    );
  }

  run(): string[] {
    const parts: string[] = [];
    const { max } = this.#options;
    for (;;) {
      if (this.#fence === undefined) this.#skipBlankLines();
      if (this.#at >= this.#text.length) return parts;
      const rest = this.#text.length - this.#at + this.#carry.length;
      if (rest <= 2 * max) {
        const last = this.#part({ end: this.#text.length, close: "", carry: "", indent: 0 });
        if (this.#fits(last) <= max) {
          parts.push(last);
          return parts;
        }
      }
      const { part, cut } = this.#next();
      if (part.trim() !== "") parts.push(part);
      const { ended } = lines.dedent(this.#text.slice(this.#at, cut.end), this.#indent);
      this.#indent = ended ? cut.indent : Math.max(cut.indent, this.#fence === undefined ? 0 : this.#indent);
      this.#at = cut.next ?? cut.end;
      this.#carry = cut.carry;
      this.#fence = cut.fence;
      this.#table = cut.table;
    }
  }

  /** The longest next part that fits. */
  #next(): { part: string; cut: Cut } {
    const { max } = this.#options;
    const ahead = this.#text.slice(this.#at, this.#at + max);
    const close = this.#fence?.closing.length ?? 0;
    let room = Math.max(1, max - this.#carry.length - growth(ahead) - close - RESERVE);
    for (;;) {
      const cut = this.#cut(Math.min(this.#at + room, this.#text.length));
      const part = this.#part(cut);
      const size = this.#fits(part);
      if (size <= max || room === 1) return { part, cut };
      room = Math.max(1, Math.floor(Math.min(room * 0.9, (room * max) / size)));
    }
  }

  #part(cut: Cut): string {
    const own = lines.dedent(this.#text.slice(this.#at, cut.end), this.#indent).text;
    const body = this.#carry + (cut.close.startsWith("\n") ? own.replace(/\n$/, "") : own.trimEnd()) + cut.close;
    const labels = [...this.#definitions].filter(([label]) => body.toLowerCase().includes(`[${label}]`));
    const missing = labels.map(([, line]) => line).filter((line) => !body.includes(line));
    return missing.length === 0 ? body : `${body}\n\n${missing.join("\n")}`;
  }

  /** At least what the part shows. */
  #fits(part: string): number {
    const bound = part.length + growth(part);
    if (bound <= this.#options.max && this.#definitions.size === 0 && !TABLE.test(part)) return bound;
    return this.#options.measure(part);
  }

  #skipBlankLines(): void {
    const blank = /(?:[^\S\n]*\n)+/y;
    blank.lastIndex = this.#at;
    this.#at += blank.exec(this.#text)?.[0].length ?? 0;
  }

  /** The best place not behind `stop`. */
  #cut(stop: number): Cut {
    const borders = this.#scan(stop);
    const enough = this.#at + (stop - this.#at) * ENOUGH;
    const last = borders.at(-1);
    const good = (["paragraph", "item", "line"] as const)
      .map((kind) => borders.findLast((border) => border.kind === kind && border.cut.end >= enough))
      .find((border) => border !== undefined);
    return (good ?? last)?.cut ?? this.#hardCut(stop);
  }

  /** Every border between lines, and those inside the paragraph that reaches over `stop`. */
  #scan(stop: number): { kind: "paragraph" | "item" | "line"; cut: Cut }[] {
    const borders: { kind: "paragraph" | "item" | "line"; cut: Cut }[] = [];
    let fence = this.#fence;
    let table = this.#table;
    let paragraph = this.#at;
    let listed = this.#indent;
    let above = "";
    let start = this.#at;
    while (start <= stop) {
      const found = this.#text.indexOf("\n", start);
      const end = found < 0 ? this.#text.length : found;
      const line = this.#text.slice(start, Math.min(end, stop + 64));
      const nextLine = this.#text.slice(end + 1, end + 400).split("\n", 1)[0] ?? "";
      if (fence !== undefined && lines.leavesFence(line, fence)) fence = undefined;
      if (table !== undefined && (lines.isBlank(line) || !line.includes("|"))) table = undefined;
      const item = fence === undefined ? lines.itemIndent(line) : 0;
      const opened = fence === undefined ? lines.openingFence(line) : undefined;
      const starts = lines.isBlank(above) || item > 0 || opened !== undefined || lines.isHeading(line);

      if (start > this.#at && !lines.isBlank(line)) {
        if (fence !== undefined) {
          borders.push({
            kind: "line",
            cut: lines.endsFence(line, fence) ? behind(start, end, fence) : inFence(start, fence),
          });
        } else if (table !== undefined && !lines.belongsAbove(line)) {
          borders.push({ kind: "line", cut: { end: start, close: "", carry: table, table, indent: 0 } });
        } else if (starts && !lines.isHeading(above) && !lines.belongsAbove(line)) {
          const kind = lines.isBlank(above) && lines.indentOf(line) === 0 ? "paragraph" : "item";
          borders.push({
            kind,
            cut: { end: start, close: "", carry: "", indent: listed > 0 ? lines.indentOf(line) : 0 },
          });
        }
      }
      if (starts && fence === undefined) paragraph = start;
      if (item > 0) listed = item;
      else if (fence === undefined && !lines.isBlank(line) && lines.indentOf(line) === 0) listed = 0;

      if (end > stop || found < 0) break;
      if (fence === undefined) {
        if (table === undefined && line.includes("|") && lines.isDelimiterRow(nextLine)) {
          const header = `${line}\n${nextLine}\n`;
          table = header.length < this.#options.max / 4 ? header : "";
        }
        fence = opened;
      } else if (lines.endsFence(line, fence)) {
        fence = undefined;
        paragraph = end + 1;
      }
      if (paragraph > end) above = "";
      else if (!lines.isBlank(line)) above = line;
      else if (!lines.isHeading(above)) above = "";
      start = end + 1;
    }
    if (fence !== undefined) {
      if (borders.at(-1) === undefined) borders.push({ kind: "line", cut: inFence(this.#whole(stop), fence) });
    } else if (table === undefined && paragraph < stop) {
      const inner = this.#innerBorder(paragraph, stop, listed);
      if (inner !== undefined) borders.push({ kind: "line", cut: inner });
    }
    return borders;
  }

  /** The best cut inside of a paragraph: a line's end, else a sentence's, else a word's. */
  #innerBorder(paragraph: number, stop: number, listed: number): Cut | undefined {
    const inherited = paragraph === this.#at ? this.#carry : "";
    const shift = paragraph - inherited.length;
    const text = inherited + this.#text.slice(paragraph, stop + LOOKAHEAD);
    const end = text.search(/\n[ >]*\n/);
    const own = end < 0 ? text : text.slice(0, end);
    const quote = /^(?:[ ]{0,3}>[ ]?)+/.exec(own)?.[0] ?? "";
    const places = placesIn(own, stop - shift, { growing: false }).filter(({ index, whole }) => {
      const gap = own.charAt(index);
      if (whole || !/\s/.test(gap) || index + shift < this.#at || own.slice(0, index).trim() === "") return false;
      const behind = own.slice(index + 1, index + 200);
      return gap === "\n"
        ? !lines.belongsAbove(behind.split("\n", 1)[0] ?? "")
        : !lines.looksLikeBlock(behind.trimStart());
    });
    const full = places.filter(({ index }) => index + shift >= this.#at + (stop - this.#at) * ENOUGH);
    const settled = (among: typeof places) => among.filter(({ open }) => open.length === 0);
    const pick = (among: typeof places) =>
      among.findLast(({ index }) => own.charAt(index) === "\n") ??
      among.findLast(({ index }) => /[.!?…:;。！？]["')\]*_]*$/.test(own.slice(Math.max(0, index - 6), index))) ??
      among.at(-1);
    const place = pick(settled(full)) ?? pick(full) ?? settled(places).at(-1);
    if (place === undefined) return undefined;
    const atLineEnd = own.charAt(place.index) === "\n";
    return {
      end: place.index + shift + 1,
      close: closing(place.open),
      carry: (atLineEnd && place.open.length === 0 ? "" : quote) + place.open.join(""),
      indent: listed,
    };
  }

  /** No border at all: a word, or a row, that fills a part. */
  #hardCut(stop: number): Cut {
    const end = this.#harmless(this.#whole(stop));
    const before = this.#carry + this.#text.slice(this.#at, end + LOOKAHEAD);
    const { open = [], whole = false } =
      placesIn(before, end - this.#at + this.#carry.length, { growing: false }).at(-1) ?? {};
    return whole
      ? { end, close: "", carry: "", indent: 0 }
      : { end, close: closing(open), carry: open.join(""), indent: 0 };
  }

  /** A little further up, where what follows would be read as the start of a list or the like. */
  #harmless(stop: number): number {
    let end = stop;
    for (let tries = 0; tries < 20 && end > this.#at + 1; tries++) {
      if (!lines.looksLikeBlock(this.#text.slice(end, end + 200).trimStart())) return end;
      end = this.#whole(end - 1);
    }
    return stop;
  }

  /** The last border between characters, as people see them, not behind `stop`. */
  #whole(stop: number): number {
    const from = Math.max(this.#at, stop - 64);
    const near = this.#text.slice(from, stop + 64);
    let best = 0;
    for (const { index } of new Intl.Segmenter().segment(near)) {
      if (from + index > stop) break;
      best = index;
    }
    if (from + best > this.#at) return from + best;
    const halved = /[\ud800-\udbff]/.test(this.#text.charAt(stop - 1));
    return Math.max(this.#at + 1, halved ? stop - 1 : stop);
  }
}

/** By how much a text without tables may show more than it says: blocks apart, longer numbers. */
function growth(text: string): number {
  return text.split("\n").length + 3 * (text.match(NUMBER)?.length ?? 0);
}

/** Where only the line that ends the fence has no room any more. */
function behind(end: number, next: number, fence: lines.Fence): Cut {
  return { end, next, close: `\n${fence.closing}`, carry: "", indent: 0 };
}

function inFence(end: number, fence: lines.Fence): Cut {
  return { end, close: `\n${fence.closing}`, carry: fence.opening, fence, indent: fence.indent };
}
