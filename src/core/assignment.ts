/** What a turn is about, beyond its messages: to answer, to make a plan, or to carry one out. */
import type { AgentTurn } from "../agent.ts";
import type { Ask, Json, Message, PermissionMode, Session, Turn } from "../model.ts";
import { modeOf, type RouteSettings } from "./routes.ts";

export interface Assignment extends Pick<AgentTurn, "phase" | "plan" | "systemPrompt" | "note"> {
  /** The name of the agent that does it. */
  readonly agent: string;
  /** What that agent is opened with. */
  readonly state?: Json;
  readonly messages: readonly Message[];
  /** What was asked for in the first place. */
  readonly asked: readonly Message[];
  /** What the agent is told ahead that carries a plan out. */
  readonly workPrompt?: string;
  /** What the agent may do unasked. */
  readonly mode: PermissionMode;
}

/** `plan`: the ask that the turn's message names, where it does. */
export function assignmentOf(turn: Turn, session: Session, route: RouteSettings, plan: Ask | undefined): Assignment {
  const { settings } = session;
  const mode = modeOf(session, route);
  const note = settings?.note === undefined ? {} : { note: settings.note };
  const step = turn.messages.find((message) => message.plan)?.plan?.step;
  const others = turn.messages.filter((message) => message.plan?.step !== "carry out");
  if (step === "carry out" && plan?.request.kind === "plan") {
    const { messages = [], systemPrompt } = plan.context ?? {};
    return {
      ...{ phase: "work", plan: plan.request.text, messages: [...messages, ...others], asked: messages, ...note },
      ...working(session, mode),
      ...(systemPrompt === undefined ? {} : { systemPrompt }),
    };
  }
  const prompt = route.systemPrompt === undefined ? {} : { systemPrompt: route.systemPrompt };
  if (step === undefined && mode !== "plan") {
    return {
      phase: "work",
      messages: turn.messages,
      asked: turn.messages,
      ...note,
      ...prompt,
      ...working(session, mode),
    };
  }
  const planFirst = typeof route.planFirst === "object" ? route.planFirst : {};
  const { architect = session.agent, systemPrompt: planPrompt = route.systemPrompt } = planFirst;
  const isRevision = step === "revise" && plan?.request.kind === "plan";
  const state = architect === session.agent ? session.agentState : isRevision ? plan.context?.architect : undefined;
  return {
    ...{ phase: "plan", agent: architect, mode: "plan", messages: turn.messages, ...note },
    asked: [...(isRevision ? (plan.context?.messages ?? []) : []), ...turn.messages],
    ...(isRevision ? { plan: plan.request.text } : {}),
    ...(route.systemPrompt === undefined ? {} : { workPrompt: route.systemPrompt }),
    ...(planPrompt === undefined ? {} : { systemPrompt: planPrompt }),
    ...(state === undefined ? {} : { state }),
  };
}

/** Where every message leads to a plan, what was approved is carried out as it would be without. */
function working({ agent, agentState }: Session, mode: PermissionMode): Pick<Assignment, "agent" | "mode" | "state"> {
  const state = agentState === undefined ? {} : { state: agentState };
  return { agent, mode: mode === "plan" ? "ask" : mode, ...state };
}
