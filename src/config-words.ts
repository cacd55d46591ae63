/**
 * What is wrong with a configuration, in words: where, what, and what to write instead. Values are not repeated: they
 * may be secret.
 */
import type { z } from "zod";

type Issue = z.core.$ZodIssue;
type RawIssue = z.core.$ZodRawIssue;
type Path = readonly PropertyKey[];

/** What stands under a top-level key. */
const NOUNS: Readonly<Record<string, string>> = {
  adapters: "an adapter",
  agents: "an agent",
  projects: "a project",
  schedules: "a schedule",
};

/** An error of the schema's, but for a value that is not there at all: that it is missing is said elsewhere. */
export function unlessMissing(text: string): (issue: RawIssue) => string | undefined {
  return ({ input }) => (input === undefined ? undefined : text);
}

/** For what the schema itself has no words for. */
export function wordsFor(issue: RawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return wrongType(issue.expected, issue.input, issue.path ?? []);
    case "invalid_value":
      return issue.input === undefined ? "is missing" : oneOf(issue.values.map(String), issue.input);
    case "invalid_union":
      return "options" in issue && Array.isArray(issue.options)
        ? noSuchKind(issue.options.map(String), issue.discriminator, issue.input)
        : undefined;
    case "too_small":
      return tooSmall(issue.origin, Number(issue.minimum));
    case "too_big":
      return `must be at most ${issue.maximum}`;
    default:
      return undefined;
  }
}

/** A line for each fault; `keysAt` says which keys may stand at a path. */
export function explain(issue: Issue, keysAt: (path: Path) => readonly string[]): string[] {
  const at = issue.path.map(String).join(".") || "top level";
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => {
        return `${[...issue.path, key].map(String).join(".")}: unknown key${hint(key, keysAt(issue.path))}`;
      });
    case "invalid_key":
      return issue.issues.map(({ message }) => `${at}: ${message}`);
    case "invalid_union": {
      const meant = issue.errors.find(isMeant);
      if (meant === undefined) return [`${at}: ${issue.message}`];
      return meant.flatMap((inner) => explain({ ...inner, path: [...issue.path, ...inner.path] }, keysAt));
    }
    default:
      return [`${at}: ${issue.message}`];
  }
}

/** The known word nearest to a mistaken one, or all where none is near. */
export function hint(word: string, known: readonly string[]): string {
  if (known.length === 0) return "";
  const near = nearest(word, known);
  return near === undefined ? `; known are ${known.join(", ")}` : `; did you mean "${near}"?`;
}

/** Near: a few letters away, or its first part. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const [best] = known
    .map((candidate) => ({ candidate, distance: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const begun = word.length < 3 ? undefined : known.find((candidate) => candidate.startsWith(`${word}-`));
  if (begun !== undefined) return begun;
  return best && best.distance <= Math.max(2, word.length / 3) ? best.candidate : undefined;
}

/** Of the forms that a value may have, the one that somebody tried to write: only what is within it is wrong. */
function isMeant(faults: readonly Issue[]): boolean {
  return faults.every((fault) => {
    const isWithin = fault.path.length > 0 || fault.code === "unrecognized_keys";
    return isWithin || (fault.code === "invalid_union" && fault.errors.some(isMeant));
  });
}

function wrongType(expected: string, input: unknown, path: Path): string | undefined {
  if (input === undefined) return "is missing";
  if (input === null) return isEmpty(expected, path);
  switch (expected) {
    case "string":
      return typeof input === "object" ? "one text is wanted here" : "a text is wanted here: put it in quotes";
    case "int":
      return "a whole number is wanted here, without quotes";
    case "number":
      return "a number is wanted here, without quotes";
    case "boolean":
      return "true or false is wanted here, without quotes";
    case "array":
      return typeof input === "object"
        ? "a list is wanted here, such as [one, two]"
        : "a list is wanted here: put it in [ ]";
    case "object":
    case "record":
      return 'keys with values are wanted here, such as { key: "value" }';
    default:
      return undefined;
  }
}

function isEmpty(expected: string, path: Path): string {
  const noun = path.length === 1 ? NOUNS[String(path[0])] : undefined;
  if (noun !== undefined) return `is empty: leave it out, or name ${noun} below it`;
  const isGroup = expected === "object" || expected === "record";
  return isGroup ? "is empty: leave it out, or put keys below it" : "is empty: give it a value, or leave it out";
}

function oneOf(allowed: readonly string[], input: unknown): string {
  const near = typeof input === "string" ? nearest(input, allowed) : undefined;
  const quoted = allowed.map((value) => `"${value}"`).join(", ");
  const wanted = allowed.length === 1 ? `must be ${quoted}` : `must be one of ${quoted}`;
  return near === undefined ? wanted : `${wanted}; did you mean "${near}"?`;
}

function noSuchKind(kinds: readonly string[], key: string | undefined, input: unknown): string {
  const given: unknown =
    key !== undefined && typeof input === "object" && input !== null ? Reflect.get(input, key) : "";
  const wanted = oneOf(kinds, given);
  return given === undefined || given === null ? `is missing: ${wanted}` : wanted;
}

function tooSmall(origin: string, minimum: number): string | undefined {
  switch (origin) {
    case "string":
      return minimum <= 1 ? "is empty" : `must have at least ${minimum} characters`;
    case "array":
      return "is empty: name at least one";
    default:
      return `must be at least ${minimum}`;
  }
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
