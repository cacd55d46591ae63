import type { InboundEvent } from "../model.ts";

/** Ids of people or channels; a `*` at the end matches every id that begins so. */
export interface AccessRules {
  readonly default: "deny" | "allow";
  readonly allow: readonly string[];
  readonly admins: readonly string[];
}

/** What the ids of those begin with who speak through the API. No adapter may be called so. */
export const OPERATORS = "operator:";

/** Decides who may speak to the bots. Lists name a person (`telegram:42`) or a whole channel (`telegram:-100123`). */
export class Access {
  readonly #open: boolean;
  readonly #listed: IdList;
  readonly #admins: IdList;

  constructor(rules: AccessRules) {
    this.#open = rules.default === "allow";
    this.#listed = new IdList([...rules.allow, ...rules.admins]);
    this.#admins = new IdList(rules.admins);
  }

  allows(event: Pick<InboundEvent, "sender" | "channel">): boolean {
    return this.#open || this.#listed.has(event.sender.id) || this.#listed.has(event.channel);
  }

  /** Whoever uses the API or the CLI holds the gateway's token: they may do everything anyhow. */
  isAdmin(person: string): boolean {
    return person.startsWith(OPERATORS) || this.#admins.has(person);
  }
}

class IdList {
  readonly #exact: ReadonlySet<string>;
  readonly #prefixes: readonly string[];

  constructor(ids: readonly string[]) {
    this.#exact = new Set(ids.filter((id) => !id.endsWith("*")));
    this.#prefixes = ids.filter((id) => id.endsWith("*")).map((id) => id.slice(0, -1));
  }

  has(id: string): boolean {
    return this.#exact.has(id) || this.#prefixes.some((prefix) => id.startsWith(prefix));
  }
}
