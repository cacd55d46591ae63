/** `parse_mode: "HTML"`: the tags that Telegram knows, its errors word for word (offsets are bytes of UTF-8). */
import type { MessageEntity } from "grammy/types";
import { badRequest } from "./errors.ts";
import { linkFault } from "./links.ts";

export interface FormattedText {
  readonly text: string;
  readonly entities: readonly MessageEntity[];
}

type Simple = "bold" | "italic" | "underline" | "strikethrough" | "spoiler" | "code" | "pre" | "blockquote";

const TAGS: Readonly<Record<string, Simple | "text_link" | "span" | "other">> = {
  b: "bold",
  strong: "bold",
  i: "italic",
  em: "italic",
  u: "underline",
  ins: "underline",
  s: "strikethrough",
  strike: "strikethrough",
  del: "strikethrough",
  "tg-spoiler": "spoiler",
  code: "code",
  pre: "pre",
  blockquote: "blockquote",
  a: "text_link",
  span: "span",
  "tg-emoji": "other",
  "tg-time": "other",
};

const NAMED: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"' };

interface Open {
  readonly tag: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly offset: number;
}

export function parseHtml(source: string): FormattedText {
  let text = "";
  const entities: MessageEntity[] = [];
  const open: Open[] = [];
  let at = 0;
  while (at < source.length) {
    const border = source.indexOf("<", at);
    if (border === -1) {
      text += decode(source.slice(at));
      break;
    }
    text += decode(source.slice(at, border));
    const fail = (what: string) => cannotParse(`${what} at byte offset ${Buffer.byteLength(source.slice(0, border))}`);
    const end = endOfTag(source, border);
    if (source[border + 1] === "/") {
      const top = open.pop();
      if (top === undefined) throw fail("Unexpected end tag");
      if (end === -1) throw fail("Unclosed end tag");
      const name = source
        .slice(border + 2, end)
        .trim()
        .toLowerCase();
      if (name !== "" && name !== top.tag) {
        throw cannotParse(
          `Unmatched end tag at byte offset ${Buffer.byteLength(source.slice(0, border))}, ` +
            `expected "</${top.tag}>", found "</${name}>"`,
        );
      }
      close(top, text, entities);
    } else {
      const tag = /^[^\s>]*/.exec(source.slice(border + 1))?.[0].toLowerCase() ?? "";
      if (border + 1 + tag.length === source.length) throw fail("Unclosed start tag");
      if (!Object.hasOwn(TAGS, tag)) throw fail(`Unsupported start tag "${tag}"`);
      if (end === -1) throw fail("Unclosed start tag");
      const attributes = parseAttributes(source.slice(border + 1 + tag.length, end));
      if (tag === "span" && attributes.get("class") !== "tg-spoiler") {
        throw fail('Tag "span" must have class "tg-spoiler"');
      }
      open.push({ tag, attributes, offset: text.length });
    }
    at = end + 1;
  }
  const left = open.at(-1);
  if (left !== undefined) throw cannotParse(`Can't find end tag corresponding to start tag "${left.tag}"`);
  entities.sort((a, b) => a.offset - b.offset || b.length - a.length);
  return { text, entities };
}

function cannotParse(what: string): Error {
  return badRequest(`can't parse entities: ${what}`);
}

/** The ">" that ends the tag, passing over quoted attribute values. */
function endOfTag(source: string, from: number): number {
  let quote = "";
  for (let at = from; at < source.length; at++) {
    const character = source.charAt(at);
    if (quote !== "") {
      if (character === quote) quote = "";
    } else if (character === '"' || character === "'") quote = character;
    else if (character === ">") return at;
  }
  return -1;
}

function parseAttributes(source: string): Map<string, string> {
  const found = source.matchAll(/([^\s=>/"']+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([\w.-]+)))?/g);
  return new Map([...found].map((m) => [m[1] ?? "", decode(m[2] ?? m[3] ?? m[4] ?? "")]));
}

function decode(source: string): string {
  return source.replace(/&(?:#x([\da-f]{1,6})|#(\d{1,7})|(lt|gt|amp|quot));?/gi, (whole, hex, decimal, name) => {
    if (name !== undefined) return NAMED[String(name).toLowerCase()] ?? whole;
    const code = Number.parseInt(hex ?? decimal, hex === undefined ? 10 : 16);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

function close({ tag, attributes, offset }: Open, text: string, entities: MessageEntity[]): void {
  const length = text.length - offset;
  const kind = TAGS[tag];
  if (length === 0 || kind === undefined || kind === "other") return;
  if (kind === "text_link") {
    const url = attributes.get("href") || text.slice(offset);
    if (linkFault(url) === undefined) entities.push({ type: "text_link", offset, length, url });
    return;
  }
  const inner = entities.at(-1);
  const language = /^language-(.+)/.exec(attributes.get("class") ?? "")?.[1];
  if (kind === "code" && language !== undefined) {
    // <pre><code class="language-x">…</code></pre> becomes one "pre": the outer tag, when it ends, takes this over.
    entities.push(Object.assign({ type: "code" as const, offset, length }, { language }));
    return;
  }
  if (kind === "pre" && inner?.type === "code" && inner.offset === offset && inner.length === length) {
    entities.pop();
    const named = "language" in inner && typeof inner.language === "string" ? { language: inner.language } : {};
    entities.push({ type: "pre", offset, length, ...named });
    return;
  }
  if (kind === "blockquote" && attributes.has("expandable")) {
    entities.push({ type: "expandable_blockquote", offset, length });
    return;
  }
  entities.push({ type: kind === "span" ? "spoiler" : kind, offset, length });
}
