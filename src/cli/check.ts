import { accessSync, constants, mkdirSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { resolve } from "node:path";
import type { Command } from "commander";
import type { Config } from "../config.ts";
import { describe, SwitchboardError } from "../errors.ts";
import { dataFolder, isEmbedded } from "../token.ts";
import { configOf, type GlobalOptions } from "./connect.ts";
import { EXIT, printJson } from "./print.ts";

interface Finding {
  readonly what: string;
  readonly ok: boolean;
  /** What was found, or what is wrong and how to mend it. */
  readonly detail: string;
}

export function checkCommand(program: Command): void {
  program
    .command("check")
    .description("validate the configuration and reach everything it names")
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const config = configOf(options);
      const findings: Finding[] = [
        { what: "configuration", ok: true, detail: options.config ?? "built in" },
        isEmbedded(config.store.url) ? checkFolder(config) : await checkServer(config),
        await checkPort(config),
        ...(await checkAgents(config)),
        ...checkProjects(config),
        ...(await checkAdapters(config)),
      ];
      if (options.json) printJson({ ok: findings.every(({ ok }) => ok), findings });
      else
        for (const { what, ok, detail } of findings)
          process.stdout.write(`${ok ? "ok  " : "FAIL"}  ${what}: ${detail}\n`);
      process.exit(findings.every(({ ok }) => ok) ? EXIT.ok : EXIT.failed);
    });
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

/** A project's folder must be there: an agent that works in another one does harm. */
function checkProjects({ projects, workspace }: Config): Finding[] {
  const folders = Object.entries(projects).map(([name, { folder }]): [string, string] => [`project ${name}`, folder]);
  if (workspace.folder !== undefined) folders.push(["workspace", workspace.folder]);
  return folders.map(([what, folder]) => {
    const path = resolve(folder);
    const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
    return {
      what,
      ok: isFolder,
      detail: isFolder ? path : `${path} is no folder. Create it, or correct its "folder".`,
    };
  });
}

async function checkAdapters(config: Config): Promise<Finding[]> {
  const { probeAdapters } = await import("../main.ts");
  const found = await probeAdapters(config, AbortSignal.timeout(10_000));
  return Object.entries(found).map(([name, { state, detail }]) => {
    return { what: `adapter ${name}`, ok: state === "connected", detail: detail ?? state };
  });
}
