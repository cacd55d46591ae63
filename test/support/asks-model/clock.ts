import type { Clock } from "../../../src/model.ts";

/** Real time that can also jump: what falls due in between happens at once. For stores that keep leases in real time. */
export class JumpClock implements Clock {
  #offset = 0;
  readonly #timers = new Set<{ at: number; fire: () => void }>();

  now(): number {
    return Date.now() + this.#offset;
  }

  after(ms: number, callback: () => void): () => void {
    const cancel = () => {
      clearTimeout(handle);
      this.#timers.delete(timer);
    };
    const fire = () => {
      cancel();
      callback();
    };
    const timer = { at: this.now() + ms, fire };
    const handle = setTimeout(fire, Math.min(ms, 2_147_483_647));
    this.#timers.add(timer);
    return cancel;
  }

  advance(ms: number): void {
    this.#offset += ms;
    const due = [...this.#timers].filter(({ at }) => at <= this.now()).sort((a, b) => a.at - b.at);
    for (const timer of due) if (this.#timers.has(timer)) timer.fire();
  }
}
