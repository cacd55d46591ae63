/** What goes wrong on purpose with REST calls: at which, how often, and how. Chance comes from a seed. */
import type { ServerResponse } from "node:http";
import type { Params } from "../telegram/params.ts";
import { ApiError, tooManyRequests } from "./errors.ts";
import { type Outcome, type Reply, refusal, send } from "./reply.ts";

/**
 * - `429` (`global` where it is for all routes), `5xx` (a 502 page), `refuse` (`error`): refused, nothing done.
 * - `drop-before`, `drop-after`: the connection is cut, before or after the call has done its work.
 * - `cut`: done, and the reply ends in its middle, short of its Content-Length.
 * - `hang-before`, `hang-after`: no reply ever comes; it was not, or was, done.
 * - `latency`: `delayMs` pass before it starts; other faults may follow.
 */
export type FaultKind =
  | "429"
  | "5xx"
  | "refuse"
  | "drop-before"
  | "drop-after"
  | "cut"
  | "hang-before"
  | "hang-after"
  | "latency";

export interface FaultOptions {
  readonly kind: FaultKind;
  /** As in the journal: "POST /channels/:id/messages". Default: every one. */
  readonly method?: string | readonly string[];
  readonly channel?: string | { readonly id: string };
  readonly when?: (params: Params, method: string) => boolean;
  /** How many calls that fit go through first. Default 0. */
  readonly after?: number;
  /** How many times it strikes; default once, or without end where `probability` is given. */
  readonly times?: number;
  /** 0 to 1, drawn from the twin's seed. Default 1. */
  readonly probability?: number;
  /** Seconds, for `429`. Default 1. */
  readonly retryAfter?: number;
  readonly global?: boolean;
  readonly delayMs?: number;
  readonly error?: { readonly status: number; readonly code: number; readonly message: string };
}

export interface Fault {
  readonly hits: number;
  remove(): void;
}

interface Rule {
  readonly options: FaultOptions;
  hits: number;
  passed: number;
}

export class Faults {
  readonly #random: () => number;
  #rules: Rule[] = [];

  constructor(seed: number) {
    this.#random = mulberry32(seed);
  }

  add(options: FaultOptions): Fault {
    const rule: Rule = { options, hits: 0, passed: 0 };
    this.#rules.push(rule);
    return {
      get hits() {
        return rule.hits;
      },
      remove: () => {
        this.#rules = this.#rules.filter((other) => other !== rule);
      },
    };
  }

  clear(): void {
    this.#rules = [];
  }

  /** The first rule that fits strikes; latencies in front of it add up. */
  plan(method: string, params: Params): { readonly delayMs: number; readonly fault: FaultOptions | undefined } {
    let delayMs = 0;
    for (const rule of this.#rules) {
      if (!this.#strikes(rule, method, params)) continue;
      if (rule.options.kind !== "latency") return { delayMs, fault: rule.options };
      delayMs += rule.options.delayMs ?? 0;
    }
    return { delayMs, fault: undefined };
  }

  #strikes(rule: Rule, method: string, params: Params): boolean {
    const { options } = rule;
    const endless = options.probability === undefined ? 1 : Number.POSITIVE_INFINITY;
    if (rule.hits >= (options.times ?? endless) || !fits(options, method, params)) return false;
    if (options.probability !== undefined && this.#random() >= options.probability) return false;
    if (rule.passed < (options.after ?? 0)) {
      rule.passed++;
      return false;
    }
    rule.hits++;
    return true;
  }
}

function fits({ method: methods, channel, when }: FaultOptions, method: string, params: Params): boolean {
  if (methods !== undefined && ![methods].flat().includes(method)) return false;
  if (channel !== undefined && params.channel !== (typeof channel === "string" ? channel : channel.id)) return false;
  return when?.(params, method) ?? true;
}

const BAD_GATEWAY = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>cloudflare</body>\r\n</html>\r\n";

/** What a fault does instead of the call; `undefined` where the call is to run. */
export function instead(fault: FaultOptions, response: ServerResponse): Outcome | undefined {
  switch (fault.kind) {
    case "drop-before":
      response.destroy();
      return { outcome: "dropped" };
    case "hang-before":
      return { outcome: "hanging" };
    case "5xx":
      response.writeHead(502, { "content-type": "text/html", "content-length": BAD_GATEWAY.length });
      response.end(BAD_GATEWAY);
      return { outcome: "error", status: 502, description: "Bad Gateway" };
    case "429":
      return send(response, refusal(tooManyRequests(fault.retryAfter ?? 1, fault.global ?? false)));
    case "refuse": {
      const { status = 400, code = 0, message = "400: Bad Request" } = fault.error ?? {};
      return send(response, refusal(new ApiError(status, code, message)));
    }
    default:
      return undefined;
  }
}

/** What a fault makes of the reply to a call that has run; `undefined` where it is to be sent as it is. */
export function spoil(fault: FaultOptions, reply: Reply, response: ServerResponse): Outcome | undefined {
  switch (fault.kind) {
    case "drop-after":
      response.destroy();
      return { outcome: "lost" };
    case "hang-after":
      return { outcome: "hanging" };
    case "cut": {
      const body = typeof reply.body === "string" ? Buffer.from(reply.body) : reply.body;
      response.writeHead(reply.status, { "content-type": "application/json", "content-length": body.length + 1 });
      response.write(body.subarray(0, Math.ceil(body.length / 2)), () => response.destroy());
      return { outcome: "lost" };
    }
    default:
      return undefined;
  }
}

function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
