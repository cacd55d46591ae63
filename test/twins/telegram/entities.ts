/** Texts with entities: what the server makes of a bot's text, and which entities a person's text gets. */
import type { MessageEntity } from "grammy/types";
import { badRequest } from "./errors.ts";
import { type FormattedText, parseHtml } from "./html.ts";
import { linkFault } from "./links.ts";
import { isRecord, nested, type Params, text as textOf } from "./params.ts";

const MAX_BYTES = 32_768;
const MAX_ENTITIES = 100;
const FORMATS = new Set<unknown>([
  ...["bold", "italic", "underline", "strikethrough", "spoiler", "code", "pre", "blockquote"],
  ...["expandable_blockquote", "text_link", "text_mention", "custom_emoji", "date_time"],
]);
/** Telegram finds these itself: from a bot they are passed over. */
const FOUND_BY_SERVER = new Set<unknown>([
  ...["mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number", "bank_card_number"],
]);

/** The text and entities of sendMessage and editMessageText, as they will be shown; refuses as Telegram does. */
export function formattedText(params: Params): FormattedText {
  const source = textOf(params, "text");
  if (source === "") throw badRequest("message text is empty");
  if (!source.isWellFormed()) throw badRequest("strings must be encoded in UTF-8");
  if (Buffer.byteLength(source) > MAX_BYTES) throw badRequest("text is too long");
  const mode = textOf(params, "parse_mode").toLowerCase();
  if (mode === "" || mode === "none") return normalise({ text: source, entities: parseEntities(params) });
  if (mode === "html") return normalise(parseHtml(source));
  throw badRequest("unsupported parse_mode (this local server reads HTML and entities only)");
}

function parseEntities(params: Params): MessageEntity[] {
  const list = nested(params, "entities");
  if (!Array.isArray(list)) return [];
  return list.map(parseEntity).filter((entity) => entity !== undefined);
}

function parseEntity(value: unknown): MessageEntity | undefined {
  const fail = (what: string) => badRequest(`can't parse MessageEntity: ${what}`);
  if (!isRecord(value)) throw fail("expected an Object");
  for (const field of ["offset", "length"] as const) {
    if (!Number.isInteger(value[field])) throw fail(`Can't find field "${field}"`);
  }
  if (FOUND_BY_SERVER.has(value.type)) return undefined;
  if (!FORMATS.has(value.type)) throw fail("Unsupported type specified");
  if (value.type === "text_link") {
    if (typeof value.url !== "string") throw fail('Can\'t find field "url"');
    const fault = linkFault(value.url);
    if (fault !== undefined) throw badRequest(`entity URL '${value.url}' is invalid: ${fault}`);
  }
  return value as unknown as MessageEntity;
}

/**
 * Borders are checked on the text as sent; then control characters become spaces, "\r" goes, the ends are trimmed
 * (in front only up to the first entity), and the entities follow.
 */
function normalise({ text, entities }: FormattedText): FormattedText {
  for (const entity of entities) checkBorders(text, entity);
  const kept = entities
    .filter((entity) => entity.length > 0)
    .sort((a, b) => a.offset - b.offset || b.length - a.length);
  const removed = prefixCounts(text);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what Telegram replaces
  const cleaned = text.replaceAll("\r", "").replace(/[\0-\x09\x0b-\x1f]/g, " ");
  const moved = kept.map((entity) => {
    const offset = entity.offset - (removed[entity.offset] ?? 0);
    const end = entity.offset + entity.length - (removed[entity.offset + entity.length] ?? 0);
    return { ...entity, offset, length: end - offset };
  });
  const end = cleaned.trimEnd().length;
  if (end === 0) throw badRequest("text must be non-empty");
  const firstEntity = moved.find((entity) => entity.length > 0)?.offset ?? end;
  const start = Math.min(/^[ \n]*/.exec(cleaned)?.[0].length ?? 0, firstEntity);
  const shown = moved
    .map((entity) => ({
      ...entity,
      offset: entity.offset - start,
      length: Math.min(entity.length, end - entity.offset),
    }))
    .filter(
      (entity) =>
        entity.length > 0 && cleaned.slice(entity.offset + start, entity.offset + start + entity.length).trim() !== "",
    );
  return { text: cleaned.slice(start, end), entities: shown.slice(0, MAX_ENTITIES) };
}

/** For every offset: how many "\r" stand before it. */
function prefixCounts(text: string): readonly number[] {
  if (!text.includes("\r")) return [];
  let count = 0;
  const counts = [...Array(text.length + 1).keys()].map((at) => {
    if (at > 0 && text[at - 1] === "\r") count++;
    return count;
  });
  return counts;
}

function checkBorders(text: string, { offset, length }: MessageEntity): void {
  if (offset < 0 || offset > 1_000_000) throw badRequest(`receive an entity with incorrect offset ${offset}`);
  if (length < 0 || length > 1_000_000) throw badRequest(`receive an entity with incorrect length ${length}`);
  if (length === 0) return;
  const bytes = (at: number) => Buffer.byteLength(text.slice(0, at + 1));
  if (offset > text.length) {
    throw badRequest(`entity begins after the end of the text at UTF-16 offset ${offset}`);
  }
  if (splitsPair(text, offset)) {
    throw badRequest(`entity begins in a middle of a UTF-16 symbol at byte offset ${bytes(offset)}`);
  }
  if (offset + length > text.length) {
    throw badRequest(
      `entity beginning at UTF-16 offset ${offset} ends after the end of the text at UTF-16 offset ${offset + length}`,
    );
  }
  if (splitsPair(text, offset + length)) {
    throw badRequest(
      `entity beginning at UTF-16 offset ${offset} ends in a middle of a UTF-16 symbol at byte offset ${bytes(offset + length)}`,
    );
  }
}

function splitsPair(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff;
}

const FOUND =
  /(?<=^|[^\w/])(?:(?<bot_command>\/\w{1,64}(?:@\w{3,32})?)(?![\w/])|(?<mention>@\w{3,32})(?!\w)|(?<url>https?:\/\/[^\s<>"]+)|(?<hashtag>#\w*[A-Za-z_]\w*))/g;

/** What Telegram finds in a text that a person typed. */
export function findEntities(text: string): MessageEntity[] {
  const found: MessageEntity[] = [];
  for (const match of text.matchAll(FOUND)) {
    for (const type of ["bot_command", "mention", "url", "hashtag"] as const) {
      if (match.groups?.[type] !== undefined) found.push({ type, offset: match.index, length: match[0].length });
    }
  }
  return found;
}
