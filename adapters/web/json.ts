/** Looks into JSON of any shape. */
import type { Json } from "../../src/model.ts";

export function valueAt(json: Json, name: string): Json | undefined {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return undefined;
  return (json as { readonly [key: string]: Json })[name];
}

/** Empty where there is no text of that name. */
export function stringAt(json: Json, name: string): string {
  const value = valueAt(json, name);
  return typeof value === "string" ? value : "";
}
