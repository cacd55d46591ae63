/**
 * Agents of the Agent Client Protocol (https://agentclientprotocol.com, version 1), as processes that the gateway
 * starts and ends. Nothing is started before a session's first turn, or before somebody asks what can be chosen.
 *
 * - `hosts.ts`, `process.ts`, `wire.ts`, `link.ts`: the processes, and what goes to and fro
 * - `session.ts`, `opening.ts`, `settings.ts`: a live session, how it is restored, what is set in it
 * - `exchange.ts`: a turn; `permission.ts` and `elicitation.ts` make requests to people of what the agent asks
 * - `scope.ts`, `files.ts`, `terminals.ts`: what the gateway does for the agent, and how far that reaches
 */
import { resolve } from "node:path";
import type { Agent } from "../../agent.ts";
import type { AcpConfig } from "../../config.ts";
import { passedOn } from "../shared/environment.ts";
import { Hosts } from "./hosts.ts";
import { commandOf, environmentOf, readsItself } from "./presets.ts";
import { AcpAgentSession } from "./session.ts";

export interface AcpOptions {
  readonly config: AcpConfig;
  /** The gateway's own environment, of which a few variables are passed on. */
  readonly env?: NodeJS.ProcessEnv;
  /** Milliseconds that the agent has to stop in when a turn is cancelled, before its process is killed. */
  readonly patience?: number;
}

/** With the time that ending a process takes, below what core waits for an agent to let go. */
const PATIENCE = 6_000;

export function createAcpAgent({ config, env = process.env, patience = PATIENCE }: AcpOptions): Agent {
  const spec = { command: commandOf(config), env: passedOn(env, environmentOf(config)) };
  const hosts = new Hosts({ ...spec, readsItself: readsItself(config) }, config.processes);
  return {
    compacts: true,
    open: async (options) => {
      const folder = options.folder ?? resolve(config.cwd ?? process.cwd());
      return new AcpAgentSession({ config, hosts, env, folder, patience }, options);
    },
  };
}
