import { Hono } from "hono";
import type { Operations } from "../../operations.ts";

export function gatewayApi(operations: Operations, version: string): Hono {
  return new Hono()
    .get("/health", async (c) => c.json({ version, ...(await operations.health()) }))
    .get("/stats", async (c) => c.json(await operations.stats()))
    .get("/commands", (c) => c.json({ commands: operations.commands() }));
}
