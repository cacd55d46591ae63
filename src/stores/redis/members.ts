/** This process among the replicas that share the store. */
import { randomBytes } from "node:crypto";
import type { Membership } from "../../store.ts";
import type { Keys } from "./keys.ts";
import { list, number, text, texts } from "./reply.ts";
import type { Scripts } from "./scripts.ts";

const MARK = "~";

interface Life {
  readonly self: string;
  begun: boolean;
  /** The life before was counted as dead, and nobody was told so yet. */
  lost: boolean;
}

/**
 * A replica's name is followed by a part that each life gets anew: of a name that was taken from the living, nothing
 * comes back. A process that was counted as dead goes on under another one.
 */
export class Members {
  readonly #scripts: Scripts;
  readonly #keys: Keys;
  readonly #lease: number;
  readonly #lives = new Map<string, Life>();
  /** Those that were alive at the last look. */
  #living = new Set<string>();

  constructor(scripts: Scripts, keys: Keys, lease: number) {
    this.#scripts = scripts;
    this.#keys = keys;
    this.#lease = lease;
  }

  get living(): ReadonlySet<string> {
    return this.#living;
  }

  /** The name that this process writes under; it must have beaten before. */
  self(replica: string): string {
    return this.#life(replica).self;
  }

  isOwn(member: string): boolean {
    for (const { self } of this.#lives.values()) if (self === member) return true;
    return false;
  }

  get own(): string[] {
    return [...this.#lives.values()].map(({ self }) => self);
  }

  async beat(replica: string, leaving: boolean): Promise<Membership> {
    const { life, replicas } = await this.#prove(replica, leaving);
    const { self, lost } = life;
    life.lost = false;
    return { lasts: this.#lease, lost, self, replicas };
  }

  /** Beats where this replica has not done so yet: only the living may own something. */
  async join(replica: string): Promise<void> {
    if (!this.#life(replica).begun) await this.#prove(replica, false);
  }

  /** True where it is dead for good. One that joined since the last look is asked for. */
  async isDead(member: string): Promise<boolean> {
    if (this.#living.has(member)) return false;
    return number(await this.#scripts.run("is-living", ...this.#central("live"), member)) === 0;
  }

  async leave(): Promise<void> {
    for (const { self, begun } of this.#lives.values()) {
      if (begun) await this.#scripts.run("leave", ...this.#central("live", "since", "leaving", "held"), self);
    }
  }

  async #prove(replica: string, leaving: boolean): Promise<{ life: Life; replicas: string[] }> {
    const life = this.#life(replica);
    const reply = list(await this.#beat(life.self, !life.begun, leaving));
    if (text(reply[0]) === "dead") {
      // Several beats may be under way: the first that learns of it ends the life.
      if (this.#lives.get(replica) === life) this.#begin(replica, true);
      return await this.#prove(replica, leaving);
    }
    life.begun = true;
    this.#living = new Set(texts(reply[1]));
    const leavers = new Set(texts(reply[2]));
    return { life, replicas: [...this.#living].filter((member) => !leavers.has(member)).sort() };
  }

  #life(replica: string): Life {
    return this.#lives.get(replica) ?? this.#begin(replica, false);
  }

  #begin(replica: string, lost: boolean): Life {
    const life = { self: `${replica}${MARK}${randomBytes(6).toString("base64url")}`, begun: false, lost };
    this.#lives.set(replica, life);
    return life;
  }

  #beat(self: string, first: boolean, leaving: boolean) {
    const keys = this.#central("live", "since", "leaving");
    return this.#scripts.run("beat", ...keys, self, this.#lease, first ? 1 : 0, leaving ? 1 : 0);
  }

  #central(...names: string[]): string[] {
    return names.map((name) => this.#keys.central(name));
  }
}

/** The replica's name as it was given. */
export function replicaOf(member: string): string {
  return member.slice(0, member.lastIndexOf(MARK));
}
