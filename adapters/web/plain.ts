/** Markdown of one paragraph as the text that it shows. */
import type { Nodes } from "mdast";
import { parseMarkdown } from "../shared/markdown.ts";

export function plainText(markdown: string): string {
  return textOf(parseMarkdown(markdown)).trim();
}

function textOf(node: Nodes): string {
  if (node.type === "break") return "\n";
  if ("value" in node) return node.value;
  return "children" in node ? node.children.map(textOf).join("") : "";
}
