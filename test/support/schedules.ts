/** Schedules of a `Bench`: opening one with them, letting them come due, and what became of each time. */

import type { GatewayOptions } from "../../src/core/gateway.ts";
import { cronTimetable } from "../../src/cron.ts";
import { channelId, type Receipt, type Schedule } from "../../src/model.ts";
import { eventually } from "./eventually.ts";
import { Bench } from "./gateway.ts";

export const MINUTE = 60_000;

export type Changing<T> = { -readonly [Key in keyof T]?: T[Key] };
type Scheduling = NonNullable<GatewayOptions["schedules"]>;
export type Configured = Scheduling["configured"][string];

/** As a configuration has it: every minute, in chat 1. */
export function minutely(more: Partial<Configured> = {}): Configured {
  return { channel: "local:1", cron: "* * * * *", timezone: "UTC", prompt: "what is new?", missed: "skip", ...more };
}

export function scheduling(configured: Scheduling["configured"] = {}, timetable = cronTimetable): Scheduling {
  return { timetable, configured };
}

/** What is changed in `options` later holds from the next crash on. */
export async function openBench(options: Changing<GatewayOptions> = {}): Promise<Bench> {
  options.schedules ??= scheduling();
  return await Bench.open(options);
}

/** Lets the current run end, and what it set off. */
export async function answer(bench: Bench, chat: string, text?: string): Promise<void> {
  const run = await bench.run(chat, text);
  run.say(`answered: ${run.turn.messages.map((message) => message.text).join("+")}`);
  run.done();
  await bench.idle(chat);
}

export async function receiptOf(bench: Bench, id: string, at: number, more = ""): Promise<Receipt | undefined> {
  return await bench.receipt("1", `schedule:${id}:${at}${more}`);
}

export async function find(bench: Bench, id: string): Promise<Schedule | undefined> {
  return await bench.store.schedule(id);
}

/** Waits until it has been moved past a time. */
export async function movedPast(bench: Bench, id: string, at: number): Promise<Schedule> {
  let found: Schedule | undefined;
  await eventually(
    async () => {
      found = await find(bench, id);
      return found !== undefined && found.nextAt > at;
    },
    () => `${id} moves past ${at}, it is ${JSON.stringify(found)}`,
  );
  if (!found) throw new Error(`${id} is gone`);
  return found;
}

/** What happened to schedules, in order: "<what> <id>". */
export function happened(bench: Bench): string[] {
  return bench.events.flatMap((event) => (event.type === "schedule" ? [`${event.what} ${event.schedule}`] : []));
}

/** Every prompt that an agent got in a chat, but for repetitions of an attempt. */
export function prompts(bench: Bench, chat = "1"): string[] {
  const channel = channelId("local", chat);
  return bench.agent.began.flatMap((run) => (run.channel === channel && run.attempt === 1 ? [run.text] : []));
}
