/** What every store makes of an ask in the same way. */
import type { AskRequest, OutboxDraft } from "../../model.ts";

/** Characters of what was asked that the audit log repeats. */
const EXCERPT = 200;

/** The replies that show a new ask. */
export function cardsOf(ask: string, request: AskRequest): OutboxDraft[] {
  const card = { kind: "card", text: "" } as const;
  if (request.kind !== "questions") return [{ ...card, card: { ask } }];
  return request.questions.map(({ id }) => ({ ...card, card: { ask, question: id } }));
}

/** See `AuditEntry.text`. Questions without a text of their own stand for it. */
export function excerptOf(request: AskRequest): string {
  const texts =
    request.kind === "questions" && request.text === ""
      ? request.questions.map(({ prompt }) => prompt)
      : [request.text];
  return texts.join("\n").slice(0, EXCERPT);
}
