import type { McpServer, OpenOptions } from "../agent.ts";
import type { Session } from "../model.ts";

/** A folder that agents work in, and what belongs to it. */
export interface Project {
  /** Absolute. */
  readonly folder: string;
  /** In place of the route's. */
  readonly agent?: string | undefined;
  readonly mcpServers?: Readonly<Record<string, McpServer>> | undefined;
}

/** Where and how far a session's agent works. */
export type Workplace = Pick<OpenOptions, "folder" | "workspace" | "scope" | "mcpServers">;

/** Undefined where the session's project is not configured (any more): nothing must be done in another folder instead. */
export function workplaceOf(
  { project, settings }: Pick<Session, "project" | "settings">,
  projects: Readonly<Record<string, Project>>,
  workspace: string | undefined,
): Workplace | undefined {
  const found = project === undefined ? undefined : projects[project];
  if (project !== undefined && !found) return undefined;
  const { scope } = settings ?? {};
  return {
    ...(found ? { folder: found.folder } : {}),
    ...(found?.mcpServers ? { mcpServers: found.mcpServers } : {}),
    ...(workspace === undefined ? {} : { workspace }),
    ...(scope === undefined ? {} : { scope }),
  };
}
