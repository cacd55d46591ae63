/** What changes between two texts, for people who are to allow it. */

/** Lines around the change, and of it. */
const AROUND = 3;
const MOST = 80;

/** Lines that go ("-") and come ("+"), with a few around them; all that is between the first and the last change. */
export function diffOf(oldText: string, newText: string): string {
  const before = linesOf(oldText);
  const after = linesOf(newText);
  let head = 0;
  while (head < Math.min(before.length, after.length) && before[head] === after[head]) head += 1;
  let tail = 0;
  const most = Math.min(before.length, after.length) - head;
  while (tail < most && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail += 1;
  return [
    ...before.slice(Math.max(0, head - AROUND), head).map((line) => ` ${line}`),
    ...shortened(before.slice(head, before.length - tail).map((line) => `-${line}`)),
    ...shortened(after.slice(head, after.length - tail).map((line) => `+${line}`)),
    ...before.slice(before.length - tail, before.length - tail + AROUND).map((line) => ` ${line}`),
  ].join("\n");
}

function linesOf(text: string): string[] {
  return text === "" ? [] : text.replace(/\n$/, "").split("\n");
}

function shortened(lines: string[]): string[] {
  if (lines.length <= MOST) return lines;
  return [...lines.slice(0, MOST), `… and ${lines.length - MOST} lines more`];
}
