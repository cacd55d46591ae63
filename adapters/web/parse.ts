/** What a browser sends, read with suspicion: what does not fit is refused with the reason, as REQUEST_INVALID. */
import { SwitchboardError } from "../../src/errors.ts";
import { isOutbound } from "./log.ts";
import type { WirePost, WirePress } from "./wire.ts";

const MAX_TEXT = 100_000;
const MAX_VALUE = 10_000;
const MAX_REF = 500;

/** The native id of a channel: made by the page, so only its shape can be held to. */
export function isChannel(native: string): boolean {
  return /^[A-Za-z0-9_-]{1,64}$/.test(native);
}

export function parseChannel(text: string): string {
  if (!isChannel(text)) throw invalid('A channel id has 1 to 64 letters, digits, "-" or "_".');
  return text;
}

export async function parsePost(request: Request): Promise<WirePost> {
  const { id, text, answers } = await bodyOf(request);
  if (typeof id !== "string" || !/^[A-Za-z0-9_-]{1,64}$/.test(id)) {
    throw invalid('"id" must be 1 to 64 letters, digits, "-" or "_".');
  }
  if (typeof text !== "string" || text.trim() === "") throw invalid('"text" must be a text that is not empty.');
  if (text.length > MAX_TEXT) {
    throw invalid(`The message has ${text.length} characters; at most ${MAX_TEXT} can be sent at once.`);
  }
  const post = { id, text: text.trim() };
  if (answers === undefined) return post;
  if (typeof answers !== "string" || answers.length > MAX_REF || !isOutbound(answers)) {
    throw invalid('"answers" must be the key of a message from the bot.');
  }
  return { ...post, answers };
}

export async function parsePress(request: Request): Promise<WirePress> {
  const { data, value } = await bodyOf(request);
  if (typeof data !== "string" || !/^[\x20-\x7e]{1,64}$/.test(data)) {
    throw invalid('"data" must be 1 to 64 printable ASCII characters.');
  }
  if (value === undefined) return { data };
  if (typeof value !== "string" || value.trim() === "") throw invalid('"value" must be a text that is not empty.');
  if (value.length > MAX_VALUE) {
    throw invalid(`The answer has ${value.length} characters; at most ${MAX_VALUE} can be sent.`);
  }
  return { data, value };
}

async function bodyOf(request: Request): Promise<Readonly<Record<string, unknown>>> {
  // A form of another site can't send this type without asking first.
  if (!/^application\/json\b/i.test(request.headers.get("content-type") ?? "")) {
    throw invalid("The content type must be application/json.");
  }
  const body = parseJson(await request.text());
  if (typeof body !== "object" || body === null) throw invalid("The body must be an object.");
  return { ...body };
}

/** A whole number from a query or a header; undefined where there is none. */
export function parseCount(text: string | null | undefined): number | undefined {
  if (text === null || text === undefined || text === "") return undefined;
  if (!/^\d{1,15}$/.test(text)) throw invalid(`"${text.slice(0, 40)}" is not a whole number.`);
  return Number(text);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SwitchboardError("REQUEST_INVALID", "The body is not JSON.", { cause: error });
  }
}

function invalid(message: string): SwitchboardError {
  return new SwitchboardError("REQUEST_INVALID", message);
}
