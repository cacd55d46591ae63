/** What an agent does in a turn besides talking: its tools with their outcome, and its list of what is to be done. */
import type { AgentEvent, TodoItem } from "../model.ts";
import { oneLine } from "./one-line.ts";

export type Tool = Pick<AgentEvent & { type: "tool" }, "id" | "title" | "status">;

/** Tools that are remembered one by one; of older ones that have ended, only how many they were. */
const REMEMBERED = 64;
/** Items of a list that are looked at. */
const LONGEST_LIST = 100;

export class Activity {
  readonly #tools = new Map<string, Tool>();
  readonly #forgotten = { all: 0, failed: 0 };
  #items: readonly TodoItem[] = [];
  #isTalking = false;

  /** In the order in which they began. Their titles are fit to be shown. */
  get tools(): readonly Tool[] {
    return [...this.#tools.values()];
  }

  /** What is to be done; the texts are fit to be shown. */
  get items(): readonly TodoItem[] {
    return this.#items;
  }

  get count(): number {
    return this.#tools.size + this.#forgotten.all;
  }

  get failed(): number {
    return this.tools.filter(({ status }) => status === "failed").length + this.#forgotten.failed;
  }

  /** Its last sign of life was a piece of the answer. */
  get isTalking(): boolean {
    return this.#isTalking;
  }

  /** All three give whether that changed what can be seen. */
  talk(): boolean {
    const changed = !this.#isTalking;
    this.#isTalking = true;
    return changed;
  }

  tool({ id, title, status }: Tool): boolean {
    const before = this.#tools.get(id);
    const line = oneLine(title) || (before?.title ?? "a tool");
    const changed = before?.title !== line || before.status !== status;
    this.#isTalking &&= !changed;
    this.#tools.set(id, { id, title: line, status });
    if (this.#tools.size > REMEMBERED) this.#forget();
    return changed;
  }

  todo(items: readonly TodoItem[]): boolean {
    const lines = items.slice(0, LONGEST_LIST).map(({ text, status }) => ({ text: oneLine(text), status }));
    const shown = lines.filter(({ text }) => text !== "");
    const isSame = (item: TodoItem, at: number) =>
      item.text === this.#items[at]?.text && item.status === this.#items[at]?.status;
    const changed = shown.length !== this.#items.length || !shown.every(isSame);
    this.#items = shown;
    return changed;
  }

  #forget(): void {
    const tools = this.tools;
    const oldest = tools.find(({ status }) => status !== "running") ?? tools[0];
    if (oldest === undefined) return;
    this.#tools.delete(oldest.id);
    this.#forgotten.all += 1;
    if (oldest.status === "failed") this.#forgotten.failed += 1;
  }
}
