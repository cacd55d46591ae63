/**
 * Markdown → Discord's own dialect of it: support.discord.com/hc/articles/210298617. It knows no tables, images, rules or
 * task lists, no headings below the third, no quotes in quotes, no code fence that could hold three backticks; a backslash
 * takes the meaning from a character, except in code.
 */
import type { Nodes, Parents, PhrasingContent, Root, Table } from "mdast";
import { parseMarkdown } from "../shared/markdown.ts";
import { layOut } from "./table.ts";

/** Never blank unless the Markdown is: what would show nothing is shown as it was written. */
export function render(markdown: string): string {
  const rendered = new Writer(parseMarkdown(markdown)).text.replace(/^\n+/, "").trimEnd();
  return rendered.trim() === "" ? literal(markdown.trim()) : rendered;
}

type Style = "**" | "*" | "~~";

/** Keeps two things apart that would be read as one. Shown nowhere. */
const SEAM = "\u200b";

class Writer {
  text = "";
  readonly #urls: Map<string, string>;
  readonly #open = new Set<Style | "link">();
  readonly #quoted: boolean;

  constructor(tree: Root, urls = new Map<string, string>(), quoted = false) {
    this.#urls = urls;
    this.#quoted = quoted;
    this.#collectDefinitions(tree);
    this.#blocks(tree, "");
  }

  #collectDefinitions(node: Nodes): void {
    if (node.type === "definition" && !this.#urls.has(node.identifier)) this.#urls.set(node.identifier, node.url);
    if ("children" in node) for (const child of node.children) this.#collectDefinitions(child);
  }

  /** `indent` goes before every line but the first, which is where the caller has arrived. */
  #blocks(parent: Parents, indent: string): void {
    let before: Nodes | undefined;
    for (const child of parent.children) {
      if (child.type === "definition") continue;
      if (before !== undefined) this.text += gapBetween(before, child, parent) + indent;
      before = child;
      this.#block(child, indent);
    }
  }

  #block(node: Nodes, indent: string): void {
    switch (node.type) {
      case "heading":
        this.#heading(node.children, node.depth, indent);
        break;
      case "code":
        this.#fence(node.value, node.lang);
        break;
      case "table":
        this.#fence(this.#layOut(node), null);
        break;
      case "blockquote":
        this.#quote(node, indent);
        break;
      case "thematicBreak":
        this.text += "———";
        break;
      case "html":
        this.#literal(node.value, indent);
        break;
      case "list": {
        let number = node.start ?? 1;
        for (const [index, item] of node.children.entries()) {
          if (index > 0) this.text += `\n${indent}`;
          const task = item.checked === true ? "☑ " : item.checked === false ? "☐ " : "";
          // Right behind another marker Discord takes a second one for text.
          const bullet = this.text.endsWith("- ") ? "• " : "- ";
          const before = this.text;
          this.text += (node.ordered ? `${number++}. ` : bullet) + task;
          const marked = this.text;
          this.#blocks(item, `${indent}  `);
          // A marker with nothing behind it is text to Discord, a minus.
          if (this.text === marked && !node.ordered) this.text = `${before}• ${task}`;
        }
        break;
      }
      case "footnoteDefinition":
        this.text += `${literal(`[^${node.label ?? node.identifier}]`)}: `;
        this.#blocks(node, indent);
        break;
      case "paragraph":
        this.#paragraph(node.children, indent);
        break;
      default:
        this.#inline(node, indent);
    }
  }

  #paragraph(children: readonly PhrasingContent[], indent: string): void {
    const from = this.text.length;
    for (const child of children) this.#inline(child, indent);
    // What begins a line here is no list, heading or quote: its first mark loses its meaning.
    const said = this.text
      .slice(from)
      .replace(/^([ ]*)(#{1,3}|-#?|>{1,3}|\d{1,9}\.)(?=[ ]|$)/gm, (_, blank, mark: string) =>
        /^\d/.test(mark) ? `${blank}${mark.slice(0, -1)}\\.` : `${blank}\\${mark}`,
      );
    this.text = this.text.slice(0, from) + said;
  }

  #heading(children: readonly PhrasingContent[], depth: number, indent: string): void {
    const write = () => {
      for (const child of children) this.#inline(child, indent);
    };
    if (depth > 3 || indent !== "" || this.#quoted) return void this.#styled("**", write);
    const marks = "#".repeat(depth);
    const from = this.text.length;
    write();
    const line = this.text
      .slice(from)
      .replace(/\s*\n\s*/g, " ")
      .trim();
    this.text = this.text.slice(0, from) + (line === "" ? "" : `${marks} ${line.replace(/#+$/, (end) => `\\${end}`)}`);
  }

  /** Fences stand at the left edge also in lists: Discord would show their indentation as part of the code. */
  #fence(value: string, language: string | null | undefined): void {
    const code = value.replaceAll("```", `\`${SEAM}\`${SEAM}\``).replace(/\s+$/, "");
    if (code.trim() === "") return;
    const known = language && /^[a-z0-9_+\-.#]+$/i.test(language) ? language : "";
    this.text = this.text.replace(/\n[ ]+$/, "\n");
    if (this.text !== "" && !this.text.endsWith("\n")) this.text += "\n";
    this.text += `\`\`\`${known}\n${code}\n\`\`\``;
  }

  #quote(node: Parents, indent: string): void {
    if (this.#quoted || indent !== "") return void this.#blocks(node, indent);
    const inner = new Writer({ type: "root", children: node.children as Root["children"] }, this.#urls, true).text;
    this.text += inner
      .trim()
      .split("\n")
      .map((line) => `> ${line}`)
      .join("\n");
  }

  #inline(node: Nodes, indent: string): void {
    const children = () => {
      if ("children" in node) for (const child of node.children) this.#inline(child, indent);
    };
    switch (node.type) {
      case "text":
        this.#literal(node.value, indent);
        break;
      case "strong":
        this.#styled("**", children);
        break;
      case "emphasis":
        this.#styled("*", children);
        break;
      case "delete":
        this.#styled("~~", children);
        break;
      case "inlineCode":
        this.#code(node.value);
        break;
      case "break":
        this.text += `\n${indent}`;
        break;
      case "html":
        if (/^<br\s*\/?>$/i.test(node.value)) this.text += `\n${indent}`;
        else this.#literal(node.value, indent);
        break;
      case "link":
        this.#link(node.url, plain(node), children);
        break;
      case "linkReference":
        this.#link(this.#urls.get(node.identifier) ?? "", plain(node), children);
        break;
      case "image":
        this.#link(node.url, node.alt || node.url, () => this.#literal(node.alt || node.url, indent));
        break;
      case "imageReference": {
        const url = this.#urls.get(node.identifier) ?? "";
        this.#link(url, node.alt || url, () => this.#literal(node.alt || url, indent));
        break;
      }
      case "footnoteReference":
        this.text += literal(`[^${node.label ?? node.identifier}]`);
        break;
      default:
        children();
    }
  }

  #literal(value: string, indent: string): void {
    const text = literal(value);
    this.text += indent === "" ? text : text.replaceAll("\n", `\n${indent}`);
  }

  /** Blanks at the ends go outside: beside them a mark has no meaning. */
  #styled(mark: Style, content: () => void): void {
    if (this.#open.has(mark)) return void content();
    const from = this.text.length;
    this.#open.add(mark);
    content();
    this.#open.delete(mark);
    const inner = this.text.slice(from);
    const [, lead = "", core = "", trail = ""] = /^(\s*)([\s\S]*?)(\s*)$/.exec(inner) ?? [];
    if (core === "" || hidesMark(core, mark)) return;
    const before = this.text.slice(0, from) + lead;
    // A mark right behind another one would be read together with it.
    const seam = before.endsWith(mark.charAt(0)) ? SEAM : "";
    this.text = `${before}${seam}${mark}${core}${mark}${trail}`;
  }

  #code(value: string): void {
    const code = value.replaceAll("\n", " ").replace(/`(?=`)/g, `\`${SEAM}`);
    const seam = this.text.endsWith("`") ? SEAM : "";
    if (!code.includes("`")) this.text += `${seam}\`${code}\``;
    else this.text += `${seam}\`\`${code.startsWith("`") ? " " : ""}${code}${code.endsWith("`") ? " " : ""}\`\``;
  }

  /** Discord links to the web only, and never below a label that looks like an address itself. */
  #link(url: string, label: string, content: () => void): void {
    const target = /^https?:\/\/[^\s<>]+$/i.test(url) ? url.replaceAll("(", "%28").replaceAll(")", "%29") : undefined;
    if (this.#open.has("link")) return void content();
    if (label.trim() === "" || label === url) {
      this.text += target === undefined ? literal(url) : `<${url}>`;
      return;
    }
    const from = this.text.length;
    this.#open.add("link");
    content();
    this.#open.delete("link");
    const shown = this.text.slice(from);
    if (target !== undefined && !/:\/\/|[\n[\]]/.test(shown)) {
      this.text = `${this.text.slice(0, from)}[${shown}](<${target}>)`;
    } else if (url !== "" && url !== `mailto:${label}` && url !== `http://${label}`) {
      this.text += target === undefined ? ` (${literal(url)})` : ` (<${url}>)`;
    }
  }

  #layOut(table: Table): string {
    const rows = table.children.map((row) => row.children.map((cell) => cellText(cell.children, this.#urls)));
    return layOut(rows, table.align ?? []);
  }
}

/** A blank line, but where the blocks stand closely together by themselves. */
function gapBetween(before: Nodes, next: Nodes, parent: Parents): string {
  if (before.type === "heading" || before.type === "code" || before.type === "table") return "\n";
  if (parent.type === "listItem" && (next.type === "list" || !parent.spread)) return "\n";
  return next.type === "code" || next.type === "table" ? "\n" : "\n\n";
}

/** Discord looks for the closing mark in code and addresses too. */
function hidesMark(core: string, mark: Style): boolean {
  return (core.match(/`[^`]*`|<https?:[^>]*>/g) ?? []).some((part) => part.includes(mark));
}

/** Takes from every character the meaning that Discord would give it. */
function literal(text: string): string {
  return text
    .replace(/[\\*_`]/g, "\\$&")
    .replace(/~{2,}|\|{2,}/g, (run) => run.replace(/./g, "\\$&"))
    .replace(/\](?=\()/g, "\\]")
    .replace(/<(?=\S)/g, "\\<");
}

function plain(node: Nodes): string {
  if ("value" in node) return node.value;
  return "children" in node ? node.children.map(plain).join("") : "";
}

/** What a cell says, on one line and without formatting: a code block can hold none. */
function cellText(children: readonly PhrasingContent[], urls: ReadonlyMap<string, string>): string {
  const say = (node: Nodes): string => {
    if (node.type === "break") return " ";
    if (node.type === "image") return node.alt || node.url;
    if (node.type === "footnoteReference") return `[^${node.label ?? node.identifier}]`;
    if ("value" in node) return node.value;
    const label = "children" in node ? node.children.map(say).join("") : "";
    const url =
      node.type === "link" ? node.url : node.type === "linkReference" ? (urls.get(node.identifier) ?? "") : "";
    return url === "" || url === label || url === `http://${label}` || url === `mailto:${label}`
      ? label
      : `${label} (${url})`;
  };
  return children.map(say).join("").replace(/\s+/g, " ").trim();
}
