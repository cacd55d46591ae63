import { Hono } from "hono";
import { z } from "zod";
import type { Operations } from "../../operations.ts";
import { channel, count, readQuery } from "./query.ts";

const listQuery = z.strictObject({ limit: count.default(50), channel: channel.optional() });

/** The ids hold "#" and may hold "/": callers encode them as one path segment. */
export function deadLettersApi(operations: Operations): Hono {
  return new Hono()
    .get("/", async (c) => c.json({ deadLetters: await operations.deadLetters(readQuery(listQuery, c.req.query())) }))
    .post("/:id/replay", async (c) => {
      await operations.replay(c.req.param("id"));
      return c.json({ replayed: c.req.param("id") });
    })
    .delete("/:id", async (c) => {
      await operations.discard(c.req.param("id"));
      return c.json({ dropped: c.req.param("id") });
    });
}
