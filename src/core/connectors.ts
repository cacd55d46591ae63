/**
 * Lets every adapter receive: all of them in each replica, except for accounts that their platform bears one receiver
 * for (`Exclusive`). Those are held by one replica at a time; the others stand by and take over. Sending needs no hold.
 */
import {
  type AdapterHealth,
  type ChannelAdapter,
  type CommandInfo,
  canAnnounce,
  type Intake,
  isExclusive,
} from "../channel.ts";
import type { Emit } from "../events.ts";
import type { Store } from "../store.ts";
import type { Ownership } from "./ownership.ts";

export interface ConnectorsOptions {
  readonly store: Store;
  readonly ownership: Ownership;
  readonly adapters: readonly ChannelAdapter[];
  readonly intake: Intake;
  readonly emit: Emit;
  readonly commands: readonly CommandInfo[];
}

export class Connectors {
  readonly #options: ConnectorsOptions;
  readonly #receiving = new Set<ChannelAdapter>();
  #review: Promise<void> | undefined;
  #again = false;
  #stopped = false;

  constructor(options: ConnectorsOptions) {
    this.#options = options;
  }

  /** Begins to receive wherever this replica may. */
  async start(): Promise<void> {
    for (const adapter of this.#options.adapters) {
      if (!isExclusive(adapter)) await this.#receive(adapter);
    }
    await this.review();
  }

  /** Stops receiving everywhere; what only one may hold is free for the others. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#review;
    await Promise.all(this.#options.adapters.map((adapter) => this.#release(adapter)));
  }

  /** Looks again who may receive. Called with each beat, and when this replica is not secure any more. */
  review(): Promise<void> {
    this.#again = true;
    this.#review ??= this.#reviewAll().finally(() => {
      this.#review = undefined;
    });
    return this.#review;
  }

  health(adapter: ChannelAdapter): AdapterHealth {
    if (!isExclusive(adapter) || this.#receiving.has(adapter) || this.#stopped) return adapter.health();
    return { state: "standby", detail: "Another replica receives for this account; this one sends." };
  }

  async #reviewAll(): Promise<void> {
    while (this.#again && !this.#stopped) {
      this.#again = false;
      await Promise.all(this.#options.adapters.filter(isExclusive).map((adapter) => this.#reviewOne(adapter)));
    }
  }

  async #reviewOne(adapter: ChannelAdapter & { readonly exclusive: string }): Promise<void> {
    const { store, ownership, emit } = this.#options;
    try {
      const holds = ownership.secure && (await store.hold(nameOf(adapter.exclusive), ownership.replica));
      if (this.#stopped) return;
      if (holds && !this.#receiving.has(adapter)) await this.#receive(adapter);
      else if (!holds && this.#receiving.delete(adapter)) await adapter.stop();
    } catch (error) {
      emit({ type: "store.fault", doing: `hold the account of ${adapter.name}`, error });
    }
  }

  async #receive(adapter: ChannelAdapter): Promise<void> {
    const { intake, commands, emit } = this.#options;
    this.#receiving.add(adapter);
    await adapter.start(intake);
    if (!canAnnounce(adapter)) return;
    // Not waited for: a platform that does not answer must not hold up the others.
    adapter.announce(commands).catch((error: unknown) => {
      emit({ type: "fault", doing: `announce the commands of ${adapter.name}`, error });
    });
  }

  /** One adapter that fails must not keep the others from it. */
  async #release(adapter: ChannelAdapter): Promise<void> {
    const { store, ownership, emit } = this.#options;
    try {
      await adapter.stop();
      if (isExclusive(adapter) && this.#receiving.has(adapter)) {
        await store.letGo(nameOf(adapter.exclusive), ownership.replica);
      }
    } catch (error) {
      emit({ type: "fault", doing: `stop the adapter ${adapter.name}`, error });
    }
  }
}

function nameOf(account: string): string {
  return `receive:${account}`;
}
