/** The names of people, looked up once and kept for a while. A name that can't be had is the user's id. */
import { describe } from "../../src/errors.ts";
import type { Clock } from "../../src/model.ts";
import { fields, text } from "./fields.ts";

const KEPT = 5000;
const KEPT_FOR = 6 * 3_600_000;
/** Not asked again so soon where it failed. */
const FAILED_FOR = 60_000;

export interface PeopleOptions {
  readonly clock: Clock;
  /** Milliseconds that a message waits for names at most. */
  readonly patience: number;
  /** `users.info` of this user. */
  readonly lookUp: (user: string) => Promise<unknown>;
  readonly report: (problem: string) => void;
}

export class People {
  readonly #options: PeopleOptions;
  readonly #names = new Map<string, { readonly name: string; readonly until: number }>();
  readonly #asked = new Map<string, Promise<void>>();

  constructor(options: PeopleOptions) {
    this.#options = options;
  }

  /** What `make` gives with the names that it asks for, as far as they can be had in time. */
  async named<T>(make: (nameOf: (user: string) => string) => T): Promise<T> {
    const strangers = new Set<string>();
    const first = make((user) => {
      const known = this.#known(user);
      if (known === undefined) strangers.add(user);
      return known ?? user;
    });
    if (strangers.size === 0) return first;
    await this.#inTime(Promise.all([...strangers].map((user) => this.#ask(user))));
    return make((user) => this.#known(user) ?? user);
  }

  #known(user: string): string | undefined {
    const found = this.#names.get(user);
    return found !== undefined && found.until > this.#options.clock.now() ? found.name : undefined;
  }

  #ask(user: string): Promise<void> {
    const asked = this.#asked.get(user) ?? this.#learn(user).finally(() => this.#asked.delete(user));
    this.#asked.set(user, asked);
    return asked;
  }

  async #learn(user: string): Promise<void> {
    try {
      this.#keep(user, nameIn(await this.#options.lookUp(user)) ?? user, KEPT_FOR);
    } catch (error) {
      this.#keep(user, user, FAILED_FOR);
      this.#options.report(`the name of ${user} could not be had: ${describe(error)}`);
    }
  }

  #keep(user: string, name: string, ms: number): void {
    this.#names.delete(user);
    this.#names.set(user, { name, until: this.#options.clock.now() + ms });
    const [oldest] = this.#names.keys();
    if (this.#names.size > KEPT && oldest !== undefined) this.#names.delete(oldest);
  }

  #inTime(work: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(this.#options.patience, resolve);
      // The looking up itself never rejects.
      void work.then(() => {
        cancel();
        resolve();
      });
    });
  }
}

function nameIn(reply: unknown): string | undefined {
  const user = fields(fields(reply)?.user);
  const profile = fields(user?.profile);
  return text(profile?.display_name) ?? text(profile?.real_name) ?? text(user?.real_name) ?? text(user?.name);
}
