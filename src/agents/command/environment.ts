/** What a program of a turn finds in its environment. */
import type { AgentTurn, OpenOptions } from "../../agent.ts";
import { passedOn } from "../shared/environment.ts";

/**
 * `added` is the configuration's `env`; nothing overrides the SWITCHBOARD_ variables. All are there; one that does not
 * apply is empty.
 * - SWITCHBOARD_SESSION, SWITCHBOARD_CHANNEL: ids
 * - SWITCHBOARD_TURN: the same for every attempt, so that a program can tell a repetition
 * - SWITCHBOARD_ATTEMPT: from 1
 * - SWITCHBOARD_PHASE: "plan" where a plan is wanted and nothing done, else "work"
 * - SWITCHBOARD_MODE: what it may do unasked: "ask", "accept-edits", "plan" or "bypass"
 * - SWITCHBOARD_MODEL, SWITCHBOARD_EFFORT: what people chose
 * - SWITCHBOARD_PROJECT: the folder of the channel's project, in which the program runs
 * - SWITCHBOARD_SCOPE: how far it may reach: "project", "workspace" or "full"
 * - SWITCHBOARD_FILES: the paths of the files that came with the messages, one a line; gone when the program ends
 * - SWITCHBOARD_SENDER: the id of who sent the (last) message
 */
export function environmentOf(
  own: NodeJS.ProcessEnv,
  added: Readonly<Record<string, string>>,
  { session, channel, folder, scope }: Pick<OpenOptions, "session" | "channel" | "folder" | "scope">,
  turn: AgentTurn,
  files: readonly string[],
): NodeJS.ProcessEnv {
  return {
    ...passedOn(own, added),
    SWITCHBOARD_SESSION: session,
    SWITCHBOARD_CHANNEL: channel,
    SWITCHBOARD_TURN: turn.id,
    SWITCHBOARD_ATTEMPT: String(turn.attempt),
    SWITCHBOARD_PHASE: turn.phase,
    SWITCHBOARD_MODE: turn.mode,
    SWITCHBOARD_MODEL: turn.model ?? "",
    SWITCHBOARD_EFFORT: turn.effort ?? "",
    SWITCHBOARD_PROJECT: folder ?? "",
    SWITCHBOARD_SCOPE: scope ?? "project",
    SWITCHBOARD_FILES: files.join("\n"),
    SWITCHBOARD_SENDER: turn.messages.at(-1)?.sender.id ?? "",
  };
}
