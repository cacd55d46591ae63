import { existsSync } from "node:fs";
import type { Command } from "commander";
import { type Config, loadConfig, parseConfig } from "../config.ts";
import { ApiClient } from "./client.ts";

/** The options that every command takes, wherever they stand on the line. */
export interface GlobalOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly url?: string;
  readonly token?: string;
}

/** The configuration that the command line names, or the built-in one. */
export function configOf(options: GlobalOptions): Config {
  return options.config === undefined ? parseConfig("", process.env) : loadConfig(options.config, process.env);
}

const USUAL_FILE = "switchboard.yaml";

/** Whoever has put a configuration into this folder, and names none, may believe that it is used. */
export function unusedFile({ config }: GlobalOptions): string | undefined {
  if (config !== undefined || !existsSync(USUAL_FILE)) return undefined;
  return `${USUAL_FILE} is in this folder but was not used: pass --config ${USUAL_FILE}`;
}

export function connect(command: Command): { client: ApiClient; json: boolean } {
  const options = command.optsWithGlobals<GlobalOptions>();
  const advice = options.url === undefined ? unusedFile(options) : undefined;
  const client = new ApiClient(configOf(options), options.url, options.token, advice);
  return { client, json: options.json === true };
}
