/** What the end of a turn writes, as plain data: pure functions from an outcome to a store transaction. */
import type {
  AgentFailure,
  Ask,
  MessageRef,
  OutboxDraft,
  Session,
  SessionPatch,
  TranscriptEntry,
  Turn,
} from "../model.ts";
import type { TurnCommit, TurnFailure } from "../store.ts";
import type { Assignment } from "./assignment.ts";
import type { TurnFigures } from "./turn.ts";

export interface Ending {
  readonly turn: Turn;
  readonly session: Session;
  readonly now: number;
  /** How many messages the next claim may take; 0 claims nothing. */
  readonly take: number;
  /** The message that showed the answer while it grew. */
  readonly ref: MessageRef | undefined;
}

export interface Answer {
  readonly text: string;
  readonly parts: readonly string[];
  readonly state: SessionPatch["agentState"] | undefined;
  readonly figures: TurnFigures;
  readonly assignment: Assignment;
  /** What was decided, and never used. */
  readonly unused: readonly Ask[];
}

export function answered(ending: Ending, answer: Answer): TurnCommit {
  const { turn, session, now, take, ref } = ending;
  const { text, parts, figures, unused } = answer;
  const { stats } = session;
  return {
    turn: turn.id,
    take,
    transcript: [...asked(turn), { role: "assistant", text, at: now, turn: turn.id }],
    outbox:
      parts.length === 0
        ? [{ kind: "notice", text: "_The agent gave no answer._", ...at(ref) }, ...unused.map(wasted)]
        : [
            ...parts.map((part, i): OutboxDraft => ({ kind: "answer", text: part, ...(i === 0 ? at(ref) : {}) })),
            ...unused.map(wasted),
          ],
    session: {
      ...titled(session, turn),
      ...(session.error ? { error: null } : {}),
      ...remembered(session, answer),
      stats: {
        turns: stats.turns + 1,
        failed: stats.failed,
        tokensIn: stats.tokensIn + figures.tokensIn,
        tokensOut: stats.tokensOut + figures.tokensOut,
        lastTurnMs: figures.ms,
        ...(figures.firstTextMs === undefined ? {} : { firstTextMs: figures.firstTextMs }),
      },
    },
  };
}

export function retried(ending: Ending, failure: AgentFailure, retryAt: number): TurnFailure {
  return { ...bare(ending), outcome: "retry", cause: failure.message, retryAt, session: failed(ending, failure) };
}

/** What the agent wants back, which is the session's only where it is the session's agent; a note was told once. */
function remembered(session: Session, { state, assignment }: Answer): SessionPatch {
  const { note, ...settings } = session.settings ?? {};
  return {
    ...(state === undefined || assignment.agent !== session.agent ? {} : { agentState: state }),
    ...(note === undefined || note !== assignment.note ? {} : { settings }),
  };
}

function wasted({ request }: Ask): OutboxDraft {
  const what = request.kind === "permission" ? request.tool : request.kind === "plan" ? "its plan" : "its questions";
  return {
    kind: "notice",
    text: `ℹ The agent was restarted after it asked about ${what}, and did not ask again: that decision was not used.`,
  };
}

/** People are asked, and the agent that asked is gone. */
export function suspended(ending: Ending): TurnFailure {
  const text =
    "↻ The agent was restarted while it waited for a decision. The decision still counts: it goes on with it.";
  const outbox: OutboxDraft[] = [{ kind: "notice", text }];
  return { ...bare(ending), outcome: "suspend", cause: "it waits for a decision", outbox };
}

/** What it was to carry out belongs to a session that is over. */
export function outdated(ending: Ending): TurnFailure {
  return { ...bare(ending), take: ending.take, outcome: "cancel", cause: "a new session was begun" };
}

/** The gateway, not the agent, ends the attempt. */
export function requeued(ending: Ending): TurnFailure {
  return { ...bare(ending), outcome: "requeue", cause: "the gateway was stopped" };
}

export function parked(ending: Ending, failure: AgentFailure): TurnFailure {
  const { turn, session, now, ref } = ending;
  const attempts = turn.attempt === 1 ? "" : ` after ${turn.attempt} attempts`;
  const text = `⚠ This message could not be answered${attempts}: ${failure.message}`;
  return {
    ...bare(ending),
    take: ending.take,
    outcome: "park",
    cause: failure.message,
    transcript: [...asked(turn), { role: "notice", text, at: now, turn: turn.id }],
    outbox: [{ kind: "notice", text: `${text}\n\nIt is kept: \`/retry\` runs it again.`, ...at(ref) }],
    session: {
      ...titled(session, turn),
      ...failed(ending, failure),
      stats: { ...session.stats, failed: session.stats.failed + 1 },
    },
  };
}

/** `shown`: what people saw of the answer, already cut to one message; empty where nothing was shown. */
export function cancelled(ending: Ending, shown: string): TurnFailure {
  const { turn, now, ref, session } = ending;
  const why = turn.cancelled ? `Stopped by ${turn.cancelled.by}.` : "Stopped.";
  return {
    ...bare(ending),
    take: ending.take,
    outcome: "cancel",
    cause: why,
    transcript: [...asked(turn), { role: "notice", text: why, at: now, turn: turn.id }],
    outbox: ref === undefined ? [] : [{ kind: "notice", text: shown || "⏹ _Stopped._", ref }],
    session: titled(session, turn),
  };
}

export function patched(session: Session, patch: SessionPatch, now: number): Session {
  const { error, ...rest } = patch;
  const { error: before, ...others } = session;
  const kept = error === undefined ? before : error;
  return { ...others, ...rest, updatedAt: now, lastActivityAt: now, ...(kept ? { error: kept } : {}) };
}

function bare({ turn }: Ending): Omit<TurnFailure, "outcome" | "cause"> {
  return { turn: turn.id, transcript: [], session: {}, outbox: [], take: 0 };
}

function asked(turn: Turn): TranscriptEntry[] {
  return turn.messages.map(({ text, sender, sentAt }) => ({ role: "user", text, sender, at: sentAt, turn: turn.id }));
}

function failed({ now }: Ending, failure: AgentFailure): SessionPatch {
  return { error: { code: failure.code, message: failure.message, at: now } };
}

/** A session is named after the first thing that was said in it. */
function titled(session: Session, turn: Turn): SessionPatch {
  if (session.title) return {};
  const text = (turn.messages[0]?.text ?? "").replace(/\s+/g, " ").trim();
  return { title: text.length > 60 ? `${text.slice(0, 59).replace(/[\ud800-\udbff]$/, "")}…` : text };
}

function at(ref: MessageRef | undefined): { ref: MessageRef } | Record<string, never> {
  return ref === undefined ? {} : { ref };
}
