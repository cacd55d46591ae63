import type { InboundEvent } from "../model.ts";

/** Ids of people or channels; a `*` at the end matches every id that begins so. */
export interface AccessRules {
  readonly default: "deny" | "allow";
  readonly allow: readonly string[];
  readonly admins: readonly string[];
}

/** Decides who may speak to the bots. Lists name a person (`telegram:42`) or a whole channel (`telegram:-100123`). */
export class Access {
  readonly #open: boolean;
  readonly #exact: ReadonlySet<string>;
  readonly #prefixes: readonly string[];

  constructor(rules: AccessRules) {
    const listed = [...rules.allow, ...rules.admins];
    this.#open = rules.default === "allow";
    this.#exact = new Set(listed.filter((id) => !id.endsWith("*")));
    this.#prefixes = listed.filter((id) => id.endsWith("*")).map((id) => id.slice(0, -1));
  }

  allows(event: Pick<InboundEvent, "sender" | "channel">): boolean {
    return this.#open || this.#lists(event.sender.id) || this.#lists(event.channel);
  }

  #lists(id: string): boolean {
    return this.#exact.has(id) || this.#prefixes.some((prefix) => id.startsWith(prefix));
  }
}
