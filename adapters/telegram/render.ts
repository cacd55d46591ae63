/**
 * Markdown → what Telegram shows: a text and entities over it. Entities, because with Telegram's own markup languages one
 * character that was not escaped makes the whole message fail.
 *
 * Telegram's rules for entities (core.telegram.org/bots/api#messageentity): offsets in UTF-16 units, properly nested;
 * `code` and `pre` share their text with no other entity but `blockquote`; a `blockquote` holds no other one; spaces at the
 * ends of an entity are cut off; what is beyond the hundredth is not shown.
 */
import type { AlignType, Nodes, Parents, Root, Table, TableCell } from "mdast";
import { parseMarkdown } from "../shared/markdown.ts";

export interface Entity {
  readonly type: "bold" | "italic" | "strikethrough" | "code" | "pre" | "text_link" | "blockquote";
  readonly offset: number;
  readonly length: number;
  readonly language?: string;
  readonly url?: string;
}

export interface Rendered {
  readonly text: string;
  readonly entities: readonly Entity[];
}

const MAX_ENTITIES = 100;

/** Which entities to give up first where there are more than Telegram shows. */
const WORTH: readonly Entity["type"][] = ["text_link", "pre", "blockquote", "code", "bold", "strikethrough", "italic"];

/** The text is never empty unless the Markdown is blank: what would show nothing is shown as it was written. */
export function render(markdown: string): Rendered {
  const writer = new Writer(parseMarkdown(markdown));
  const rendered = finish(writer.text, writer.entities);
  if (rendered.text !== "" || markdown.trim() === "") return rendered;
  // Of control characters alone nothing is left; an empty message would be refused.
  return { text: clean(markdown).trim() || "…", entities: [] };
}

/** Telegram turns control characters into spaces by itself; done here, so that lengths agree. */
function clean(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, " ");
}

class Writer {
  text = "";
  readonly entities: Entity[] = [];
  readonly #urls: Map<string, string>;
  readonly #open = new Set<Entity["type"]>();

  constructor(tree: Root, urls = new Map<string, string>()) {
    this.#urls = urls;
    this.#collectDefinitions(tree);
    this.#blocks(tree, "\n\n", "");
  }

  #collectDefinitions(node: Nodes): void {
    if (node.type === "definition" && !this.#urls.has(node.identifier)) this.#urls.set(node.identifier, node.url);
    if ("children" in node) for (const child of node.children) this.#collectDefinitions(child);
  }

  /** Blocks below one another. `indent` goes before every line but the first, which is where the caller has arrived. */
  #blocks(parent: Parents, gap: string, indent: string): void {
    let first = true;
    for (const child of parent.children) {
      if (child.type === "definition") continue;
      if (!first) this.#write((child.type === "list" && parent.type === "listItem" ? "\n" : gap) + indent);
      first = false;
      this.#block(child, indent);
    }
  }

  #block(node: Nodes, indent: string): void {
    switch (node.type) {
      case "heading":
        this.#entity("bold", () => this.#inline(node, indent));
        break;
      case "code":
        this.#pre(node.value, node.lang);
        break;
      case "table":
        this.#pre(layOut(node, this.#urls), null);
        break;
      case "blockquote":
        this.#entity("blockquote", () => this.#blocks(node, "\n\n", indent));
        break;
      case "thematicBreak":
        this.#write("———");
        break;
      case "html":
        this.#write(node.value);
        break;
      case "list": {
        let number = node.start ?? 1;
        node.children.forEach((item, index) => {
          if (index > 0) this.#write(`\n${indent}`);
          const task = item.checked === true ? "☑ " : item.checked === false ? "☐ " : "";
          const marker = node.ordered ? `${number++}. ${task}` : task || "• ";
          this.#write(marker);
          this.#blocks(item, item.spread ? "\n\n" : "\n", `${indent}${node.ordered ? "   " : "  "}`);
        });
        break;
      }
      case "footnoteDefinition":
        this.#write(`[^${node.label ?? node.identifier}]: `);
        this.#blocks(node, "\n\n", indent);
        break;
      default:
        this.#inline(node, indent);
    }
  }

  #inline(node: Nodes, indent: string): void {
    const children = () => {
      if ("children" in node) for (const child of node.children) this.#inline(child, indent);
    };
    switch (node.type) {
      case "text":
        this.#write(indent === "" ? node.value : node.value.replaceAll("\n", `\n${indent}`));
        break;
      case "strong":
        this.#entity("bold", children);
        break;
      case "emphasis":
        this.#entity("italic", children);
        break;
      case "delete":
        this.#entity("strikethrough", children);
        break;
      case "inlineCode":
        this.#entity("code", () => this.#write(node.value));
        break;
      case "break":
        this.#write(`\n${indent}`);
        break;
      case "html":
        this.#write(/^<br\s*\/?>$/i.test(node.value) ? `\n${indent}` : node.value);
        break;
      case "link":
        this.#link(node.url, children);
        break;
      case "linkReference":
        this.#link(this.#urls.get(node.identifier) ?? "", children);
        break;
      case "image":
        this.#link(node.url, () => this.#write(node.alt || node.url));
        break;
      case "imageReference": {
        const url = this.#urls.get(node.identifier) ?? "";
        this.#link(url, () => this.#write(node.alt || url));
        break;
      }
      case "footnoteReference":
        this.#write(`[^${node.label ?? node.identifier}]`);
        break;
      default:
        children();
    }
  }

  #write(text: string): void {
    this.text += clean(text);
  }

  #entity(type: Entity["type"], content: () => void, more: Pick<Entity, "language" | "url"> = {}): void {
    // Bold in bold, a quote in a quote, code in a link: the outer one stands for both.
    if (this.#open.has(type) || (type === "code" && this.#open.has("text_link"))) {
      content();
      return;
    }
    const offset = this.text.length;
    this.#open.add(type);
    content();
    this.#open.delete(type);
    this.entities.push({ type, offset, length: this.text.length - offset, ...more });
  }

  #pre(value: string, language: string | null | undefined): void {
    const text = value.replace(/\s+$/, "");
    this.#entity("pre", () => this.#write(text), language ? { language: language.slice(0, 64) } : {});
  }

  /** Telegram links to the web, its own scheme and telephones only; any other address is shown beside the label. */
  #link(url: string, label: () => void): void {
    const offset = this.text.length;
    if (/^(?:https?:\/\/|tg:\/\/|tel:)[^\s]+$/i.test(url)) {
      this.#entity("text_link", label, { url });
    } else {
      label();
    }
    const shown = this.text.slice(offset);
    if (shown.trim() === "") {
      this.#write(url);
      return;
    }
    const last = this.entities.at(-1);
    const linked = last?.type === "text_link" && last.offset === offset;
    if (linked && shown === url) this.entities.pop();
    if (!linked && url !== "" && url !== shown && url !== `mailto:${shown}` && !this.#open.has("text_link")) {
      this.#write(` (${url})`);
    }
  }
}

/** A table as lines of equal columns; a line below the header. */
function layOut(table: Table, urls: Map<string, string>): string {
  const rows = table.children.map((row) => row.children.map((cell) => plain(cell, urls)));
  const widths: number[] = [];
  for (const [column, cell] of rows.flatMap((row) => [...row.entries()])) {
    widths[column] = Math.max(widths[column] ?? 0, width(cell));
  }
  const lines = rows.map((row) =>
    widths
      .map((size, column) => pad(row[column] ?? "", size, table.align?.[column] ?? null))
      .join(" │ ")
      .trimEnd(),
  );
  lines.splice(1, 0, widths.map((size) => "─".repeat(size)).join("─┼─"));
  return lines.join("\n");
}

/** What a cell says, on one line and without formatting: `pre` can hold none. */
function plain(cell: TableCell, urls: Map<string, string>): string {
  const { text, entities } = new Writer({ type: "root", children: [{ ...cell, type: "paragraph" }] }, urls);
  const addresses = entities.flatMap(({ url }) => (url === undefined ? [] : `(${url})`));
  return [text.replace(/\s+/g, " ").trim(), ...addresses].join(" ").trim();
}

function pad(cell: string, size: number, align: AlignType): string {
  const room = size - width(cell);
  const left = align === "right" ? room : align === "center" ? Math.floor(room / 2) : 0;
  return " ".repeat(left) + cell + " ".repeat(room - left);
}

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/gu;
const NARROW = /[\p{Mn}\p{Me}\p{Cf}]/gu;

function width(text: string): number {
  const shown = text.replace(NARROW, "");
  let count = 0;
  for (const _ of shown) count++;
  return count + (shown.match(WIDE)?.length ?? 0);
}

/** Cuts blank ends off the text and off every entity, parts styles around code, and keeps to Telegram's number. */
function finish(raw: string, entities: readonly Entity[]): Rendered {
  const text = raw.trimEnd();
  const firstPre = Math.min(
    ...entities.filter((entity) => entity.type === "pre").map((entity) => entity.offset),
    text.length,
  );
  const cut = Math.min(text.length - text.trimStart().length, firstPre);
  const codes = entities.filter((entity) => entity.type === "code" || entity.type === "pre");
  const kept = entities
    .flatMap((entity) => (isStyle(entity) ? without(entity, codes) : [entity]))
    .flatMap((entity) => trimmed(entity, text))
    .map((entity) => ({ ...entity, offset: entity.offset - cut }))
    // An entity is written when it ends: of two over the same text, the outer one comes later.
    .reverse()
    .sort((a, b) => a.offset - b.offset || b.length - a.length);
  return { text: text.slice(cut), entities: worthiest(kept) };
}

function worthiest(entities: readonly Entity[]): readonly Entity[] {
  if (entities.length <= MAX_ENTITIES) return entities;
  const byWorth = [...entities].sort((a, b) => WORTH.indexOf(a.type) - WORTH.indexOf(b.type));
  const kept = new Set(byWorth.slice(0, MAX_ENTITIES));
  return entities.filter((entity) => kept.has(entity));
}

function isStyle(entity: Entity): boolean {
  return (
    entity.type === "bold" || entity.type === "italic" || entity.type === "strikethrough" || entity.type === "text_link"
  );
}

/** `codes` stand in order and don't overlap. */
function without(entity: Entity, codes: readonly Entity[]): Entity[] {
  const pieces: Entity[] = [];
  let from = entity.offset;
  const end = entity.offset + entity.length;
  for (const code of codes) {
    if (code.offset >= end) break;
    if (code.offset + code.length <= from) continue;
    pieces.push({ ...entity, offset: from, length: code.offset - from });
    from = code.offset + code.length;
  }
  pieces.push({ ...entity, offset: from, length: end - from });
  return pieces;
}

function trimmed(entity: Entity, text: string): Entity[] {
  const shown = text.slice(entity.offset, entity.offset + entity.length);
  if (shown.trim() === "") return [];
  const lead = entity.type === "pre" ? 0 : shown.length - shown.trimStart().length;
  return [{ ...entity, offset: entity.offset + lead, length: shown.trimEnd().length - lead }];
}
