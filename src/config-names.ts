/** Names in a configuration that stand for something else in it: what is wrong with them, a line each. */
import { hint, nearest } from "./config-words.ts";
import { adapterOf } from "./model.ts";
import type { Config } from "./schema.ts";

/** `isOwn`: the agents are the configuration's, not the built-in ones. */
export function strangeNames(config: Config, isOwn: boolean): string[] {
  const agents = Object.keys(config.agents);
  const noAgent = (at: string, agent: string | undefined): string[] => {
    if (agent === undefined || agents.includes(agent)) return [];
    const near = nearest(agent, agents);
    const guess = near === undefined ? "" : `; did you mean "${near}"?`;
    const all = isOwn
      ? `configured: ${agents.join(", ")}`
      : `"agents" names none, so there is only ${agents.join(", ")}`;
    return [`${at}: no agent "${agent}" is configured${guess} (${all})`];
  };
  return [...inRoutes(config, noAgent), ...inProjects(config, noAgent), ...inSchedules(config)];
}

type NoAgent = (at: string, agent: string | undefined) => string[];

function inRoutes({ routes, projects }: Config, noAgent: NoAgent): string[] {
  return routes.flatMap(({ match, agent, planFirst, project }, index) => {
    const at = (key: string) => `routes.${index}.${key} (match: "${match}")`;
    const architect = typeof planFirst === "object" ? planFirst.architect : undefined;
    return [
      ...noAgent(at("agent"), agent),
      ...noAgent(at("planFirst.architect"), architect),
      ...(project === undefined || Object.hasOwn(projects, project)
        ? []
        : [`${at("project")}: no project "${project}" is configured${hint(project, Object.keys(projects))}`]),
    ];
  });
}

function inProjects({ projects }: Config, noAgent: NoAgent): string[] {
  return Object.entries(projects).flatMap(([name, { agent }]) => noAgent(`projects.${name}.agent`, agent));
}

function inSchedules({ schedules, adapters }: Config): string[] {
  return Object.entries(schedules).flatMap(([name, { channel }]) => {
    const adapter = adapterOf(channel);
    if (Object.hasOwn(adapters, adapter)) return [];
    return [`schedules.${name}.channel: no adapter "${adapter}" is configured${hint(adapter, Object.keys(adapters))}`];
  });
}
