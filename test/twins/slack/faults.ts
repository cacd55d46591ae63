/** What goes wrong on purpose: at which calls, how often, and how. Chance comes from a seed, so a run can be repeated. */
import { type Params, text } from "./params.ts";

/**
 * - `429`, `5xx` (a 503 page as a proxy gives it), `refuse` (`error`): refused, nothing done.
 * - `drop-before`, `drop-after`: the connection is cut, before or after the method has done its work.
 * - `cut`: done, and the reply ends in its middle, short of its Content-Length.
 * - `hang-before`, `hang-after`: no reply ever comes; the method was not, or was, done.
 * - `answer`: answered as if it were done, with `details`; nothing done.
 * - `latency`: `delayMs` pass before the method starts; other faults may follow.
 */
export type FaultKind =
  | "429"
  | "5xx"
  | "refuse"
  | "answer"
  | "drop-before"
  | "drop-after"
  | "cut"
  | "hang-before"
  | "hang-after"
  | "latency";

export interface FaultOptions {
  readonly kind: FaultKind;
  /** Default: every method. */
  readonly method?: string | readonly string[];
  /** The id of a conversation. */
  readonly channel?: string;
  readonly when?: (params: Params, method: string) => boolean;
  /** How many calls of the kind go through first. Default 0. */
  readonly after?: number;
  /** How many times it strikes; default once, or without end where `probability` is given. */
  readonly times?: number;
  /** 0 to 1, drawn from the twin's seed. Default 1. */
  readonly probability?: number;
  /** Seconds, for `429`. Default 1. */
  readonly retryAfter?: number;
  /** For `latency`. */
  readonly delayMs?: number;
  /** For `refuse`: Slack's code. `details` stand beside it, or are the answer. */
  readonly error?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

export interface Fault {
  readonly options: FaultOptions;
  /** How often it has struck. */
  readonly hits: number;
  remove(): void;
}

interface Rule extends Fault {
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
    const rule: Rule = {
      options,
      hits: 0,
      passed: 0,
      remove: () => {
        this.#rules = this.#rules.filter((other) => other !== rule);
      },
    };
    this.#rules.push(rule);
    return rule;
  }

  clear(): void {
    this.#rules = [];
  }

  /** The first rule that fits strikes; latencies in front of it add up. */
  plan(method: string, params: Params): { delayMs: number; fault: FaultOptions | undefined } {
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
    const most = options.times ?? (options.probability === undefined ? 1 : Number.POSITIVE_INFINITY);
    if (rule.hits >= most || !fits(options, method, params)) return false;
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
  if (channel !== undefined && text(params, "channel") !== channel) return false;
  return when?.(params, method) ?? true;
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
