/**
 * The audit log: who decided what, where and when. Append-only, oldest first.
 * - `GET /audit?limit=&after=` → `{entries, after?}`; `after` goes on there, also later.
 * - with `Accept: application/x-ndjson` or `?format=jsonl`: all of it, or all behind `after`, as JSON Lines. It is read
 *   page by page and only as fast as the caller takes it.
 */
import { Hono } from "hono";
import { z } from "zod";
import type { Operations } from "../../operations.ts";
import type { AuditPage } from "../../store.ts";
import { count, readQuery } from "./query.ts";

const JSON_LINES = "application/x-ndjson";

const auditQuery = z.strictObject({
  limit: count.default(100),
  after: z.string().min(1).optional(),
  format: z.enum(["json", "jsonl"]).optional(),
});

export function auditApi(operations: Operations): Hono {
  return new Hono().get("/", async (c) => {
    const { format, ...page } = readQuery(auditQuery, c.req.query());
    const isLines = format === undefined ? c.req.header("accept")?.includes(JSON_LINES) === true : format === "jsonl";
    if (!isLines) return c.json(await operations.audit(page));
    const whole = { ...page, limit: PAGE };
    // Read before the answer begins, so that a store that is away is told as such.
    const lines = jsonLines(operations, whole, await operations.audit(whole));
    return c.body(lines, 200, { "content-type": JSON_LINES });
  });
}

const PAGE = 500;

function jsonLines(
  operations: Operations,
  query: { readonly limit: number; readonly after?: string },
  first: AuditPage,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let page: AuditPage | undefined = first;
  let { after } = query;
  return new ReadableStream(
    {
      async pull(controller) {
        const { entries, after: next } =
          page ?? (await operations.audit({ ...query, ...(after === undefined ? {} : { after }) }));
        page = undefined;
        if (entries.length > 0) {
          controller.enqueue(encoder.encode(entries.map((entry) => `${JSON.stringify(entry)}\n`).join("")));
        }
        // An empty page is the end: a shorter one may be all that the store likes to give at once.
        if (entries.length === 0 || next === undefined || next === after) controller.close();
        after = next;
      },
    },
    { highWaterMark: 0 },
  );
}
