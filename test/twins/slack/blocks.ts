/** Slack's rules for blocks: docs.slack.dev/reference/block-kit/blocks, and what was seen of their total size. */
import { ApiError, invalidBlocks } from "./errors.ts";
import { isRecord } from "./params.ts";

const MAX_BLOCKS = 50;
const MAX_SECTION = 3000;
const MAX_MARKDOWN = 12_000;
const MAX_TOTAL = 13_200;

export interface BlockRules {
  /** False in workspaces that do not know the `markdown` block. */
  readonly markdown: boolean;
}

/** The blocks, where they can be shown; throws what Slack answers where not. */
export function checkBlocks(value: unknown, rules: BlockRules): readonly unknown[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw new ApiError("invalid_blocks_format");
  if (value.length > MAX_BLOCKS) throw invalidBlocks(`no more than ${MAX_BLOCKS} items allowed [json-pointer:/blocks]`);
  let total = 0;
  value.forEach((block: unknown, index) => {
    const at = `[json-pointer:/blocks/${index}]`;
    const type = isRecord(block) ? block.type : undefined;
    if (!isRecord(block) || typeof type !== "string") throw invalidBlocks(`must be an object with a type ${at}`);
    if (type === "markdown" && rules.markdown) total += checkText(block.text, MAX_MARKDOWN, at);
    else if (type === "section" || type === "header") {
      const text = isRecord(block.text) ? block.text : {};
      if (text.type !== "mrkdwn" && text.type !== "plain_text")
        throw invalidBlocks(`missing required field: text ${at}`);
      total += checkText(text.text, MAX_SECTION, at);
    } else if (!["divider", "actions", "context", "image", "rich_text"].includes(type)) {
      throw invalidBlocks(`unsupported type: ${type} ${at}`);
    }
  });
  if (total > MAX_TOTAL) throw new ApiError("msg_blocks_too_long");
  return value;
}

function checkText(text: unknown, max: number, at: string): number {
  if (typeof text !== "string") throw invalidBlocks(`missing required field: text ${at}`);
  if (text.trim() === "") throw invalidBlocks(`must be more than 0 characters ${at}`);
  if (text.length > max) throw invalidBlocks(`must be less than ${max + 1} characters ${at}`);
  return text.length;
}
