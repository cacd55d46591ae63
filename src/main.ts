/**
 * The composition root: the only file that names concrete stores, adapters and agents. An adapter's SDK is loaded
 * only where the configuration names it.
 */
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { fileURLToPath } from "node:url";
import type { Agent } from "./agent.ts";
import { createCommandAgent } from "./agents/command/index.ts";
import { createDemoAgent } from "./agents/demo/index.ts";
import type { AdapterHealth, ChannelAdapter, Probing } from "./channel.ts";
import { type Config, type SlackConfig, secretsOf } from "./config.ts";
import type { AskSettings } from "./core/asks/due.ts";
import { systemClock } from "./core/clock.ts";
import { builtinCommands } from "./core/commands/index.ts";
import { Gateway } from "./core/gateway.ts";
import type { Portable } from "./dump.ts";
import type { Governor, Rate } from "./governor.ts";
import { signInLink } from "./http/auth.ts";
import { type HttpServer, startHttpServer } from "./http/server.ts";
import { createLog, type Log, logEvents } from "./log.ts";
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
  /** Stops in order and flushes; see `Gateway.stop`. */
  stop(): Promise<void>;
}

export async function startGateway(config: Config, env: NodeJS.ProcessEnv): Promise<RunningGateway> {
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
    const adapters = await createAdapters(config, store, log, governor);
    const gateway = new Gateway({
      store,
      adapters,
      agents: createAgents(config, env),
      routes: config.routes,
      access: withOwnPage(config),
      pool: config.pool,
      queue: config.queue,
      asks: { settings: askSettings(config), approvers: config.access.approvers },
      catchUp: config.catchUp,
      grace: config.shutdown.grace,
      replica: config.replica.name ?? hostname(),
      onOutage: config.replica.onOutage,
      emit: logEvents(log),
    });
    parts.gateway = gateway;
    await gateway.start();
    const version = ownVersion();
    const http = await startHttpServer({
      config: config.http,
      token,
      operations: gateway.operations,
      adapters,
      log,
      version,
    });
    parts.http = http;
    return { url: http.url, link: signInLink(http.url, token), log, stop };
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
  const commands = builtinCommands().list;
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

function createAgents(config: Config, env: NodeJS.ProcessEnv): Record<string, Agent> {
  const agents: Record<string, Agent> = {};
  for (const [name, entry] of Object.entries(config.agents)) {
    switch (entry.type) {
      case "demo":
        agents[name] = createDemoAgent({ clock: systemClock });
        break;
      case "command":
        agents[name] = createCommandAgent({ config: entry, env });
        break;
    }
  }
  return agents;
}

/** Whoever is signed in to the page holds the gateway's token: they may do what its operator may. */
function withOwnPage(config: Config): Config["access"] {
  const pages = Object.entries(config.adapters).filter(([, { type }]) => type === "web");
  return { ...config.access, admins: [...config.access.admins, ...pages.map(([name]) => `${name}:*`)] };
}

function askSettings({ asks: { remindEvery, expireAfter } }: Config): AskSettings {
  return {
    remindEvery: remindEvery === "never" ? undefined : remindEvery,
    expireAfter: expireAfter === "never" ? undefined : expireAfter,
  };
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
