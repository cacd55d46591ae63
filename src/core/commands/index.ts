import { answer } from "./answer.ts";
import { approve, reject } from "./approve.ts";
import { help } from "./help.ts";
import { mode } from "./mode.ts";
import { renew } from "./new.ts";
import { plan } from "./plan.ts";
import { CommandRegistry } from "./registry.ts";
import { retry } from "./retry.ts";
import { rules } from "./rules.ts";
import { status } from "./status.ts";
import { stop } from "./stop.ts";
import { why } from "./why.ts";

export function builtinCommands(): CommandRegistry {
  return new CommandRegistry([renew, stop, plan, approve, reject, answer, mode, rules, status, retry, why, help]);
}
