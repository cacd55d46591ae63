import { agent } from "./agent.ts";
import { answer } from "./answer.ts";
import { approve, reject } from "./approve.ts";
import { effort, model } from "./choose.ts";
import { compact } from "./compact.ts";
import { help } from "./help.ts";
import { mode } from "./mode.ts";
import { renew } from "./new.ts";
import { plan } from "./plan.ts";
import { projectCommand } from "./project.ts";
import { CommandRegistry } from "./registry.ts";
import { resume } from "./resume.ts";
import { retry } from "./retry.ts";
import { rules } from "./rules.ts";
import { schedule } from "./schedule.ts";
import { sessions } from "./sessions.ts";
import { silence } from "./silence.ts";
import { status } from "./status.ts";
import { stop } from "./stop.ts";
import { stream } from "./stream.ts";
import { why } from "./why.ts";
import { workspace } from "./workspace.ts";

/** `projects`: the names of those that are configured. */
export function builtinCommands(projects: readonly string[] = []): CommandRegistry {
  return new CommandRegistry([
    ...[renew, stop, plan, approve, reject, answer, mode, rules, agent, model, effort, projectCommand(projects)],
    ...[workspace, stream, compact, sessions, resume, schedule, status, retry, why, help, silence],
  ]);
}
