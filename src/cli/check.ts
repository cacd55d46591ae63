import { accessSync, constants, mkdirSync } from "node:fs";
import { createServer } from "node:net";
import type { Command } from "commander";
import type { Config } from "../config.ts";
import { describe, SwitchboardError } from "../errors.ts";
import { dataFolder, isEmbedded } from "../token.ts";
import { configOf, type GlobalOptions, unusedFile } from "./connect.ts";
import { checkFolders, checkPrices, type Finding } from "./findings.ts";
import { EXIT, printJson } from "./print.ts";

export function checkCommand(program: Command): void {
  program
    .command("check")
    .description("validate the configuration and reach everything it names")
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const config = configOf(options);
      const findings: Finding[] = [
        checkFile(options),
        isEmbedded(config.store.url) ? checkFolder(config) : await checkServer(config),
        await checkPort(config),
        ...(await checkAgents(config)),
        ...checkPrices(config),
        ...checkFolders(config),
        ...(await checkServers(config)),
        ...(await checkAdapters(config)),
      ];
      if (options.json) printJson({ ok: findings.every(({ ok }) => ok), findings });
      else
        for (const { what, ok, warning, detail } of findings)
          process.stdout.write(`${ok ? (warning ? "warn" : "ok  ") : "FAIL"}  ${what}: ${detail}\n`);
      process.exit(findings.every(({ ok }) => ok) ? EXIT.ok : EXIT.failed);
    });
}

function checkFile(options: GlobalOptions): Finding {
  const unused = unusedFile(options);
  const what = "configuration";
  if (unused !== undefined) return { what, ok: true, warning: true, detail: `built in. ${unused}` };
  return { what, ok: true, detail: options.config ?? "built in" };
}

/** Milliseconds that a store may take to answer. */
const STORE_ANSWERS = 5_000;

async function checkServer(config: Config): Promise<Finding> {
  const { probeStore } = await import("../main.ts");
  try {
    const warnings = await probeStore(config, AbortSignal.timeout(STORE_ANSWERS));
    return { what: "store", ok: true, detail: ["Redis can be reached", ...warnings].join(". ") };
  } catch (error) {
    const remedy = error instanceof SwitchboardError ? ` ${error.remedy}` : "";
    return { what: "store", ok: false, detail: `${describe(error)}.${remedy}` };
  }
}

function checkFolder(config: Config): Finding {
  const folder = dataFolder(config.store.url);
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
    return { what: "store", ok: true, detail: `${folder} can be written` };
  } catch (error) {
    const remedy = "Set store.url to a folder that this user may write.";
    return { what: "store", ok: false, detail: `${describe(error)}. ${remedy}` };
  }
}

/** A port in use is not a fault where it is this gateway that runs there already: it is told, not failed. */
function checkPort(config: Config): Promise<Finding> {
  const { host, port } = config.http;
  const what = `http ${host}:${port}`;
  return new Promise((done) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE")
        done({ what, ok: true, detail: "in use: by a running gateway, or set another http.port" });
      else
        done({
          what,
          ok: false,
          detail: `${error.message}. Set http.host and http.port to an address of this machine.`,
        });
    });
    server.listen(port, host, () => server.close(() => done({ what, ok: true, detail: "free" })));
  });
}

async function checkAgents(config: Config): Promise<Finding[]> {
  const { probeAgents } = await import("../main.ts");
  const found = await probeAgents(config, process.env, AbortSignal.timeout(10_000));
  return Object.entries(found).map(([name, finding]) => ({ what: `agent ${name}`, ...finding }));
}

async function checkServers(config: Config): Promise<Finding[]> {
  const { probeServers } = await import("../main.ts");
  const found = await probeServers(config, process.env);
  return Object.entries(found).map(([name, finding]) => ({ what: `mcp ${name}`, ...finding }));
}

async function checkAdapters(config: Config): Promise<Finding[]> {
  const { probeAdapters } = await import("../main.ts");
  const found = await probeAdapters(config, AbortSignal.timeout(10_000));
  return Object.entries(found).map(([name, { state, detail }]) => {
    return { what: `adapter ${name}`, ok: state === "connected", detail: detail ?? state };
  });
}
