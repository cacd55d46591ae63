import { countersKey } from "./keys.ts";
import type { Counters } from "./rows.ts";
import type { Transaction } from "./transaction.ts";
import type { View } from "./view.ts";

const NONE: Counters = { sequence: 0, sessions: 0, queued: 0, inFlight: 0, undelivered: 0, deadLetters: 0 };

export function readCounters(view: View): Counters {
  return view.get(countersKey) ?? NONE;
}

/** Adds to the figures; a step may be negative. */
export function count(transaction: Transaction, steps: Partial<Omit<Counters, "sequence">>): void {
  const { sequence, sessions, queued, inFlight, undelivered, deadLetters } = readCounters(transaction);
  transaction.put(countersKey, {
    sequence,
    sessions: sessions + (steps.sessions ?? 0),
    queued: queued + (steps.queued ?? 0),
    inFlight: inFlight + (steps.inFlight ?? 0),
    undelivered: undelivered + (steps.undelivered ?? 0),
    deadLetters: deadLetters + (steps.deadLetters ?? 0),
  });
}

/** A number that the whole store gives out once. */
export function nextSequence(transaction: Transaction): number {
  const counters = readCounters(transaction);
  const sequence = counters.sequence + 1;
  transaction.put(countersKey, { ...counters, sequence });
  return sequence;
}

/** None that is given out from here on is as small. */
export function raiseSequence(transaction: Transaction, least: number): void {
  const counters = readCounters(transaction);
  if (counters.sequence < least) transaction.put(countersKey, { ...counters, sequence: least });
}
