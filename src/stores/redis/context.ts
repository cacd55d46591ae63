/** What the parts of the store share: how to run a script on the shard of a channel. */
import { hasCode, SwitchboardError } from "../../errors.ts";
import type { ChannelId, Clock } from "../../model.ts";
import type { Fence } from "../../store.ts";
import { asStoreError } from "./connection.ts";
import type { Hints } from "./hints.ts";
import { encode, type Keys } from "./keys.ts";
import type { Members } from "./members.ts";
import { Repeats } from "./repeats.ts";
import type { Client, Reply, ScriptName, Scripts } from "./scripts.ts";

type Argument = string | number;

export class Context {
  readonly client: Client;
  readonly scripts: Scripts;
  readonly keys: Keys;
  readonly members: Members;
  readonly hints: Hints;
  readonly clock: Clock;
  /** Milliseconds for which an event's id is remembered at least. */
  readonly dedupeFor: number;
  /** Milliseconds for which an archived session is kept; 0: for ever. */
  readonly keep: number;
  /** For calls that can't be told from new ones by what they leave behind. */
  readonly repeats = new Repeats();
  readonly #underWay = new Set<Promise<unknown>>();
  /** Grows with each answer that got lost: see fence.lua. */
  #era = 0;
  #closed = false;

  constructor(
    parts: Pick<Context, "client" | "scripts" | "keys" | "members" | "hints" | "clock" | "dedupeFor" | "keep">,
  ) {
    this.client = parts.client;
    this.scripts = parts.scripts;
    this.keys = parts.keys;
    this.members = parts.members;
    this.hints = parts.hints;
    this.clock = parts.clock;
    this.dedupeFor = parts.dedupeFor;
    this.keep = parts.keep;
  }

  /** Runs a script on a channel: its row is the key, the first four arguments are the same for all. */
  async onChannel(name: ScriptName, channel: ChannelId, ...rest: Argument[]): Promise<Reply> {
    const base = this.keys.base(this.keys.shardOf(channel));
    const id = encode(channel);
    const now = this.clock.now();
    return await this.do(() => this.scripts.run(name, `${base}c:${id}`, base, id, now, now.toString(36), ...rest));
  }

  /** The same as an owner: every write names the fence, and the era. */
  async asOwner(name: ScriptName, channel: ChannelId, fence: Fence, ...rest: Argument[]): Promise<Reply> {
    return await this.onChannel(name, channel, this.members.own.join(" "), `${fence}.${this.#era}`, ...rest);
  }

  /** Runs a script on a row that belongs to a session, an ask or a dead letter. */
  async onRow(name: ScriptName, shard: number, kind: string, id: string, ...rest: Argument[]): Promise<Reply> {
    const base = this.keys.base(shard);
    const now = this.clock.now();
    return await this.do(() =>
      this.scripts.run(name, `${base}${kind}:${id}`, base, "", now, now.toString(36), ...rest),
    );
  }

  /** Runs a script on one of a shard's indexes. */
  async onShard(name: ScriptName, shard: number, index: string, ...rest: Argument[]): Promise<Reply> {
    const base = this.keys.base(shard);
    const now = this.clock.now();
    return await this.do(() => this.scripts.run(name, `${base}${index}`, base, "", now, now.toString(36), ...rest));
  }

  /** Anything that speaks to Redis: rejects with errors of the registry, and with STORE_CLOSED after `close`. */
  async do<Result>(work: () => Promise<Result>): Promise<Result> {
    this.assertOpen();
    const under = work();
    this.#underWay.add(under);
    try {
      return await under;
    } catch (error) {
      const reason = asStoreError(error);
      if (hasCode(reason, "STORE_UNAVAILABLE")) this.#era += 1;
      throw reason;
    } finally {
      this.#underWay.delete(under);
    }
  }

  assertOpen(): void {
    if (this.#closed) throw new SwitchboardError("STORE_CLOSED", "The store is closed.");
  }

  /** From now on nothing is begun. Resolves when what is under way has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#underWay);
  }

  /** The shard of a session or an ask. One from an older store doesn't say: then all are asked. */
  async shardOf(kind: "s" | "a", id: string): Promise<number | undefined> {
    const known = this.keys.shardOfId(id);
    if (known !== undefined) return known;
    const has = await this.do(() =>
      Promise.all(this.keys.all.map((shard) => this.client.exists(`${this.keys.base(shard)}${kind}:${encode(id)}`))),
    );
    const found = has.indexOf(1);
    return found < 0 ? undefined : found;
  }
}

export function staleFence(channel: ChannelId): SwitchboardError {
  return new SwitchboardError(
    "STALE_FENCE",
    `Channel ${channel} was given up or has a new owner; nothing was written.`,
  );
}
