/**
 * One session with the gateway, over however many connections. Every dispatch has a number; the position is the last one
 * up to which everything is settled. That is what a heartbeat names and what a resume asks to go on from: so what core has
 * not taken when this process dies, or stops, is not acknowledged.
 */
import type { Resumption } from "./link.ts";

export class Session {
  readonly id: string;
  readonly url: string;
  readonly #open = new Set<number>();
  #received: number;

  constructor(id: string, url: string, sequence: number) {
    this.id = id;
    this.url = url;
    this.#received = sequence;
  }

  get resumption(): Resumption {
    // Numbers come in order: the first that is open is the lowest.
    const [first] = this.#open;
    return { id: this.id, url: this.url, sequence: first === undefined ? this.#received : first - 1 };
  }

  /** Whether it is a new one; a resumed connection repeats what is not settled, and that is in hand already. */
  receive(sequence: number): boolean {
    if (sequence <= this.#received) return false;
    this.#received = sequence;
    return true;
  }

  open(sequence: number): void {
    this.#open.add(sequence);
  }

  settle(sequence: number): void {
    this.#open.delete(sequence);
  }

  /** What is not settled was let go of: it must come again. */
  rewind(): void {
    this.#received = this.resumption.sequence;
    this.#open.clear();
  }
}
