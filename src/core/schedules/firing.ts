/**
 * Runs a schedule that is due, in two steps:
 * 1. Its prompt goes into the channel's inbox, under an id made of the schedule and the time that was due.
 * 2. The schedule moves on to its next time, unless somebody else has moved it.
 * Whoever repeats this, after a crash in between or from another replica, finds the id taken and only moves on.
 */
import type { GatewayEvent } from "../../events.ts";
import type { InboundEvent, Schedule } from "../../model.ts";
import type { Store } from "../../store.ts";
import type { SchedulesOptions } from "./schedules.ts";

/** A time that passed longer ago, in milliseconds, was missed. */
export const TOLERANCE = 60_000;

interface Taken {
  /** Absent where it was done before. */
  readonly what?: Extract<GatewayEvent, { type: "schedule" }>["what"];
  /** The prompt is, or was, in the inbox. */
  readonly ran: boolean;
}

export async function fire(options: SchedulesOptions, schedule: Schedule): Promise<void> {
  const { store, clock, timetable, emit } = options;
  const { id, channel, cron, timezone, nextAt: dueAt } = schedule;
  const isLate = clock.now() - dueAt > TOLERANCE;
  // What was missed is made up for once, not time by time.
  const to = timetable.next(cron, timezone, isLate ? clock.now() : dueAt);
  const { what, ran } = await take(options, schedule, isLate);
  if (what !== undefined) emit({ type: "schedule", channel, schedule: id, what, dueAt });
  if (to !== undefined) await store.moveSchedule(id, { from: dueAt, to, ...(ran ? { lastAt: dueAt } : {}) });
  else if ((await store.schedule(id))?.nextAt === dueAt) {
    await store.removeSchedule(id);
    emit({ type: "schedule", channel, schedule: id, what: "over", dueAt });
  }
}

async function take(options: SchedulesOptions, schedule: Schedule, isLate: boolean): Promise<Taken> {
  const { store, max, may } = options;
  const { id, channel, by, missed, origin } = schedule;
  const event = eventOf(schedule);
  if (origin === "command" && !may(by, channel)) {
    return await refuse(store, event, "refused", `${by.name}, whose schedule it is, is not on the access list`);
  }
  if (isLate && missed === "skip") return await refuse(store, event, "missed", "no gateway ran at its time");
  const fullNotice = `The schedule \`${id}\` did **not** run: ${max} messages already wait here. It runs again at its next time; \`/stop\` drops what waits.`;
  const accepted = await store.accept(event, { max, fullNotice });
  if (accepted.status === "duplicate") return { ran: accepted.receipt.receipt.state !== "dropped" };
  return accepted.status === "full" ? { what: "full", ran: false } : { what: "run", ran: true };
}

/** Under an id of its own: where the clock was wrong, the time may come again, and then it runs. */
async function refuse(store: Store, event: InboundEvent, what: "refused" | "missed", reason: string): Promise<Taken> {
  if ((await store.receipt(event.channel, event.id)) !== undefined) return { ran: true };
  const refused = await store.refuse({ ...event, id: `${event.id}:${what}` }, reason);
  return refused === "duplicate" ? { ran: false } : { what, ran: false };
}

function eventOf({ id, channel, by, prompt, nextAt }: Schedule): InboundEvent {
  return {
    ...{ channel, id: `schedule:${id}:${nextAt}`, sender: by, text: prompt, sentAt: nextAt },
    ...{ addressed: true, direct: false, source: "cron" },
  };
}
