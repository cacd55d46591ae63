import type { Command } from "commander";
import { z } from "zod";
import { connect } from "./connect.ts";
import { printJson, printTable } from "./print.ts";

const letter = z.looseObject({
  id: z.string(),
  cause: z.string(),
  attempts: z.number(),
  at: z.number(),
  message: z.looseObject({ text: z.string(), sender: z.looseObject({ name: z.string() }) }).optional(),
  reply: z.looseObject({ text: z.string() }).optional(),
});
const page = z.looseObject({ deadLetters: z.array(letter) });

export function deadCommand(program: Command): void {
  const dead = program
    .command("dead")
    .description("messages that could not be answered, replies that could not be delivered");

  dead
    .command("list")
    .option("--channel <id>", "only this channel's")
    .option("--limit <n>", "rows", "50")
    .action(async (options: Record<string, string>, command: Command) => {
      const { client, json } = connect(command);
      const answer = page.parse(await client.call("GET", `/dead-letters?${new URLSearchParams(options)}`));
      if (json) return printJson(answer);
      const rows = answer.deadLetters.map(({ id, cause, attempts, at, message, reply }) => [
        id,
        new Date(at).toISOString(),
        String(attempts),
        message?.sender.name ?? "(reply)",
        (message ?? reply)?.text.replace(/\s+/g, " ").slice(0, 40) ?? "",
        cause.replace(/\s+/g, " ").slice(0, 80),
      ]);
      printTable([["ID", "FAILED AT", "ATTEMPTS", "FROM", "TEXT", "CAUSE"], ...rows]);
    });

  dead
    .command("replay <id>")
    .description("put it at the end of its channel's queue again; a reply is sent again")
    .action(async (id: string, _: unknown, command: Command) => {
      const { client, json } = connect(command);
      await client.call("POST", `${at(id)}/replay`);
      if (json) return printJson({ replayed: id });
      process.stdout.write(`${id} waits in its channel's queue again.\n`);
    });

  dead
    .command("drop <id>")
    .description("forget it")
    .action(async (id: string, _: unknown, command: Command) => {
      const { client, json } = connect(command);
      await client.call("DELETE", at(id));
      if (json) return printJson({ dropped: id });
      process.stdout.write(`Dropped ${id}.\n`);
    });
}

function at(id: string): string {
  return `/dead-letters/${encodeURIComponent(id)}`;
}
