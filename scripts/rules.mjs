/**
 * The rules of the source tree that no compiler knows: who may import whom, no platform's name in core, no file too
 * long, no host in the lock file. `check.mjs` and `test/imports.test.ts` both ask here.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync } from "vite";
import { missingFrom } from "./lock.mjs";

const MODEL = "src/model.ts";
const ERRORS = "src/errors.ts";
const EVENTS = "src/events.ts";
const CONFIG_TYPES = "type src/config.ts";
/** The pace of an account: between adapters and stores. Core has no business with it. */
const GOVERNOR = "src/governor.ts";
const PORTS = [
  "src/agent.ts",
  "src/channel.ts",
  "src/store.ts",
  "src/ask-store.ts",
  "src/schedule-store.ts",
  "src/journal.ts",
  "src/operations.ts",
];
/** Moving a store: between stores and copy.ts. */
const DUMP = "src/dump.ts";
const NODE = "node:*";
const PACKAGES = "packages";
const BESIDE_MAIN = "the files beside main.ts";

/**
 * The first rule whose `files` match a file holds for it. `may` lists what it may import: a file, a folder (ends in
 * "/"; "$1" is what the pattern caught), "type <file>" (`import type` only), a package, BESIDE_MAIN, NODE, PACKAGES or "*".
 */
const RULES = [
  {
    files: /^src\/(model|ask|agent-event)\.ts$/,
    may: [MODEL, "src/ask.ts", "src/agent-event.ts"],
    why: "model.ts and its parts hold the words that everything else is made of, so they import nothing else",
  },
  {
    files: /^src\/(agent|channel|store|ask-store|schedule-store|journal|dump|operations|governor|errors|events)\.ts$/,
    may: [MODEL, ERRORS, EVENTS, ...PORTS],
    why: "a port speaks of the model and of other ports only, so that it never depends on who implements or calls it",
  },
  {
    files: /^src\/core\//,
    may: ["src/core/", MODEL, ERRORS, EVENTS, ...PORTS, "p-queue"],
    why: "core knows implementations only through their ports, and neither node:* nor any SDK; main.ts hands them in",
  },
  {
    files: /^src\/(stores)\/([^/]+)\//,
    may: [
      "src/$1/$2/",
      "src/stores/shared/",
      "src/store.ts",
      DUMP,
      GOVERNOR,
      MODEL,
      ERRORS,
      CONFIG_TYPES,
      NODE,
      PACKAGES,
    ],
    why: "a store implements src/store.ts and knows nothing of core or of other stores; stores/shared/ is for all",
  },
  {
    files: /^src\/(agents)\/([^/]+)/,
    may: ["src/$1/$2/", "src/agents/shared/", "src/agent.ts", MODEL, ERRORS, CONFIG_TYPES, NODE, PACKAGES],
    why: "an agent implements src/agent.ts and knows nothing of core or of other agents; agents/shared/ is for all",
  },
  {
    files: /^src\/http\//,
    may: [
      "src/http/",
      "src/operations.ts",
      "src/channel.ts",
      "type src/store.ts",
      MODEL,
      ERRORS,
      CONFIG_TYPES,
      NODE,
      PACKAGES,
    ],
    why: "http asks the gateway through src/operations.ts and hands requests to adapters through src/channel.ts",
  },
  {
    files: /\/vite\.config\.ts$/,
    may: [NODE, PACKAGES],
    why: "it configures the build and is no part of what is built",
  },
  {
    files: /^adapters\/web\/page\//,
    may: ["adapters/web/page/", "type adapters/web/", `type ${MODEL}`, PACKAGES],
    why: "the page runs in a browser: it shares types with its adapter and nothing else",
  },
  {
    files: /^adapters\/([^/]+)\//,
    may: [
      "adapters/$1/",
      "adapters/shared/",
      "src/channel.ts",
      GOVERNOR,
      "type src/store.ts",
      MODEL,
      ERRORS,
      CONFIG_TYPES,
      NODE,
      PACKAGES,
    ],
    why: "an adapter implements src/channel.ts and knows nothing of core or of other adapters; adapters/shared/ is for all",
  },
  {
    files: /^src\/main\.ts$/,
    may: ["*"],
    why: "main.ts composes everything",
  },
  {
    files: /^src\/index\.ts$/,
    may: ["src/"],
    why: "index.ts re-exports what library users need; an adapter would load its platform's SDK for all of them",
  },
  {
    files: /^src\//,
    may: [BESIDE_MAIN, "src/cli/", NODE, PACKAGES],
    why: "only main.ts may name core and the concrete stores, agents, adapters and servers",
  },
];

const PLATFORMS = /telegram|slack|discord|whatsapp/i;
const MAX_LINES = 400;

/**
 * Everything that breaks a rule, as sentences that say where, what and why.
 * @param {ReadonlyMap<string, string>} sources path (with "/", from the project's folder) → text
 * @returns {string[]}
 */
export function violations(sources) {
  return [...sources].flatMap(([path, text]) => {
    if (!/\.(m?ts|tsx)$/.test(path)) return [];
    const { program, comments, errors } = parseSync(path, text);
    if (errors.length > 0) return [`${path}: can't be parsed: ${errors[0]?.message}`];
    return [...importViolations(path, program), ...platformViolations(path, text, comments), ...tooLong(path, text)];
  });
}

/** The lock file must install on every platform, from whatever registry the user has configured. */
export function lockViolations(text) {
  const lock = JSON.parse(text);
  const hosts = Object.entries(lock.packages)
    .filter(([, { resolved }]) => /^https?:/.test(resolved ?? ""))
    .map(([path, { resolved }]) => `package-lock.json: ${path} is tied to ${resolved}: remove "resolved".`);
  const missing = missingFrom(lock).map(
    ({ name }) => `package-lock.json: ${name} is missing, so \`npm ci\` refuses it: run \`node scripts/lock.mjs\`.`,
  );
  return [...hosts, ...missing];
}

/** The sources that the rules are about. */
export function readSources(root) {
  const paths = ["src", "adapters"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) =>
        join(entry.parentPath, entry.name)
          .slice(root.length + 1)
          .replaceAll("\\", "/"),
      ),
  );
  return new Map(paths.sort().map((path) => [path, readFileSync(join(root, path), "utf8")]));
}

function importViolations(path, program) {
  const rule = RULES.find(({ files }) => files.test(path));
  if (rule === undefined) return [`${path}: no rule says what it may import: add one to scripts/rules.mjs`];
  const caught = rule.files.exec(path) ?? [];
  const may = rule.may.map((entry) => entry.replace(/\$(\d)/g, (_, index) => caught[index] ?? ""));
  return importsOf(program).flatMap(({ specifier, type }) => {
    const target = resolve(path, specifier);
    return may.some((entry) => allows(entry, target, type)) ? [] : [`${path} must not import ${target}: ${rule.why}.`];
  });
}

function allows(entry, target, type) {
  if (entry === "*" || entry === target) return true;
  if (entry.startsWith("type ")) return type && allows(entry.slice("type ".length), target, type);
  if (entry.endsWith("/")) return target.startsWith(entry);
  const isNode = target.startsWith("node:");
  if (entry === NODE) return isNode;
  if (entry === BESIDE_MAIN) return /^src\/[^/]+\.ts$/.test(target);
  return (
    entry === PACKAGES && !isNode && !/^(src|adapters|test|scripts|examples)\//.test(target) && !target.startsWith("..")
  );
}

/** A relative specifier as a path from the project's folder; others as they are. */
function resolve(from, specifier) {
  if (!specifier.startsWith(".")) return specifier;
  return join(from, "..", specifier).replaceAll("\\", "/");
}

/** Every way to name another module; `type` where nothing of it is left at run time. */
function importsOf(node) {
  if (Array.isArray(node)) return node.flatMap(importsOf);
  if (node === null || typeof node !== "object") return [];
  const found = [];
  const source = node.source?.value ?? node.expression?.value;
  switch (node.type) {
    case "ImportDeclaration":
      found.push({ specifier: source, type: node.importKind === "type" });
      break;
    case "ExportAllDeclaration":
    case "ExportNamedDeclaration":
      if (node.source) found.push({ specifier: source, type: node.exportKind === "type" });
      break;
    case "TSImportType":
      found.push({ specifier: source, type: true });
      break;
    case "ImportExpression":
    case "TSExternalModuleReference":
      found.push({ specifier: typeof source === "string" ? source : "(a computed name)", type: false });
      break;
  }
  return [...found, ...Object.values(node).flatMap(importsOf)];
}

function platformViolations(path, text, comments) {
  if (!path.startsWith("src/core/")) return [];
  const code = comments.reduceRight((rest, { start, end }) => rest.slice(0, start) + rest.slice(end), text);
  const name = PLATFORMS.exec(code)?.[0];
  return name === undefined
    ? []
    : [
        `${path} must not name "${name}": core asks for limits and capabilities of src/channel.ts, never for a platform.`,
      ];
}

function tooLong(path, text) {
  const lines = text.split("\n").length - 1;
  return lines > MAX_LINES ? [`${path} has ${lines} lines; past ${MAX_LINES} it is two things: split it.`] : [];
}
