/** Prompts that come by themselves: kept in the shard of their id, which is all that most calls know. */
import { randomUUID } from "node:crypto";
import type { ChannelId, Schedule } from "../../model.ts";
import type { Context } from "./context.ts";
import { type Due, findFirst } from "./due.ts";
import { encode, keyOfSchedule, shardOfSchedule } from "./keys.ts";

type Row = Readonly<Record<string, string>>;

/** See `Store.putSchedule`. */
export async function putSchedule(context: Context, schedule: Schedule): Promise<void> {
  const { id, channel, nextAt, lastAt = "" } = schedule;
  await context.repeats.run(`schedule ${JSON.stringify(schedule)}`, randomUUID(), (mark) =>
    run(context, "schedule-put", id, encode(channel), writeSchedule(schedule), nextAt, lastAt, mark),
  );
}

/** See `Store.removeSchedule`. */
export async function removeSchedule(context: Context, id: string): Promise<boolean> {
  const before = (await readRow(context, id)).mark ?? "";
  return await context.repeats.run(`unschedule ${id}`, before, async (mark, isRepeat) => {
    if (mark === "") return false;
    if ((await run(context, "schedule-remove", id, mark)) === 1) return true;
    // Somebody else removed or replaced it since it was read: a repetition leaves what was put there later.
    return isRepeat || (await removeSchedule(context, id));
  });
}

/** See `Store.schedule`. */
export async function findSchedule(context: Context, id: string): Promise<Schedule | undefined> {
  return readSchedule(await readRow(context, id));
}

/** See `Store.schedules`. */
export async function listSchedules(
  context: Context,
  { channel, limit }: { channel?: ChannelId; limit: number },
): Promise<Schedule[]> {
  const index = channel === undefined ? "x" : `x:${encode(channel)}`;
  return await readAll(context, await findFirst(context, index, "+inf", limit));
}

/** See `Store.dueSchedules`. */
export async function listDueSchedules(context: Context, limit: number): Promise<Schedule[]> {
  const now = context.clock.now();
  const due = await readAll(context, await findFirst(context, "x", now, limit));
  // It may have moved on since its place was read.
  return due.filter(({ nextAt }) => nextAt <= now);
}

/** See `Store.moveSchedule`. */
export async function moveSchedule(
  context: Context,
  id: string,
  { from, to, lastAt = "" }: { from: number; to: number; lastAt?: number | "" },
): Promise<boolean> {
  const name = `move ${JSON.stringify([id, from, to, lastAt])}`;
  return await context.repeats.run(name, randomUUID(), async (mark) => {
    return (await run(context, "schedule-move", id, from, to, lastAt, mark)) === 1;
  });
}

/** What a schedule is but for its times. */
export function writeSchedule({ nextAt: _, lastAt: __, ...rest }: Schedule): string {
  return JSON.stringify(rest);
}

/** Undefined for a hash that isn't there. */
export function readSchedule({ schedule, nextAt, lastAt }: Row): Schedule | undefined {
  if (schedule === undefined) return undefined;
  const rest = JSON.parse(schedule) as Omit<Schedule, "nextAt" | "lastAt">;
  return { ...rest, nextAt: Number(nextAt), ...(lastAt ? { lastAt: Number(lastAt) } : {}) };
}

async function readAll(context: Context, found: readonly Due[]): Promise<Schedule[]> {
  const schedules = await Promise.all(found.map(({ id }) => findSchedule(context, id)));
  return schedules.filter((schedule) => schedule !== undefined);
}

function readRow(context: Context, id: string): Promise<Row> {
  return context.do(() => context.client.hgetall(keyOfSchedule(context.keys, id)));
}

function run(
  context: Context,
  name: "schedule-put" | "schedule-remove" | "schedule-move",
  id: string,
  ...rest: (string | number)[]
) {
  const row = encode(id);
  return context.onRow(name, shardOfSchedule(context.keys, id), "h", row, row, ...rest);
}
