/** Pressed buttons that wait for the bot's answer, and what the people who pressed them were shown. */
import { badRequest } from "./errors.ts";
import { flag, type Params, text } from "./params.ts";

/** A line at the top of the chat, or a window that has to be closed. Empty: only the spinner ended. */
export interface Told {
  readonly text: string;
  readonly alert: boolean;
}

const FIRST_ID = 4_000_000_000_000_000_000n;
const MAX_TEXT = 200;

export class Callbacks {
  readonly #waiting = new Set<string>();
  readonly #told = new Map<string, Told>();
  #count = 0n;

  /** The id of a new query. */
  open(): string {
    const id = String(FIRST_ID + this.#count++);
    this.#waiting.add(id);
    return id;
  }

  /** `answerCallbackQuery`. */
  answer(params: Params): true {
    const id = text(params, "callback_query_id");
    const shown = text(params, "text");
    if (shown.length > MAX_TEXT) throw badRequest("MESSAGE_TOO_LONG");
    if (!this.#waiting.delete(id)) {
      throw badRequest("query is too old and response timeout expired or query ID is invalid");
    }
    this.#told.set(id, { text: shown, alert: flag(params, "show_alert") });
    return true;
  }

  told(id: string): Told | undefined {
    return this.#told.get(id);
  }

  expire(): void {
    this.#waiting.clear();
  }
}
