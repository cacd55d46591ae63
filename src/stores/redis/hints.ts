/**
 * Tells replicas what changed: this one at once, the others by pub/sub, the hints of one moment together. A hint goes
 * to the owner where there is a living one, else to all: who shall take the channel is not for the store to say.
 */
import { adapterOf, type ChannelId } from "../../model.ts";
import type { ChannelHint, Hint } from "../../store.ts";
import type { Keys } from "./keys.ts";
import type { Members } from "./members.ts";
import type { Client } from "./scripts.ts";

const ALL = "all";
const KINDS: ReadonlySet<string> = new Set<Hint["kind"]>([
  "inbox",
  "control",
  "outbox",
  "state",
  "journal",
  "replicas",
]);

export interface HintsOptions {
  readonly keys: Keys;
  readonly members: Members;
  readonly publisher: Client;
  readonly subscriber: Client;
  /** Called with what went wrong where no caller can be told. */
  readonly log: (problem: string) => void;
}

export class Hints {
  readonly #options: HintsOptions;
  readonly #listeners = new Set<(hint: Hint) => void>();
  /** Target → hints not yet sent. */
  readonly #waiting = new Map<string, Set<string>>();
  /** Adapters whose channels have a display log: somebody may look at them through any replica. */
  readonly #watched = new Set<string>();
  /** The pub/sub channels that this process listens to. */
  readonly #heard = new Set<string>();

  constructor(options: HintsOptions) {
    this.#options = options;
    options.subscriber.on("message", (_channel: string, message: string) => this.#receive(message));
    options.subscriber.on("ready", () => void this.#listenAgain());
  }

  watch(listener: (hint: Hint) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Listens to what is sent to all, or to this replica. Kept over reconnects. */
  async listen(member = ALL): Promise<void> {
    const channel = this.#options.keys.hints(member);
    await this.#options.subscriber.subscribe(channel);
    this.#heard.add(channel);
  }

  /** There is something to do in a channel that `owner` (or nobody) has. */
  work(kind: "inbox" | "control" | "outbox", channel: ChannelId, owner: string): void {
    const { members } = this.#options;
    const hint: Hint = { channel, kind };
    if (owner === "" || members.isOwn(owner) || !members.living.has(owner)) this.tell(hint);
    if (members.isOwn(owner)) return;
    this.#send(members.living.has(owner) ? owner : ALL, hint);
  }

  /** There is something new to show. */
  change(kind: "state" | "journal", channel: ChannelId): void {
    const hint: Hint = { channel, kind };
    this.tell(hint);
    if (kind === "journal") this.#watched.add(adapterOf(channel));
    if (this.#watched.has(adapterOf(channel))) this.#send(ALL, hint);
  }

  /** Who is there has changed: the others look at once. */
  replicas(): void {
    this.#send(ALL, { kind: "replicas" });
  }

  /** Calls this process's listeners. One listener's failure is neither the others' nor the writer's. */
  tell(hint: Hint): void {
    for (const listener of this.#listeners) {
      try {
        listener(hint);
      } catch (error) {
        this.#options.log(`A listener of the store failed for ${hint.kind}: ${String(error)}`);
      }
    }
  }

  /** Sends what waits; a hint that can't be sent is lost, and the sweep finds what it told of. */
  async flush(): Promise<void> {
    const { publisher, keys } = this.#options;
    const batches = [...this.#waiting];
    this.#waiting.clear();
    const sent = batches.map(([target, hints]) =>
      publisher.publish(keys.hints(target), JSON.stringify({ from: this.#options.members.own, hints: [...hints] })),
    );
    for (const result of await Promise.allSettled(sent)) {
      if (result.status === "rejected") this.#options.log(`A hint was lost: ${String(result.reason)}`);
    }
  }

  #send(target: string, hint: Hint): void {
    const { members } = this.#options;
    if (![...members.living].some((member) => !members.isOwn(member))) return;
    if (this.#waiting.size === 0) setImmediate(() => void this.flush());
    const hints = this.#waiting.get(target) ?? new Set();
    this.#waiting.set(target, hints.add(hint.kind === "replicas" ? hint.kind : `${hint.kind} ${hint.channel}`));
  }

  /** After each reconnect. Where it breaks again in that moment, the next one follows. */
  async #listenAgain(): Promise<void> {
    if (this.#heard.size === 0) return;
    try {
      await this.#options.subscriber.subscribe(...this.#heard);
    } catch (error) {
      this.#options.log(`Hints can't be heard: ${String(error)}`);
    }
  }

  #receive(message: string): void {
    const { from, hints } = parseBatch(message);
    if (from.some((member) => this.#options.members.isOwn(String(member)))) return;
    for (const text of hints) {
      const hint = typeof text === "string" ? parse(text) : undefined;
      if (hint !== undefined) this.tell(hint);
    }
  }
}

/** Anybody may publish: what is no batch of hints holds none. */
function parseBatch(message: string): { from: readonly unknown[]; hints: readonly unknown[] } {
  try {
    const batch: unknown = JSON.parse(message);
    if (typeof batch === "object" && batch !== null && "from" in batch && "hints" in batch) {
      const { from, hints } = batch;
      if (Array.isArray(from) && Array.isArray(hints)) return { from, hints };
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return { from: [], hints: [] };
}

function parse(text: string): Hint | undefined {
  const space = text.indexOf(" ");
  const kind = space < 0 ? text : text.slice(0, space);
  if (!KINDS.has(kind)) return undefined;
  if (kind === "replicas") return { kind };
  return { kind: kind as ChannelHint["kind"], channel: text.slice(space + 1) as ChannelId };
}
