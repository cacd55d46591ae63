import type { Command } from "commander";
import { configOf, type GlobalOptions, unusedFile } from "./connect.ts";
import { EXIT, printJson } from "./print.ts";

export function startCommand(program: Command): void {
  program
    .command("start")
    .description("run the gateway until SIGTERM or Ctrl-C; a second one ends it at once")
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      // A second signal must not wait for anything: it is armed before the first can be sent.
      let stop: (() => Promise<void>) | undefined;
      let signals = 0;
      const onSignal = (signal: NodeJS.Signals) => {
        signals += 1;
        if (signals > 1 || !stop) process.exit(signal === "SIGINT" ? 130 : 143);
        stop().then(
          () => process.exit(EXIT.ok),
          (error: unknown) => {
            process.stderr.write(`switchboard: stopping failed: ${String(error)}\n`);
            process.exit(EXIT.failed);
          },
        );
      };
      process.on("SIGTERM", onSignal);
      process.on("SIGINT", onSignal);

      const unused = unusedFile(options);
      if (unused !== undefined) process.stderr.write(`switchboard: ${unused}\n`);
      const { startGateway } = await import("../main.ts");
      const gateway = await startGateway(configOf(options), process.env);
      stop = () => {
        gateway.log.info("stopping: a running turn may still finish");
        return gateway.stop();
      };
      const { url, link, note } = gateway;
      if (options.json) printJson({ url, link, pid: process.pid, ...(note === undefined ? {} : { note }) });
      else process.stdout.write(`${note === undefined ? "" : `${note}\n`}Switchboard is running. Open ${link}\n`);
    });
}
