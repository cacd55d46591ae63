/** Logs: JSON lines on standard error, or short lines for people where that is a terminal. Secrets never get there. */
import pino from "pino";
import { SwitchboardError } from "./errors.ts";
import type { Emit, GatewayEvent } from "./events.ts";

export type Log = pino.Logger;

/** `secrets` are replaced wherever they appear, also inside messages and stacks. */
export function createLog(level: string, secrets: readonly string[], out: NodeJS.WriteStream = process.stderr): Log {
  // A line is JSON: a secret with a quote in it stands there in another form.
  const hidden = secrets.filter(Boolean).flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]);
  const write = (line: string) => {
    const clean = hidden.reduce((text, secret) => text.replaceAll(secret, "[secret]"), line);
    out.write(out.isTTY ? readable(clean) : clean);
  };
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, { write });
}

/** Milliseconds in which a store that can't be reached is spoken of once, however many wait for it. */
const OUTAGE = 10_000;

/** Turns gateway events into log lines: what a person must know as a warning, the course of things as debug. */
export function logEvents(log: Log): Emit {
  let outageToldAt = Number.NEGATIVE_INFINITY;
  return (event) => {
    if (event.type === "store.fault" && event.error instanceof SwitchboardError) {
      const isTold = performance.now() - outageToldAt < OUTAGE;
      if (!isTold) outageToldAt = performance.now();
      const { message, code, remedy } = event.error;
      log[isTold ? "debug" : "warn"]({ doing: event.doing, code, cause: message, remedy }, event.type);
      return;
    }
    const { type, ...fields } = event;
    log[levelOf(event)]("error" in fields ? { ...fields, err: fields.error, error: undefined } : fields, type);
  };
}

function levelOf(event: GatewayEvent): "debug" | "info" | "warn" | "error" {
  switch (event.type) {
    case "fault":
      return "error";
    case "store.fault":
    case "session.lost":
    case "replica.lost":
    case "delivery.failed":
      return "warn";
    case "replica.secured":
      return event.secure ? "info" : "warn";
    case "replica.changed":
    case "caught.up":
      return "info";
    case "refused":
      return event.reason.includes("access list") ? "info" : "debug";
    case "schedule":
      return event.what === "run" || event.what === "over" ? "info" : "warn";
    case "agent.silent":
      return "warn";
    case "turn.ended":
      return event.outcome === "failed" || event.outcome === "retry" ? "warn" : "debug";
    default:
      return "debug";
  }
}

function readable(line: string): string {
  const { level, time, msg, err, ...rest } = JSON.parse(line);
  const name = pino.levels.labels[level] ?? String(level);
  const fields = Object.entries(rest).map(
    ([key, value]) => ` ${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  const cause = err ? `\n  ${err.stack ?? err.message}` : "";
  return `${String(time).slice(11, 19)} ${name.toUpperCase().padEnd(5)} ${msg}${fields.join("")}${cause}\n`;
}
