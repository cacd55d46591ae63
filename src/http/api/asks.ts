/**
 * What agents want from people.
 * - `GET /asks?channel=&kind=&idle=&limit=&cursor=` → `{asks, cursor?}`: the open ones, oldest first. `idle=true` leaves
 *   out the plans of channels that are busy.
 * - `GET /asks/:id` → the ask, with its `state`, its `remaining` questions, and how it ended.
 * - `POST /asks/:id/answer` → `{status: "accepted", remaining}`. A plan or permission: `{verdict: "approve", scope?}`
 *   (`once`, `session` or `always`) or `{verdict: "reject", reason?}`. Questions: `{answer, question?}`, where the answer
 *   is a choice's id or a text, and the question may be left out where only one is open.
 *
 * Refused with ASK_UNKNOWN, QUESTION_UNKNOWN, ASK_CLOSED (who was first, and when), SESSION_ENDED or REQUEST_INVALID.
 */
import { Hono } from "hono";
import { z } from "zod";
import type { Decision, Operations } from "../../operations.ts";
import { channel, count, flag, jsonBody, OPERATOR, readBody, readQuery } from "./query.ts";

const listQuery = z.strictObject({
  limit: count.default(50),
  cursor: z.string().min(1).optional(),
  channel: channel.optional(),
  kind: z.enum(["plan", "permission", "questions"]).optional(),
  idle: flag.optional(),
});

const text = z.string().trim().min(1);

const approval = z
  .strictObject({ verdict: z.literal("approve"), scope: z.enum(["once", "session", "always"]).default("once") })
  .transform(({ scope }): Decision => ({ verdict: { kind: "approved", scope } }));

const rejection = z
  .strictObject({ verdict: z.literal("reject"), reason: text.optional() })
  .transform(
    ({ reason }): Decision => ({ verdict: { kind: "rejected", ...(reason === undefined ? {} : { reason }) } }),
  );

const answer = z
  .strictObject({ answer: text, question: z.string().min(1).optional() })
  .transform(({ answer: value, question }): Decision => ({ value, ...(question === undefined ? {} : { question }) }));

const verdict = z.discriminatedUnion("verdict", [approval, rejection], 'it is "approve" or "reject"');

export function asksApi(operations: Operations): Hono {
  return new Hono()
    .get("/", async (c) => c.json(await operations.asks(readQuery(listQuery, c.req.query()))))
    .get("/:id", async (c) => c.json(await operations.ask(c.req.param("id"))))
    .post("/:id/answer", async (c) => {
      const decision = decisionIn(await jsonBody(c));
      const { remaining } = await operations.decide(c.req.param("id"), decision, OPERATOR);
      return c.json({ status: "accepted", remaining });
    });
}

function decisionIn(body: unknown): Decision {
  const isVerdict = typeof body === "object" && body !== null && "verdict" in body;
  return isVerdict ? readBody(verdict, body) : readBody(answer, body);
}
