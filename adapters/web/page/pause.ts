/** The pauses between attempts at one thing: each twice as long as the one before, up to a bound. */
const FIRST_MS = 500;
const LONGEST_MS = 5_000;

export class Pause {
  #next = FIRST_MS;
  #end = (): void => {};

  async wait(): Promise<void> {
    const length = this.#next;
    this.#next = Math.min(length * 2, LONGEST_MS);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, length);
      this.#end = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Ends the one under way. */
  end(): void {
    this.#end();
  }

  /** The next one is short again. */
  reset(): void {
    this.#next = FIRST_MS;
  }
}
