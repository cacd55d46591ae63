import { countersKey } from "./keys.ts";
import type { Counters } from "./rows.ts";
import type { Transaction } from "./transaction.ts";
import type { View } from "./view.ts";

const NONE: Counters = { sequence: 0, sessions: 0, queued: 0, inFlight: 0, undelivered: 0, deadLetters: 0 };

export function readCounters(view: View): Counters {
  return view.get(countersKey) ?? NONE;
}

/** Adds to the figures; a step may be negative. */
export function count(transaction: Transaction, steps: Partial<Counters>): void {
  const counters = readCounters(transaction);
  const next = { ...counters };
  for (const name of Object.keys(steps) as (keyof Counters)[]) next[name] += steps[name] ?? 0;
  transaction.put(countersKey, next);
}

/** A number that the whole store gives out once. */
export function nextSequence(transaction: Transaction): number {
  count(transaction, { sequence: 1 });
  return readCounters(transaction).sequence;
}
