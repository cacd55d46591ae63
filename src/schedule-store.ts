/** The part of `src/store.ts` about schedules. */
import type { ChannelId, Schedule } from "./model.ts";

export interface ScheduleStore {
  /** Adds a schedule, or puts it in the place of the one with its id. Its channel need not have a session. */
  putSchedule(schedule: Schedule): Promise<void>;
  /** False where there is none of that id. */
  removeSchedule(id: string): Promise<boolean>;
  schedule(id: string): Promise<Schedule | undefined>;
  /** The next due first; of one channel, or of all. */
  schedules(query: { channel?: ChannelId; limit: number }): Promise<Schedule[]>;
  /** Those with `nextAt` at or before the store's clock, the longest due first. Its cost grows with what is due. */
  dueSchedules(limit: number): Promise<Schedule[]>;
  /**
   * Moves a schedule on. False, and nothing is changed, where its `nextAt` is not `from` (any more) or it is gone: another
   * replica was first, or somebody changed it.
   */
  moveSchedule(id: string, move: { from: number; to: number; lastAt?: number }): Promise<boolean>;
}
