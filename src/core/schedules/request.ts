/** What the arguments of `/schedule` say: pure. */
import type { Schedule } from "../../model.ts";

export type ScheduleRequest =
  | { readonly kind: "list" }
  | { readonly kind: "remove"; readonly id: string }
  | {
      readonly kind: "add";
      readonly cron: string;
      readonly timezone?: string;
      readonly missed: Schedule["missed"];
      readonly prompt: string;
    }
  /** `problem` ends without a full stop. */
  | { readonly kind: "unclear"; readonly problem: string };

/** Phones write quotation marks of many kinds. */
const QUOTED = /^["'`“”„‘’«»]([^"'`“”„‘’«»]+)["'`“”„‘’«»]\s*(.*)$/s;
const NICKNAME = /^(@\S+)\s*(.*)$/s;
const FIELDS = /^(\S+(?:\s+\S+){4})\s*(.*)$/s;
/** A sixth field at the beginning of what should be the prompt. A number alone may well begin a prompt. */
const FIELD = /^(?:\*(?:\/\d+)?|\?|\d+(?:[-,/]\d+)+)(?:\s|$)/;

export function readRequest(args: string): ScheduleRequest {
  if (args === "" || args.toLowerCase() === "list") return { kind: "list" };
  const [, remove] = /^(?:remove|delete|cancel|rm)\b\s*(.*)$/is.exec(args) ?? [];
  if (remove !== undefined) {
    const id = remove.replace(/[`"']/g, "").trim().toLowerCase();
    return id === "" ? unclear("Which one? Name it by its id") : { kind: "remove", id };
  }
  const options = new Map<string, string>();
  let rest = args;
  for (;;) {
    const [found, key = "", value = ""] = /^(\w+)=(\S+)\s*/.exec(rest) ?? [];
    if (found === undefined) break;
    options.set(key.toLowerCase(), value);
    rest = rest.slice(found.length);
  }
  const { tz, timezone = tz, missed = "skip", ...others } = Object.fromEntries(options);
  const [stranger] = Object.keys(others);
  if (stranger !== undefined) return unclear(`\`${stranger}=\` is not known; \`tz=\` and \`missed=\` are`);
  if (missed !== "skip" && missed !== "run") return unclear("`missed=` is `skip` or `run`");
  const marked = QUOTED.exec(rest) ?? NICKNAME.exec(rest);
  const [, cron, prompt = ""] = marked ?? FIELDS.exec(rest) ?? [];
  if (cron === undefined) return unclear("A schedule needs a time of five fields, and what to say then");
  if (cron.trim().split(/\s+/).length > 5) return unclear("A time has five fields here: once a minute is the most");
  if (!marked && FIELD.test(prompt)) {
    return unclear("That looks like six fields, and a time has five here; put it in quotes if it is what to say");
  }
  if (prompt === "") return unclear("What shall be said then? The prompt is missing behind the time");
  return { kind: "add", cron: cron.trim().replace(/\s+/g, " "), ...(timezone ? { timezone } : {}), missed, prompt };
}

function unclear(problem: string): ScheduleRequest {
  return { kind: "unclear", problem };
}
