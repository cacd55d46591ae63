/** When an ask wants a look: to remind of it, or to let it expire. Times in milliseconds. */
import type { Ask } from "../../model.ts";

export interface AskSettings {
  /** The shortest time between two reminders; undefined: never. */
  readonly remindEvery: number | undefined;
  /** How long an ask stays open; undefined: for ever. */
  readonly expireAfter: number | undefined;
}

/** No reminder is further from the one before, unless `remindEvery` itself is. */
const LONGEST = 86_400_000;
/** Between two looks of the sweeper at one ask. */
const SOONEST = 60_000;

/** Each reminder that nobody heeds doubles the time to the next one. */
export function cooldownOf({ remindEvery }: AskSettings, reminders: number): number {
  if (remindEvery === undefined) return Number.POSITIVE_INFINITY;
  return Math.max(remindEvery, Math.min(remindEvery * 2 ** Math.min(reminders, 30), LONGEST));
}

/** When to look at it next, `reminders` having been sent; undefined: never. */
export function dueAt(
  settings: AskSettings,
  { openedAt }: Pick<Ask, "openedAt">,
  reminders: number,
  now: number,
): number | undefined {
  const remind = now + Math.max(cooldownOf(settings, reminders), SOONEST);
  const expire = settings.expireAfter === undefined ? Number.POSITIVE_INFINITY : openedAt + settings.expireAfter;
  const due = Math.min(remind, expire);
  return Number.isFinite(due) ? due : undefined;
}

export function hasExpired({ expireAfter }: AskSettings, { openedAt }: Pick<Ask, "openedAt">, now: number): boolean {
  return expireAfter !== undefined && now >= openedAt + expireAfter;
}

/** When to look again at one that could not be reminded of. */
export function again(now: number): number {
  return now + SOONEST;
}
