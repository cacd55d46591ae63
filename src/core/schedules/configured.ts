/**
 * Makes the store's schedules those of the configuration. Each replica does so once when it starts: where they differ, as in
 * a rolling restart, the configuration of the one that started last holds for all.
 */
import type { ChannelId, Schedule, Sender } from "../../model.ts";
import type { Store } from "../../store.ts";
import type { Timetable } from "./timetable.ts";

/** A schedule as the configuration has it. */
export interface ConfiguredSchedule {
  readonly channel: ChannelId;
  readonly cron: string;
  /** Default: the machine's own. */
  readonly timezone?: string | undefined;
  readonly prompt: string;
  readonly missed: Schedule["missed"];
}

/** The sender of what the configuration schedules: no person, so only admins and listed approvers decide its asks. */
export const SCHEDULER = "gateway:schedule";

/** More than anybody configures or a gateway has to list. */
export const MOST_SCHEDULES = 10_000;
const LONGEST_ID = 32;

/** `configured` by name. A schedule that is as it was keeps its next time, and so what was missed stays due. */
export async function configure(
  store: Store,
  timetable: Timetable,
  configured: Readonly<Record<string, ConfiguredSchedule>>,
  now: number,
): Promise<void> {
  const known = new Map<string, Schedule>();
  for (const schedule of await store.schedules({ limit: MOST_SCHEDULES })) {
    if (schedule.origin === "configuration") known.set(schedule.id, schedule);
  }
  for (const [name, { channel, cron, timezone = timetable.timezone, prompt, missed }] of Object.entries(configured)) {
    const id = idOf(name);
    const before = known.get(id);
    known.delete(id);
    const nextAt = timetable.next(cron, timezone, now);
    if (nextAt === undefined) continue;
    const by: Sender = { id: SCHEDULER, name: `schedule ${name}` };
    const wanted = { id, channel, cron, timezone, prompt, by, missed, origin: "configuration" } as const;
    if (before === undefined || !isSame(before, wanted)) {
      await store.putSchedule({ ...wanted, createdAt: now, nextAt });
    } else if (before.nextAt > nextAt) {
      // The clock was ahead when it was moved on.
      await store.moveSchedule(id, { from: before.nextAt, to: nextAt });
    }
  }
  for (const id of known.keys()) await store.removeSchedule(id);
}

/** A name that is no id by itself keeps apart from others by its checksum. */
function idOf(name: string): string {
  const plain = `cfg-${name}`;
  if (plain.length <= LONGEST_ID && /^[a-z0-9-]+$/.test(plain)) return plain;
  const sum = checksum(name).toString(36).padStart(7, "0");
  return `${plain
    .toLowerCase()
    .replace(/[^a-z0-9]/g, "-")
    .slice(0, LONGEST_ID - sum.length - 1)}-${sum}`;
}

/** FNV-1a, 32 bits. */
function checksum(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}

function isSame(before: Schedule, wanted: Omit<Schedule, "createdAt" | "nextAt" | "lastAt">): boolean {
  const keys = ["channel", "cron", "timezone", "prompt", "missed"] as const;
  return keys.every((key) => before[key] === wanted[key]);
}
