/**
 * Markdown → HTML that is safe to put on the page whatever an agent wrote: built from the syntax tree node by
 * node, every text escaped, raw HTML shown as text, links only where they can't run anything. Nothing is loaded
 * from elsewhere: a picture becomes a link to it.
 */
import type { AlignType, Definition, Nodes, Parents, RootContent, Table } from "mdast";
import { parseMarkdown } from "../shared/markdown.ts";
import { blocksOf, isTame } from "./blocks.ts";

/** Deeper nesting than this is nobody's text, and would exhaust the call stack. */
const MAX_DEPTH = 40;
/** How much Markdown the newest rendered pieces may hold, in characters. */
const MEMORY = 500_000;

export interface Renderer {
  html(markdown: string): string;
}

/** Remembers the newest pieces: an answer is rendered with every word that it grows by, for every open page. */
export function createRenderer(): Renderer {
  const memory = new Map<string, string>();
  let held = 0;

  const remembered = (block: string): string => {
    const known = memory.get(block);
    const html = known ?? renderBlock(block);
    memory.delete(block);
    memory.set(block, html);
    if (known === undefined) held += block.length;
    for (const [oldest] of memory) {
      if (held <= MEMORY) break;
      memory.delete(oldest);
      held -= oldest.length;
    }
    return html;
  };
  return { html: (markdown) => blocksOf(markdown).map(remembered).join("\n") };
}

function renderBlock(block: string): string {
  if (!isTame(block)) return `<p>${escapeHtml(block).replaceAll("\n", "<br>\n")}</p>`;
  const root = parseMarkdown(block);
  return new BlockRenderer(definitionsOf(root.children)).render(root, 0);
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

/** The address if following it is harmless; relative ones would lead into the gateway itself. */
function safeUrl(url: string): string | undefined {
  return /^(https?|mailto|tel):/i.test(url) && URL.canParse(url) ? url : undefined;
}

class BlockRenderer {
  readonly #definitions: ReadonlyMap<string, Definition>;

  constructor(definitions: ReadonlyMap<string, Definition>) {
    this.#definitions = definitions;
  }

  render(node: Nodes, depth: number): string {
    if (depth > MAX_DEPTH) return "…";
    const inner = (parent: Parents): string => parent.children.map((child) => this.render(child, depth + 1)).join("");
    switch (node.type) {
      case "root":
        return node.children.map((child) => this.render(child, depth)).join("\n");
      case "paragraph":
        return `<p>${inner(node)}</p>`;
      case "heading":
        // The page's own headings are h1 and h2.
        return `<h${Math.min(node.depth + 2, 6)}>${inner(node)}</h${Math.min(node.depth + 2, 6)}>`;
      case "blockquote":
        return `<blockquote>${inner(node)}</blockquote>`;
      case "list": {
        const items = node.children.map((item) => this.#item(item, node.spread === true, depth + 1)).join("");
        if (!node.ordered) return `<ul>${items}</ul>`;
        const start = node.start ?? 1;
        return `<ol${start === 1 ? "" : ` start="${start}"`}>${items}</ol>`;
      }
      case "code": {
        const language = /^[\w+#.-]+/.exec(node.lang ?? "")?.[0] ?? "";
        // The page makes the button copy what stands beside it.
        const head = `<div class="code-head"><span>${escapeHtml(language)}</span><button type="button">Copy</button></div>`;
        return `<div class="code">${head}<pre tabindex="0"><code>${escapeHtml(node.value)}</code></pre></div>`;
      }
      case "thematicBreak":
        return "<hr>";
      case "table":
        return this.#table(node, depth);
      case "text":
        return escapeHtml(node.value).replaceAll("\n", "<br>\n");
      case "html":
        return escapeHtml(node.value);
      case "emphasis":
        return `<em>${inner(node)}</em>`;
      case "strong":
        return `<strong>${inner(node)}</strong>`;
      case "delete":
        return `<del>${inner(node)}</del>`;
      case "inlineCode":
        return `<code>${escapeHtml(node.value)}</code>`;
      case "break":
        return "<br>\n";
      case "link":
        return anchor(node.url, inner(node));
      case "image":
        return anchor(node.url, escapeHtml(node.alt || node.url));
      case "linkReference":
        return anchor(this.#urlOf(node.identifier), inner(node));
      case "imageReference":
        return anchor(this.#urlOf(node.identifier), escapeHtml(node.alt || node.identifier));
      case "footnoteReference":
        return `<sup>[${escapeHtml(node.label ?? node.identifier)}]</sup>`;
      case "footnoteDefinition":
        return `<div class="footnote"><sup>[${escapeHtml(node.label ?? node.identifier)}]</sup> ${inner(node)}</div>`;
      default:
        return "";
    }
  }

  #urlOf(identifier: string): string {
    return this.#definitions.get(identifier)?.url ?? "";
  }

  /** The items of a tight list hold their paragraph's text alone. */
  #item(item: Nodes, spread: boolean, depth: number): string {
    if (item.type !== "listItem") return "";
    const loose = spread || item.spread === true;
    const body = item.children.map((child) =>
      child.type === "paragraph" && !loose
        ? child.children.map((part) => this.render(part, depth + 1)).join("")
        : this.render(child, depth + 1),
    );
    if (typeof item.checked !== "boolean") return `<li>${body.join("\n")}</li>`;
    const box = `<input type="checkbox" disabled${item.checked ? " checked" : ""}>`;
    return `<li class="task">${box} ${body.join("\n")}</li>`;
  }

  #table(table: Table, depth: number): string {
    const row = (cells: Table["children"][number], tag: "th" | "td"): string => {
      const html = cells.children.map((cell, column) => {
        const inner = cell.children.map((part) => this.render(part, depth + 1)).join("");
        return `<${tag}${alignment(table.align?.[column])}>${inner}</${tag}>`;
      });
      return `<tr>${html.join("")}</tr>`;
    };
    const [head, ...body] = table.children;
    const headHtml = head === undefined ? "" : `<thead>${row(head, "th")}</thead>`;
    const bodyHtml = body.length === 0 ? "" : `<tbody>${body.map((cells) => row(cells, "td")).join("")}</tbody>`;
    return `<div class="table" tabindex="0"><table>${headHtml}${bodyHtml}</table></div>`;
  }
}

function anchor(url: string, inner: string): string {
  const safe = safeUrl(url);
  // A link within a link is no HTML: the outer one wins.
  const flat = inner.replace(/<\/?a\b[^>]*>/g, "");
  if (safe === undefined) return flat;
  return `<a href="${escapeHtml(safe)}" target="_blank" rel="noopener noreferrer">${flat}</a>`;
}

function alignment(align: AlignType | undefined): string {
  return align === "right" || align === "center" ? ` class="${align}"` : "";
}

/** Where `[text][name]` leads. Definitions stand anywhere in the text; the first of a name counts. */
function definitionsOf(nodes: readonly RootContent[]): ReadonlyMap<string, Definition> {
  const found = new Map<string, Definition>();
  const pending: Nodes[] = [...nodes];
  for (let node = pending.shift(); node !== undefined; node = pending.shift()) {
    if (node.type === "definition" && !found.has(node.identifier)) found.set(node.identifier, node);
    if ("children" in node && (node.type === "blockquote" || node.type === "list" || node.type === "listItem")) {
      pending.push(...node.children);
    }
  }
  return found;
}
