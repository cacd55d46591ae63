/** What a turn is about, beyond its messages: to answer, to make a plan, or to carry one out. */
import type { AgentTurn } from "../agent.ts";
import type { Ask, Json, Message, PermissionMode, PlanStep, Session, Turn } from "../model.ts";
import { modeOf, type RouteSettings } from "./routes.ts";

export interface Assignment
  extends Pick<AgentTurn, "phase" | "plan" | "mode" | "model" | "effort" | "systemPrompt" | "note" | "resumes"> {
  /** The name of the agent that does it. */
  readonly agent: string;
  /** What that agent is opened with. */
  readonly state?: Json;
  readonly messages: readonly Message[];
  /** What was asked for in the first place. */
  readonly asked: readonly Message[];
  /** What the agent is told ahead that carries a plan out. */
  readonly workPrompt?: string;
}

/** `plan`: the ask that the turn's message names, where it does. */
export function assignmentOf(turn: Turn, session: Session, route: RouteSettings, plan: Ask | undefined): Assignment {
  const { settings } = session;
  const mode = modeOf(session, route);
  const note = settings?.note === undefined ? {} : { note: settings.note };
  const step = stepOf(turn, plan);
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
  if (turn.messages.every(({ compact }) => compact)) {
    return { phase: "compact", messages: turn.messages, asked: turn.messages, ...prompt, ...working(session, mode) };
  }
  const messages = turn.messages.filter(({ compact }) => !compact);
  if (step === undefined && mode !== "plan") {
    return {
      phase: "work",
      messages,
      asked: messages,
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
    ...{ phase: "plan", agent: architect, mode: "plan", messages, ...note },
    ...(architect === session.agent ? chosen(session) : {}),
    asked: [...(isRevision ? (plan.context?.messages ?? []) : []), ...messages],
    ...(isRevision ? { plan: plan.request.text } : {}),
    ...(route.systemPrompt === undefined ? {} : { workPrompt: route.systemPrompt }),
    ...(planPrompt === undefined ? {} : { systemPrompt: planPrompt }),
    ...(state === undefined ? {} : { state }),
  };
}

/** A message may want another plan in the moment in which somebody decides that one: then it is a message like any other. */
function stepOf({ messages }: Turn, plan: Ask | undefined): PlanStep["step"] | undefined {
  const step = messages.find((message) => message.plan)?.plan?.step;
  return step === "revise" && plan?.end?.state !== "withdrawn" ? undefined : step;
}

/** Where every message leads to a plan, what was approved is carried out as it would be without. */
function working(
  session: Session,
  mode: PermissionMode,
): Pick<Assignment, "agent" | "mode" | "model" | "effort" | "state"> {
  const { agent, agentState } = session;
  const state = agentState === undefined ? {} : { state: agentState };
  return { agent, mode: mode === "plan" ? "ask" : mode, ...chosen(session), ...state };
}

/** What people chose of the session's agent. */
function chosen({ settings }: Session): Pick<Assignment, "model" | "effort"> {
  const { model, effort } = settings ?? {};
  return { ...(model === undefined ? {} : { model }), ...(effort === undefined ? {} : { effort }) };
}
