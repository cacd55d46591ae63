import type { NewSession, Session, SessionSettings } from "../model.ts";
import type { Project } from "./projects.ts";
import type { RouteSettings } from "./routes.ts";

export interface Configured {
  readonly agents: readonly string[];
  readonly projects: Readonly<Record<string, Project>>;
}

/**
 * What a channel's next session starts from: what people chose for the channel, as far as it is configured still, else
 * what its route says. What was allowed for always goes with the channel; how far the agent reaches does not.
 */
export function freshSession(
  { agents, projects }: Configured,
  route: RouteSettings,
  before: Session | undefined,
  switched: string | undefined,
): NewSession {
  const { mode, rules, stream, agent: chosenAgent, project: chosenProject, model, effort } = before?.settings ?? {};
  const kept =
    switched ?? (chosenProject !== undefined && Object.hasOwn(projects, chosenProject) ? chosenProject : undefined);
  const project = kept ?? route.project;
  const ofProject = project === undefined ? undefined : projects[project]?.agent;
  const chosen = chosenAgent !== undefined && agents.includes(chosenAgent) ? chosenAgent : undefined;
  const agent = (switched === undefined ? (chosen ?? ofProject) : (ofProject ?? chosen)) ?? route.agent;
  const settings: SessionSettings = {
    ...(mode === undefined ? {} : { mode }),
    ...(rules === undefined ? {} : { rules }),
    ...(stream === undefined ? {} : { stream }),
    ...(kept === undefined ? {} : { project: kept }),
    ...(chosen === undefined || chosen !== agent ? {} : { agent: chosen }),
    ...(before?.agent !== agent || model === undefined ? {} : { model }),
    ...(before?.agent !== agent || effort === undefined ? {} : { effort }),
  };
  return {
    ...{ source: "channel", agent, title: "" },
    ...(project === undefined ? {} : { project }),
    ...(Object.keys(settings).length === 0 ? {} : { settings }),
  };
}
