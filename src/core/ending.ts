/** What the end of a turn writes, as plain data: pure functions from an outcome to a store transaction. */
import type { TurnFigures } from "../events.ts";
import type {
  AgentFailure,
  Ask,
  MessageRef,
  OutboxDraft,
  Session,
  SessionPatch,
  SessionStats,
  TranscriptEntry,
  Turn,
} from "../model.ts";
import type { TurnCommit, TurnFailure } from "../store.ts";
import type { Assignment } from "./assignment.ts";
import { sentence } from "./commands/words.ts";
import { withInterruption } from "./interruption.ts";
import { oneLine } from "./one-line.ts";
import type { TurnOutcome } from "./turn.ts";

export interface Ending {
  readonly turn: Turn;
  readonly session: Session;
  readonly now: number;
  /** How many messages the next claim may take; 0 claims nothing. */
  readonly take: number;
  /** The message that showed the answer while it grew. */
  readonly ref: MessageRef | undefined;
  /** What became of the attempt, where an agent was to make one. */
  readonly outcome?: Pick<TurnOutcome, "figures" | "notices"> | undefined;
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
  const said = [...noted(ending), ...unused.map(wasted), ...uncompacted(turn, answer.assignment)];
  return {
    turn: turn.id,
    take,
    transcript: [...asked(turn), { role: "assistant", text, at: now, turn: turn.id }],
    outbox:
      parts.length === 0
        ? [{ kind: "notice", text: "_The agent gave no answer._", ...at(ref) }, ...said]
        : [
            ...parts.map((part, i): OutboxDraft => ({ kind: "answer", text: part, ...(i === 0 ? at(ref) : {}) })),
            ...said,
          ],
    session: {
      ...titled(session, turn),
      ...(session.error ? { error: null } : {}),
      ...remembered(session, answer),
      stats: {
        ...used(session.stats, figures),
        turns: session.stats.turns + 1,
        lastTurnMs: figures.ms,
        ...(figures.firstTextMs === undefined ? {} : { firstTextMs: figures.firstTextMs }),
      },
    },
  };
}

/** Stats with what an attempt used. */
function used(stats: SessionStats, figures: TurnFigures | undefined): SessionStats {
  if (!figures) return stats;
  const { tokensIn, tokensOut, cost, costSource } = figures;
  return {
    ...stats,
    tokensIn: stats.tokensIn + tokensIn,
    tokensOut: stats.tokensOut + tokensOut,
    ...(cost === undefined ? {} : { cost: (stats.cost ?? 0) + cost }),
    ...(costSource === undefined ? {} : { costSource }),
  };
}

/** Only where an attempt used something: most that fail, or are stopped, don't. */
function charged({ session, outcome }: Ending): SessionPatch {
  const { figures } = outcome ?? {};
  return figures && (figures.tokensIn > 0 || figures.tokensOut > 0 || figures.cost !== undefined)
    ? { stats: used(session.stats, figures) }
    : {};
}

export function retried(ending: Ending, failure: AgentFailure, retryAt: number): TurnFailure {
  const text = `⚠ ${followed(failure.message, "It is tried again.")}`;
  return {
    ...{ ...bare(ending), outcome: "retry", cause: failure.message, retryAt },
    outbox: failure.told ? [{ kind: "notice", text }] : [],
    session: { ...failed(ending, failure), ...charged(ending) },
  };
}

/** What the agent wants back, which is the session's only where it is the session's agent; a note was told once. */
function remembered(session: Session, { state, assignment }: Answer): SessionPatch {
  const { note, interrupted, ...others } = session.settings ?? {};
  const isTold = note !== undefined && note === assignment.note;
  const settings = note === undefined || isTold ? others : { ...others, note };
  return {
    ...(state === undefined || assignment.agent !== session.agent ? {} : { agentState: state }),
    ...(isTold || interrupted ? { settings } : {}),
  };
}

/** What the agent said besides its answer. */
function noted({ outcome }: Ending): OutboxDraft[] {
  return (outcome?.notices ?? []).map((text) => ({ kind: "notice", text }));
}

function wasted({ request }: Ask): OutboxDraft {
  const what = request.kind === "permission" ? request.tool : request.kind === "plan" ? "its plan" : "its questions";
  return {
    kind: "notice",
    text: `ℹ The agent was restarted after it asked about ${what}, and did not ask again: that decision was not used.`,
  };
}

/** Where the queue collects, `/compact` may have come to one turn with messages that want an answer. */
function uncompacted({ messages }: Turn, { phase }: Assignment): OutboxDraft[] {
  if (phase === "compact" || !messages.some(({ compact }) => compact)) return [];
  const text = "ℹ `/compact` was not carried out: other messages waited with it, and were answered. Send it again.";
  return [{ kind: "notice", text }];
}

/** People are asked, and the agent that asked is gone: `why`, where they don't know it yet. */
export function suspended(ending: Ending, failure?: AgentFailure): TurnFailure {
  const why = failure?.told ? followed(failure.message, "It waited for a decision, and is restarted.") : RESTARTED;
  const text = `↻ ${why} What is decided still counts: it goes on with that.`;
  const { turn, session } = ending;
  const settings = withInterruption(turn, session.settings, { waited: true });
  return { ...awaiting(ending), outbox: [{ kind: "notice", text }], session: { ...charged(ending), settings } };
}

/** Behind the last lines that an agent wrote, what is done about it is a paragraph of its own. */
function followed(message: string, next: string): string {
  const isLong = message.includes("\n");
  return isLong ? `${message.trimEnd()}\n\n${next}` : `${sentence(message)} ${next}`;
}

const RESTARTED = "The agent was restarted while it waited for a decision.";

/** People are asked what now, after it was cut short. */
export function awaiting(ending: Ending): TurnFailure {
  return { ...bare(ending), outcome: "suspend", cause: "it waits for a decision" };
}

/** There is nothing (any more) that an agent could do about it. */
export function outdated(ending: Ending, cause: string): TurnFailure {
  return { ...bare(ending), take: ending.take, outcome: "cancel", cause };
}

/** People were asked whether it should go on after it was cut short, and want it no more. */
export function dropped(ending: Ending): TurnFailure {
  const cause = "it was cut short, and people chose to drop it";
  return { ...outdated(ending, cause), transcript: asked(ending.turn), outbox: inPlace(ending.ref, "⏹ _Dropped._") };
}

/** The gateway, not the agent, ends the attempt. */
export function requeued(ending: Ending): TurnFailure {
  const { turn, session, outcome } = ending;
  const settings = outcome ? { settings: withInterruption(turn, session.settings, {}) } : {};
  return {
    ...{ ...bare(ending), outcome: "requeue", cause: "the gateway was stopped" },
    session: { ...charged(ending), ...settings },
  };
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
    outbox: [
      { kind: "notice", text: `${text}\n\nIt is kept: \`/retry\` runs it again.`, ...at(ref) },
      ...noted(ending),
    ],
    session: {
      ...titled(session, turn),
      ...failed(ending, failure),
      stats: { ...used(session.stats, ending.outcome?.figures), failed: session.stats.failed + 1 },
    },
  };
}

/** `shown`: what people saw of the answer, already cut to one message; empty where nothing was shown. */
export function cancelled(ending: Ending, shown: string): TurnFailure {
  const { turn, now, ref, session, outcome } = ending;
  const why = turn.cancelled ? `Stopped by ${turn.cancelled.by}.` : "Stopped.";
  return {
    ...bare(ending),
    take: ending.take,
    outcome: "cancel",
    cause: why,
    transcript: [...asked(turn), { role: "notice", text: why, at: now, turn: turn.id }],
    outbox: inPlace(ref, shown || "⏹ _Stopped._"),
    // Where it was stopped before it began here, the session may be another one by now.
    session: outcome ? { ...titled(session, turn), ...charged(ending) } : {},
  };
}

function inPlace(ref: MessageRef | undefined, text: string): OutboxDraft[] {
  return ref === undefined ? [] : [{ kind: "notice", text, ref }];
}

export function patched(session: Session, patch: SessionPatch, now: number): Session {
  const { error, agentState, ...rest } = patch;
  const { error: before, agentState: stateBefore, ...others } = session;
  const kept = error === undefined ? before : error;
  const state = agentState === undefined ? stateBefore : agentState;
  return {
    ...{ ...others, ...rest, updatedAt: now, lastActivityAt: now },
    ...(kept ? { error: kept } : {}),
    ...(state === undefined || state === null ? {} : { agentState: state }),
  };
}

function bare({ turn }: Ending): Omit<TurnFailure, "outcome" | "cause"> {
  return { turn: turn.id, transcript: [], session: {}, outbox: [], take: 0 };
}

/** What nobody in the channel asked for just now says what it answers. */
export function headed(text: string, { messages }: Pick<Turn, "messages">): string {
  const isScheduled = messages.every(({ source }) => source === "cron");
  const line = isScheduled ? oneLine(messages[0]?.text ?? "") : "";
  return line === "" || text.trim() === "" ? text : `> ⏰ ${line}\n\n${text}`;
}

function asked(turn: Turn): TranscriptEntry[] {
  return turn.messages.map(({ text, sender, sentAt, source }) => ({
    ...{ role: "user", text, sender, at: sentAt, turn: turn.id },
    ...(source === undefined ? {} : { source }),
  }));
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
