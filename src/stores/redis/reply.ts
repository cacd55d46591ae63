/** Reading what scripts answer. What has another shape than it must have is an error of the program, not of a person. */
import type { Reply } from "./scripts.ts";

export function list(reply: Reply | undefined): readonly Reply[] {
  if (Array.isArray(reply)) return reply;
  throw unexpected("a list", reply);
}

export function text(reply: Reply | undefined): string {
  if (typeof reply === "string") return reply;
  throw unexpected("text", reply);
}

export function number(reply: Reply | undefined): number {
  const value = typeof reply === "string" && reply !== "" ? Number(reply) : reply;
  if (typeof value === "number" && !Number.isNaN(value)) return value;
  throw unexpected("a number", reply);
}

export function texts(reply: Reply | undefined): string[] {
  return list(reply).map(text);
}

/** A hash as Redis gives it: names and values in turn. */
export function pairs(reply: Reply | undefined): [name: string, value: string][] {
  const flat = texts(reply);
  const found: [string, string][] = [];
  for (let index = 0; index + 1 < flat.length; index += 2) found.push([flat[index] ?? "", flat[index + 1] ?? ""]);
  return found;
}

/** What a script says is to be looked at, parted by spaces. */
export function readHints(reply: Reply | undefined): ("inbox" | "outbox")[] {
  const kinds = new Set(text(reply).split(" "));
  return (["inbox", "outbox"] as const).filter((kind) => kinds.has(kind));
}

function unexpected(what: string, reply: unknown): Error {
  return new Error(`Redis answered ${JSON.stringify(reply)} where ${what} was due`);
}
