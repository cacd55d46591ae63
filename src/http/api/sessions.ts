import { Hono } from "hono";
import { z } from "zod";
import { SwitchboardError } from "../../errors.ts";
import type { Operations, SessionRow } from "../../operations.ts";
import { channel, count, cursor, flag, OPERATOR, readQuery, time } from "./query.ts";

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

export function sessionsApi(operations: Operations): Hono {
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
    .post("/:id/cancel", async (c) => c.json(await operations.cancel(c.req.param("id"), OPERATOR)))
    .delete("/:id", async (c) => {
      await operations.remove(c.req.param("id"));
      return c.json({ removed: c.req.param("id") });
    });
}
