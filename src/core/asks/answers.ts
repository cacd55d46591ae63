/** What an answer is worth to an ask as it stands, and what to say about it: pure. */
import { SwitchboardError } from "../../errors.ts";
import type { Ask, Sender } from "../../model.ts";
import type { Decision } from "../../operations.ts";
import type { AskAnswer } from "../../store.ts";
import { isFree } from "./buttons.ts";
import { endOf, openQuestions, remainingOf, verdictIn } from "./state.ts";

export type Answer = Pick<AskAnswer, "question" | "value" | "verdict">;

/** Undefined while it can be given; else by whom it was settled, and when. */
export function settled(ask: Ask, { question }: Answer): string | undefined {
  if (ask.end) return `Too late. ${endOf(ask)}`;
  const given = question === undefined ? undefined : ask.answers[question];
  return given && `Already answered by ${given.by.name}: ${given.value}`;
}

/** It is the very answer that stands, given by the same person. */
export function isOwn(ask: Ask, { question, value, verdict }: Answer, by: Sender): boolean {
  if (question !== undefined) {
    const given = ask.answers[question];
    return given?.by.id === by.id && given.value === value;
  }
  return ask.end?.state === "decided" && ask.end.by.id === by.id && ask.end.verdict.kind === verdict?.kind;
}

/** What to tell the person who gave it. */
export function saying(ask: Ask, { verdict }: Answer): string {
  if (verdict) return `${verdictIn(verdict)}.`;
  const remaining = remainingOf(ask);
  if (remaining === 0) return "✅ Answered: that was the last one.";
  return remaining === 1 ? "✅ Taken. One question remains." : `✅ Taken. ${remaining} questions remain.`;
}

/** An operator's decision as an answer. Throws where it doesn't fit: REQUEST_INVALID, QUESTION_UNKNOWN. */
export function decisionOf(ask: Ask, decision: Decision): Answer {
  if ("verdict" in decision) {
    if (ask.request.kind === "questions")
      throw new SwitchboardError("REQUEST_INVALID", "These are questions: answer them one by one.");
    const { verdict } = decision;
    const isPlan = ask.request.kind === "plan" && verdict.kind === "approved";
    return { verdict: isPlan ? { ...verdict, scope: "once" } : verdict };
  }
  if (ask.request.kind !== "questions") {
    throw new SwitchboardError("REQUEST_INVALID", `A ${ask.request.kind} is approved or rejected, not answered.`);
  }
  const { question: id, value } = decision;
  const meant = id === undefined ? openQuestions(ask) : ask.request.questions.filter((question) => question.id === id);
  const [question] = meant;
  if (meant.length > 1) {
    throw new SwitchboardError("REQUEST_INVALID", `${meant.length} questions are open: name one by its id.`);
  }
  if (id !== undefined && !question) throw new SwitchboardError("QUESTION_UNKNOWN", `The ask has no question "${id}".`);
  // It has ended: by whom is told instead.
  if (!question) return {};
  if (!isFree(question) && !question.choices?.some((choice) => choice.id === value)) {
    const ids = question.choices?.map((choice) => choice.id).join(", ");
    throw new SwitchboardError("REQUEST_INVALID", `The answer must be one of ${ids}.`);
  }
  return { question: question.id, value };
}
