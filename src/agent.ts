/**
 * The port of `agents/`: whatever answers.
 *
 * Obligations of every implementation (`test/conformance/agent.ts` holds it to them):
 * - `run` yields events in order and ends with exactly one `done` or `failed`. A throw counts as a retryable failure.
 * - When `signal` aborts, `run` ends promptly, with or without a last event, and nothing that it started goes
 *   on: child processes and their children are ended before it returns.
 * - Nothing outlives `close`, also when a `run` is under way.
 * - Child processes end by themselves where the gateway's process dies, also by `kill -9`.
 */
import type {
  AgentEvent,
  AskRequest,
  Attachment,
  ChannelId,
  GrantScope,
  Json,
  Message,
  PermissionMode,
  Sender,
  TranscriptEntry,
  WorkspaceScope,
} from "./model.ts";

export interface Agent {
  /** It keeps a memory of its own that can be shortened: turns of the phase `compact` make sense to it. */
  readonly compacts?: true;
  /** Called once for each live session. Rejects where the agent can't be started; it is tried again with the next turn. */
  open(options: OpenOptions): Promise<AgentSession>;
}

export interface OpenOptions {
  readonly session: string;
  readonly channel: ChannelId;
  /** What the last `state` or `done` of this session gave. */
  readonly state?: Json;
  /** The folder to work in, absolute. Absent: as the agent's configuration says, else the gateway's own. */
  readonly folder?: string;
  /** The folder that holds all projects, absolute. Absent: `folder` is all there is. */
  readonly workspace?: string;
  /** How far it may reach; absent: `project`. */
  readonly scope?: WorkspaceScope;
  /** By name: whose tools it may use. Started for this session and ended by its `close`. */
  readonly mcpServers?: Readonly<Record<string, McpServer>>;
  /** The newest `limit` entries of the session so far, oldest first, for agents without a memory of their own. */
  transcript(limit: number): Promise<TranscriptEntry[]>;
}

export interface AgentSession {
  /** One at a time. */
  run(turn: AgentTurn): AsyncIterable<AgentEvent>;
  /** What people can choose of it. Begins what it must to find out; rejects where that fails. */
  options?(): Promise<readonly AgentOption[]>;
  close(): Promise<void>;
}

/** A choice that an agent leaves to people. What they chose comes as `AgentTurn.model` and `AgentTurn.effort`. */
export interface AgentOption {
  readonly id: "model" | "effort";
  readonly current?: string;
  readonly choices: readonly { readonly id: string; readonly label: string }[];
}

/** `env` and `headers` hold secrets: never logged, never shown. */
export type McpServer =
  | { readonly command: readonly string[]; readonly env: Readonly<Record<string, string>> }
  | { readonly url: string; readonly headers: Readonly<Record<string, string>> };

export interface AgentTurn {
  readonly id: string;
  /** In order; several only where the queue mode collects. */
  readonly messages: readonly Message[];
  /** From 1; above it, an earlier attempt was cut short or failed and may have had effects. */
  readonly attempt: number;
  /** An earlier attempt was cut short: go on where it was, as far as you remember; don't begin anew. */
  readonly resumes?: true;
  readonly signal: AbortSignal;
  /**
   * `plan`: end with a plan of what you would do, and do nothing yet. `work`: answer. `compact`: shorten your memory of
   * the session and say in a sentence what came of it; only where `Agent.compacts`.
   */
  readonly phase: "plan" | "work" | "compact";
  /** What it may do unasked. Core answers permissions by it too; an agent may have a mode of its own for it. */
  readonly mode: PermissionMode;
  /** As people chose for the session; absent: the agent's own. */
  readonly model?: string;
  readonly effort?: string;
  /** Of `work`: the plan that was approved. Of `plan`: the one that these messages want changed. */
  readonly plan?: string;
  /** What the operator wants the agent to be told ahead of everything. */
  readonly systemPrompt?: string;
  /** What happened since the last turn, for the agent to know: why a plan was rejected. */
  readonly note?: string;
  /**
   * Asks people, and waits for as long as they take: days, and restarts of the gateway. Where the run was cut short
   * meanwhile, the same request in the next attempt is answered by what was decided. Several may be open at once.
   * Rejects when the turn's `signal` aborts, or `takenBack` does: the agent needs no answer any more, and people are told.
   */
  ask(request: AskRequest, takenBack?: AbortSignal): Promise<AskOutcome>;
  /** The bytes of a file that came with one of `messages`. Rejects where the platform doesn't give it. */
  read(file: Attachment): Promise<Uint8Array>;
  /** What was decided of the requests of earlier attempts, for agents that don't ask again by themselves. */
  readonly decided: readonly DecidedRequest[];
}

export interface DecidedRequest {
  readonly request: AskRequest;
  readonly outcome: AskOutcome;
}

/** What became of a request. None of them but `rejected` is a no. */
export type AskOutcome =
  | { readonly kind: "approved"; readonly scope: GrantScope; readonly by: Sender }
  | { readonly kind: "rejected"; readonly reason?: string; readonly by: Sender }
  /** The values by the questions' ids: a choice's id or a text. */
  | { readonly kind: "answered"; readonly answers: Readonly<Record<string, string>> }
  /** It can't be decided any more: the operator's time is over, or it was withdrawn. */
  | { readonly kind: "closed"; readonly reason: string };

/** A turn as one prompt, for agents that know no phases. */
export function promptOf({ messages, phase, plan, systemPrompt, note, resumes }: PromptParts): string {
  const said = messages.map((message) => message.text).join("\n\n");
  const parts = [systemPrompt, note && `(${note})`, resumes && RESUMES, said, planOf(phase, plan)];
  return parts.filter((part) => part !== undefined && part !== "").join("\n\n");
}

export type PromptParts = Pick<AgentTurn, "messages"> &
  Partial<Pick<AgentTurn, "phase" | "plan" | "systemPrompt" | "note" | "resumes">>;

const RESUMES =
  "(You were interrupted while you worked on the following. Go on where you were; do not repeat what you have done.)";

function planOf(phase: AgentTurn["phase"] | undefined, plan: string | undefined): string | undefined {
  if (phase === "plan") {
    const earlier = plan === undefined ? "" : `Your earlier plan, which this is to change:\n\n${plan}\n\n`;
    return `${earlier}Answer with a plan of what you would do. Do nothing yet: the plan will be approved first.`;
  }
  return plan === undefined ? undefined : `The plan, which was approved; carry it out:\n\n${plan}`;
}
