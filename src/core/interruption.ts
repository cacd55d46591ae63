/**
 * What becomes of a turn whose last attempt was cut short, by its agent's policy: `retry` begins it anew, `resume` goes on
 * where the agent was, `ask` lets people choose. While they do, the turn is suspended. Their choice holds for one attempt:
 * it is stored as used before that begins.
 */
import type { Ask, Interruption, QuestionsRequest, SessionSettings, Turn } from "../model.ts";

export type CrashPolicy = "retry" | "resume" | "ask";

export type Continuation = "anew" | "on" | "drop";

const CHOICES: readonly { readonly id: Continuation; readonly label: string }[] = [
  { id: "on", label: "Go on" },
  { id: "anew", label: "Begin anew" },
  { id: "drop", label: "Drop it" },
];

const IDS = /^interrupted-\d+$/;

export function isAboutInterruption({ request }: Ask): boolean {
  return request.kind === "questions" && request.questions.some(({ id }) => IDS.test(id));
}

/** How an attempt goes about what an earlier one began. */
export function continuationOf(
  policy: CrashPolicy,
  { id, attempt }: Pick<Turn, "id" | "attempt">,
  knows: boolean,
  settings: SessionSettings | undefined,
): "anew" | "on" | "ask" {
  const last = settings?.interrupted;
  const uncounted = last?.turn === id && last.attempt === attempt ? last : undefined;
  if (policy === "retry" || (attempt === 1 && !uncounted)) return "anew";
  if (policy === "resume") return knows ? "on" : "anew";
  // Who decided what it waited for wants it to go on.
  return uncounted?.waited ? "on" : "ask";
}

/** What people were asked after the last interruption, where that was not acted on. `earlier`: what the turn's attempts asked so far. */
export function unusedQuestion(
  turn: string,
  earlier: readonly Ask[],
  settings: SessionSettings | undefined,
): Ask | undefined {
  const last = earlier.findLast(isAboutInterruption);
  const { interrupted } = settings ?? {};
  return interrupted?.turn === turn && interrupted.used === last?.id ? undefined : last;
}

export function questionAfter(earlier: readonly Ask[]): QuestionsRequest {
  const number = earlier.filter(isAboutInterruption).length + 1;
  const prompt = "⚠ The work on this message was cut short. It may have had effects already. What now?";
  return { kind: "questions", text: "", questions: [{ id: `interrupted-${number}`, prompt, choices: CHOICES }] };
}

/** Undefined where nobody chose. */
export function choiceIn({ end, answers }: Ask): Continuation | undefined {
  const [answer] = end?.state === "decided" ? Object.values(answers) : [];
  return CHOICES.find(({ id }) => id === answer?.value)?.id;
}

/** The record of a turn that is cut short now. */
export function withInterruption(
  { id, attempt }: Pick<Turn, "id" | "attempt">,
  settings: SessionSettings | undefined,
  how: Pick<Interruption, "waited" | "used">,
): SessionSettings {
  const { turn, used } = settings?.interrupted ?? {};
  const kept = turn === id && used !== undefined ? { used } : {};
  return { ...settings, interrupted: { turn: id, attempt, ...kept, ...how } };
}
