/** How a session of an agent is opened: again where it can be, else a new one that is told what was said. */
import { AGENT_METHODS, type McpServer as ProtocolServer } from "@agentclientprotocol/sdk";
import { z } from "zod";
import type { McpServer, OpenOptions } from "../../agent.ts";
import { AcpFailure } from "./failure.ts";
import type { Capabilities, Link, Participant } from "./link.ts";
import { PREAMBLE_ENTRIES, preambleOf } from "./prompt.ts";
import { opened, Settings } from "./settings.ts";

/** What the session is restored by. */
export const stateSchema = z.object({
  kind: z.literal("acp"),
  sessionId: z.string().min(1),
  folder: z.string(),
  /** Of what the operator wants it to be told: a digest. */
  told: z.string().exactOptional(),
  /** US dollars that the session has cost so far. */
  cost: z.number().exactOptional(),
});
export type AcpState = z.infer<typeof stateSchema>;

export interface OpeningOptions {
  readonly link: Link;
  readonly folder: string;
  readonly options: OpenOptions;
  /** Of an earlier process. */
  readonly state: AcpState | undefined;
  /** The state is of no use: to restore it has failed before. */
  readonly isLost: boolean;
  readonly configured: Readonly<Record<string, string | boolean>>;
  readonly participant: Participant;
  /** Called before anything comes from the session. `isReplay`: what comes now was said before. */
  enter(settings: Settings, isReplay: boolean): void;
}

export interface Opened {
  readonly sessionId: string;
  readonly can: Capabilities;
  readonly settings: Settings;
  readonly isRestored: boolean;
  /** What people should know. */
  readonly notices: readonly string[];
  /** For the first prompt. */
  readonly preamble: string | undefined;
}

const created = opened.extend({ sessionId: z.string().min(1) });

const REPLACED =
  "The agent could not go on in its earlier session. It begins a new one, and was told what was said last in this one.";

export async function openSession(opening: OpeningOptions): Promise<Opened> {
  const { link, state, folder, isLost, options } = opening;
  const can = await link.ready;
  const place = placeOf(opening, can);
  // In another folder it is to begin anew: what it knows is about the other one.
  const wanted = state?.folder === folder ? state : undefined;
  const restored = wanted && !isLost ? await restore(opening, wanted, can, place) : undefined;
  if (restored) {
    return { ...restored, can, isRestored: true, notices: place.notices, preamble: undefined };
  }
  const response = await link.request(AGENT_METHODS.session_new, place.params, created, "open a session");
  const settings = enter(opening, response.sessionId, response, false);
  const notices = await settings.configure(opening.configured);
  const preamble = preambleOf(await options.transcript(PREAMBLE_ENTRIES));
  return {
    sessionId: response.sessionId,
    can,
    settings,
    isRestored: false,
    notices: [...(wanted ? [REPLACED] : []), ...place.notices, ...notices],
    preamble,
  };
}

/** An agent may want a sign-in for an old session only: Gemini does, where its key is in its environment alone. */
const REFUSALS: ReadonlySet<string> = new Set(["ACP_ERROR", "ACP_AUTH_REQUIRED"]);

/** Undefined where the agent can't. */
async function restore(
  opening: OpeningOptions,
  { sessionId }: AcpState,
  can: Capabilities,
  { params }: Place,
): Promise<Pick<Opened, "sessionId" | "settings"> | undefined> {
  const { link, participant } = opening;
  const ways = [
    ...(can.sessionCapabilities.resume ? [AGENT_METHODS.session_resume] : []),
    ...(can.loadSession ? [AGENT_METHODS.session_load] : []),
  ];
  for (const way of ways) {
    const settings = enter(opening, sessionId, {}, true);
    try {
      settings.read(await link.request(way, { ...params, sessionId }, opened, "open its session again"));
      // Gemini goes on to say what was said before when it has answered.
      if (way === AGENT_METHODS.session_load) await link.fence();
      opening.enter(settings, false);
      return { sessionId, settings };
    } catch (error) {
      link.detach(sessionId, participant);
      // It lives, and can't: whatever keeps it from that, a new session is better than none.
      if (!(error instanceof AcpFailure) || !REFUSALS.has(error.failure.code)) throw error;
    }
  }
  return undefined;
}

function enter(
  { link, configured, participant, enter }: OpeningOptions,
  sessionId: string,
  response: z.infer<typeof opened>,
  isReplay: boolean,
): Settings {
  const settings = new Settings(link, sessionId, configured);
  settings.read(response);
  enter(settings, isReplay);
  link.attach(sessionId, participant);
  return settings;
}

interface Place {
  readonly params: {
    readonly cwd: string;
    readonly mcpServers: readonly ProtocolServer[];
    readonly additionalDirectories?: readonly string[];
  };
  readonly notices: readonly string[];
}

function placeOf({ folder, options }: OpeningOptions, can: Capabilities): Place {
  const { mcpServers = {}, scope, workspace } = options;
  const entries = Object.entries(mcpServers);
  const able = entries.filter(([, server]) => "command" in server || can.mcpCapabilities.http);
  const unable = entries.filter((entry) => !able.includes(entry)).map(([name]) => name);
  const isWider = scope === "workspace" && workspace !== undefined && can.sessionCapabilities.additionalDirectories;
  return {
    params: {
      cwd: folder,
      mcpServers: able.map(([name, server]) => serverOf(name, server)),
      ...(isWider ? { additionalDirectories: [workspace] } : {}),
    },
    notices: unable.map((name) => `The agent can't use the MCP server "${name}": it can't reach servers by HTTP.`),
  };
}

function serverOf(name: string, server: McpServer): ProtocolServer {
  const pairs = (record: Readonly<Record<string, string>>) =>
    Object.entries(record).map(([key, value]) => ({ name: key, value }));
  if ("url" in server) return { type: "http", name, url: server.url, headers: pairs(server.headers) };
  const [command = "", ...args] = server.command;
  return { name, command, args, env: pairs(server.env) };
}
