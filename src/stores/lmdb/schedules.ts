/** Prompts that come by themselves: a row each, its place among the next to run, and its place among its channel's. */
import type { ChannelId, Schedule } from "../../model.ts";
import { allNext, type KeyRange, nextBy, nextKey, scheduleKey, scheduleOfKey, schedulesOf } from "./keys.ts";
import type { Transaction } from "./transaction.ts";
import type { View } from "./view.ts";

/** See `ScheduleStore.putSchedule`. */
export function putSchedule(transaction: Transaction, schedule: Schedule): void {
  const { id, channel, nextAt } = schedule;
  removeSchedule(transaction, id);
  transaction.put(scheduleKey(id), schedule);
  transaction.put(nextKey(nextAt, id), id);
  transaction.put(scheduleOfKey(channel, id), id);
}

/** See `ScheduleStore.removeSchedule`. */
export function removeSchedule(transaction: Transaction, id: string): boolean {
  const schedule = transaction.get(scheduleKey(id));
  if (schedule === undefined) return false;
  transaction.remove(scheduleKey(id));
  transaction.remove(nextKey(schedule.nextAt, id));
  transaction.remove(scheduleOfKey(schedule.channel, id));
  return true;
}

/** See `ScheduleStore.moveSchedule`. */
export function moveSchedule(
  transaction: Transaction,
  id: string,
  { from, to, lastAt }: { readonly from: number; readonly to: number; readonly lastAt?: number },
): boolean {
  const schedule = transaction.get(scheduleKey(id));
  if (schedule?.nextAt !== from) return false;
  putSchedule(transaction, { ...schedule, nextAt: to, ...(lastAt === undefined ? {} : { lastAt }) });
  return true;
}

/** See `ScheduleStore.schedules`. One channel has few: they are read and sorted. */
export function listSchedules(view: View, { channel, limit }: { channel?: ChannelId; limit: number }): Schedule[] {
  if (channel === undefined) return readSchedules(view, allNext, limit);
  const schedules = readSchedules(view, schedulesOf(channel), Number.POSITIVE_INFINITY);
  return schedules.sort((a, b) => a.nextAt - b.nextAt).slice(0, limit);
}

/** See `ScheduleStore.dueSchedules`. */
export function listDueSchedules(view: View, now: number, limit: number): Schedule[] {
  return readSchedules(view, nextBy(now), limit);
}

function readSchedules(view: View, range: KeyRange<string>, limit: number): Schedule[] {
  const schedules: Schedule[] = [];
  for (const { row: id } of view.scan(range)) {
    if (schedules.length >= limit) break;
    const schedule = view.get(scheduleKey(id));
    if (schedule !== undefined) schedules.push(schedule);
  }
  return schedules;
}
