/** What a program and the gateway say to each other in a turn: `text.ts`, `json-lines.ts`. */
import type { AgentTurn, OpenOptions } from "../../agent.ts";
import type { AgentEvent, Json } from "../../model.ts";
import type { TurnFiles } from "../shared/files.ts";
import type { Goodbye, Program } from "./program.ts";

export interface Protocol {
  /** The program may be told more than the beginning. */
  readonly talks: boolean;
  /** How a program whose turn is cut short learns of it, before its group is ended. */
  readonly goodbye?: Goodbye;
  /** What the program is told first. */
  beginning(context: TurnContext): Promise<string>;
  /** What it says. Where no last event (`done`, `failed`) is among it, the program's exit tells how the turn ended. */
  events(program: Program, turn: AgentTurn): AsyncGenerator<AgentEvent>;
}

export interface TurnContext {
  readonly turn: AgentTurn;
  readonly files: TurnFiles;
  readonly options: OpenOptions;
  /** Absolute: where the program runs. */
  readonly folder: string;
  /** What the session's last `state` or `done` gave. */
  readonly state: Json | undefined;
}
