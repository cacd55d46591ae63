/**
 * Sessions: what they are, what is said in them, and what becomes of it.
 * - `GET /sessions?…` → `{sessions, cursor?}`; `GET /sessions/:id` → `{session, queue}`
 * - `GET /sessions/:id/transcript?limit=&before=` → `{entries, before?}`
 * - `POST /sessions/:id/messages {text}` → 202 and `{status: "queued", position}`, `{status: "command"}` (a command, or
 *   perhaps the answer to an ask), or 200 and why it was not taken: `full`, `refused`
 * - `GET /sessions/:id/outcome?wait=30s` → see `outcome.ts`. With `wait` (at most 60s) it answers when the session is no
 *   longer at work, or with `running` when the time is over.
 * - `POST /sessions/:id/cancel`, `DELETE /sessions/:id`
 */
import { Hono } from "hono";
import { z } from "zod";
import { SwitchboardError } from "../../errors.ts";
import type { Operations, SessionRow } from "../../operations.ts";
import { type Outcome, readOutcome } from "./outcome.ts";
import { channel, count, cursor, duration, flag, jsonBody, OPERATOR, readBody, readQuery, time } from "./query.ts";
import { waitFor } from "./waiting.ts";

const listQuery = z.strictObject({
  limit: count.default(50),
  cursor: z.string().min(1).optional(),
  channel: channel.optional(),
  adapter: z.string().min(1).optional(),
  source: z.enum(["channel", "manual", "cron", "setup"]).optional(),
  agent: z.string().min(1).optional(),
  text: z.string().min(1).optional(),
  from: time.optional(),
  to: time.optional(),
  archived: flag.optional(),
});

const transcriptQuery = z.strictObject({ limit: count.default(50), before: cursor.optional() });

/** Milliseconds. */
const LONGEST_WAIT = 60_000;

const outcomeQuery = z.strictObject({ wait: duration.default(0) });

const message = z.strictObject({ text: z.string().trim().min(1) });

/** `closing` aborts when the server stops: nobody is kept waiting then. */
export function sessionsApi(operations: Operations, closing: AbortSignal): Hono {
  const rowOf = async (id: string): Promise<SessionRow> => {
    const row = await operations.session(id);
    if (row === undefined) throw new SwitchboardError("SESSION_UNKNOWN", `There is no session "${id}".`);
    return row;
  };

  return new Hono()
    .get("/", async (c) => c.json(await operations.sessions(readQuery(listQuery, c.req.query()))))
    .get("/:id", async (c) => {
      const session = await rowOf(c.req.param("id"));
      return c.json({ session, queue: await operations.queue(session.channel) });
    })
    .get("/:id/transcript", async (c) => {
      const page = readQuery(transcriptQuery, c.req.query());
      const session = await rowOf(c.req.param("id"));
      return c.json(await operations.transcript(session.id, page));
    })
    .post("/:id/messages", async (c) => {
      const { text } = readBody(message, await jsonBody(c));
      const taken = await operations.say(c.req.param("id"), text, OPERATOR);
      return c.json(taken, taken.status === "full" || taken.status === "refused" ? 200 : 202);
    })
    .get("/:id/outcome", async (c) => {
      const { wait } = readQuery(outcomeQuery, c.req.query());
      const look = () => readOutcome(operations, c.req.param("id"));
      const isSettled = ({ status }: Outcome) => status !== "running";
      return c.json(await waitFor(look, isSettled, Math.min(wait, LONGEST_WAIT), [closing, c.req.raw.signal]));
    })
    .post("/:id/cancel", async (c) => c.json(await operations.cancel(c.req.param("id"), OPERATOR)))
    .delete("/:id", async (c) => {
      await operations.remove(c.req.param("id"));
      return c.json({ removed: c.req.param("id") });
    });
}
