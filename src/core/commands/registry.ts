import type { AgentOption } from "../../agent.ts";
import type { CommandInfo } from "../../channel.ts";
import type { Card, Control, Message, NewSession, Session, SessionPatch, SessionSettings } from "../../model.ts";
import type { Latency } from "../../operations.ts";
import type { Store } from "../../store.ts";
import type { Asks } from "../asks/asks.ts";
import type { RouteSettings } from "../routes.ts";
import type { Timetable } from "../schedules/timetable.ts";

/** What a command may look at. */
export interface CommandContext {
  readonly control: Control;
  readonly session: Session;
  readonly store: Store;
  readonly asks: Asks;
  readonly route: RouteSettings;
  readonly now: number;
  readonly commands: readonly CommandInfo[];
  /** Absent where this gateway runs no schedules. */
  readonly timetable?: Timetable;
  /** The names of the agents, the default one first. */
  readonly agents: readonly string[];
  /** How long the newest answers of this replica took. */
  latency(): Latency | undefined;
  /** The session's agent has a memory that it can shorten. */
  readonly compacts: boolean;
  /** A folder that holds all projects is configured. */
  readonly hasWorkspace: boolean;
  /** For a command that `chooses`. */
  readonly options?: Options;
  /** What a new session of the channel starts from; in this project, else in that of the session before. */
  fresh(project?: string): NewSession;
}

/** What people can choose of the session's agent, or a sentence that says why that can't be told. */
export interface Options {
  readonly known: readonly AgentOption[];
  readonly problem?: string;
}

/** What a command does: all of it happens in the one step that ends it. */
export interface CommandResult {
  /** Markdown. */
  readonly reply?: string;
  /** Shows an ask once more, below the reply. */
  readonly card?: Card;
  readonly settings?: SessionSettings;
  /** A change of the session beyond its settings. */
  readonly patch?: SessionPatch;
  readonly renew?: NewSession;
  /** An archived session that goes on in place of the current one. */
  readonly restore?: string;
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
  cancels?(args: string): "turn" | "all" | undefined;
  /** Whether it stops all there is when its time has come, because only then that can be told. */
  stops?(context: CommandContext): Promise<boolean>;
  /** Whether it needs to know what people can choose of the session's agent, which is begun for that. */
  chooses?(args: string): boolean;
  /** The gateway's own: people can't use it. */
  readonly hidden?: true;
  /** It will put a message into the inbox. */
  enqueues?(args: string): boolean;
  run(context: CommandContext): Promise<CommandResult>;
}

/** The one list of commands: adapters announce it, the page suggests from it, `/help` prints it. */
export class CommandRegistry {
  readonly list: readonly CommandInfo[];
  readonly #byName = new Map<string, Command>();

  constructor(commands: readonly Command[]) {
    this.list = commands.filter(({ hidden }) => !hidden).map(({ name, summary }) => ({ name, summary }));
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
    return command && !command.hidden ? { command, args: args.trim() } : undefined;
  }
}
