/** Posts, edits and "is typing…", at Discord's pace. */
import { DeliveryError, type EditOptions, type Permitted, type SendOptions } from "../../src/channel.ts";
import type { Rate } from "../../src/governor.ts";
import { type ChannelId, type Clock, type MessageRef, nativeOf } from "../../src/model.ts";
import { heal } from "../shared/heal.ts";
import type { Pacing } from "../shared/pacing.ts";
import { type Effect, toCallError, toDeliveryError } from "./errors.ts";
import { fields } from "./fields.ts";
import type { Log } from "./log.ts";
import { markOf, nonceOf } from "./marks.ts";
import { render } from "./render.ts";
import type { CallOptions, Rest } from "./rest.ts";
import { isSnowflake } from "./snowflake.ts";

export interface DeliveryOptions {
  readonly rest: Rest;
  readonly pacing: Pacing;
  /** For one channel. */
  readonly rate: Rate;
  readonly clock: Clock;
  readonly log: Log;
}

/** Nobody is called by what an agent says, and no page is unfolded below it. */
const QUIET = { allowed_mentions: { parse: [] }, flags: 1 << 2 };

/** A post whose outcome got lost is repeated at once: as long as Discord knows the nonce, that shows nothing twice. */
const TRIES = 3;
const FIRST_PAUSE = 250;

export class Delivery {
  readonly #options: DeliveryOptions;
  /** The edit under way of each message: the last to arrive wins, so there is never a second. */
  readonly #editing = new Map<string, Promise<void>>();

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  async send(channel: ChannelId, text: string, options: SendOptions): Promise<MessageRef> {
    const { key, signal, permit } = options;
    const id = idOf(channel);
    await this.#admit(id, options);
    const body = { content: render(text) + markOf(key), nonce: nonceOf(id, key), enforce_nonce: true, ...QUIET };
    let inDoubt = false;
    for (let tries = 1; ; tries++) {
      try {
        const route = `/channels/${id}/messages` as const;
        const message = fields(await this.#options.rest.call("POST", route, { body, signal, ...allowing(permit) }));
        if (isSnowflake(message?.id)) return message.id;
        throw new DeliveryError("unknown", "Discord took the message but did not say its id.");
      } catch (error) {
        const failure = this.#failed(id, error, "post");
        const over = failure.kind !== "unknown" || tries === TRIES || signal.aborted;
        // That this try was in vain says nothing of the ones before it.
        if (over) throw inDoubt && failure.kind !== "refused" ? doubtful(failure) : failure;
        inDoubt = true;
        await this.#sleep(FIRST_PAUSE * tries, signal);
      }
    }
  }

  async edit(channel: ChannelId, ref: MessageRef, text: string, options: EditOptions): Promise<void> {
    const { urgency, signal } = options;
    const id = idOf(channel);
    if (!isSnowflake(ref)) throw new DeliveryError("gone", `No message of this adapter: ${ref}`);
    const key = `${id}/${ref}`;
    if (urgency === "preview") {
      if (signal.aborted || this.#editing.has(key)) return;
      await untilAborted(this.#track(key, this.#preview(id, ref, text, options)), signal);
      return;
    }
    for (let before = this.#editing.get(key); before !== undefined; before = this.#editing.get(key)) {
      await untilAborted(before, signal);
      if (signal.aborted) throw new DeliveryError("unavailable", "Given up before it was sent.");
    }
    await this.#track(key, this.#final(id, ref, text, options));
  }

  async typing(channel: ChannelId, signal: AbortSignal): Promise<void> {
    const id = idOf(channel);
    if (this.#options.pacing.isPaused(id)) return;
    try {
      await this.#options.rest.call("POST", `/channels/${id}/typing`, { signal });
    } catch (error) {
      throw this.#failed(id, error, "edit");
    }
  }

  async #preview(id: string, ref: MessageRef, text: string, { signal, permit }: EditOptions): Promise<void> {
    if (!(await this.#options.pacing.spare(id, this.#options.rate, permit)) || signal.aborted) return;
    try {
      // Not ended by `signal`: a request given up half-way may still arrive, and after the final text at that.
      await this.#change(id, ref, heal(text), allowing(permit));
    } catch (error) {
      const failure = this.#failed(id, error, "edit");
      if (failure.kind !== "limited") throw failure;
      this.#options.log("debug", "a preview was left out", { cause: failure.message });
    }
  }

  async #final(id: string, ref: MessageRef, text: string, options: EditOptions): Promise<void> {
    await this.#admit(id, options);
    try {
      await this.#change(id, ref, text, { signal: options.signal, ...allowing(options.permit) });
    } catch (error) {
      throw this.#failed(id, error, "edit");
    }
  }

  async #change(id: string, ref: MessageRef, text: string, options: Omit<CallOptions, "body">): Promise<void> {
    const body = { content: render(text), ...QUIET };
    await this.#options.rest.call("PATCH", `/channels/${id}/messages/${ref}`, { body, ...options });
  }

  #admit(id: string, { signal, permit }: SendOptions | EditOptions): Promise<void> {
    return this.#options.pacing.admit(id, this.#options.rate, signal, permit);
  }

  #failed(id: string, error: unknown, effect: Effect): DeliveryError {
    if (!(error instanceof DeliveryError)) {
      const { retryAfter, global } = toCallError(error);
      // To the pacing "" is every channel.
      if (retryAfter !== undefined) this.#options.pacing.pause(global ? "" : id, retryAfter);
    }
    return toDeliveryError(error, effect);
  }

  #sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        cancel();
        signal.removeEventListener("abort", wake);
        resolve();
      };
      const cancel = this.#options.clock.after(ms, wake);
      signal.addEventListener("abort", wake, { once: true });
    });
  }

  #track(key: string, work: Promise<void>): Promise<void> {
    const settled = work.then(noop, noop).then(() => {
      if (this.#editing.get(key) === settled) this.#editing.delete(key);
    });
    this.#editing.set(key, settled);
    return work;
  }
}

/** For the order of edits alone: how one ended is for its own caller to know. */
function noop(): void {}

/** Resolves when the work is done or no longer waited for; rejects as the work does. */
async function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  let stop = noop;
  const aborted = new Promise<void>((resolve) => {
    stop = resolve;
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function doubtful({ message, retryAfter }: DeliveryError): DeliveryError {
  return new DeliveryError("unknown", message, retryAfter === undefined ? {} : { retryAfter });
}

function allowing(permit: Permitted["permit"]): Permitted {
  return permit === undefined ? {} : { permit };
}

/** Channels, threads and direct conversations have ids of one kind. */
export function idOf(channel: ChannelId): string {
  const id = nativeOf(channel);
  if (!isSnowflake(id)) throw new DeliveryError("refused", `No Discord channel: ${channel}`);
  return id;
}
