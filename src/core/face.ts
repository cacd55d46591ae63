/** How a turn under way looks in a channel, beside the text of its answer. Markdown. */
import type { TodoItem } from "../model.ts";
import type { Activity, Tool } from "./activity.ts";

/** Tools, and items of the list, that are shown one by one. */
const MOST_LINES = 6;

const TOOL_MARKS = { running: "…", done: "✓", failed: "✗" } as const;
const TODO_MARKS = { open: "☐", running: "▸", done: "☑" } as const;

/** All of it in one line: "⚙ 4 tools · 1 min 20 s · Reading src/main.ts…". `ms`: since it began. */
export function statusLine(activity: Activity, ms: number, isWaiting: boolean): string {
  const { count, failed } = activity;
  const tools = count === 0 ? "Working" : `${count} ${count === 1 ? "tool" : "tools"}`;
  const parts = [failed === 0 ? tools : `${tools}, ${failed} failed`];
  // Nobody works meanwhile, so no time is told.
  if (isWaiting) parts.push("waiting for an answer");
  else parts.push(elapsed(ms), ...doing(activity));
  return `⚙ ${parts.join(" · ")}`;
}

function doing({ tools, isTalking }: Activity): string[] {
  const running = tools.findLast(({ status }) => status === "running");
  if (running !== undefined) return [`${running.title.replace(/(?:…|\.{3})$/, "")}…`];
  return isTalking ? ["writing…"] : [];
}

function elapsed(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
}

/** Each tool with its outcome and the list of what is to be done, in at most `room` characters: as many lines as fit. */
export function headOf(activity: Activity, room: number): string {
  const { tools, items, count } = activity;
  for (let most = MOST_LINES; most > 0; most--) {
    const blocks = [toolLines(tools, count, most), todoLines(items, most)].filter((lines) => lines.length > 0);
    const head = blocks.map((lines) => lines.join("\n")).join("\n\n");
    if (head.length <= room) return head;
  }
  return "";
}

/** Those that run, then the latest: in the order in which they began. */
function toolLines(tools: readonly Tool[], count: number, most: number): string[] {
  const running = tools.filter(({ status }) => status === "running");
  const ended = tools.filter(({ status }) => status !== "running");
  const shown = new Set([...ended, ...running].slice(-most));
  const lines = tools.filter((tool) => shown.has(tool)).map(({ title, status }) => `${TOOL_MARKS[status]} ${title}`);
  return count > lines.length ? [...lines, `_and ${count - lines.length} more_`] : lines;
}

/** From the last one done before those that are not. */
function todoLines(items: readonly TodoItem[], most: number): string[] {
  const next = items.findIndex(({ status }) => status !== "done");
  const from = Math.max(0, Math.min(next < 0 ? items.length : next - 1, items.length - most));
  const lines = items.slice(from, from + most).map(({ text, status }) => `${TODO_MARKS[status]} ${text}`);
  const left = items.length - from - lines.length;
  return [
    ...(from > 0 ? [`${TODO_MARKS.done} _${from} more_`] : []),
    ...lines,
    ...(left > 0 ? [`_and ${left} more_`] : []),
  ];
}
