/** What the ids of commands begin with that the gateway gives itself; none of a platform's does. */
export const OWN = "gateway:";

/** Milliseconds as people say them: "0.4 s", "12 s", "3 min", "5 h", "2 d". */
export function ago(ms: number): string {
  const seconds = Math.max(ms, 0) / 1_000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** What a program says may end as it likes. */
export function sentence(text: string): string {
  return /[.!?…`]$/.test(text.trimEnd()) ? text.trimEnd() : `${text.trimEnd()}.`;
}

/** Names as a list, the one that counts now marked. */
export function listed(names: readonly string[], current: string | undefined): string {
  return names.map((name) => `- \`${name}\`${name === current ? " ← now" : ""}`).join("\n");
}

/** Ahead of a list: that it has no such name; empty where none was named. */
export function unlisted(kind: string, text: string, names: readonly string[]): string {
  return text === "" ? "" : `There is no ${kind} \`${text}\`.${nearest(text, names)}\n\n`;
}

/** Of a session: the configuration has changed since. */
export function gone(agent: string): string {
  return `The agent \`${agent}\` is not configured any more: \`/agent\` lists those that are.`;
}

/** UTF-16 units of what is shown as code. */
const LONGEST = 80;

/** What a program wants to use, in one line that shows it as it is. Empty where there is nothing to see. */
export function code(text: string): string {
  const line = text
    .replace(/\s*\n\s*/g, " ⏎ ")
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ")
    .trim();
  if (line === "") return "";
  const cut = line.length > LONGEST ? `${line.slice(0, LONGEST - 1).replace(/[\ud800-\udbff]$/, "")}…` : line;
  const ticks = [...cut.matchAll(/`+/g)].map(([run]) => run.length);
  if (ticks.length === 0) return `\`${cut}\``;
  const fence = "`".repeat(Math.max(...ticks) + 1);
  return `${fence} ${cut} ${fence}`;
}

/** " Did you mean …?" where one of the names begins like, or contains, what was written. */
function nearest(text: string, names: readonly string[]): string {
  const wanted = text.toLowerCase();
  const found = names.find((name) => name.toLowerCase().includes(wanted) || wanted.includes(name.toLowerCase()));
  return found === undefined ? "" : ` Did you mean \`${found}\`?`;
}
