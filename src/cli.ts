#!/usr/bin/env node
/** Arguments → `main`, or a client of a running gateway's HTTP API. */
import { Command } from "commander";
import { asksCommand } from "./cli/asks.ts";
import { auditCommand } from "./cli/audit.ts";
import { checkCommand } from "./cli/check.ts";
import { deadCommand } from "./cli/dead.ts";
import { EXIT, printFault } from "./cli/print.ts";
import { sessionsCommand } from "./cli/sessions.ts";
import { slackCommand } from "./cli/slack.ts";
import { startCommand } from "./cli/start.ts";
import { storeCommand } from "./cli/store.ts";

const program = new Command("switchboard")
  .description("One durable session with an agent for every chat.")
  .option("--config <file>", "the configuration; without it: embedded store, web page, demo agent")
  .option("--json", "print for programs")
  .option("--url <url>", "where the running gateway is, instead of the configured address")
  .option("--token <token>", "its token, instead of the configured or stored one")
  .addHelpText(
    "after",
    `\nExit codes: ${EXIT.ok} done, ${EXIT.failed} failed, ${EXIT.usage} wrong usage, ${EXIT.config} configuration not valid`,
  )
  .exitOverride((error) => process.exit(error.exitCode === 0 ? EXIT.ok : EXIT.usage));

startCommand(program);
checkCommand(program);
sessionsCommand(program);
asksCommand(program);
auditCommand(program);
deadCommand(program);
slackCommand(program);
storeCommand(program);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = printFault(error);
  // A gateway that failed half-way through its start may have left timers behind.
  process.exit();
}
