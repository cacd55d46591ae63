/**
 * Looks for schedules that are due, and runs them. Every replica looks, and any may run any of them: the one that a channel
 * prefers does so at once, the others where it has not done so for a while.
 */
import { SwitchboardError } from "../../errors.ts";
import type { Emit } from "../../events.ts";
import type { ChannelId, Clock, Schedule, Sender } from "../../model.ts";
import type { Store } from "../../store.ts";
import { type ConfiguredSchedule, configure, MOST_SCHEDULES } from "./configured.ts";
import { fire, TOLERANCE } from "./firing.ts";
import type { Timetable } from "./timetable.ts";

export interface SchedulesOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly timetable: Timetable;
  /** The configuration's, by name. */
  readonly configured: Readonly<Record<string, ConfiguredSchedule>>;
  /** How many messages may wait in one channel. */
  readonly max: number;
  /** Whether this replica is the first to look after the channel. */
  ours(channel: ChannelId): boolean;
  /** Whether this replica has the channel's adapter: what it can't run, it leaves to others. */
  serves(channel: ChannelId): boolean;
  /** Whether this person may speak there. */
  may(sender: Sender, channel: ChannelId): boolean;
}

/** Milliseconds between two looks where nothing comes due before: another replica may have added something. */
const SWEEP_EVERY = 5_000;
/** The shortest time between two: the store's clock may be behind, or a step may have failed. */
const SOONEST = 100;
/** How long a channel's preferred replica may take. */
const PATIENCE = 1_000;
/** How many one look runs. */
const AT_ONCE = 100;

export class Schedules {
  readonly #options: SchedulesOptions;
  #isConfigured = false;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> = Promise.resolve();
  #cancelTimer: (() => void) | undefined;
  #stopped = false;

  constructor(options: SchedulesOptions) {
    this.#options = options;
  }

  /** Takes over what the configuration says, and runs what is due. Where the store is away, that is tried again later. */
  async start(): Promise<void> {
    this.#looking = this.#look();
    await this.#looking;
  }

  /** Resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer?.();
    await this.#looking;
  }

  async #look(): Promise<void> {
    let wait = SWEEP_EVERY;
    try {
      await this.#prepare();
      const { looked, failed } = await this.#runDue();
      wait = await this.#untilNext(looked, failed);
    } catch (error) {
      this.#options.emit({ type: "store.fault", doing: "look for schedules that are due", error });
    }
    if (this.#stopped) return;
    this.#cancelTimer = this.#options.clock.after(wait, () => {
      this.#looking = this.#look();
    });
  }

  async #prepare(): Promise<void> {
    const { store, timetable, configured, clock } = this.#options;
    const now = clock.now();
    const wasSetBack = now < this.#lookedAt - TOLERANCE;
    if (!this.#isConfigured) await configure(store, timetable, configured, now);
    this.#isConfigured = true;
    if (wasSetBack) await this.#realign(now);
    this.#lookedAt = now;
  }

  /** The clock was ahead: what came due by it waits for a time that is too far off now. What ran already doesn't run again. */
  async #realign(now: number): Promise<void> {
    const { store, timetable } = this.#options;
    for (const { id, cron, timezone, nextAt } of await store.schedules({ limit: MOST_SCHEDULES })) {
      const next = timetable.next(cron, timezone, now);
      if (next !== undefined && next < nextAt) await store.moveSchedule(id, { from: nextAt, to: next });
    }
  }

  /** How many were due, and the ids of those that could not be run: they must not keep the others from it. */
  async #runDue(): Promise<{ looked: number; failed: ReadonlySet<string> }> {
    const { store, clock } = this.#options;
    const failed = new Set<string>();
    // Those that are another replica's may be many, and due for long: they must not hide this one's.
    for (let limit = AT_ONCE; ; limit *= 2) {
      const due = await store.dueSchedules(limit);
      const ours = due.filter((schedule) => this.#turnOf(schedule) <= clock.now());
      for (const schedule of ours) {
        if (this.#stopped) break;
        if (!(await this.#run(schedule))) failed.add(schedule.id);
      }
      if (ours.length > 0 || due.length < limit) return { looked: due.length, failed };
    }
  }

  async #run(schedule: Schedule): Promise<boolean> {
    try {
      await fire(this.#options, schedule);
      return true;
    } catch (error) {
      const type = error instanceof SwitchboardError ? "store.fault" : "fault";
      this.#options.emit({ type, doing: `run the schedule ${schedule.id}`, error });
      return false;
    }
  }

  /** When it is for this replica to run it. */
  #turnOf({ channel, nextAt }: Schedule): number {
    const { ours, serves } = this.#options;
    if (!serves(channel)) return Number.POSITIVE_INFINITY;
    return ours(channel) ? nextAt : nextAt + PATIENCE;
  }

  async #untilNext(looked: number, failed: ReadonlySet<string>): Promise<number> {
    const { store, clock } = this.#options;
    const soon = (await store.schedules({ limit: looked + 1 })).filter(({ id }) => !failed.has(id));
    const next = Math.min(...soon.map((schedule) => this.#turnOf(schedule))) - clock.now();
    return Math.min(Math.max(next, SOONEST), SWEEP_EVERY);
  }
}
