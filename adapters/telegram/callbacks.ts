/** Tells people what their presses did. Telegram shows each a spinner until then, and takes an answer for some seconds only. */
import type { Api } from "grammy";
import type { Pressed } from "../../src/channel.ts";
import { describe } from "../../src/errors.ts";
import type { Log } from "./polling.ts";
import { render } from "./render.ts";

/** Characters (UTF-16 units) that an answer may show. */
const LONGEST = 200;

export class Callbacks {
  readonly #api: Api;
  readonly #log: Log;

  constructor(api: Api, log: Log) {
    this.#api = api;
    this.#log = log;
  }

  /** Without `pressed`, only ends the spinner. Nobody waits for it: what the press did is durable already. */
  answer(query: string, pressed?: Pressed): void {
    const text = pressed === undefined ? "" : render(pressed.text).text.slice(0, LONGEST).toWellFormed();
    const shown = text === "" ? {} : { text, show_alert: pressed?.ok === false };
    this.#api.raw.answerCallbackQuery({ callback_query_id: query, ...shown }).catch((error: unknown) => {
      this.#log("info", "a person was not told what a button did", { cause: describe(error) });
    });
  }
}
