/** The environment of a program: little of the gateway's own, so that its tokens stay with it. */
import type { AgentTurn } from "../../agent.ts";
import type { ChannelId } from "../../model.ts";

const PASSED_ON = /^(PATH|HOME|LANG|LC_[A-Z_]+|TZ|TMPDIR)$/;

export interface Place {
  readonly session: string;
  readonly channel: ChannelId;
}

/**
 * `added` is the configuration's `env`; nothing overrides the SWITCHBOARD_ variables:
 * - SWITCHBOARD_SESSION, SWITCHBOARD_CHANNEL: ids
 * - SWITCHBOARD_TURN: the same for every attempt, so that a program can tell a repetition
 * - SWITCHBOARD_ATTEMPT: from 1
 * - SWITCHBOARD_PHASE: "plan" where a plan is wanted and nothing done, else "work"
 * - SWITCHBOARD_FILES: the paths of the files that came with the messages, one a line; gone when the program ends
 * - SWITCHBOARD_SENDER: the id of who sent the (last) message
 */
export function environmentOf(
  own: NodeJS.ProcessEnv,
  added: Readonly<Record<string, string>>,
  place: Place,
  turn: AgentTurn,
  files: readonly string[],
): NodeJS.ProcessEnv {
  const passedOn = Object.entries(own).filter(([name]) => PASSED_ON.test(name));
  return {
    ...Object.fromEntries(passedOn),
    ...added,
    SWITCHBOARD_SESSION: place.session,
    SWITCHBOARD_CHANNEL: place.channel,
    SWITCHBOARD_TURN: turn.id,
    SWITCHBOARD_ATTEMPT: String(turn.attempt),
    SWITCHBOARD_PHASE: turn.phase,
    SWITCHBOARD_FILES: files.join("\n"),
    SWITCHBOARD_SENDER: turn.messages.at(-1)?.sender.id ?? "",
  };
}
