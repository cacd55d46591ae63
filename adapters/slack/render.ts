/**
 * Markdown → what Slack shows, in three forms, each for where the one before is refused:
 * 1. a `markdown` block, which Slack lays out itself;
 * 2. `section` blocks in Slack's own markup (mrkdwn), which knows no way to escape its marks: a stray `*` may be taken
 *    for one;
 * 3. a text without formatting. It also stands beside the blocks, for notifications and screen readers.
 *
 * Nothing of it may notify anybody: what Slack would read as a mention (`<@U1>`, `<!channel>`) is escaped.
 */
import type { AlignType, Nodes, Parents, Root, Table } from "mdast";
import { normalise, parseMarkdown } from "../shared/markdown.ts";
import { splitMarkdown } from "../shared/split.ts";
import type { ActionsBlock } from "./actions.ts";
import { escaped } from "./text.ts";

export type Block =
  | ActionsBlock
  | { readonly type: "markdown"; readonly text: string }
  | { readonly type: "section"; readonly text: { readonly type: "mrkdwn" | "plain_text"; readonly text: string } };

/** Slack's limits; `chat.update` takes less text than `chat.postMessage`, and every final text may go that way. */
const MAX_TEXT = 4000;
const MAX_MARKDOWN = 12_000;
const MAX_SECTION = 3000;

/** What a part shows at most, so that each form of it fits. */
const MAX_SHOWN = 3900;

export function split(markdown: string, max = MAX_SHOWN): string[] {
  const parts = splitMarkdown(markdown, { max, measure: (part) => unmarked(part).length });
  // What has to be escaped all over is longer on the way than it looks.
  return parts.flatMap((part) => (fits(part) || max < 200 ? [part] : split(part, Math.floor(max / 2))));
}

/** Whether one message can't show it. What is much longer than a message is not laid out to find that out: it takes long. */
export function isTooLong(part: string): boolean {
  if (part.length > 2 * MAX_MARKDOWN || unmarked(part).length > MAX_SHOWN) return true;
  return !fits(part) && split(part).length > 1;
}

function fits(part: string): boolean {
  if (part.length <= MAX_SHOWN && !/[&<>]/.test(part)) return true;
  return escaped(unmarked(part)).length <= MAX_TEXT && asMarkdown(part).length <= MAX_MARKDOWN;
}

export function markdownBlocks(markdown: string): Block[] {
  return [{ type: "markdown", text: asMarkdown(markdown) }];
}

export function sectionBlocks(markdown: string): Block[] {
  return sections(marked(markdown)).map((part) => ({ type: "section", text: { type: "mrkdwn", text: part } }));
}

/** For where a text has to stand in blocks, and Slack takes it in no other form. */
export function plainBlocks(markdown: string): Block[] {
  return pieces(unmarked(markdown), MAX_SECTION).map((text) => ({
    type: "section",
    text: { type: "plain_text", text },
  }));
}

/** In Slack's own markup. */
export function marked(markdown: string): string {
  return write(markdown, true) || escaped(asWritten(markdown));
}

/** Escaped; all of it where it fits, as it does for every part of `split`. */
export function plainText(markdown: string): string {
  const text = escaped(unmarked(markdown));
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT - 10).replace(/&[a-z]{0,3}$/, "")}…`;
}

/** Without formatting. Never empty unless the Markdown is blank: what would show nothing is shown as it was written. */
export function unmarked(markdown: string): string {
  return write(markdown, false) || asWritten(markdown);
}

/** Of control characters alone nothing is left; an empty message would be refused. */
function asWritten(markdown: string): string {
  return clean(markdown).trim() || (markdown.trim() === "" ? "" : "…");
}

function asMarkdown(markdown: string): string {
  return clean(markdown)
    .split(/(^[ >]*(?:```|~~~)[\s\S]*?^[ >]*(?:```|~~~)|`[^`\n]+`)/m)
    .map((part, index) => (index % 2 === 1 ? part : part.replace(/<(?=[@#!])/g, "&lt;")))
    .join("");
}

/** No control characters, and no half surrogate pairs: a form can't carry them. */
function clean(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return normalise(text).replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, " ");
}

function write(markdown: string, marks: boolean): string {
  const writer = new Writer(parseMarkdown(markdown), marks);
  return writer.text.trim();
}

class Writer {
  text = "";
  readonly #marks: boolean;
  readonly #urls: Map<string, string>;
  readonly #open = new Set<string>();

  constructor(tree: Root, marks: boolean, urls = new Map<string, string>()) {
    this.#marks = marks;
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
      if (!first) this.text += (child.type === "list" && parent.type === "listItem" ? "\n" : gap) + indent;
      first = false;
      this.#block(child, indent);
    }
  }

  #block(node: Nodes, indent: string): void {
    switch (node.type) {
      case "heading":
        this.#styled("*", () => this.#inline(node, indent));
        break;
      case "code":
        this.#pre(node.value);
        break;
      case "table":
        this.#pre(layOut(node, this.#urls));
        break;
      case "blockquote":
        this.text += "> ";
        this.#blocks(node, `\n${indent}>\n`, `${indent}> `);
        break;
      case "thematicBreak":
        this.text += "———";
        break;
      case "html":
        this.#write(node.value);
        break;
      case "list": {
        let number = node.start ?? 1;
        node.children.forEach((item, index) => {
          if (index > 0) this.text += `\n${indent}`;
          const task = item.checked === true ? "☑ " : item.checked === false ? "☐ " : "";
          this.text += node.ordered ? `${number++}. ${task}` : task || "• ";
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
        this.#write(node.value, indent);
        break;
      case "strong":
        this.#styled("*", children);
        break;
      case "emphasis":
        this.#styled("_", children);
        break;
      case "delete":
        this.#styled("~", children);
        break;
      case "inlineCode":
        this.#styled("`", () => this.#write(node.value));
        break;
      case "break":
        this.text += `\n${indent}`;
        break;
      case "html":
        this.#write(/^<br\s*\/?>$/i.test(node.value) ? "\n" : node.value, indent);
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

  #write(text: string, indent = ""): void {
    const shown = this.#marks ? escaped(clean(text)) : clean(text);
    this.text += indent === "" ? shown : shown.replaceAll("\n", `\n${indent}`);
  }

  /** A mark works only at the edges of words, on one line, and not around another of its kind. */
  #styled(mark: string, content: () => void): void {
    const from = this.text.length;
    const nested = this.#open.has(mark) || this.#open.has("`");
    this.#open.add(mark);
    content();
    if (nested) return;
    this.#open.delete(mark);
    const shown = this.text.slice(from);
    const fits = /\S/.test(shown) && !/^\s|\s$|\n/.test(shown) && !shown.includes(mark) && !this.#open.has("`");
    if (this.#marks && fits) this.text = `${this.text.slice(0, from)}${mark}${shown}${mark}`;
  }

  #pre(value: string): void {
    const from = this.text.length;
    this.#write(value.replace(/\s+$/, ""));
    if (this.#marks) this.text = `${this.text.slice(0, from)}\`\`\`\n${this.text.slice(from)}\n\`\`\``;
  }

  #link(url: string, label: () => void): void {
    const from = this.text.length;
    label();
    const shown = this.text.slice(from);
    if (
      this.#marks &&
      /^(?:https?:\/\/|mailto:|tel:)[^\s|<>]+$/i.test(url) &&
      /\S/.test(shown) &&
      !/[|\n<>]/.test(shown)
    ) {
      this.text = `${this.text.slice(0, from)}<${escaped(url)}|${shown}>`;
      return;
    }
    if (shown.trim() === "") this.#write(url);
    else if (url !== "" && url !== shown && url !== `mailto:${shown}`) this.#write(` (${url})`);
  }
}

/** Section by section, cut between lines; a code block that is cut is closed and opened again. */
function sections(text: string): string[] {
  const room = MAX_SECTION - 10;
  const parts: string[] = [];
  let part = "";
  let code = false;
  const end = () => {
    if (part.replaceAll("```", "").trim() !== "") parts.push(code ? `${part}\n\`\`\`` : part.trimEnd());
    part = code ? "```" : "";
  };
  for (const line of text.split("\n").flatMap((whole) => pieces(whole, room - 8))) {
    if (part.length + 1 + line.length > room) end();
    part += part === "" ? line : `\n${line}`;
    if (line.trim().endsWith("```") && !/```.*```/.test(line)) code = !code;
  }
  code = false;
  end();
  return parts;
}

function pieces(line: string, max: number): string[] {
  if (line.length <= max) return [line];
  const cut = line.slice(0, max).replace(/(?:&[a-z]{0,3}|[\ud800-\udbff])$/, "");
  return [cut, ...pieces(line.slice(cut.length), max)];
}

/** A table as lines of equal columns; a line below the header. */
function layOut(table: Table, urls: Map<string, string>): string {
  const rows = table.children.map((row) =>
    row.children.map((cell) =>
      new Writer({ type: "root", children: [{ ...cell, type: "paragraph" }] }, false, urls).text
        .replace(/\s+/g, " ")
        .trim(),
    ),
  );
  const widths: number[] = [];
  for (const [column, cell] of rows.flatMap((row) => [...row.entries()])) {
    widths[column] = Math.max(widths[column] ?? 0, cell.length);
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

function pad(cell: string, size: number, align: AlignType): string {
  if (align === "right") return cell.padStart(size);
  return align === "center" ? cell.padStart(Math.floor((size + cell.length) / 2)).padEnd(size) : cell.padEnd(size);
}
