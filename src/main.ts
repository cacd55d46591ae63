/**
 * The composition root: the only file that names concrete stores, adapters and agents. An adapter's SDK is loaded
 * only where the configuration names it.
 */
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Agent } from "./agent.ts";
import { commandOf, installing } from "./agents/acp/presets.ts";
import { createCommandAgent } from "./agents/command/index.ts";
import { createDemoAgent } from "./agents/demo/index.ts";
import { type FromEnvironment, llmFromEnvironment } from "./agents/llm/environment.ts";
import { findProgram } from "./agents/shared/find-program.ts";
import type { AdapterHealth, ChannelAdapter, Probing } from "./channel.ts";
import {
  type AcpConfig,
  BUILT_IN_AGENTS,
  type CommandConfig,
  type Config,
  type SlackConfig,
  secretsOf,
} from "./config.ts";
import type { AskSettings } from "./core/asks/due.ts";
import { systemClock } from "./core/clock.ts";
import { builtinCommands } from "./core/commands/index.ts";
import { Gateway, type GatewayOptions } from "./core/gateway.ts";
import { cronTimetable } from "./cron.ts";
import type { Portable } from "./dump.ts";
import type { Governor, Rate } from "./governor.ts";
import { signInLink } from "./http/auth.ts";
import { type HttpServer, startHttpServer } from "./http/server.ts";
import { createLog, type Log, logEvents } from "./log.ts";
import { createMetrics } from "./metrics.ts";
import type { Store } from "./store.ts";
import { openLmdbStore } from "./stores/lmdb/store.ts";
import { dataFolder, ensureToken, isEmbedded } from "./token.ts";

/** What the page suggests to try where the demo agent answers. */
const DEMO_SUGGESTIONS = ["help", "plan", "permission", "questions", "markdown", "slow 10", "fail"];

export interface RunningGateway {
  readonly url: string;
  /** Opens the page signed in. */
  readonly link: string;
  readonly log: Log;
  /** Where the environment, and not the configuration, says what answers: a sentence about it. */
  readonly note?: string;
  /** Stops in order and flushes; see `Gateway.stop`. */
  stop(): Promise<void>;
}

export async function startGateway(given: Config, env: NodeJS.ProcessEnv): Promise<RunningGateway> {
  const { config, note } = withModel(given, env);
  const token = ensureToken(config);
  const log = createLog(config.log.level, [...secretsOf(config), token]);
  const { store, governor } = await openStore(config, log);
  for (const warning of store.warnings()) log.warn(warning);
  // In this order: the page stays up while the last turns finish, the store until all is written.
  const parts: { gateway?: Gateway; http?: HttpServer } = {};
  const stop = async () => {
    await parts.gateway?.stop();
    await parts.http?.close();
    await store.close();
  };
  try {
    const metrics = createMetrics();
    const logged = logEvents(log);
    const adapters = await createAdapters(config, store, log, governor);
    const gateway = new Gateway({
      store,
      adapters,
      agents: await createAgents(config, env),
      routes: config.routes,
      ...workplaces(config),
      onCrash: Object.fromEntries(Object.entries(config.agents).map(([name, { onCrash }]) => [name, onCrash])),
      patience: { silence: unlessNever(config.turn.silence), limit: unlessNever(config.turn.limit) },
      schedules: { timetable: cronTimetable, configured: config.schedules },
      access: withOwnPage(config),
      pool: config.pool,
      queue: config.queue,
      asks: { settings: askSettings(config), approvers: config.access.approvers },
      catchUp: config.catchUp,
      grace: config.shutdown.grace,
      replica: config.replica.name ?? hostname(),
      onOutage: config.replica.onOutage,
      emit: (event) => {
        metrics.emit(event);
        logged(event);
      },
    });
    parts.gateway = gateway;
    await gateway.start();
    const version = ownVersion();
    const http = await startHttpServer({
      config: config.http,
      token,
      operations: gateway.operations,
      metrics,
      adapters,
      log,
      version,
    });
    parts.http = http;
    const link = signInLink(http.url, token);
    return { url: http.url, link, log, stop, ...(note === undefined ? {} : { note }) };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The store that `store.url` names. The client of a shared one is loaded only where it is used. */
async function openStore(
  { store: { url, keep }, queue, replica }: Config,
  log: Log,
  signal?: AbortSignal,
): Promise<{ store: Store; governor?: MakeGovernor }> {
  const kept = keep === "forever" ? 0 : keep;
  const options = {
    clock: systemClock,
    dedupeFor: queue.dedupeFor,
    keep: kept,
    log: (problem: string) => log.warn(problem),
  };
  if (isEmbedded(url)) return { store: await openLmdbStore({ ...options, path: dataFolder(url) }) };
  const { openRedisStore } = await import("./stores/redis/store.ts");
  const store = await openRedisStore({
    ...options,
    url,
    lease: replica.lease,
    ...(signal === undefined ? {} : { signal }),
  });
  return { store, governor: (account, overall) => store.governor(account, overall) };
}

/**
 * A store to copy from or to, which no gateway uses meanwhile; `create` begins it where it is not there. Rejects as the
 * stores do.
 */
export async function openPortable(
  url: string,
  { store: { keep }, queue, replica }: Config,
  { create, signal, log }: { create: boolean; signal: AbortSignal; log: (problem: string) => void },
): Promise<Portable> {
  if (isEmbedded(url)) {
    const { openLmdbPortable } = await import("./stores/lmdb/portable.ts");
    return await openLmdbPortable({ path: dataFolder(url), clock: systemClock, create });
  }
  const { openRedisPortable } = await import("./stores/redis/portable.ts");
  return await openRedisPortable({
    ...{ url, clock: systemClock, create, signal, log },
    ...{ dedupeFor: queue.dedupeFor, lease: replica.lease, keep: keep === "forever" ? 0 : keep },
  });
}

/** Keeps an account below its platform's pace; where none is given, each process does so by itself. */
type MakeGovernor = (account: string, overall: Rate) => Governor;

async function createAdapters(
  config: Config,
  store: Store,
  log: Log,
  governor?: MakeGovernor,
): Promise<ChannelAdapter[]> {
  const commands = builtinCommands(Object.keys(config.projects)).list;
  const [mainPage] = Object.keys(config.adapters).filter((name) => config.adapters[name]?.type === "web");
  const suggestions = Object.values(config.agents)[0]?.type === "demo" ? DEMO_SUGGESTIONS : [];
  return await Promise.all(
    Object.entries(config.adapters).map(async ([name, entry]) => {
      if (entry.type !== "web") return await createAccount(name, entry, log, governor);
      const { createWebAdapter } = await import("../adapters/web/index.ts");
      return createWebAdapter({
        name,
        store,
        clock: systemClock,
        commands: () => commands,
        suggestions,
        mount: name === mainPage ? "/" : `/${name}`,
      });
    }),
  );
}

/** An account on a chat platform. */
async function createAccount(
  name: string,
  config: Exclude<Config["adapters"][string], { type: "web" }>,
  log: Log,
  governor?: MakeGovernor,
): Promise<ChannelAdapter & Probing> {
  const options = {
    name,
    clock: systemClock,
    log: (level: "debug" | "info" | "warn" | "error", message: string, fields?: Readonly<Record<string, unknown>>) =>
      log[level]({ adapter: name, ...fields }, message),
    ...(governor === undefined ? {} : { governor }),
  };
  switch (config.type) {
    case "telegram": {
      const { createTelegramAdapter } = await import("../adapters/telegram/index.ts");
      return createTelegramAdapter({ ...options, config });
    }
    case "slack": {
      const { createSlackAdapter } = await import("../adapters/slack/index.ts");
      return createSlackAdapter({ ...options, config });
    }
    case "discord": {
      const { createDiscordAdapter } = await import("../adapters/discord/index.ts");
      return createDiscordAdapter({ ...options, config });
    }
  }
}

/** The Slack app that fits this gateway, for Slack's "Create an app from a manifest". */
export async function slackManifest(mode: SlackConfig["mode"], url: string): Promise<object> {
  const { manifestOf } = await import("../adapters/slack/manifest.ts");
  return manifestOf({ mode, url, commands: builtinCommands().list });
}

/** Looks at the store without using it: what endangers data there. Rejects where it can't be reached or is refused. */
export async function probeStore(config: Config, signal: AbortSignal): Promise<readonly string[]> {
  const { store } = await openStore(config, createLog("silent", []), signal);
  const warnings = store.warnings();
  await store.close();
  return warnings;
}

/** Tries each account that the configuration names, without receiving anything. */
export async function probeAdapters(config: Config, signal: AbortSignal): Promise<Record<string, AdapterHealth>> {
  const log = createLog("silent", []);
  const probes = Object.entries(config.adapters).map(async ([name, entry]): Promise<[string, AdapterHealth]> => {
    if (entry.type === "web") return [name, { state: "connected", detail: "built in" }];
    const adapter = await createAccount(name, entry, log);
    const health = await adapter.probe(signal);
    await adapter.close();
    return [name, health];
  });
  return Object.fromEntries(await Promise.all(probes));
}

/** A configuration that names no agent gets the model that the environment names, where it names one. */
function withModel(config: Config, env: NodeJS.ProcessEnv): { config: Config; note?: string; found?: FromEnvironment } {
  const found = config.agents === BUILT_IN_AGENTS ? llmFromEnvironment(env) : undefined;
  if (!found) return { config };
  const { config: llm, because } = found;
  const { model, baseURL, provider } = llm;
  const where = baseURL === undefined ? provider : new URL(baseURL).host;
  const note = `${because} is set: ${model === "auto" ? "a model" : model} at ${where} answers instead of the demo agent.`;
  return { config: { ...config, agents: { assistant: llm, ...config.agents } }, note, found };
}

export interface AgentFinding {
  readonly ok: boolean;
  /** What was found, or what is wrong and how to mend it. */
  readonly detail: string;
}

/** Whether each agent that the configuration names is there. Nothing is started, and no model is asked to answer. */
export async function probeAgents(
  given: Config,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<Record<string, AgentFinding>> {
  const { config, found } = withModel(given, env);
  const findings = Object.entries(config.agents).map(async ([name, entry]): Promise<[string, AgentFinding]> => {
    if (entry.type === "demo") return [name, { ok: true, detail: "built in" }];
    if (entry.type !== "llm") return [name, await probeProgram(name, entry, env)];
    const { probeModel } = await import("./agents/llm/probe.ts");
    return [name, await probeModel(entry, env, signal, entry === found?.config ? found.modelFrom : undefined)];
  });
  return Object.fromEntries(await Promise.all(findings));
}

async function probeProgram(
  name: string,
  entry: AcpConfig | CommandConfig,
  env: NodeJS.ProcessEnv,
): Promise<AgentFinding> {
  const [program = ""] = entry.type === "acp" ? commandOf(entry) : entry.command;
  const path = await findProgram(program, entry.env.PATH ?? env.PATH, entry.cwd);
  const preset = entry.type === "acp" ? entry.preset : undefined;
  if (path !== undefined) {
    const both = preset !== undefined && entry.command !== undefined;
    return { ok: true, detail: both ? `${path}: "command" counts, not the program of "preset: ${preset}"` : path };
  }
  const missing = `the program "${program}" was not found or can't be run.`;
  const install = entry.type === "acp" && entry.command === undefined ? installing(entry) : undefined;
  if (install === undefined) {
    return { ok: false, detail: `${missing} Install it, or correct agents.${name}.command.` };
  }
  const other = `or choose another agents.${name}.preset`;
  return { ok: false, detail: `${missing} Install what "preset: ${preset}" starts (${install}), ${other}.` };
}

/** Whether the programs are there that projects name as MCP servers; by "server of project". Nothing is started. */
export async function probeServers(config: Config, env: NodeJS.ProcessEnv): Promise<Record<string, AgentFinding>> {
  const findings = Object.entries(config.projects).flatMap(([project, { folder, mcp }]) =>
    Object.entries(mcp).map(async ([name, server]): Promise<[string, AgentFinding][]> => {
      if ("url" in server) return [];
      const [program = ""] = server.command;
      const found = await findProgram(program, server.env.PATH ?? env.PATH, folder);
      const remedy = `Install it, or correct projects.${project}.mcp.${name}.command.`;
      const detail = found ?? `the program "${program}" was not found or can't be run. ${remedy}`;
      return [[`${name} of project ${project}`, { ok: found !== undefined, detail }]];
    }),
  );
  return Object.fromEntries((await Promise.all(findings)).flat());
}

/** An agent's SDK is loaded only where the configuration names it. */
async function createAgents(config: Config, env: NodeJS.ProcessEnv): Promise<Record<string, Agent>> {
  const agents = Object.entries(config.agents).map(async ([name, entry]): Promise<[string, Agent]> => {
    switch (entry.type) {
      case "demo":
        return [name, createDemoAgent({ clock: systemClock })];
      case "command":
        return [name, createCommandAgent({ config: entry, env })];
      case "llm": {
        const { createLlmAgent } = await import("./agents/llm/index.ts");
        return [name, createLlmAgent({ config: entry, env, clock: systemClock })];
      }
      case "acp": {
        const { createAcpAgent } = await import("./agents/acp/index.ts");
        return [name, createAcpAgent({ config: entry, env })];
      }
    }
  });
  return Object.fromEntries(await Promise.all(agents));
}

/** Where agents work: folders are relative to the gateway's own. */
function workplaces({ projects, workspace }: Config): Pick<GatewayOptions, "projects" | "workspace"> {
  const all = Object.entries(projects).map(([name, { folder, agent, mcp }]) => {
    return [name, { folder: resolve(folder), agent, mcpServers: mcp }] as const;
  });
  const { folder } = workspace;
  return { projects: Object.fromEntries(all), workspace: folder === undefined ? undefined : resolve(folder) };
}

/** Whoever is signed in to the page holds the gateway's token: they may do what its operator may. */
function withOwnPage(config: Config): Config["access"] {
  const pages = Object.entries(config.adapters).filter(([, { type }]) => type === "web");
  return { ...config.access, admins: [...config.access.admins, ...pages.map(([name]) => `${name}:*`)] };
}

function askSettings({ asks: { remindEvery, expireAfter } }: Config): AskSettings {
  return { remindEvery: unlessNever(remindEvery), expireAfter: unlessNever(expireAfter) };
}

function unlessNever(time: number | "never"): number | undefined {
  return time === "never" ? undefined : time;
}

/** From the package's own package.json: two folders above the built file, one above the source. */
function ownVersion(): string {
  for (const up of ["../package.json", "../../package.json"]) {
    try {
      return JSON.parse(readFileSync(fileURLToPath(new URL(up, import.meta.url)), "utf8")).version;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    }
  }
  return "unknown";
}
