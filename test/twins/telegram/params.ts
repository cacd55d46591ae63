/**
 * What a client sent along with a method, read as the Bot API reads it: numbers may be strings, objects may be
 * JSON texts (forms carry nothing else), and a value of the wrong kind counts as absent.
 */
import { badRequest } from "./errors.ts";

export type Params = Readonly<Record<string, unknown>>;

export function text(params: Params, name: string): string {
  const value = params[name];
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

export function integer(params: Params, name: string, fallback = 0): number {
  const value = params[name];
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) ? number : fallback;
}

export function flag(params: Params, name: string): boolean {
  return ["true", "yes", "1"].includes(text(params, name).toLowerCase());
}

/** A nested value; `undefined` where it is absent. */
export function nested(params: Params, name: string): unknown {
  const value = params[name];
  if (typeof value !== "string") return value ?? undefined;
  if (value === "") return undefined;
  try {
    return JSON.parse(value);
  } catch {
    throw badRequest(`can't parse ${name.replaceAll("_", " ")} JSON object`);
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
