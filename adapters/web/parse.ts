/** What a browser sends, read with suspicion: what does not fit is refused with the reason, as REQUEST_INVALID. */
import { SwitchboardError } from "../../src/errors.ts";
import type { WirePost } from "./wire.ts";

const MAX_TEXT = 100_000;

/** The native id of a channel: made by the page, so only its shape can be held to. */
export function isChannel(native: string): boolean {
  return /^[A-Za-z0-9_-]{1,64}$/.test(native);
}

export function parseChannel(text: string): string {
  if (!isChannel(text)) throw invalid('A channel id has 1 to 64 letters, digits, "-" or "_".');
  return text;
}

export async function parsePost(request: Request): Promise<WirePost> {
  // A form of another site can't send this type without asking first.
  if (!/^application\/json\b/i.test(request.headers.get("content-type") ?? "")) {
    throw invalid("The content type must be application/json.");
  }
  const body = parseJson(await request.text());
  if (typeof body !== "object" || body === null) throw invalid("The body must be an object.");
  const id = "id" in body ? body.id : undefined;
  const text = "text" in body ? body.text : undefined;
  if (typeof id !== "string" || !/^[A-Za-z0-9_-]{1,64}$/.test(id)) {
    throw invalid('"id" must be 1 to 64 letters, digits, "-" or "_".');
  }
  if (typeof text !== "string" || text.trim() === "") throw invalid('"text" must be a text that is not empty.');
  if (text.length > MAX_TEXT) {
    throw invalid(`The message has ${text.length} characters; at most ${MAX_TEXT} can be sent at once.`);
  }
  return { id, text: text.trim() };
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
