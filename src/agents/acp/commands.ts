/** The commands that an agent has in a session. It tells of them some time after it has opened it, or never. */

/** Milliseconds. */
const LONGEST_WAIT = 2_000;

export class Commands {
  #names: ReadonlySet<string> | undefined;
  #told = () => {};

  set(commands: readonly { readonly name: string }[]): void {
    this.#names = new Set(commands.map(({ name }) => name));
    this.#told();
  }

  forget(): void {
    this.#names = undefined;
  }

  async has(name: string): Promise<boolean> {
    if (this.#names === undefined) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, LONGEST_WAIT);
        this.#told = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.#names?.has(name) ?? false;
  }
}
