/**
 * The llm agent: any model behind an OpenAI-compatible server, OpenAI or Anthropic, with the tools of the session's
 * MCP servers. Its memory of a session is the transcript; in its state it keeps a summary of the part that has become
 * too long (`memory.ts`), and how far it got with tools in the turn under way (`work.ts`).
 *
 * The AI SDK and the providers' packages are loaded when the first session is opened: a gateway without such an agent
 * doesn't pay for them.
 */
import type { Agent, AgentSession, OpenOptions } from "../../agent.ts";
import type { LlmConfig } from "../../config.ts";
import type { Clock } from "../../model.ts";

export interface LlmOptions {
  readonly config: LlmConfig;
  /** The gateway's own environment: where the provider's key is where the configuration has none. */
  readonly env: NodeJS.ProcessEnv;
  /** Of the pauses before a request is repeated. */
  readonly clock: Clock;
}

export function createLlmAgent(options: LlmOptions): Agent {
  let loading: Promise<(given: OpenOptions) => AgentSession> | undefined;
  return {
    compacts: true,
    open: async (given) => {
      loading ??= import("./session.ts").then(({ sessionsOf }) => sessionsOf(options));
      const open = await loading;
      return open(given);
    },
  };
}
