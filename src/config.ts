/**
 * The configuration: schema, loading (YAML with `${ENV}`), and errors that name the path, what was expected and
 * the nearest known key. What comes out is complete (defaults filled in) and frozen.
 */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
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
const url = z.url({ protocol: /^https?$/ }).transform((text) => text.replace(/\/+$/, ""));

const telegram = z.strictObject({
  type: z.literal("telegram"),
  token: z.string().min(1),
  mode: z.literal("polling").default("polling"),
  apiRoot: url.default("https://api.telegram.org"),
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

const schema = z.strictObject({
  store: z
    .strictObject({
      url: z
        .string()
        .regex(/^lmdb:.+/, 'an address such as "lmdb:./data"')
        .default("lmdb:./data"),
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
  adapters: z.record(name, z.discriminatedUnion("type", [telegram, web])).default({ web: { type: "web" } }),
  agents: z.record(name, z.discriminatedUnion("type", [demo, command])).default({ demo: { type: "demo" } }),
  routes: z.array(z.strictObject({ match: z.string().min(1), agent: name })).default([]),
  access: z
    .strictObject({
      default: z.enum(["deny", "allow"]).default("deny"),
      allow: z.array(z.string().min(1)).default([]),
      admins: z.array(z.string().min(1)).default([]),
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
  shutdown: z.strictObject({ grace: duration.prefault("10s") }).prefault({}),
  log: z.strictObject({ level: z.enum(["debug", "info", "warn", "error", "silent"]).default("info") }).prefault({}),
});

export type Config = z.infer<typeof schema>;
export type TelegramConfig = z.infer<typeof telegram>;
export type WebConfig = z.infer<typeof web>;
export type DemoConfig = z.infer<typeof demo>;
export type CommandConfig = z.infer<typeof command>;
export type HttpConfig = Config["http"];

void readFileSync;
void parse;
void SwitchboardError;
