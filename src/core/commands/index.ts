import { help } from "./help.ts";
import { renew } from "./new.ts";
import { CommandRegistry } from "./registry.ts";
import { retry } from "./retry.ts";
import { status } from "./status.ts";
import { stop } from "./stop.ts";
import { why } from "./why.ts";

export function builtinCommands(): CommandRegistry {
  return new CommandRegistry([renew, stop, status, retry, why, help]);
}
