/** What a message shows: its blocks, or its text where it has none, without formatting. */
import type { Nodes } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { gfmFromMarkdown } from "mdast-util-gfm";
import { gfm } from "micromark-extension-gfm";
import { isRecord } from "./params.ts";

export function textOf({ text, blocks }: { readonly text: string; readonly blocks?: readonly unknown[] }): string {
  // Links are made of what is no markup otherwise, too.
  if (blocks === undefined || blocks.length === 0) return unescaped(text.replace(/<([^>|]+)\|([^>]*)>/g, "$2"));
  return blocks
    .filter((block) => !isRecord(block) || block.type !== "actions")
    .map(textOfBlock)
    .join("\n\n");
}

function textOfBlock(block: unknown): string {
  if (!isRecord(block)) return "";
  if (block.type === "markdown") return flat(String(block.text));
  if (block.type === "divider") return "———";
  const { text } = block;
  if (!isRecord(text) || typeof text.text !== "string") return "";
  return text.type === "plain_text" ? text.text : withoutMarks(text.text);
}

export function flat(markdown: string): string {
  return textOfNode(fromMarkdown(markdown, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] })).trim();
}

function textOfNode(node: Nodes): string {
  switch (node.type) {
    case "text":
    case "inlineCode":
    case "code":
    case "html":
      return node.value;
    case "break":
      return "\n";
    case "thematicBreak":
      return "———";
    case "image":
      return node.alt || node.url;
    case "imageReference":
      return node.alt ?? "";
    case "footnoteReference":
      return `[^${node.label ?? node.identifier}]`;
    case "definition":
      return "";
    case "listItem":
      return node.children.map(textOfNode).join("\n");
    case "tableRow":
      return node.children.map(textOfNode).join(" │ ");
    case "list":
    case "table":
      return node.children.map(textOfNode).join("\n");
    case "footnoteDefinition":
      return `[^${node.label ?? node.identifier}]: ${node.children.map(textOfNode).join("\n\n")}`;
    case "root":
    case "blockquote":
      return node.children
        .map(textOfNode)
        .filter((text) => text !== "")
        .join("\n\n");
    default:
      return "children" in node ? node.children.map(textOfNode).join("") : "";
  }
}

/** Slack's own markup: styles at the edges of words, code, links; no way to escape any of them. */
export function withoutMarks(mrkdwn: string): string {
  return mrkdwn
    .split(/(```[\s\S]*?```|`[^`\n]+`)/)
    .map((part, index) => (index % 2 === 1 ? code(part) : unescaped(styled(part))))
    .join("")
    .replaceAll("\u200b", "");
}

function code(part: string): string {
  return unescaped(part.startsWith("```") ? part.slice(3, -3).replace(/^\n|\n$/g, "") : part.slice(1, -1));
}

function styled(part: string): string {
  let text = part.replace(/<([^>|]+)\|([^>]*)>/g, "$2").replace(/<((?:https?|mailto):[^>]+)>/g, "$1");
  for (const mark of ["\\*", "_", "~"]) {
    text = text.replace(
      new RegExp(`(^|[^\\p{L}\\p{N}])${mark}(\\S(?:[^\\n]*?\\S)?)${mark}(?![\\p{L}\\p{N}])`, "gu"),
      "$1$2",
    );
  }
  return text.replace(/^&gt; ?/gm, "");
}

export function unescaped(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}
