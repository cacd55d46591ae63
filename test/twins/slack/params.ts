/**
 * What a client sent along with a method, read as the Web API reads it: a form or JSON, where in forms nested values
 * are JSON texts, and booleans and numbers are texts.
 */
import { ApiError } from "./errors.ts";

export type Params = Readonly<Record<string, unknown>>;

export function parseBody(contentType: string, body: Buffer): Params {
  if (body.length === 0) return {};
  if (!/^application\/json/i.test(contentType)) return Object.fromEntries(new URLSearchParams(body.toString("utf8")));
  const value = parseJson(body.toString("utf8"));
  if (!isRecord(value)) throw new ApiError("json_not_object");
  return value;
}

export function text(params: Params, name: string): string {
  const value = params[name];
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

/** A text that must be there. */
export function required(params: Params, name: string, error = "invalid_arguments"): string {
  const value = text(params, name);
  if (value === "") throw new ApiError(error);
  return value;
}

export function integer(params: Params, name: string, fallback: number): number {
  const value = Number(text(params, name));
  return text(params, name) !== "" && Number.isSafeInteger(value) ? value : fallback;
}

export function flag(params: Params, name: string): boolean {
  return ["true", "1"].includes(text(params, name).toLowerCase());
}

/** A nested value; `undefined` where it is absent. */
export function nested(params: Params, name: string, error: string): unknown {
  const value = params[name];
  if (typeof value !== "string") return value ?? undefined;
  if (value === "") return undefined;
  return parseJson(value, error);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseJson(source: string, error = "invalid_json"): unknown {
  try {
    return JSON.parse(source);
  } catch {
    throw new ApiError(error);
  }
}
