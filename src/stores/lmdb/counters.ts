import { countersKey } from "./keys.ts";
import type { Counters, Figures } from "./rows.ts";
import type { Transaction } from "./transaction.ts";
import type { View } from "./view.ts";

export const NO_COUNTERS: Counters = {
  ...{ sequence: 0, sessions: 0, queued: 0, inFlight: 0, undelivered: 0, deadLetters: 0 },
  ...{ channel: 0, manual: 0, cron: 0, setup: 0 },
  ...{ error: 0, waiting: 0, paused: 0 },
  ...{ turns: 0, failed: 0, tokensIn: 0, tokensOut: 0, cost: 0 },
};

export function readCounters(view: View): Counters {
  return view.get(countersKey) ?? NO_COUNTERS;
}

/** Adds to the figures; a step may be negative. */
export function count(transaction: Transaction, steps: Partial<Figures>): void {
  add(ownCounters(transaction), steps);
}

export function added(counters: Counters, steps: Partial<Figures>): Counters {
  const sums = { ...counters };
  add(sums, steps);
  return sums;
}

/** A number that the whole store gives out once. */
export function nextSequence(transaction: Transaction): number {
  const counters = ownCounters(transaction);
  counters.sequence += 1;
  return counters.sequence;
}

/** None that is given out from here on is as small. */
export function raiseSequence(transaction: Transaction, least: number): void {
  const counters = ownCounters(transaction);
  counters.sequence = Math.max(counters.sequence, least);
}

type Sums = { -readonly [figure in keyof Counters]: Counters[figure] };

/** To be changed in place: a method of the store changes them several times. */
function ownCounters(transaction: Transaction): Sums {
  return transaction.own(countersKey, () => ({ ...readCounters(transaction) }));
}

function add(sums: Sums, steps: Partial<Figures>): void {
  for (const figure of Object.keys(steps) as (keyof Figures)[]) sums[figure] += steps[figure] ?? 0;
}
