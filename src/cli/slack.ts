import type { Command } from "commander";
import { printJson } from "./print.ts";

export function slackCommand(program: Command): void {
  program
    .command("slack")
    .description("set up a Slack app")
    .command("manifest")
    .description('print an app to create at https://api.slack.com/apps: "Create New App", "From a manifest"')
    .option("--request-url <url>", "for mode: http, where Slack reaches the adapter: https://<gateway>/<its name>")
    .action(async ({ requestUrl }: { readonly requestUrl?: string }) => {
      const { slackManifest } = await import("../main.ts");
      printJson(await slackManifest(requestUrl === undefined ? "socket" : "http", requestUrl ?? ""));
    });
}
