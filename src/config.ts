/**
 * The configuration: loading (YAML with `${ENV}`), and errors that name the path, what is wrong there and what to write
 * instead. What comes out is complete (defaults filled in) and frozen.
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseDocument } from "yaml";
import { keysAt } from "./config-keys.ts";
import { strangeNames } from "./config-names.ts";
import { explain, wordsFor } from "./config-words.ts";
import { scheduleProblems } from "./cron.ts";
import { describe, SwitchboardError } from "./errors.ts";
import { type Config, schema } from "./schema.ts";

const CATCH_UP_TOO_FAR = "catchUp: longer than queue.dedupeFor; messages that were answered would be answered again";

export type * from "./schema.ts";

/** Reads a YAML file. Rejects with CONFIG_INVALID, every fault named. */
export function loadConfig(path: string, env: NodeJS.ProcessEnv): Config {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new SwitchboardError("CONFIG_INVALID", unreadable(path, error), { cause: error });
  }
  return parseConfig(text, env, path);
}

export function parseConfig(text: string, env: NodeJS.ProcessEnv, source = "configuration"): Config {
  const document = parseDocument(text);
  const [fault] = document.errors;
  if (fault) throw invalid(source, [fault.message]);
  const unset: string[] = [];
  const raw = expand(document.toJS() ?? {}, env, [], unset);
  if (unset.length > 0) throw invalid(source, unset);
  const result = schema.safeParse(raw, { error: wordsFor });
  if (!result.success) {
    const lines = result.error.issues.flatMap((issue) => explain(issue, (path) => keysAt(path, raw)));
    throw invalid(source, lines);
  }
  const config = withAgents(result.data);
  const problems = [
    ...strangeNames(config, config.agents !== BUILT_IN_AGENTS),
    ...scheduleProblems(config.schedules),
    ...(config.catchUp > config.queue.dedupeFor ? [CATCH_UP_TOO_FAR] : []),
  ];
  if (problems.length > 0) throw invalid(source, problems);
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

function unreadable(path: string, error: unknown): string {
  const file = resolve(path);
  if (error instanceof Error && "code" in error && error.code === "ENOENT") {
    return `${file} does not exist. Name a file that does with --config, or leave --config out for the built-in configuration`;
  }
  return `${file} can't be read: ${describe(error)}`;
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

function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) for (const item of Object.values(value)) freeze(item);
  return Object.freeze(value);
}
