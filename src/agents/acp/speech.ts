/** What an agent says in a turn, in one text: its messages come in pieces, and nothing marks where one ends. */
import type { Piece } from "./updates.ts";

/** Characters of the end that are remembered. */
const RECENT = 8_000;

export class Speech {
  #recent = "";
  #message: string | undefined;
  #isInterrupted = false;

  /** The end of what was said. */
  get recent(): string {
    return this.#recent;
  }

  /** It did something else: what it says next is another paragraph. */
  interrupted(): void {
    this.#isInterrupted = true;
  }

  /** The piece, with what sets it apart from the one before. */
  add({ text, message }: Piece): string {
    if (text === "") return "";
    const isNext = message !== undefined && this.#message !== undefined && message !== this.#message;
    const isApart = (this.#isInterrupted || isNext) && this.#recent !== "" && !this.#recent.endsWith("\n\n");
    if (message !== undefined) this.#message = message;
    this.#isInterrupted = false;
    const delta = isApart ? `\n\n${text.trimStart()}` : text;
    this.#recent = (this.#recent + delta).slice(-RECENT);
    return delta;
  }
}
