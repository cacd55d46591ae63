/**
 * The configuration: schema, loading (YAML with `${ENV}`), and errors that name the path, what was expected and
 * the nearest known key. What comes out is complete (defaults filled in) and frozen.
 */
import { readFileSync } from "node:fs";
import { parseDocument } from "yaml";
import { z } from "zod";
import { scheduleProblems } from "./cron.ts";
import { SwitchboardError } from "./errors.ts";
import { adapterOf } from "./model.ts";
import { type Config, schema } from "./schema.ts";

export type * from "./schema.ts";

/** Reads a YAML file. Rejects with CONFIG_INVALID, every fault named. */
export function loadConfig(path: string, env: NodeJS.ProcessEnv): Config {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new SwitchboardError("CONFIG_INVALID", `${path} can't be read`, { cause: error });
  }
  return parseConfig(text, env, path);
}

export function parseConfig(text: string, env: NodeJS.ProcessEnv, source = "configuration"): Config {
  const document = parseDocument(text);
  const [fault] = document.errors;
  if (fault) throw invalid(source, [fault.message]);
  const problems: string[] = [];
  const raw = expand(document.toJS() ?? {}, env, [], problems);
  if (problems.length > 0) throw invalid(source, problems);
  const result = schema.safeParse(raw);
  if (!result.success) throw invalid(source, result.error.issues.flatMap(explain));
  const config = withAgents(result.data);
  const named = config.routes.flatMap(({ agent, planFirst }) => [
    agent,
    typeof planFirst === "object" ? (planFirst.architect ?? agent) : agent,
  ]);
  const strangers = [...new Set(named)].filter((agent) => !(agent in config.agents));
  const unknown = [
    ...config.routes.flatMap(({ project }) =>
      project === undefined || project in config.projects
        ? []
        : [`routes: no project "${project}" is configured${hint(project, Object.keys(config.projects))}`],
    ),
    ...Object.entries(config.projects).flatMap(([project, { agent }]) =>
      agent === undefined || agent in config.agents
        ? []
        : [`projects.${project}.agent: no agent "${agent}" is configured${hint(agent, Object.keys(config.agents))}`],
    ),
    ...Object.entries(config.schedules).flatMap(([schedule, { channel }]) =>
      adapterOf(channel) in config.adapters
        ? []
        : [`schedules.${schedule}.channel: no adapter "${adapterOf(channel)}" is configured`],
    ),
  ];
  unknown.push(...scheduleProblems(config.schedules));
  if (unknown.length > 0) throw invalid(source, unknown);
  if (config.catchUp > config.queue.dedupeFor) {
    throw invalid(source, [
      "catchUp: longer than queue.dedupeFor; messages that were answered would be answered again",
    ]);
  }
  if (strangers.length > 0) {
    throw invalid(
      source,
      strangers.map((agent) => `routes: no agent "${agent}" is configured${hint(agent, Object.keys(config.agents))}`),
    );
  }
  return freeze(config);
}

/** What answers where the configuration names no agent. */
export const BUILT_IN_AGENTS: Config["agents"] = { demo: { type: "demo", onCrash: "retry" } };

function withAgents(config: Config): Config {
  return Object.keys(config.agents).length === 0 ? { ...config, agents: BUILT_IN_AGENTS } : config;
}

/** A shorter value of an environment or a header is no secret, and would black out half the log. */
const SECRET_LENGTH = 8;

/** What the configuration keeps secret: never to be logged. */
export function secretsOf(config: Config): string[] {
  const tokens = Object.values(config.adapters).flatMap((adapter) => {
    if (adapter.type === "slack") return [adapter.botToken, adapter.appToken ?? [], adapter.signingSecret ?? []].flat();
    return adapter.type === "web" ? [] : [adapter.token];
  });
  const [, password] = /^[a-z+]+:\/\/[^@/]*:([^@/]+)@/.exec(config.store.url) ?? [];
  const passwords = password === undefined ? [] : [password, decodeURIComponent(password)];
  const keys = Object.values(config.agents).flatMap((agent) => {
    if (agent.type === "llm") return agent.apiKey ?? [];
    return agent.type === "demo" ? [] : Object.values(agent.env);
  });
  const servers = Object.values(config.projects).flatMap(({ mcp }) => Object.values(mcp));
  const ofServers = servers.flatMap((server) => Object.values("url" in server ? server.headers : server.env));
  const others = [...keys, ...ofServers].filter((value) => value.length >= SECRET_LENGTH);
  return [...others, ...tokens, ...passwords, ...(config.http.token ? [config.http.token] : [])];
}

/** The path of every key that the schema knows, `*` for a name that the user chooses. */
export function knownKeys(): string[] {
  const keys: string[] = [];
  const walk = (type: z.core.$ZodType, path: string): void => {
    const inner = unwrap(type);
    for (const object of inner instanceof z.ZodUnion ? inner.options.map(unwrap) : [inner]) {
      if (object instanceof z.ZodRecord) walk(object.valueType, `${path}.*`);
      else if (object instanceof z.ZodArray) walk(object.element, path);
      else if (object instanceof z.ZodObject) {
        for (const [key, value] of Object.entries(object.shape)) {
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

function invalid(source: string, problems: readonly string[]): SwitchboardError {
  return new SwitchboardError(
    "CONFIG_INVALID",
    `${source} is not valid:\n${problems.map((line) => `  - ${line}`).join("\n")}`,
  );
}

/** Replaces `${NAME}` and `${NAME:-default}` in every string. */
function expand(value: unknown, env: NodeJS.ProcessEnv, path: readonly string[], problems: string[]): unknown {
  if (typeof value === "string") {
    return value.replace(/\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}/g, (_, key: string, fallback: string | undefined) => {
      const found = env[key] || fallback;
      if (found === undefined) problems.push(`${path.join(".")}: the environment variable ${key} is not set`);
      return found ?? "";
    });
  }
  if (Array.isArray(value)) return value.map((item, i) => expand(item, env, [...path, String(i)], problems));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, expand(item, env, [...path, key], problems)]),
    );
  }
  return value;
}

function explain(issue: z.core.$ZodIssue): string[] {
  const path = issue.path.map(String);
  const at = path.join(".") || "top level";
  if (issue.code !== "unrecognized_keys") return [`${at}: ${issue.message}`];
  const known = knownKeys()
    .map((key) => key.split("."))
    .filter((key) => key.length === path.length + 1 && path.every((part, i) => key[i] === part || key[i] === "*"))
    .map((key) => key.at(-1) ?? "");
  return issue.keys.map((key) => `${[...path, key].join(".")}: unknown key${hint(key, known)}`);
}

/** The known word nearest to a mistaken one, or all where none is near. */
function hint(word: string, known: readonly string[]): string {
  if (known.length === 0) return "";
  const [nearest] = known
    .map((candidate) => ({ candidate, distance: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  if (nearest && nearest.distance <= Math.max(2, word.length / 3)) return `; did you mean "${nearest.candidate}"?`;
  return `; known are ${known.join(", ")}`;
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

function unwrap(type: z.core.$ZodType): z.core.$ZodType {
  if (type instanceof z.ZodDefault || type instanceof z.ZodPrefault || type instanceof z.ZodOptional) {
    return unwrap(type.def.innerType);
  }
  return type;
}

function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) for (const item of Object.values(value)) freeze(item);
  return Object.freeze(value);
}
