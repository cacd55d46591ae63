/** Why a program's turn failed, in words for the people in the channel, and whether another attempt may go better. */
import type { AgentFailure } from "../../model.ts";
import type { Exit } from "./program.ts";

/**
 * Exit codes that say: the same message will fail again. All others, 75 (EX_TEMPFAIL) among them, are tried again.
 * 64, 65, 77 and 78 as in sysexits(3), 126 and 127 as a shell says it of a command within a script.
 */
const PERMANENT: Readonly<Record<number, string>> = {
  64: "it was called in the wrong way",
  65: "it can't take this message",
  77: "it lacks a permission",
  78: "its configuration is wrong",
  126: "a command in it can't be executed",
  127: "a command in it was not found",
};

export function exitFailure(program: string, { code, signal }: Exit, complaint: string): AgentFailure {
  const said = complaint === "" ? " It wrote nothing to its error output." : ` It last wrote:\n\n${complaint}`;
  if (signal !== null) {
    const message = `The program "${program}" was ended by ${signal}.${said}`;
    // Nobody in the channel would know why it takes so long.
    return { code: "COMMAND_KILLED", message, retryable: true, told: true };
  }
  const meaning = code === null ? undefined : PERMANENT[code];
  const because = meaning === undefined ? "" : ` (${meaning})`;
  const message = `The program "${program}" failed with exit code ${code}${because}.${said}`;
  return { code: "COMMAND_FAILED", message, retryable: meaning === undefined };
}
