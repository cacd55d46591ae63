/**
 * Delivers one channel's replies, in order, and records what became of each.
 *
 * Whether a send happened can get lost (a crash, a cut connection), so each way to deliver is one that can be
 * repeated without being seen twice, in this order of preference:
 * 1. Edit a message that stands already (the preview): an edit is idempotent.
 * 2. Send with a key that the platform de-duplicates by.
 * 3. Note "sending", then send with a key; where that note is found again, look for the key before sending again.
 * 4. Answers: post an empty placeholder, store its reference, then edit. A crash leaves a stray "…" at worst.
 * 5. The rest: note "sending" first; where that note is found again, repeat with a visible mark.
 */
import { type ChannelAdapter, canEdit, canLookUp, DeliveryError, type Lookup, type SendOptions } from "../channel.ts";
import type { Emit } from "../events.ts";
import type { Card, ChannelId, Clock, MessageRef, OutboxEntry } from "../model.ts";
import type { DeliveryOutcome } from "../store.ts";
import type { Face } from "./asks/card.ts";
import { backoff, sleep } from "./clock.ts";
import type { Ownership } from "./ownership.ts";
import { PLACEHOLDER } from "./stream.ts";

/** Milliseconds that the platform's time may be behind ours. */
const SKEW = 60_000;
const MAY_REPEAT = "_(may repeat)_";
const FIRST_RETRY = 1_000;
const LONGEST_RETRY = 60_000;
/** More than an hour of attempts: after so many a reply is parked, so that it doesn't block what is behind it for ever. */
const MOST_ATTEMPTS = 100;

export interface OutboxOptions {
  readonly adapter: ChannelAdapter;
  readonly channel: ChannelId;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Aborts when the session is given up: nothing may be sent any more. */
  readonly signal: AbortSignal;
  /** Nothing is sent while another replica may own the channel. */
  readonly ownership: Pick<Ownership, "secure" | "secured">;
  /** How a card looks now; undefined where its ask is gone. */
  face(card: Card): Promise<Face | undefined>;
  settle(id: string, outcome: DeliveryOutcome): Promise<void>;
}

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #entries: OutboxEntry[] = [];
  readonly #known = new Set<string>();
  readonly #permit = () => this.#options.ownership.secure;
  #delivery: Promise<void> | undefined;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  get empty(): boolean {
    return this.#entries.length === 0;
  }

  /** Takes entries over for delivery; those it has already are passed over. Resolves when the outbox is empty. */
  add(entries: readonly OutboxEntry[]): Promise<void> {
    for (const entry of entries) {
      if (this.#known.has(entry.id)) continue;
      this.#known.add(entry.id);
      this.#entries.push(entry);
    }
    if (this.empty) return Promise.resolve();
    this.#delivery ??= this.#deliverAll();
    return this.#delivery;
  }

  async #deliverAll(): Promise<void> {
    const { clock, signal } = this.#options;
    while (!signal.aborted) {
      const entry = this.#entries[0];
      if (!entry) {
        // In the same tick as the look: an entry that is added next must find no delivery that is about to end.
        this.#delivery = undefined;
        return;
      }
      if (entry.notBefore !== undefined) await sleep(clock, entry.notBefore - clock.now(), signal);
      if (signal.aborted) return;
      const after = await this.#attempt(entry);
      if (after) {
        this.#entries[0] = after;
      } else {
        this.#entries.shift();
        this.#known.delete(entry.id);
      }
    }
  }

  /** One attempt. Gives the entry as it stands after it, or undefined when it is settled for good. */
  async #attempt(entry: OutboxEntry): Promise<OutboxEntry | undefined> {
    const began = this.#options.clock.now();
    try {
      const face = entry.card && (await this.#options.face(entry.card));
      if (entry.card && !face) return await this.#settled(entry, undefined);
      const after = await this.#step(face ? { ...entry, text: face.text } : entry, face);
      if (typeof after === "object") return { ...after, text: entry.text };
      return await this.#settled(entry, face && { ref: after, version: face.version });
    } catch (error) {
      if (error instanceof DeliveryError) return await this.#failed(entry, error, began);
      if (this.#options.signal.aborted) return entry;
      throw error;
    }
  }

  async #settled(entry: OutboxEntry, shown: { ref: MessageRef; version: number } | undefined): Promise<undefined> {
    const { settle, emit, channel } = this.#options;
    await settle(entry.id, { status: "delivered", ...(shown ? { shown } : {}) });
    emit({ type: "delivered", channel, entry: entry.id });
  }

  /** The next step towards delivery: the message that shows it when the platform has it, else the entry one step further. */
  async #step(entry: OutboxEntry, face: Face | undefined): Promise<OutboxEntry | MessageRef> {
    const { adapter, channel, clock, signal, settle, ownership } = this.#options;
    await ownership.secured(signal);
    signal.throwIfAborted();
    const actions = face === undefined ? {} : { actions: face.actions };
    if (entry.ref !== undefined && canEdit(adapter)) {
      const options = { urgency: "final", signal, permit: this.#permit, ...actions } as const;
      await adapter.edit(channel, entry.ref, entry.text, options);
      return entry.ref;
    }
    const replyTo = entry.replyTo === undefined ? {} : { replyTo: entry.replyTo };
    const options = { key: entry.id, signal, permit: this.#permit, ...replyTo };
    if (adapter.limits.repeatableSend) return await adapter.send(channel, entry.text, { ...options, ...actions });
    if (canLookUp(adapter)) return await this.#sendOrFind(entry, adapter, { ...options, ...actions });
    if (entry.kind !== "notice" && canEdit(adapter)) {
      const ref = await adapter.send(channel, PLACEHOLDER, options);
      await settle(entry.id, { status: "placed", ref });
      return { ...entry, ref, state: "pending" };
    }
    const repeats = entry.state === "sending";
    if (!repeats) await settle(entry.id, { status: "sending", at: clock.now() });
    const parts = repeats ? adapter.split(`${entry.text}\n\n${MAY_REPEAT}`) : [entry.text];
    let ref = "";
    for (const part of parts) {
      await ownership.secured(signal);
      signal.throwIfAborted();
      ref = await adapter.send(channel, part, { ...options, ...actions });
    }
    return ref;
  }

  /** Sends, or finds what was sent: whether an earlier send happened can be seen. */
  async #sendOrFind(
    entry: OutboxEntry,
    adapter: ChannelAdapter & Lookup,
    options: SendOptions,
  ): Promise<OutboxEntry | MessageRef> {
    const { channel, clock, signal, settle } = this.#options;
    const { id: key, since } = entry;
    if (entry.state === "sending" && since !== undefined) {
      const found = await adapter.lookup(channel, key, since - SKEW, signal);
      // A card may have changed since it was sent: it is edited to what it is now.
      if (found !== undefined && entry.card) return { ...entry, ref: found };
      if (found !== undefined) return found;
    } else {
      await settle(key, { status: "sending", at: clock.now() });
    }
    return await adapter.send(channel, entry.text, options);
  }

  async #failed(entry: OutboxEntry, error: DeliveryError, began: number): Promise<OutboxEntry | undefined> {
    const { channel, clock, emit, settle } = this.#options;
    const report = {
      type: "delivery.failed",
      channel,
      entry: entry.id,
      kind: error.kind,
      cause: error.message,
    } as const;
    const counts = error.kind !== "limited";
    const isHopeless = counts && entry.attempts + 1 >= MOST_ATTEMPTS;
    if (error.kind === "refused" || isHopeless) {
      emit(report);
      await settle(entry.id, { status: "parked", cause: error.message });
      return undefined;
    }
    const { ref: _, ...unplaced } = entry;
    if (error.kind === "gone" && entry.ref !== undefined) {
      emit(report);
      // Somebody deleted it: what can still be decided is posted anew, what can't need not be.
      if (entry.card && (await this.#options.face(entry.card))?.over !== false)
        return await this.#settled(entry, undefined);
      await settle(entry.id, { status: "failed", notBefore: clock.now(), forgetRef: true });
      return { ...unplaced, state: "pending", attempts: entry.attempts + 1 };
    }
    const wait = error.retryAfter ?? backoff(entry.attempts, FIRST_RETRY, LONGEST_RETRY);
    const notBefore = clock.now() + wait;
    emit({ ...report, retryIn: wait });
    // A direct send that may have happened, now or in an earlier attempt, keeps its note "sending", so that it is looked
    // for, or its repetition carries the mark.
    const mayStand = error.kind === "unknown" || entry.state === "sending";
    const doubtful = mayStand && this.#sendsDirectly(entry);
    const uncounted = counts ? {} : ({ uncounted: true } as const);
    if (!doubtful) await settle(entry.id, { status: "failed", notBefore, ...uncounted });
    const tried = { ...entry, attempts: entry.attempts + (counts ? 1 : 0), notBefore };
    return doubtful ? { ...tried, state: "sending", since: entry.since ?? began } : { ...tried, state: "pending" };
  }

  #sendsDirectly(entry: OutboxEntry): boolean {
    const { adapter } = this.#options;
    if (adapter.limits.repeatableSend) return false;
    if (canLookUp(adapter)) return entry.ref === undefined;
    return !canEdit(adapter) || (entry.kind === "notice" && entry.ref === undefined);
  }
}
