import type { CommandInfo } from "../../channel.ts";
import type { Card, Control, Message, NewSession, Session, SessionSettings } from "../../model.ts";
import type { Store } from "../../store.ts";
import type { Asks } from "../asks/asks.ts";
import type { RouteSettings } from "../routes.ts";

/** What a command may look at. */
export interface CommandContext {
  readonly control: Control;
  readonly session: Session;
  readonly store: Store;
  readonly asks: Asks;
  readonly route: RouteSettings;
  readonly now: number;
  readonly commands: readonly CommandInfo[];
  fresh(): NewSession;
}

/** What a command does: all of it happens in the one step that ends it. */
export interface CommandResult {
  /** Markdown. */
  readonly reply?: string;
  /** Shows an ask once more, below the reply. */
  readonly card?: Card;
  readonly settings?: SessionSettings;
  readonly renew?: NewSession;
  readonly replay?: string;
  readonly enqueue?: Message;
  readonly withdraw?: { readonly asks: readonly string[]; readonly reason: string };
}

export interface Command extends CommandInfo {
  /** Other names for it, not listed in `/help`. */
  readonly aliases?: readonly string[];
  /**
   * What its mere arrival stops, in the step that makes it durable: it takes effect even where its owner is
   * busy, slow or gone.
   */
  cancels?(args: string): "turn" | "all";
  /** It will put a message into the inbox. */
  enqueues?(args: string): boolean;
  run(context: CommandContext): Promise<CommandResult>;
}

/** The one list of commands: adapters announce it, the page suggests from it, `/help` prints it. */
export class CommandRegistry {
  readonly list: readonly CommandInfo[];
  readonly #byName = new Map<string, Command>();

  constructor(commands: readonly Command[]) {
    this.list = commands.map(({ name, summary }) => ({ name, summary }));
    for (const command of commands) {
      for (const name of [command.name, ...(command.aliases ?? [])]) this.#byName.set(name, command);
    }
  }

  get(name: string): Command | undefined {
    return this.#byName.get(name);
  }

  /** "/name arguments" → the command, where it is one of ours. Other texts, also with a slash, are for the agent. */
  parse(text: string): { command: Command; args: string } | undefined {
    const [, name, args = ""] = /^\/([a-z][a-z0-9_]*)(?:\s+(.*))?$/is.exec(text.trim()) ?? [];
    const command = name === undefined ? undefined : this.#byName.get(name.toLowerCase());
    return command && { command, args: args.trim() };
  }
}
