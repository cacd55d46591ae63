import { expect, test } from "vitest";
import { parseConfig } from "../../src/config.ts";
import { cronTimetable as timetable } from "../../src/cron.ts";
import { SwitchboardError } from "../../src/errors.ts";

/** The first times of an expression after another, without their seconds. */
function times(cron: string, timezone: string, after: string, count: number): string[] {
  const found: string[] = [];
  for (let at: number | undefined = Date.parse(after); found.length < count; ) {
    at = timetable.next(cron, timezone, at);
    if (at === undefined) break;
    found.push(new Date(at).toISOString().slice(0, 16));
  }
  return found;
}

test("a time comes in its zone, strictly after the one before", () => {
  expect(times("0 9 * * 1-5", "Europe/Berlin", "2027-01-15T07:59:59.999Z", 2)).toEqual([
    "2027-01-15T08:00",
    "2027-01-18T08:00",
  ]);
  expect(times("0 9 * * 1-5", "Europe/Berlin", "2027-01-15T08:00:00Z", 1)).toEqual(["2027-01-18T08:00"]);
  expect(times("@daily", "America/New_York", "2027-01-15T00:00Z", 1)).toEqual(["2027-01-15T05:00"]);
  expect(timetable.next("*/10 * * * * *", "UTC", 1_800_000_000_000)).toBe(1_800_000_010_000);
});

test.each(["30 2 * * *", "30 2,14 * * *"])(
  "%s: left out by the clocks in spring, it comes when they have been set; repeated in autumn, it comes once",
  (cron) => {
    const night = (found: readonly string[]) => found.filter((time) => time.slice(11) < "12:00");
    expect(night(times(cron, "Europe/Berlin", "2027-03-27T12:00Z", 4)).slice(0, 2)).toEqual([
      "2027-03-28T01:00",
      "2027-03-29T00:30",
    ]);
    expect(night(times(cron, "Europe/Berlin", "2027-10-30T13:00Z", 4)).slice(0, 2)).toEqual([
      "2027-10-31T00:30",
      "2027-11-01T01:30",
    ]);
  },
);

test("every hour is every hour, also when one is repeated", () => {
  expect(times("0 * * * *", "Europe/Berlin", "2027-10-30T23:00Z", 3)).toEqual([
    "2027-10-31T00:00",
    "2027-10-31T01:00",
    "2027-10-31T02:00",
  ]);
});

test.each([
  ["0 9 * * *", "Mars/Olympus", /"Mars\/Olympus" is no time zone/],
  ["0 9 * * *", "", /"" is no time zone/],
  ["61 9 * * *", "UTC", /"61 9 \* \* \*" can't be read \(Invalid value for minute: 61\)/],
  ["0 9 * *", "UTC", /it has five fields/],
  ["0 0 9 * * * 2027", "UTC", /it has five fields/],
  ["2027-01-01T00:00:00 1 1 1 1", "UTC", /is no cron expression/],
  ["@never", "UTC", /"@never" can't be read/],
  ["0 0 30 2 *", "UTC", /"0 0 30 2 \*" never comes due/],
])("%s in %s: what is wrong is said", (cron, timezone, says) => {
  expect(timetable.check(cron, timezone)).toMatch(says);
});

test("what is right has nothing wrong", () => {
  for (const cron of ["0 9 * * 1-5", "*/5 * * * * *", "@hourly", "0 9 * jan MON#1", "0 9 L * *"]) {
    expect(timetable.check(cron, timetable.timezone)).toBeUndefined();
  }
});

test("a schedule that can't come is a fault of the configuration, by its path", () => {
  const yaml = (more: string) => `schedules: { report: { channel: "web:1", prompt: hello, ${more} } }`;
  const messageOf = (text: string): string => {
    try {
      parseConfig(text, {});
    } catch (error) {
      if (error instanceof SwitchboardError && error.code === "CONFIG_INVALID") return error.message;
      throw error;
    }
    return "";
  };
  expect(messageOf(yaml('cron: "0 25 * * *"'))).toMatch(/- schedules\.report\.cron: "0 25 \* \* \*" can't be read/);
  expect(messageOf(yaml('cron: "0 9 * * *", timezone: Berlin'))).toMatch(
    /- schedules\.report\.timezone: "Berlin" is no/,
  );
  expect(messageOf(yaml('cron: "*/10 * * * * *", timezone: Europe/Berlin'))).toBe("");
});
