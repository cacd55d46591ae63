/** The configuration's keys, their defaults and what they mean; `config.ts` reads it. */
import { z } from "zod";
import { unlessMissing } from "./config-words.ts";

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

const DURATION = 'must be a duration such as "500ms", "30s", "5m", "24h" or "7d"';

/** "500ms", "30s", "5m", "24h", "7d" → milliseconds. */
const duration = z
  .string({ error: unlessMissing(DURATION) })
  .regex(/^\d+(\.\d+)?(ms|s|m|h|d)$/, DURATION)
  .transform((text) => {
    const [, number, unit] = /^([\d.]+)(ms|s|m|h|d)$/.exec(text) ?? [];
    return Number(number) * UNITS[unit as keyof typeof UNITS];
  });

/** A time that must pass, or the word for one that never does. */
function durationOr<Word extends string>(word: Word) {
  return z
    .union([z.literal(word), duration], { error: `${DURATION}, or "${word}"` })
    .refine((ms) => ms !== 0, `must be longer than 0, or "${word}"`);
}

const name = z.string().regex(/^[a-z0-9][a-z0-9_-]*$/i, "a name of letters, digits, - and _");
/** The ids of people begin with it: these are the gateway's own. */
const adapterName = name.refine(
  (text) => text !== "operator" && text !== "gateway",
  "another name: this one is reserved",
);
const url = z
  .url({ protocol: /^https?$/, error: unlessMissing('must be an address such as "https://example.org/v1"') })
  .transform((text) => text.replace(/\/+$/, ""));

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

/** What becomes of a turn that was cut short: it begins anew, goes on in the agent's own session, or people are asked. */
const onCrash = z.enum(["retry", "resume", "ask"]);
const program = z.array(z.string().min(1)).min(1);
const texts = z.record(z.string(), z.string());
/** Added to the few variables that are passed on. */
const env = texts.default({});

const demo = z.strictObject({ type: z.literal("demo"), onCrash: onCrash.default("retry") });
const command = z.strictObject({
  type: z.literal("command"),
  command: program,
  /** What it speaks: its standard output is the answer, or each line of it is an event. */
  protocol: z.enum(["text", "json-lines"]).default("text"),
  /** The folder that the program runs in; relative to the gateway's own. */
  cwd: z.string().min(1).optional(),
  env,
  onCrash: onCrash.default("retry"),
});
const acp = z
  .strictObject({
    type: z.literal("acp"),
    preset: z.enum(["claude-code", "codex", "gemini", "opencode", "goose"]).optional(),
    /** In place of the preset's. */
    command: program.optional(),
    cwd: z.string().min(1).optional(),
    env,
    /** One process for each live session, or one for all of them that work in the same folder. */
    processes: z.enum(["session", "shared"]).default("session"),
    /** How long it may take until it has opened a session. */
    startTimeout: duration.refine((ms) => ms > 0, "must be longer than 0").prefault("60s"),
    /** Set in each new session: the agent's own options, by their ids. */
    options: z
      .record(z.string(), z.union([z.string(), z.boolean()], { error: "a text in quotes, or true or false" }))
      .default({}),
    onCrash: onCrash.default("resume"),
  })
  .refine(({ preset, command }) => preset !== undefined || command !== undefined, {
    error: "a preset, or the command that starts the agent",
  });
/** US dollars for a million tokens. */
const price = z.strictObject({
  input: z.number().min(0),
  output: z.number().min(0),
  cachedInput: z.number().min(0).optional(),
});
const llm = z.strictObject({
  type: z.literal("llm"),
  provider: z.enum(["openai-compatible", "openai", "anthropic"]),
  /** With `/v1`; the provider's own where it is left out. */
  baseURL: url.optional(),
  apiKey: z.string().min(1).optional(),
  model: z.string().min(1),
  /** Others that people may choose. */
  models: z.array(z.string().min(1)).default([]),
  systemPrompt: z.string().min(1).optional(),
  /** Tokens of the session so far that a request may carry; beyond four fifths of it, the oldest part becomes a summary. */
  context: z.int().min(1_000).default(60_000),
  maxOutput: z.int().min(1).optional(),
  /** How often it may call tools before it must answer. */
  steps: z.int().min(1).default(20),
  prices: z.record(z.string(), price).default({}),
  onCrash: onCrash.default("retry"),
});

type Texts = z.infer<typeof texts>;
type McpServer = { command: string[]; env: Texts } | { url: string; headers: Texts };

/** A program of this machine, or a server that is reached by HTTP. */
const mcpServer = z
  .strictObject({
    command: program.optional(),
    /** Of a program. */
    env: texts.optional(),
    url: url.optional(),
    /** Of an address. */
    headers: texts.optional(),
  })
  .transform(({ command, env, url, headers }, context): McpServer => {
    if (command !== undefined && url === undefined && headers === undefined) return { command, env: env ?? {} };
    if (url !== undefined && command === undefined && env === undefined) return { url, headers: headers ?? {} };
    // An unknown key, told already, may be one of these misspelt.
    if (context.issues.length === 0) context.addIssue(mcpFault(command !== undefined, url !== undefined));
    return z.NEVER;
  });

function mcpFault(hasCommand: boolean, hasUrl: boolean): string {
  if (hasCommand && hasUrl) return 'either "command" (a program here) or "url" (a server elsewhere), not both';
  if (hasCommand) return '"headers" belong to a "url"; a "command" takes "env"';
  if (hasUrl) return '"env" belongs to a "command"; a "url" takes "headers"';
  return 'needs a "command" (a program here) or a "url" (a server elsewhere)';
}

const project = z.strictObject({
  /** Relative to the gateway's own. */
  folder: z.string().min(1),
  /** In place of the route's. */
  agent: name.optional(),
  mcp: z.record(name, mcpServer).default({}),
});

const schedule = z.strictObject({
  channel: z.templateLiteral([z.string().min(1), ":", z.string().min(1)], {
    error: unlessMissing('a channel id such as "slack:T01/C02"'),
  }),
  /** Five fields, or six with seconds. */
  cron: z.string().min(1),
  /** The machine's own where it is left out. */
  timezone: z.string().min(1).optional(),
  prompt: z.string().min(1),
  /** A run whose time passed while no gateway ran: left out, or made up for once. */
  missed: z.enum(["skip", "run"]).default("skip"),
});

/** Who may decide, besides admins: one rule for all kinds of asks, or one for each. */
const APPROVER = 'must be "requester", "members", "admins", or a list of ids such as ["telegram:42"]';
const approver = z.union([z.enum(["requester", "members", "admins"]), z.array(z.string().min(1)).min(1)], {
  error: APPROVER,
});
const approvers = z.union(
  [
    approver,
    z.strictObject({ plan: approver.optional(), permission: approver.optional(), questions: approver.optional() }),
  ],
  { error: `${APPROVER}; or one of these for each of "plan", "permission" and "questions"` },
);

const route = z.strictObject({
  match: z.string().min(1),
  agent: name,
  /** Said to the agent ahead of every message. */
  systemPrompt: z.string().min(1).optional(),
  /** What the agent may do unasked, until somebody sets another mode in the chat. */
  mode: z.enum(["ask", "accept-edits", "plan", "bypass"]).optional(),
  /** Each message leads to a plan first; `architect` makes it, the route's agent where none is named. */
  planFirst: z
    .union([z.boolean(), z.strictObject({ architect: name.optional(), systemPrompt: z.string().min(1).optional() })], {
      error: "true, false, or { architect: <agent>, systemPrompt: <text> }",
    })
    .optional(),
  approvers: approvers.optional(),
  /** The project that the channel's sessions begin in. */
  project: name.optional(),
  /** What is shown of an answer before it is whole, until somebody sets another level in the chat. */
  stream: z.enum(["off", "compact", "full"]).optional(),
});

export const schema = z.strictObject({
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
      keep: durationOr("forever").default("forever"),
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
  agents: z.record(name, z.discriminatedUnion("type", [demo, command, acp, llm])).default({}),
  projects: z.record(name, project).default({}),
  workspace: z
    .strictObject({
      /** The folder that holds all projects: how far an agent reaches with `/workspace workspace`. */
      folder: z.string().min(1).optional(),
    })
    .prefault({}),
  schedules: z.record(name, schedule).default({}),
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
  turn: z
    .strictObject({
      /** Without a sign of life from the agent for so long, the channel is told. */
      silence: durationOr("never").prefault("5m"),
      /** A turn that works for longer is interrupted. Waiting for people does not count. */
      limit: durationOr("never").default("never"),
    })
    .prefault({}),
  asks: z
    .strictObject({
      /** The shortest time between two reminders; each that nobody heeds doubles it, up to a day. */
      remindEvery: durationOr("never").prefault("5m"),
      /** After so long it can't be decided any more. */
      expireAfter: durationOr("never").default("never"),
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
export type AcpConfig = z.infer<typeof acp>;
export type LlmConfig = z.infer<typeof llm>;
export type HttpConfig = Config["http"];
