import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { connect } from "./connect.ts";

export function auditCommand(program: Command): void {
  program
    .command("audit")
    .description("print who was asked and who decided what, where and when: oldest first, JSON Lines")
    .option("--after <cursor>", "only what is behind this place, which the API gives with each page")
    .action(async (options: { readonly after?: string }, command: Command) => {
      const { client } = connect(command);
      const lines = await client.stream(`/audit?${new URLSearchParams({ format: "jsonl", ...options })}`);
      await pipeline(Readable.fromWeb(lines), process.stdout, { end: false });
    });
}
