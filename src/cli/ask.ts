/** An ask as the API gives it, and for people. */
import { z } from "zod";

const person = z.looseObject({ name: z.string() });
const question = z.looseObject({
  id: z.string(),
  prompt: z.string(),
  choices: z.array(z.looseObject({ id: z.string(), label: z.string() })).optional(),
  grounded: z.boolean().optional(),
  underspecified: z.boolean().optional(),
});
const verdict = z.looseObject({
  kind: z.enum(["approved", "rejected", "answered"]),
  scope: z.string().optional(),
  reason: z.string().optional(),
});
export const ask = z.looseObject({
  id: z.string(),
  channel: z.string(),
  session: z.string(),
  requester: person,
  openedAt: z.number(),
  state: z.string(),
  remaining: z.number(),
  request: z.looseObject({ kind: z.string(), text: z.string(), questions: z.array(question).optional() }),
  answers: z.record(z.string(), z.looseObject({ value: z.string(), by: person })),
  end: z
    .looseObject({
      at: z.number(),
      verdict: verdict.optional(),
      by: person.optional(),
      via: z.string().optional(),
      reason: z.string().optional(),
    })
    .optional(),
});
export type Ask = z.infer<typeof ask>;

export function tellAsk(shown: Ask): string {
  const { id, request, channel, session, requester, openedAt, end } = shown;
  const head = `${request.kind} ${id} · ${stateOf(shown)}\n${channel} · session ${session} · for ${requester.name} · ${timeOf(openedAt)}`;
  const questions = request.questions?.map((one) => tellQuestion(one, shown)) ?? [];
  return [head, ...(request.text === "" ? [] : [request.text]), ...questions, ...(end ? [tellEnd(end)] : [])].join(
    "\n\n",
  );
}

function stateOf({ state, remaining, request }: Ask): string {
  return request.kind === "questions" && remaining > 0
    ? `${state}, ${remaining} of ${request.questions?.length}`
    : state;
}

function tellQuestion(
  { id, prompt, choices, grounded, underspecified }: z.infer<typeof question>,
  { answers }: Ask,
): string {
  const given = answers[id];
  const hints = [...(grounded ? ["grounded"] : []), ...(underspecified ? ["underspecified"] : [])];
  const title = `[${id}]${hints.length === 0 ? "" : ` (${hints.join(", ")})`} ${prompt}`;
  if (given) return `${title}\n  → ${given.value}, by ${given.by.name}`;
  return [title, ...(choices ?? []).map((choice) => `  ${choice.id}: ${choice.label}`)].join("\n");
}

function tellEnd({ at: when, by, via, verdict: decision, reason }: NonNullable<Ask["end"]>): string {
  const what = decision
    ? `${decision.kind}${decision.scope && decision.scope !== "once" ? ` (${decision.scope})` : ""}`
    : "ended";
  const why = decision?.reason ?? reason;
  const who = by ? ` by ${by.name}${via ? ` (${via})` : ""}` : "";
  return `${what}${who}, ${timeOf(when)}${why ? `: ${why}` : ""}`;
}

function timeOf(at: number): string {
  return new Date(at).toISOString();
}
