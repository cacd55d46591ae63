/** The queue of updates and the two ways out of it, by the rules of the public server's `do_get_updates`. */
import type { Clock } from "../../../src/model.ts";
import { conflict } from "./errors.ts";
import { integer, isRecord, nested, type Params } from "./params.ts";

/** Sent only to bots that ask for them by name. */
const NOT_BY_DEFAULT = new Set(["chat_member", "message_reaction", "message_reaction_count"]);
const MAX_TIMEOUT_SECONDS = 50;

interface Entry {
  readonly id: number;
  readonly update: unknown;
  /** Handed out once whatever the offset says. */
  again: boolean;
}

interface Poll {
  readonly offset: number;
  readonly limit: number;
  readonly answer: (updates: unknown[]) => void;
  readonly refuse: (error: Error) => void;
}

export class UpdateQueue {
  readonly #clock: Clock;
  readonly #changed: () => void;
  #queue: Entry[] = [];
  #confirmed: Entry[] = [];
  #lastId: number;
  #allowed: ReadonlySet<string> | undefined;
  #poll: Poll | undefined;
  #wakeUp: NodeJS.Immediate | undefined;
  #webhook: { url: string; secret: string } | undefined;

  constructor(clock: Clock, firstId: number, changed: () => void) {
    this.#clock = clock;
    this.#lastId = firstId - 1;
    this.#changed = changed;
  }

  /** Queues an update of this kind, unless the bot does not want such. Returns the update's id where it was queued. */
  add(kind: string, content: unknown): number | undefined {
    const wanted = this.#allowed === undefined ? !NOT_BY_DEFAULT.has(kind) : this.#allowed.has(kind);
    return wanted ? this.push({ [kind]: content }) : undefined;
  }

  /** Queues whatever it is. An object without `update_id` gets the next one; one with keeps its own. */
  push(raw: unknown): number {
    const own = isRecord(raw) && typeof raw.update_id === "number" ? raw.update_id : undefined;
    const id = own ?? this.#lastId + 1;
    this.#lastId = Math.max(this.#lastId, id);
    const update = isRecord(raw) ? { ...raw, update_id: id } : raw;
    this.#queue.push({ id, update, again: own !== undefined });
    this.#wake();
    return id;
  }

  /** All updates that were ever confirmed come once more, with their own ids, before those that wait. */
  redeliverAll(): void {
    this.#queue = [...this.#confirmed.map((entry) => ({ ...entry, again: true })), ...this.#queue];
    this.#confirmed = [];
    this.#wake();
  }

  pending(): readonly unknown[] {
    return this.#queue.map((entry) => entry.update);
  }

  get size(): number {
    return this.#queue.length;
  }

  get polling(): boolean {
    return this.#poll !== undefined;
  }

  get allowed(): readonly string[] | undefined {
    return this.#allowed === undefined ? undefined : [...this.#allowed];
  }

  get webhook(): { readonly url: string; readonly secret: string } | undefined {
    return this.#webhook;
  }

  allow(params: Params): void {
    const names = nested(params, "allowed_updates");
    if (!Array.isArray(names)) return;
    this.#allowed = names.length === 0 ? undefined : new Set(names.map((name) => String(name).toLowerCase()));
  }

  setWebhook(url: string, secret: string, drop: boolean): void {
    if (url !== "") this.#end((poll) => poll.refuse(conflict("webhookSet")));
    this.#webhook = url === "" ? undefined : { url, secret };
    if (drop) this.#queue = [];
    this.#changed();
  }

  /** `gone` tells when the client has left: its poll ends without taking anything. */
  get(params: Params, gone: (left: () => void) => void): Promise<unknown[]> {
    if (this.#webhook !== undefined) return Promise.reject(conflict("webhookActive"));
    this.allow(params);
    const offset = integer(params, "offset");
    const limit = Math.min(Math.max(integer(params, "limit", 100), 1), 100);
    const timeout = Math.min(Math.max(integer(params, "timeout"), 0), MAX_TIMEOUT_SECONDS);
    this.#confirm(offset);
    const updates = this.#take(offset, limit);
    if (updates.length > 0 || timeout === 0) return Promise.resolve(updates);
    // Only a request that has to wait ends the one that waits already.
    this.#end((poll) => poll.refuse(conflict("otherPoller")));
    return this.#park(offset, limit, timeout, gone);
  }

  /** A poll that still waits is answered with nothing. */
  close(): void {
    clearImmediate(this.#wakeUp);
    this.#end((poll) => poll.answer([]));
  }

  #park(offset: number, limit: number, timeout: number, gone: (left: () => void) => void): Promise<unknown[]> {
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(timeout * 1000, () => {
        if (this.#poll === poll) this.#end(() => poll.answer([]));
      });
      const poll: Poll = {
        offset,
        limit,
        answer: (updates) => {
          cancel();
          resolve(updates);
        },
        refuse: (error) => {
          cancel();
          reject(error);
        },
      };
      this.#poll = poll;
      gone(() => {
        if (this.#poll === poll) this.#end(() => poll.answer([]));
      });
      this.#changed();
    });
  }

  #end(how: (poll: Poll) => void): void {
    const poll = this.#poll;
    this.#poll = undefined;
    if (poll !== undefined) how(poll);
  }

  /** Forgets what lies before the offset; a negative one keeps the last so many. */
  #confirm(offset: number): void {
    if (offset === 0) return;
    const keep =
      offset < 0
        ? new Set(this.#queue.slice(offset))
        : new Set(this.#queue.filter((entry) => entry.id >= offset || entry.again));
    if (keep.size === this.#queue.length) return;
    this.#confirmed.push(...this.#queue.filter((entry) => !keep.has(entry)));
    this.#queue = [...keep];
    this.#changed();
  }

  #take(offset: number, limit: number): unknown[] {
    const taken = this.#queue.filter((entry) => entry.id >= offset || entry.again).slice(0, limit);
    for (const entry of taken) entry.again = false;
    return taken.map((entry) => entry.update);
  }

  /** Answers the waiting poll after the present burst, so that updates made together arrive together. */
  #wake(): void {
    this.#changed();
    this.#wakeUp ??= setImmediate(() => {
      this.#wakeUp = undefined;
      const poll = this.#poll;
      if (poll === undefined) return;
      const updates = this.#take(poll.offset, poll.limit);
      if (updates.length > 0) this.#end(() => poll.answer(updates));
    });
  }
}
