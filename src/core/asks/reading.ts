/** What a message says to the asks that are open in its channel: pure. */
import type { Ask, Control, MessageRef, Question } from "../../model.ts";
import type { AskAnswer } from "../../store.ts";
import { isFree } from "./buttons.ts";
import { openQuestions } from "./state.ts";
import { isNo, isYes } from "./words.ts";

export type Reading =
  | { readonly kind: "answer"; readonly ask: Ask; readonly answer: Pick<AskAnswer, "question" | "value" | "verdict"> }
  /** It wants another plan than this one. */
  | { readonly kind: "revise"; readonly ask: Ask }
  /** It is an answer, but to what, or which one, can't be told. */
  | { readonly kind: "unclear"; readonly reply: string }
  /** It has nothing to do with them: for the inbox. */
  | { readonly kind: "message" };

/** Milliseconds that a platform's clock may be ahead of ours, and that no person reads and answers in. */
const SKEW = 2_000;

/** `open`: the asks that this person may decide. */
export function readMessage({ message, answers }: Pick<Control, "message" | "answers">, open: readonly Ask[]): Reading {
  const text = message?.text.trim() ?? "";
  // What was written before it was asked can't be the answer.
  const asks = open.filter(({ openedAt }) => (message?.sentAt ?? 0) >= openedAt - SKEW);
  const target = answers === undefined ? undefined : cardOf(asks, answers);
  if (target && (target.question || target.ask.request.kind !== "questions")) {
    return readFor(target.ask, target.question, text);
  }
  const meant = target ? [target.ask] : asks;
  const questions = meant.flatMap((ask) => openQuestions(ask).map((question) => ({ ask, question })));
  const [only] = questions;
  if (only && questions.length === 1) return readFor(only.ask, only.question, text);
  if (only) return { kind: "unclear", reply: whichOf(questions.map(({ question }) => question)) };
  const [ask] = asks;
  if (ask && asks.length === 1) return readFor(ask, undefined, text);
  if (ask && (isYes(text) || isNo(text))) {
    return { kind: "unclear", reply: `${asks.length} things wait for a decision. Use their buttons, or \`/approve\`.` };
  }
  return { kind: "message" };
}

/** The answer that a text gives to a question: a choice by its label, id or number, or the text itself. */
export function answerIn(question: Question, text: string): string | undefined {
  const said = text.trim();
  const choices = question.choices ?? [];
  const same = (a: string) => a.toLowerCase() === said.toLowerCase();
  const chosen = choices.find(({ id, label }) => same(id) || same(label)) ?? choices[numberIn(said) - 1];
  if (chosen) return chosen.id;
  return isFree(question) && said !== "" ? said : undefined;
}

function readFor(ask: Ask, question: Question | undefined, text: string): Reading {
  if (question) {
    const value = answerIn(question, text);
    if (value !== undefined) return { kind: "answer", ask, answer: { question: question.id, value } };
    return { kind: "unclear", reply: `Please choose one of these: ${listed(question)}.` };
  }
  if (isYes(text)) return { kind: "answer", ask, answer: { verdict: { kind: "approved", scope: "once" } } };
  if (isNo(text)) return { kind: "answer", ask, answer: { verdict: { kind: "rejected" } } };
  if (ask.request.kind !== "plan") return { kind: "message" };
  // An agent that waits with its plan hears what to change; without one, a new turn makes another plan.
  if (ask.turn === undefined) return { kind: "revise", ask };
  return { kind: "answer", ask, answer: { verdict: { kind: "rejected", reason: text } } };
}

function cardOf(asks: readonly Ask[], ref: MessageRef): { ask: Ask; question: Question | undefined } | undefined {
  for (const ask of asks) {
    const card = ask.shown.find((shown) => shown.ref === ref);
    if (card) return { ask, question: openQuestions(ask).find(({ id }) => id === card.question) };
  }
  return undefined;
}

function numberIn(text: string): number {
  return /^\d{1,3}[.)]?$/.test(text) ? Number.parseInt(text, 10) : 0;
}

function listed({ choices }: Question): string {
  return (choices ?? []).map(({ label }) => `“${label}”`).join(", ");
}

export function whichOf(questions: readonly Question[]): string {
  const lines = questions.map(({ prompt }, index) => `${index + 1}. ${prompt.split("\n")[0]}`);
  return `Which question does this answer? Reply to it, use its button, or write \`/answer 1 …\`:\n\n${lines.join("\n")}`;
}
