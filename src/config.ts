/**
 * The configuration: schema, loading (YAML with `${ENV}`), and errors that name the path, what was expected and
 * the nearest known key. What comes out is complete (defaults filled in) and frozen.
 */
import { readFileSync } from "node:fs";
import { parseDocument } from "yaml";
import { z } from "zod";
import { SwitchboardError } from "./errors.ts";

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** "500ms", "30s", "5m", "24h", "7d" → milliseconds. */
const duration = z
  .string()
  .regex(/^\d+(\.\d+)?(ms|s|m|h|d)$/, 'a duration such as "500ms", "30s", "5m" or "24h"')
  .transform((text) => {
    const [, number, unit] = /^([\d.]+)(ms|s|m|h|d)$/.exec(text) ?? [];
    return Number(number) * UNITS[unit as keyof typeof UNITS];
  });

const name = z.string().regex(/^[a-z0-9][a-z0-9_-]*$/i, "a name of letters, digits, - and _");
/** The ids of people begin with it: these are the gateway's own. */
const adapterName = name.refine(
  (text) => text !== "operator" && text !== "gateway",
  "another name: this one is reserved",
);
const url = z.url({ protocol: /^https?$/ }).transform((text) => text.replace(/\/+$/, ""));

const telegram = z.strictObject({
  type: z.literal("telegram"),
  token: z.string().min(1),
  mode: z.literal("polling").default("polling"),
  apiRoot: url.default("https://api.telegram.org"),
});
const discord = z.strictObject({
  type: z.literal("discord"),
  token: z.string().min(1),
  apiUrl: url.default("https://discord.com/api"),
});
const slack = z
  .strictObject({
    type: z.literal("slack"),
    botToken: z.string().min(1),
    mode: z.enum(["socket", "http"]).default("socket"),
    /** For `socket`. */
    appToken: z.string().min(1).optional(),
    /** For `http`. */
    signingSecret: z.string().min(1).optional(),
    sessionPer: z.enum(["thread", "channel"]).default("thread"),
    apiUrl: url.default("https://slack.com/api"),
  })
  .refine(({ mode, appToken }) => mode !== "socket" || appToken !== undefined, {
    path: ["appToken"],
    error: "mode: socket needs the app-level token (xapp-…)",
  })
  .refine(({ mode, signingSecret }) => mode !== "http" || signingSecret !== undefined, {
    path: ["signingSecret"],
    error: "mode: http needs the app's signing secret",
  });
const web = z.strictObject({ type: z.literal("web") });

const demo = z.strictObject({ type: z.literal("demo") });
const command = z.strictObject({
  type: z.literal("command"),
  command: z.array(z.string().min(1)).min(1),
  /** The folder that the program runs in; relative to the gateway's own. */
  cwd: z.string().min(1).optional(),
  /** Added to the few variables that are passed on. */
  env: z.record(z.string(), z.string()).default({}),
});

/** Who may decide, besides admins: one rule for all kinds of asks, or one for each. */
const approver = z.union([z.enum(["requester", "members", "admins"]), z.array(z.string().min(1)).min(1)]);
const approvers = z.union([
  approver,
  z.strictObject({ plan: approver.optional(), permission: approver.optional(), questions: approver.optional() }),
]);

const route = z.strictObject({
  match: z.string().min(1),
  agent: name,
  /** Said to the agent ahead of every message. */
  systemPrompt: z.string().min(1).optional(),
  /** What the agent may do unasked, until somebody sets another mode in the chat. */
  mode: z.enum(["ask", "accept-edits", "plan", "bypass"]).optional(),
  /** Each message leads to a plan first; `architect` makes it, the route's agent where none is named. */
  planFirst: z
    .union([z.boolean(), z.strictObject({ architect: name.optional(), systemPrompt: z.string().min(1).optional() })])
    .optional(),
  approvers: approvers.optional(),
});

const schema = z.strictObject({
  store: z
    .strictObject({
      url: z
        .string()
        .regex(
          /^(lmdb:.|rediss?(\+sentinel|\+cluster)?:\/\/.)/,
          'an address such as "lmdb:./data" or "redis://127.0.0.1:6379"',
        )
        .default("lmdb:./data"),
      /** How long an archived session is kept. */
      keep: z.union([z.literal("forever"), duration]).default("forever"),
    })
    .prefault({}),
  http: z
    .strictObject({
      host: z.string().min(1).default("127.0.0.1"),
      port: z.int().min(0).max(65_535).default(8080),
      token: z.string().min(16).optional(),
      /** Further names that a browser may use for this gateway (behind a proxy). */
      allowedHosts: z.array(z.string().min(1)).default([]),
    })
    .prefault({}),
  adapters: z
    .record(adapterName, z.discriminatedUnion("type", [telegram, slack, discord, web]))
    .default({ web: { type: "web" } }),
  agents: z.record(name, z.discriminatedUnion("type", [demo, command])).default({ demo: { type: "demo" } }),
  routes: z.array(route).default([]),
  access: z
    .strictObject({
      default: z.enum(["deny", "allow"]).default("deny"),
      allow: z.array(z.string().min(1)).default([]),
      admins: z.array(z.string().min(1)).default([]),
      approvers: approvers.default("requester"),
    })
    .prefault({}),
  pool: z
    .strictObject({
      maxRunning: z.int().min(1).default(8),
      maxLive: z.int().min(1).default(200),
      idleTimeout: duration.prefault("30m"),
      restoreAtStart: z.int().min(0).default(5),
    })
    .prefault({}),
  queue: z
    .strictObject({
      mode: z.enum(["fifo", "collect"]).default("fifo"),
      max: z.int().min(1).default(100),
      attempts: z.int().min(1).max(100).default(3),
      dedupeFor: duration.prefault("24h"),
    })
    .prefault({}),
  asks: z
    .strictObject({
      /** The shortest time between two reminders; each that nobody heeds doubles it, up to a day. */
      remindEvery: z.union([z.literal("never"), duration]).prefault("5m"),
      /** After so long it can't be decided any more. */
      expireAfter: z.union([z.literal("never"), duration]).default("never"),
    })
    .prefault({}),
  replica: z
    .strictObject({
      /** Its name in logs and lists, before a part that each start makes anew. */
      name: name.optional(),
      /** Without a sign of life for so long, another replica takes over. */
      lease: duration.refine((ms) => ms >= 500 && ms <= 60_000, "from 500ms to 60s").prefault("3s"),
      onOutage: z.enum(["continue", "interrupt"]).default("continue"),
    })
    .prefault({}),
  /** How far back is read what the platforms have and the gateway missed. */
  catchUp: duration.prefault("24h"),
  shutdown: z.strictObject({ grace: duration.prefault("10s") }).prefault({}),
  log: z.strictObject({ level: z.enum(["debug", "info", "warn", "error", "silent"]).default("info") }).prefault({}),
});

export type Config = z.infer<typeof schema>;
export type TelegramConfig = z.infer<typeof telegram>;
export type SlackConfig = z.infer<typeof slack>;
export type DiscordConfig = z.infer<typeof discord>;

export type CommandConfig = z.infer<typeof command>;
export type HttpConfig = Config["http"];

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
  const config = result.data;
  const named = config.routes.flatMap(({ agent, planFirst }) => [
    agent,
    typeof planFirst === "object" ? (planFirst.architect ?? agent) : agent,
  ]);
  const strangers = [...new Set(named)].filter((agent) => !(agent in config.agents));
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

/** What the configuration keeps secret: never to be logged. */
export function secretsOf(config: Config): string[] {
  const tokens = Object.values(config.adapters).flatMap((adapter) => {
    if (adapter.type === "slack") return [adapter.botToken, adapter.appToken ?? [], adapter.signingSecret ?? []].flat();
    return adapter.type === "web" ? [] : [adapter.token];
  });
  const [, password] = /^[a-z+]+:\/\/[^@/]*:([^@/]+)@/.exec(config.store.url) ?? [];
  const passwords = password === undefined ? [] : [password, decodeURIComponent(password)];
  return [...tokens, ...passwords, ...(config.http.token ? [config.http.token] : [])];
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
