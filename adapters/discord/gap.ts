/**
 * A new session means that events may have been missed. Core is told when every server has said what is in it, so that
 * what was said in channels it does not know yet is found too; but not later than in a moment.
 */
import type { Clock } from "../../src/model.ts";
import { isSnowflake } from "./snowflake.ts";

/** Milliseconds. A server that is out of order at Discord says nothing for long. */
const MOMENT = 2000;

export class Gap {
  readonly #clock: Clock;
  readonly #tell: () => void;
  readonly #silent = new Set<string>();
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, tell: () => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** The servers that are going to say what is in them. */
  begin(guilds: readonly unknown[]): void {
    this.end();
    this.#cancel = this.#clock.after(MOMENT, () => this.#over());
    for (const guild of guilds) if (isSnowflake(guild)) this.#silent.add(guild);
    if (this.#silent.size === 0) this.#over();
  }

  heard(guild: unknown): void {
    if (isSnowflake(guild) && this.#silent.delete(guild) && this.#silent.size === 0) this.#over();
  }

  end(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#silent.clear();
  }

  #over(): void {
    if (this.#cancel === undefined) return;
    this.end();
    this.#tell();
  }
}
