/** What an ask's record says, in words and numbers. */
import type { Ask, Question, Verdict } from "../../model.ts";
import type { AskView } from "../../operations.ts";

function stateOf(ask: Ask): AskView["state"] {
  if (ask.end) return ask.end.state;
  return Object.keys(ask.answers).length > 0 ? "partly answered" : "open";
}

/** The questions of an ask that are not answered; none where it has ended. */
export function openQuestions({ request, answers, end }: Ask): readonly Question[] {
  if (end || request.kind !== "questions") return [];
  return request.questions.filter(({ id }) => answers[id] === undefined);
}

export function remainingOf(ask: Ask): number {
  if (ask.end) return 0;
  return ask.request.kind === "questions" ? openQuestions(ask).length : 1;
}

export function viewOf(ask: Ask): AskView {
  const { key: _key, context: _context, ...shown } = ask;
  return { ...shown, state: stateOf(ask), remaining: remainingOf(ask) };
}

/** What became of an ask that has ended: one line of Markdown. */
export function endOf({ end }: Ask): string {
  if (!end) return "";
  const when = moment(end.at);
  switch (end.state) {
    case "expired":
      return `⌛ Expired ${when}: nobody decided.`;
    case "withdrawn":
      return `↩ Withdrawn ${when}: ${end.reason}`;
    case "decided":
      return `${verdictIn(end.verdict)} by ${end.by.name}, ${when}${reasonIn(end.verdict)}`;
  }
}

export function verdictIn(verdict: Verdict): string {
  switch (verdict.kind) {
    case "answered":
      return "✅ Answered";
    case "rejected":
      return "❌ Rejected";
    case "approved":
      return verdict.scope === "once"
        ? "✅ Approved"
        : `✅ Approved ${verdict.scope === "always" ? "always" : "for this session"}`;
  }
}

function reasonIn(verdict: Verdict): string {
  return verdict.kind === "rejected" && verdict.reason !== undefined ? `: ${verdict.reason}` : "";
}

/** "2026-03-01 14:05 UTC" */
function moment(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
