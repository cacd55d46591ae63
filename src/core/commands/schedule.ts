import type { ChannelId, Schedule } from "../../model.ts";
import { readRequest, type ScheduleRequest } from "../schedules/request.ts";
import type { Timetable } from "../schedules/timetable.ts";
import type { Command, CommandContext } from "./registry.ts";
import { ago } from "./words.ts";

/** Of one channel, made by command. */
const MOST = 20;
const LISTED = 100;
const EXAMPLE = [
  "- `/schedule 0 9 * * 1-5 What is new?`: minute, hour, day of month, month, day of week",
  "- `/schedule tz=Europe/Berlin missed=run @daily Sum up the day`: in a time zone, and made up for where no gateway ran",
  "- `/schedule` lists them, `/schedule remove <id>` ends one",
].join("\n");

export const schedule: Command = {
  name: "schedule",
  summary: "Prompts that come by themselves: `/schedule 0 9 * * 1-5 What is new?`, `/schedule remove <id>`",
  async run(context) {
    const { timetable } = context;
    if (!timetable) return { reply: "This gateway runs no schedules." };
    const request = readRequest(context.control.args);
    switch (request.kind) {
      case "list":
        return { reply: await list(context) };
      case "remove":
        return { reply: await remove(context, request.id) };
      case "add":
        return { reply: await add(context, timetable, request) };
      case "unclear":
        return { reply: unclear(request.problem) };
    }
  },
};

async function list({ store, session, now }: CommandContext): Promise<string> {
  const all = await store.schedules({ channel: session.channel, limit: LISTED });
  if (all.length === 0) return `Nothing is scheduled in this chat.\n\n${EXAMPLE}`;
  return all.map((one) => `- \`${one.id}\` ${lineOf(one, now)}`).join("\n");
}

async function remove({ store, session }: CommandContext, id: string): Promise<string> {
  const found = await store.schedule(id);
  if (found?.channel !== session.channel) {
    return `There is no schedule \`${id.replaceAll("`", "'")}\` in this chat, or not any more. \`/schedule\` lists them.`;
  }
  if (found.origin === "configuration") {
    return `\`${id}\` comes from this gateway's configuration: whoever runs the gateway removes it there. Nothing was changed.`;
  }
  await store.removeSchedule(id);
  return `Removed: \`${id}\`, “${brief(found.prompt)}”.`;
}

/** After a crash it is the same schedule again, which may have run meanwhile: it is left as it is. */
async function add(
  { control, store, session, now, commands }: CommandContext,
  timetable: Timetable,
  { cron, timezone = timetable.timezone, missed, prompt }: Extract<ScheduleRequest, { kind: "add" }>,
): Promise<string> {
  const { channel } = session;
  const id = await idOf(channel, control.id);
  const before = await store.schedule(id);
  if (before) return added(before, now);
  const problem = timetable.check(cron, timezone);
  if (problem !== undefined) return unclear(problem);
  const [, command = ""] = /^\/(\w+)(?:\s|$)/.exec(prompt) ?? [];
  if (commands.some(({ name }) => name === command.toLowerCase())) {
    return unclear(`A schedule says something to the agent; \`/${command}\` is for the gateway`);
  }
  const own = (await store.schedules({ channel, limit: LISTED })).filter(({ origin }) => origin === "command");
  if (own.length >= MOST) {
    return `This chat has ${MOST} schedules already, which is the most. Remove one first: \`/schedule\` lists them. Nothing was changed.`;
  }
  const nextAt = timetable.next(cron, timezone, now);
  if (nextAt === undefined) return unclear(`"${cron}" never comes due`);
  const made: Schedule = {
    ...{ id, channel, cron, timezone, prompt, by: control.sender, origin: "command", missed },
    ...{ createdAt: now, nextAt },
  };
  await store.putSchedule(made);
  return added(made, now);
}

function added(made: Schedule, now: number): string {
  return `Scheduled as \`${made.id}\`: ${lineOf(made, now)}`;
}

function unclear(problem: string): string {
  return `${problem}. Nothing was changed. For example:\n\n${EXAMPLE}`;
}

function lineOf({ cron, timezone, nextAt, prompt, origin, by, missed }: Schedule, now: number): string {
  const when = nextAt > now ? `in ${ago(nextAt - now)}` : `due for ${ago(now - nextAt)}`;
  const whose = origin === "configuration" ? "by configuration" : `by ${by.name}`;
  const policy = missed === "run" ? ", made up for where no gateway ran" : "";
  return `\`${cron}\` (${timezone}), next ${dayOf(nextAt, timezone)}, ${when} (${isoOf(nextAt)}): “${brief(prompt)}”, ${whose}${policy}`;
}

/** "Mon 18 Jan, 09:00" there. */
function dayOf(at: number, timezone: string): string {
  const day = { weekday: "short", day: "numeric", month: "short" } as const;
  const time = { hour: "2-digit", minute: "2-digit", hour12: false } as const;
  return [day, time]
    .map((part) => new Intl.DateTimeFormat("en-GB", { ...part, timeZone: timezone }).format(at))
    .join(", ");
}

function isoOf(at: number): string {
  return new Date(at).toISOString().replace(/\.000Z$/, "Z");
}

function brief(prompt: string): string {
  const line = prompt.replace(/\s+/g, " ").trim();
  return line.length > 60 ? `${line.slice(0, 59).replace(/[\ud800-\udbff]$/, "")}…` : line;
}

/** Letters and digits that nobody takes for one another. */
const LETTERS = "abcdefghijkmnpqrstuvwxyz23456789";
const ID_LENGTH = 8;

/** The same for the same command. */
async function idOf(channel: ChannelId, control: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`${channel}\n${control}`));
  return Array.from(new Uint8Array(digest).slice(0, ID_LENGTH), (byte) => LETTERS[byte % LETTERS.length]).join("");
}
