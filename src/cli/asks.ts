import { type Command, Option } from "commander";
import { z } from "zod";
import { ask, tellAsk } from "./ask.ts";
import { connect } from "./connect.ts";
import { printJson, printTable } from "./print.ts";

const page = z.looseObject({ asks: z.array(ask), cursor: z.string().optional() });
const accepted = z.looseObject({ remaining: z.number() });

export function asksCommand(program: Command): void {
  const asks = program.command("asks").description("plans, permissions and questions that wait for people");

  asks
    .command("list")
    .description("the open ones, oldest first")
    .option("--channel <id>", "only this channel's")
    .addOption(new Option("--kind <kind>", "only these").choices(["plan", "permission", "questions"]))
    .option("--idle", "not the plans of sessions that are busy")
    .option("--limit <n>", "rows", "50")
    .option("--cursor <cursor>", "continue an earlier list")
    .action(async (options: Record<string, string | boolean>, command: Command) => {
      const { client, json } = connect(command);
      const query = new URLSearchParams();
      for (const [key, value] of Object.entries(options)) query.set(key, String(value));
      const answer = page.parse(await client.call("GET", `/asks?${query}`));
      if (json) return printJson(answer);
      const rows = answer.asks.map(({ id, request, remaining, channel, openedAt, requester }) => [
        id,
        request.kind === "questions" ? `${remaining} of ${request.questions?.length} questions` : request.kind,
        channel,
        new Date(openedAt).toISOString(),
        requester.name,
        (request.text || (request.questions?.[0]?.prompt ?? "")).replace(/\s+/g, " ").slice(0, 60),
      ]);
      printTable([["ID", "WANTED", "CHANNEL", "OPENED AT", "FOR", "TEXT"], ...rows]);
      if (answer.cursor) process.stdout.write(`\nMore: --cursor ${answer.cursor}\n`);
    });

  asks
    .command("show <id>")
    .description("all of it, and who decided")
    .action(async (id: string, _: unknown, command: Command) => {
      const { client, json } = connect(command);
      const answer = await client.call("GET", at(id));
      if (json) return printJson(answer);
      process.stdout.write(`${tellAsk(ask.parse(answer))}\n`);
    });

  asks
    .command("approve <id>")
    .description("approve a plan, or allow what a permission is asked for")
    .addOption(new Option("--for <scope>", "a permission: how long it counts").choices(["once", "session", "always"]))
    .action((id: string, options: { readonly for?: string }, command: Command) =>
      decide(command, id, { verdict: "approve", ...(options.for === undefined ? {} : { scope: options.for }) }, () =>
        options.for === undefined || options.for === "once" ? "Approved." : `Approved, ${SCOPES[options.for]}.`,
      ),
    );

  asks
    .command("reject <id> [why...]")
    .description("reject it; the agent is told why")
    .action((id: string, why: string[], _: unknown, command: Command) =>
      decide(
        command,
        id,
        { verdict: "reject", ...(why.length === 0 ? {} : { reason: why.join(" ") }) },
        () => "Rejected.",
      ),
    );

  asks
    .command("answer <id> <text...>")
    .description("answer a question: by the id of a choice, or a text")
    .option("--question <id>", "which one, where several are open")
    .action((id: string, words: string[], options: { readonly question?: string }, command: Command) =>
      decide(command, id, { answer: words.join(" "), ...options }, (remaining) =>
        remaining === 0 ? "Answered: that was the last one." : `Answered. Still open: ${remaining}.`,
      ),
    );
}

const SCOPES: Readonly<Record<string, string>> = { session: "for this session", always: "always in this channel" };

/** Where another was first, the gateway's refusal says who, and when. */
async function decide(
  command: Command,
  id: string,
  body: Readonly<Record<string, string>>,
  done: (remaining: number) => string,
): Promise<void> {
  const { client, json } = connect(command);
  const answer = accepted.parse(await client.call("POST", `${at(id)}/answer`, { body }));
  if (json) return printJson(answer);
  process.stdout.write(`${done(answer.remaining)}\n`);
}

function at(id: string): string {
  return `/asks/${encodeURIComponent(id)}`;
}
