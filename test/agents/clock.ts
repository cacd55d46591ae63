import type { Clock } from "../../src/model.ts";

/** The real clock, which also knows how many timers are under way. */
export class CountingClock implements Clock {
  timers = 0;

  now(): number {
    return Date.now();
  }

  after(ms: number, callback: () => void): () => void {
    this.timers++;
    let open = true;
    const end = () => {
      if (open) this.timers--;
      open = false;
    };
    const timer = setTimeout(() => {
      end();
      callback();
    }, ms);
    return () => {
      end();
      clearTimeout(timer);
    };
  }
}

/** A clock whose timers fire at once, in order, and which notes what was asked for. */
export class InstantClock implements Clock {
  readonly asked: number[] = [];

  now(): number {
    return this.asked.reduce((sum, ms) => sum + ms, 0);
  }

  after(ms: number, callback: () => void): () => void {
    this.asked.push(ms);
    const timer = setImmediate(callback);
    return () => clearImmediate(timer);
  }
}
