/** Standard output for people (`--json`: for programs), standard error for faults, and the exit codes. */
import { SwitchboardError } from "../errors.ts";
import { ApiError } from "./client.ts";

export const EXIT = { ok: 0, failed: 1, usage: 2, config: 78 } as const;

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** Rows as aligned columns, the first row being the heading. */
export function printTable(rows: readonly (readonly string[])[]): void {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  for (const row of rows) {
    process.stdout.write(
      `${row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join("  ")
        .trimEnd()}\n`,
    );
  }
}

/** Says what failed and what to do; gives the exit code. */
export function printFault(error: unknown): number {
  const remedy = error instanceof SwitchboardError || error instanceof ApiError ? error.remedy : undefined;
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`switchboard: ${message}${remedy ? `\n${remedy}` : ""}\n`);
  return error instanceof SwitchboardError && error.code === "CONFIG_INVALID" ? EXIT.config : EXIT.failed;
}
