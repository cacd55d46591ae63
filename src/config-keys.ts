/** Which keys the schema knows, and where. */
import { z } from "zod";
import { schema } from "./schema.ts";

type Type = z.core.$ZodType;

/** The path of every key that the schema knows, `*` for a name that the user chooses. */
export function knownKeys(): string[] {
  const keys: string[] = [];
  const walk = (type: Type, path: string): void => {
    for (const inner of optionsOf(type)) {
      if (inner instanceof z.ZodRecord) walk(inner.valueType, `${path}.*`);
      else if (inner instanceof z.ZodArray) walk(inner.element, path);
      else if (inner instanceof z.ZodObject) {
        for (const [key, value] of Object.entries(inner.shape)) {
          const below = path ? `${path}.${key}` : key;
          keys.push(below);
          walk(value, below);
        }
      }
    }
  };
  walk(schema, "");
  return [...new Set(keys)];
}

/** The keys that may stand at this path of a configuration; `type` in it decides between kinds. */
export function keysAt(path: readonly PropertyKey[], raw: unknown): string[] {
  return keysIn(schema, path, raw);
}

function keysIn(type: Type, [first, ...rest]: readonly PropertyKey[], raw: unknown): string[] {
  const options = optionsOf(type).filter((option) => isMeant(option, raw));
  if (first === undefined) {
    return options.flatMap((option) => (option instanceof z.ZodObject ? Object.keys(option.shape) : []));
  }
  const below = options.flatMap((option) => childOf(option, String(first)) ?? []);
  return below.flatMap((child) => keysIn(child, rest, valueAt(raw, first)));
}

function childOf(type: Type, key: string): Type | undefined {
  if (type instanceof z.ZodRecord) return type.valueType;
  if (type instanceof z.ZodArray) return type.element;
  return type instanceof z.ZodObject ? type.shape[key] : undefined;
}

/** Whether an option of a union is the one that the configuration names with `type`. */
function isMeant(option: Type, raw: unknown): boolean {
  const kind: unknown = option instanceof z.ZodObject ? option.shape.type : undefined;
  return !(kind instanceof z.ZodLiteral) || kind.safeParse(valueAt(raw, "type")).success;
}

function valueAt(raw: unknown, key: PropertyKey): unknown {
  return typeof raw === "object" && raw !== null ? Reflect.get(raw, key) : undefined;
}

/** What a value may be, without the wrappers for defaults and conversions. */
function optionsOf(type: Type): Type[] {
  if (type instanceof z.ZodDefault || type instanceof z.ZodPrefault || type instanceof z.ZodOptional) {
    return optionsOf(type.def.innerType);
  }
  if (type instanceof z.ZodPipe) return optionsOf(type.def.in);
  return type instanceof z.ZodUnion ? type.options.flatMap(optionsOf) : [type];
}
