/**
 * Slash commands. Discord waits three seconds for an acknowledgement and then tells the person that the bot did not
 * respond: an interaction is never sent again. So it is acknowledged when core has it, with a line that only that person
 * sees; the answer itself is a message in the channel like any other. What core could not take in time was not taken: the
 * person has been told so, and will have tried again.
 */
import type { Intake } from "../../src/channel.ts";
import type { Clock, InboundEvent } from "../../src/model.ts";
import { toCallError } from "./errors.ts";
import type { Log } from "./log.ts";
import type { Rest } from "./rest.ts";
import { timeOf } from "./snowflake.ts";

export interface Interaction {
  readonly event: InboundEvent;
  readonly id: string;
  readonly token: string;
}

const MESSAGE = 4;
const EPHEMERAL = 1 << 6;
/** Milliseconds after which nothing is offered to core any more. */
const IN_TIME = 3000;

export class Interactions {
  readonly #rest: Rest;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(rest: Rest, clock: Clock, log: Log) {
    this.#rest = rest;
    this.#clock = clock;
    this.#log = log;
  }

  /** Rejects where it may be offered again. */
  async take({ event, id, token }: Interaction, intake: Intake): Promise<void> {
    // Discord's clock made the id; where the two differ by more than the time there is, it would never be in time.
    const began = Math.max(timeOf(id), this.#clock.now() - IN_TIME / 2);
    try {
      await intake.take(event);
    } catch (error) {
      if (this.#clock.now() - began < IN_TIME / 2) throw error;
      this.#log("warn", "a slash command could not be stored in time; who used it was told that nothing happened");
      return;
    }
    await this.#acknowledge(id, token, event.text);
  }

  async #acknowledge(id: string, token: string, said: string): Promise<void> {
    const [command = ""] = said.split(" ");
    const content = `\`${command}\` is taken. What comes of it is said here.`;
    const body = { type: MESSAGE, data: { content, flags: EPHEMERAL, allowed_mentions: { parse: [] } } };
    try {
      await this.#rest.call("POST", `/interactions/${id}/${token}/callback`, { body });
    } catch (error) {
      // Too late, or a repetition: core has it all the same, and answers in the channel.
      const { code, message } = toCallError(error);
      this.#log("debug", "a slash command was taken and not acknowledged", { code, cause: message });
    }
  }
}
