/** The bot's menu of commands. Telegram keeps it: it is written only where it differs. */
import type { Api } from "grammy";
import type { CommandInfo } from "../../src/channel.ts";
import { troubleOf } from "./errors.ts";
import type { Log } from "./polling.ts";

/** Telegram's limits: core.telegram.org/bots/api#botcommand */
const NAME = /^[a-z0-9_]{1,32}$/;
const MAX_SUMMARY = 256;
const MAX_COMMANDS = 100;

export class Menu {
  readonly #api: Api;
  readonly #log: Log;
  /** Not yet known to stand at Telegram. */
  #wanted: readonly CommandInfo[] | undefined;

  constructor(api: Api, log: Log) {
    this.#api = api;
    this.#log = log;
  }

  announce(commands: readonly CommandInfo[]): Promise<void> {
    this.#wanted = commands;
    return this.refresh();
  }

  /** Tries what has not succeeded yet. Never rejects: a bot without a menu works. */
  async refresh(): Promise<void> {
    const wanted = this.#wanted;
    if (wanted === undefined) return;
    const menu = wanted
      .filter(({ name }) => NAME.test(name))
      .slice(0, MAX_COMMANDS)
      .map(({ name, summary }) => ({ command: name, description: summary.slice(0, MAX_SUMMARY) || name }));
    try {
      const shown = await this.#api.getMyCommands();
      const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
      const current = shown.map(({ command, description }) => ({ command, description }));
      if (!same(current, menu)) await this.#api.setMyCommands(menu);
      if (this.#wanted === wanted) this.#wanted = undefined;
    } catch (error) {
      this.#log("warn", "the menu of commands could not be set; it is tried again when Telegram is reached", {
        cause: troubleOf(error).detail,
      });
    }
  }
}
