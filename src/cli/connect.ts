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

export function connect(command: Command): { client: ApiClient; json: boolean } {
  const options = command.optsWithGlobals<GlobalOptions>();
  const client = new ApiClient(configOf(options), options.url, options.token);
  return { client, json: options.json === true };
}
