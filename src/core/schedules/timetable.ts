/** When a cron expression comes due: handed in by whoever composes the gateway. */
export interface Timetable {
  /** The machine's own time zone, an IANA name. */
  readonly timezone: string;
  /** What is wrong with them, as a sentence for people; undefined: nothing. Six fields, with seconds, are right. */
  check(cron: string, timezone: string): string | undefined;
  /**
   * The first time after `after`, both in milliseconds; undefined: never again. A time that the clocks leave out in
   * spring comes when they have been set, one that they repeat in autumn comes once. Throws for what `check` refuses.
   */
  next(cron: string, timezone: string, after: number): number | undefined;
}
