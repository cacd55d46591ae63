/** The bot's slash commands. Discord keeps them, and changes take their time: they are written only where they differ. */
import type { CommandInfo } from "../../src/channel.ts";
import { troubleOf } from "./errors.ts";
import { fields, list, text } from "./fields.ts";
import type { Log } from "./log.ts";
import type { Rest } from "./rest.ts";
import { isSnowflake } from "./snowflake.ts";

/** discord.com/developers/docs/interactions/application-commands#application-command-object-application-command-naming */
const NAME = /^[-_\p{L}\p{N}]{1,32}$/u;
const MAX_SUMMARY = 100;
const MAX_COMMANDS = 100;
/** A text behind the command's name. */
const WORDS = { type: 3, name: "text", description: "What goes with it", required: false };

export class Menu {
  readonly #rest: Rest;
  readonly #log: Log;
  /** Not yet known to stand at Discord. */
  #wanted: readonly CommandInfo[] | undefined;

  constructor(rest: Rest, log: Log) {
    this.#rest = rest;
    this.#log = log;
  }

  announce(commands: readonly CommandInfo[]): Promise<void> {
    this.#wanted = commands;
    return this.refresh();
  }

  /** Tries what has not succeeded yet. Never rejects: a bot without slash commands works. */
  async refresh(): Promise<void> {
    const wanted = this.#wanted;
    if (wanted === undefined) return;
    const menu = wanted
      .filter(({ name }) => NAME.test(name) && name === name.toLowerCase())
      .slice(0, MAX_COMMANDS)
      .map(({ name, summary }) => ({
        type: 1,
        name,
        description: summary.slice(0, MAX_SUMMARY) || name,
        options: [WORDS],
      }));
    try {
      const application = fields(await this.#rest.call("GET", "/applications/@me"))?.id;
      if (!isSnowflake(application)) throw new Error("Discord does not say which application the bot is of");
      const route = `/applications/${application}/commands` as const;
      const registered = list(await this.#rest.call("GET", route));
      if (shape(registered) !== shape(menu)) await this.#rest.call("PUT", route, { body: menu });
      if (this.#wanted === wanted) this.#wanted = undefined;
    } catch (error) {
      this.#log("warn", "the slash commands could not be set; it is tried again when Discord is reached", {
        cause: troubleOf(error).detail,
      });
    }
  }
}

/** What a person sees of commands, whatever their order; Discord adds much of its own. */
function shape(commands: readonly unknown[]): string {
  const shapes = commands.map((raw) => {
    const { name, description, options } = fields(raw) ?? {};
    const words = list(options).map((option) => {
      const { type, name: called, description: about, required } = fields(option) ?? {};
      return [type, called, about, required === true];
    });
    return JSON.stringify([text(name), text(description), words]);
  });
  return shapes.sort().join("\n");
}
