/** Cron expressions, read by croner: core's timetable, and what is wrong with those of a configuration. */
import { Cron } from "croner";
import type { Config } from "./config.ts";

const FIELDS = "minute, hour, day of month, month and day of week, such as `0 9 * * 1-5`";

export const cronTimetable = {
  // Asked for only where it is needed: the first to ask loads what the platform knows of time zones, at 30 ms.
  get timezone() {
    return new Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  },
  check: (cron: string, timezone: string) => zoneProblem(timezone) ?? cronProblem(cron, timezone),
  next: (cron: string, timezone: string, after: number) => read(cron, timezone).nextRun(new Date(after))?.getTime(),
};

/** What is wrong with the configuration's schedules: its path and a sentence each. */
export function scheduleProblems(schedules: Config["schedules"]): string[] {
  return Object.entries(schedules).flatMap(([name, { cron, timezone = cronTimetable.timezone }]) => {
    const zone = zoneProblem(timezone);
    if (zone !== undefined) return [`schedules.${name}.timezone: ${zone}`];
    const problem = cronProblem(cron, timezone);
    return problem === undefined ? [] : [`schedules.${name}.cron: ${problem}`];
  });
}

function read(cron: string, timezone: string): Cron {
  // By its default, a list of hours would lose a time that the clocks leave out.
  return new Cron(cron, { timezone, mode: "5-or-6-parts", fixedTimeRule: "no-wildcard", paused: true });
}

function zoneProblem(timezone: string): string | undefined {
  try {
    new Intl.DateTimeFormat("en", { timeZone: timezone });
    return undefined;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return `"${timezone}" is no time zone; one is named like Europe/Berlin or UTC`;
  }
}

function cronProblem(cron: string, timezone: string): string | undefined {
  const fields = cron.trim().split(/\s+/);
  // Croner also reads dates: they have a colon.
  if (!cron.trim().startsWith("@") && (fields.length < 5 || fields.length > 6 || cron.includes(":"))) {
    return `"${cron}" is no cron expression; it has five fields: ${FIELDS}`;
  }
  try {
    return read(cron, timezone).nextRun() === null ? `"${cron}" never comes due` : undefined;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return `"${cron}" can't be read (${error.message.replace(/^CronPattern: /, "").replace(/\.$/, "")}); the five fields are ${FIELDS}`;
  }
}
