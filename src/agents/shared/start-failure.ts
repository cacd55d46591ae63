/** Why a program could not be started, in words for the people in the channel. `error` is what the system said. */
import { existsSync } from "node:fs";
import { describe } from "../../errors.ts";
import type { AgentFailure } from "../../model.ts";

export function startFailure(
  program: string,
  cwd: string | undefined,
  error: unknown,
  setting = '"command" of this agent',
): AgentFailure {
  const reason = error instanceof Error && "code" in error ? error.code : undefined;
  // The system gives the same error for a missing folder, a missing program and a missing interpreter.
  if (reason === "ENOENT" && cwd !== undefined && !existsSync(cwd)) {
    return {
      code: "COMMAND_NOT_FOUND",
      message: `The folder "${cwd}", in which "${program}" should run, does not exist. Make it, or correct the folder in the configuration.`,
      retryable: false,
    };
  }
  if (reason === "ENOENT") {
    return {
      code: "COMMAND_NOT_FOUND",
      message: `The program "${program}", or the interpreter named in its first line, was not found. Install it, or correct ${setting} in the configuration.`,
      retryable: false,
    };
  }
  if (reason === "EACCES") {
    return {
      code: "COMMAND_NOT_EXECUTABLE",
      message: `The program "${program}" may not be executed. Allow it (chmod +x), or correct ${setting} in the configuration.`,
      retryable: false,
    };
  }
  const message = `The program "${program}" could not be started: ${describe(error)}. The machine may be short of processes, files or memory.`;
  return { code: "COMMAND_NOT_STARTED", message, retryable: true };
}
