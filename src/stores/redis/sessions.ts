/** Sessions as hashes: every field a short text, none that is missing or empty. */
import type {
  ChannelId,
  CostSource,
  Json,
  Session,
  SessionError,
  SessionPatch,
  SessionSettings,
  SessionSource,
  SessionStats,
} from "../../model.ts";
import { decode } from "./keys.ts";

/** Undefined for a hash that isn't there. */
export function readSession(id: string, fields: readonly (readonly [string, string])[]): Session | undefined {
  const row = new Map(fields);
  const of = (name: string) => row.get(name) ?? "";
  if (of("channel") === "") return undefined;
  return {
    id,
    channel: decode(of("channel")) as ChannelId,
    title: of("title"),
    source: of("source") as SessionSource,
    agent: of("agent"),
    ...(of("project") === "" ? {} : { project: of("project") }),
    pinned: of("pinned") !== "",
    createdAt: Number(of("createdAt")),
    updatedAt: Number(of("updatedAt")),
    lastActivityAt: Number(of("lastActivityAt")),
    ...(of("archivedAt") === "" ? {} : { archivedAt: Number(of("archivedAt")) }),
    ...(of("error") === "" ? {} : { error: JSON.parse(of("error")) as SessionError }),
    ...(of("agentState") === "" ? {} : { agentState: JSON.parse(of("agentState")) as Json }),
    ...(of("settings") === "" ? {} : { settings: JSON.parse(of("settings")) as SessionSettings }),
    stats: readStats(of("stats")),
  };
}

/** The fields to write, names and values in turn. */
export function writePatch({ title, agent, pinned, error, agentState, settings, stats }: SessionPatch): string[] {
  const fields: string[] = [];
  if (title !== undefined) fields.push("title", title);
  if (agent !== undefined) fields.push("agent", agent);
  if (pinned !== undefined) fields.push("pinned", pinned ? "1" : "");
  if (error !== undefined) fields.push("error", error === null ? "" : JSON.stringify(error));
  if (agentState !== undefined) fields.push("agentState", agentState === null ? "" : JSON.stringify(agentState));
  if (settings !== undefined) fields.push("settings", writeSettings(settings));
  if (stats !== undefined) fields.push("stats", writeStats(stats));
  return fields;
}

/** Empty where there are none. */
export function writeSettings(settings: SessionSettings | undefined): string {
  return settings === undefined ? "" : JSON.stringify(settings);
}

/** `countTurns` in sessions.lua reads it, too. */
function writeStats({ turns, failed, tokensIn, tokensOut, ...rest }: SessionStats): string {
  const { firstTextMs = "", lastTurnMs = "", cost = "", costSource = "" } = rest;
  const all = [turns, failed, tokensIn, tokensOut, firstTextMs, lastTurnMs, cost, costSource];
  return all.join(",").replace(/,+$/, "");
}

function readStats(text: string): SessionStats {
  const [turns = "", failed = "", tokensIn = "", tokensOut = "", ...rest] = text.split(",");
  const [firstTextMs = "", lastTurnMs = "", cost = "", costSource = ""] = rest;
  return {
    turns: Number(turns),
    failed: Number(failed),
    tokensIn: Number(tokensIn),
    tokensOut: Number(tokensOut),
    ...(firstTextMs === "" ? {} : { firstTextMs: Number(firstTextMs) }),
    ...(lastTurnMs === "" ? {} : { lastTurnMs: Number(lastTurnMs) }),
    ...(cost === "" ? {} : { cost: Number(cost) }),
    ...(costSource === "" ? {} : { costSource: costSource as CostSource }),
  };
}
