/** Slack's rules for blocks: docs.slack.dev/reference/block-kit/blocks, and what was seen of their total size. */
import { ApiError, invalidBlocks } from "./errors.ts";
import { isRecord } from "./params.ts";

const MAX_BLOCKS = 50;
const MAX_SECTION = 3000;
const MAX_MARKDOWN = 12_000;
const MAX_TOTAL = 13_200;
const MAX_ID = 255;
const MAX_ELEMENTS = 25;
const MAX_OPTIONS = 100;
const MAX_LABEL = 75;
const MAX_PLACEHOLDER = 150;
const MAX_OPTION_VALUE = 150;
const MAX_VALUE = 2000;

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
  const blockIds = new Set<string>();
  const actionIds = new Set<string>();
  value.forEach((block: unknown, index) => {
    const at = `/blocks/${index}`;
    const type = isRecord(block) ? block.type : undefined;
    if (!isRecord(block) || typeof type !== "string") fail("must be an object with a type", at);
    checkId(block, "block_id", blockIds, at);
    if (type === "markdown" && rules.markdown) total += checkText(block.text, MAX_MARKDOWN, at);
    else if (type === "section" || type === "header") {
      const text = isRecord(block.text) ? block.text : {};
      if (text.type !== "mrkdwn" && text.type !== "plain_text") fail("missing required field: text", at);
      total += checkText(text.text, MAX_SECTION, at);
    } else if (type === "actions") {
      total += checkElements(block.elements, actionIds, `${at}/elements`);
    } else if (!["divider", "context", "image", "rich_text"].includes(type)) {
      fail(`unsupported type: ${type}`, at);
    }
  });
  if (total > MAX_TOTAL) throw new ApiError("msg_blocks_too_long");
  return value;
}

/** Gives the characters that are shown. */
function checkElements(elements: unknown, ids: Set<string>, at: string): number {
  if (!Array.isArray(elements)) fail("missing required field: elements", at);
  if (elements.length === 0) fail("must have at least 1 item", at);
  if (elements.length > MAX_ELEMENTS) fail(`no more than ${MAX_ELEMENTS} items allowed`, at);
  let shown = 0;
  elements.forEach((element: unknown, index) => {
    const here = `${at}/${index}`;
    if (!isRecord(element)) fail("must be an object with a type", here);
    checkId(element, "action_id", ids, here);
    if (element.type === "button") shown += checkButton(element, here);
    else if (element.type === "static_select") shown += checkSelect(element, here);
    else fail(`unsupported type: ${String(element.type)}`, here);
  });
  return shown;
}

function checkButton({ text, value, style }: Record<string, unknown>, at: string): number {
  if (value !== undefined) checkText(value, MAX_VALUE, `${at}/value`);
  if (style !== undefined && style !== "primary" && style !== "danger")
    fail("must be a valid enum value", `${at}/style`);
  return checkPlain(text, MAX_LABEL, `${at}/text`);
}

function checkSelect({ placeholder, options }: Record<string, unknown>, at: string): number {
  if (!Array.isArray(options) || options.length === 0) fail("must have at least 1 item", `${at}/options`);
  if (options.length > MAX_OPTIONS) fail(`no more than ${MAX_OPTIONS} items allowed`, `${at}/options`);
  const shown = options.map((option: unknown, index) => {
    const here = `${at}/options/${index}`;
    if (!isRecord(option)) fail("must be an object", here);
    checkText(option.value, MAX_OPTION_VALUE, `${here}/value`);
    return checkPlain(option.text, MAX_LABEL, `${here}/text`);
  });
  const asked = placeholder === undefined ? 0 : checkPlain(placeholder, MAX_PLACEHOLDER, `${at}/placeholder`);
  return shown.reduce((sum, each) => sum + each, asked);
}

/** A `plain_text` object. */
export function checkPlain(value: unknown, max: number, at: string): number {
  if (!isRecord(value) || value.type !== "plain_text") fail("missing required field: text", at);
  return checkText(value.text, max, `${at}/text`);
}

export function checkText(text: unknown, max: number, at: string): number {
  if (typeof text !== "string") fail("missing required field: text", at);
  if (text.trim() === "") fail("must be more than 0 characters", at);
  if (text.length > max) fail(`must be less than ${max + 1} characters`, at);
  return text.length;
}

function checkId(where: Record<string, unknown>, name: "block_id" | "action_id", known: Set<string>, at: string): void {
  const id = where[name];
  if (id === undefined) return;
  checkText(id, MAX_ID, `${at}/${name}`);
  if (known.has(String(id))) fail(`\`${name}\` "${String(id)}" already exists`, `${at}/${name}`);
  known.add(String(id));
}

function fail(what: string, at: string): never {
  throw invalidBlocks(`${what} [json-pointer:${at}]`);
}
