import type { Command } from "commander";
import { z } from "zod";
import { connect } from "./connect.ts";
import { printOutcome } from "./outcome.ts";
import { EXIT, printJson, printTable } from "./print.ts";

const row = z.looseObject({
  id: z.string(),
  channel: z.string(),
  title: z.string(),
  agent: z.string(),
  status: z.string(),
  waiting: z.number(),
  lastActivityAt: z.number(),
});
const page = z.looseObject({ sessions: z.array(row), cursor: z.string().optional() });
const entry = z.looseObject({ role: z.string(), text: z.string(), at: z.number() });
const shown = z.looseObject({ session: row });
const transcript = z.looseObject({ entries: z.array(entry) });
const taken = z.looseObject({ status: z.string(), position: z.number().optional(), reason: z.string().optional() });
const effect = z.looseObject({ cancelledTurn: z.string().nullable(), dropped: z.number() });

/** Milliseconds: longer than the gateway lets anybody wait for an outcome. */
const OUTCOME = 90_000;

export function sessionsCommand(program: Command): void {
  const sessions = program.command("sessions").description("sessions of the running gateway");

  sessions
    .command("list")
    .description("newest first; pinned ones on top")
    .option("--text <text>", "part of the title or the id")
    .option("--adapter <name>", "only this adapter's")
    .option("--archived", "also the archived ones")
    .option("--limit <n>", "rows", "50")
    .option("--cursor <cursor>", "continue an earlier list")
    .action(async (options: Record<string, string | boolean>, command: Command) => {
      const { client, json } = connect(command);
      const query = new URLSearchParams();
      for (const [key, value] of Object.entries(options)) query.set(key, String(value));
      const answer = page.parse(await client.call("GET", `/sessions?${query}`));
      if (json) return printJson(answer);
      const rows = answer.sessions.map((session) => [
        session.id,
        session.channel,
        session.status,
        String(session.waiting),
        session.agent,
        new Date(session.lastActivityAt).toISOString(),
        session.title,
      ]);
      printTable([["ID", "CHANNEL", "STATUS", "WAITING", "AGENT", "LAST ACTIVITY", "TITLE"], ...rows]);
      if (answer.cursor) process.stdout.write(`\nMore: --cursor ${answer.cursor}\n`);
    });

  sessions
    .command("show <id>")
    .description("a session, what waits there, and its last exchanges")
    .action(async (id: string, _: unknown, command: Command) => {
      const { client, json } = connect(command);
      const answer = await client.call("GET", at(id));
      const said = transcript.parse(await client.call("GET", `${at(id)}/transcript?limit=20`));
      if (json) return printJson({ ...z.looseObject({}).parse(answer), transcript: said.entries });
      const { session } = shown.parse(answer);
      printTable(
        Object.entries(session).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
      );
      for (const { role, text, at } of said.entries) {
        process.stdout.write(`\n${new Date(at).toISOString()} ${role}:\n${text}\n`);
      }
    });

  sessions
    .command("say <id> <text...>")
    .description("write to it, as an operator; a command, or the answer to what it asks, is taken as such")
    .action(async (id: string, words: string[], _: unknown, command: Command) => {
      const { client, json } = connect(command);
      const answer = taken.parse(await client.call("POST", `${at(id)}/messages`, { body: { text: words.join(" ") } }));
      if (json) printJson(answer);
      else process.stdout.write(`${tellTaken(answer)}\n`);
      if (answer.status === "full" || answer.status === "refused") process.exitCode = EXIT.failed;
    });

  sessions
    .command("outcome <id>")
    .description("what came of what was last said there; waits while it is at work")
    .option("--wait <duration>", "for at most so long, up to 60s", "0s")
    .action(async (id: string, { wait }: { wait: string }, command: Command) => {
      const { client, json } = connect(command);
      const answer = await client.call("GET", `${at(id)}/outcome?${new URLSearchParams({ wait })}`, {
        within: OUTCOME,
      });
      if (json) return printJson(answer);
      printOutcome(answer);
    });

  sessions
    .command("cancel <id>")
    .description("stop its turn and drop what waits")
    .action(async (id: string, _: unknown, command: Command) => {
      const { client, json } = connect(command);
      const done = effect.parse(await client.call("POST", `${at(id)}/cancel`));
      if (json) return printJson(done);
      const turn = done.cancelledTurn === null ? "Nothing was running" : "The running turn was stopped";
      process.stdout.write(`${turn}; waiting messages dropped: ${done.dropped}.\n`);
    });

  sessions
    .command("remove <id>")
    .description("interrupt its agent and forget it, its transcript and what waits there")
    .action(async (id: string, _: unknown, command: Command) => {
      const { client, json } = connect(command);
      await client.call("DELETE", at(id));
      if (json) return printJson({ removed: id });
      process.stdout.write(`Removed ${id}.\n`);
    });
}

function tellTaken({ status, position, reason }: z.infer<typeof taken>): string {
  switch (status) {
    case "queued":
      return position === 1 ? "Taken: it runs next." : `Taken: it waits at position ${position}.`;
    case "command":
      return "Taken, beside the queue.";
    default:
      return `Not taken: ${reason ?? "as many wait there as may"}.`;
  }
}

function at(id: string): string {
  return `/sessions/${encodeURIComponent(id)}`;
}
