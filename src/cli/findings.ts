/** What `check` finds in the configuration itself and in the folders that it names. */
import { realpathSync, statSync } from "node:fs";
import { isAbsolute, relative, resolve, sep } from "node:path";
import type { Config } from "../config.ts";
import { describe } from "../errors.ts";

export interface Finding {
  readonly what: string;
  readonly ok: boolean;
  /** It works, but hardly as it was meant. */
  readonly warning?: boolean;
  /** What was found, or what is wrong and how to mend it. */
  readonly detail: string;
}

/** Folders must be there: an agent that works in another one does harm, and a program can't start. */
export function checkFolders({ agents, projects, workspace }: Config): Finding[] {
  const ofAgents = Object.entries(agents).flatMap(([name, agent]) => {
    const cwd = agent.type === "command" || agent.type === "acp" ? agent.cwd : undefined;
    return cwd === undefined ? [] : [folderFinding(`agent ${name}`, cwd, `agents.${name}.cwd`)];
  });
  const top =
    workspace.folder === undefined ? undefined : folderFinding("workspace", workspace.folder, "workspace.folder");
  const ofProjects = Object.entries(projects).map(([name, { folder }]) => {
    const found = folderFinding(`project ${name}`, folder, `projects.${name}.folder`);
    return found.ok && top?.ok ? withinWorkspace(found, top.detail) : found;
  });
  return [...ofAgents, ...ofProjects, ...(top === undefined ? [] : [top])];
}

/** Prices of a model that the agent never asks. */
export function checkPrices({ agents }: Config): Finding[] {
  return Object.entries(agents).flatMap(([name, agent]) => {
    if (agent.type !== "llm" || agent.model === "auto") return [];
    const known = [agent.model, ...agent.models];
    return Object.keys(agent.prices)
      .filter((model) => !known.includes(model))
      .map((model) => ({
        what: `agent ${name}`,
        ok: true,
        warning: true,
        detail: `agents.${name}.prices: "${model}" is none of this agent's models (${known.join(", ")}), so its price is never used`,
      }));
  });
}

function folderFinding(what: string, folder: string, key: string): Finding {
  const path = resolve(folder);
  try {
    if (statSync(path).isDirectory()) return { what, ok: true, detail: path };
    return { what, ok: false, detail: `${path} is no folder. Make it one, or correct ${key}.` };
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    const wrong = isMissing ? `${path} does not exist. Create it` : `${describe(error)}. Mend that`;
    return { what, ok: false, detail: `${wrong}, or correct ${key}.` };
  }
}

/** Both are folders that are there. */
function withinWorkspace(project: Finding, workspace: string): Finding {
  const way = relative(realpathSync(workspace), realpathSync(project.detail));
  if (way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way)) return project;
  const detail = `${project.detail} is not within workspace.folder (${workspace}), which should hold all projects: with /workspace workspace, agents of other projects do not reach it`;
  return { ...project, warning: true, detail };
}
