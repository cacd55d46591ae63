/**
 * Whether the gateway still sends events. Heartbeats don't show it: a session can go on answering them and be deaf. So
 * where nothing has come for a while, something is asked that must be answered by an event: who the bot is in one of its
 * servers. A bot in no server can't ask, and does without.
 */
import type { Clock } from "../../src/model.ts";
import { isSnowflake } from "./snowflake.ts";

export interface AttendanceOptions {
  readonly clock: Clock;
  /** Milliseconds without an event before it is asked, and for the answer. */
  readonly quiet: number;
  readonly answer: number;
  readonly ask: (guild: string) => void;
  readonly onDeaf: () => void;
}

export class Attendance {
  readonly #options: AttendanceOptions;
  readonly #guilds = new Set<string>();
  #on = false;
  #cancel: () => void = () => {};

  constructor(options: AttendanceOptions) {
    this.#options = options;
  }

  learn(guild: unknown): void {
    if (isSnowflake(guild) && this.#guilds.size < 100) this.#guilds.add(guild);
  }

  begin(): void {
    this.#on = true;
    this.heard();
  }

  end(): void {
    this.#on = false;
    this.#cancel();
  }

  /** An event has come. */
  heard(): void {
    if (!this.#on) return;
    const { clock, quiet } = this.#options;
    this.#cancel();
    this.#cancel = clock.after(quiet, () => this.#doubt());
  }

  #doubt(): void {
    const { clock, answer, ask, onDeaf } = this.#options;
    const [guild] = this.#guilds;
    if (guild === undefined) return void this.heard();
    this.#cancel = clock.after(answer, onDeaf);
    ask(guild);
  }
}
