/** `/api/v1`: what an operator may ask of a running gateway, as JSON. `Operations` says what each of them does. */
import { Hono } from "hono";
import type { Operations } from "../../operations.ts";
import { asksApi } from "./asks.ts";
import { auditApi } from "./audit.ts";
import { deadLettersApi } from "./dead-letters.ts";
import { gatewayApi } from "./gateway.ts";
import { sessionsApi } from "./sessions.ts";

export function createApi(operations: Operations, version: string, closing: AbortSignal): Hono {
  return new Hono()
    .route("/", gatewayApi(operations, version))
    .route("/sessions", sessionsApi(operations, closing))
    .route("/asks", asksApi(operations))
    .route("/audit", auditApi(operations))
    .route("/dead-letters", deadLettersApi(operations));
}
