/** Discord shows no tables: they become lines of equal columns, for a code block. */
import type { AlignType } from "mdast";

/** The first row is the header; a line is drawn below it. */
export function layOut(rows: readonly (readonly string[])[], align: readonly AlignType[]): string {
  const widths: number[] = [];
  for (const [column, cell] of rows.flatMap((row) => [...row.entries()])) {
    widths[column] = Math.max(widths[column] ?? 0, width(cell));
  }
  const lines = rows.map((row) =>
    widths
      .map((size, column) => pad(row[column] ?? "", size, align[column] ?? null))
      .join(" │ ")
      .trimEnd(),
  );
  lines.splice(1, 0, widths.map((size) => "─".repeat(size)).join("─┼─"));
  return lines.join("\n");
}

function pad(cell: string, size: number, align: AlignType): string {
  const room = size - width(cell);
  const left = align === "right" ? room : align === "center" ? Math.floor(room / 2) : 0;
  return " ".repeat(left) + cell + " ".repeat(room - left);
}

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/gu;
const NARROW = /[\p{Mn}\p{Me}\p{Cf}]/gu;

function width(text: string): number {
  const shown = text.replace(NARROW, "");
  let count = 0;
  for (const _ of shown) count++;
  return count + (shown.match(WIDE)?.length ?? 0);
}
