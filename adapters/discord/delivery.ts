/** Posts, edits and "is typing…", at Discord's pace. */
import { type Action, DeliveryError, type EditOptions, type Permitted, type SendOptions } from "../../src/channel.ts";
import type { Rate } from "../../src/governor.ts";
import { type ChannelId, type Clock, type MessageRef, nativeOf } from "../../src/model.ts";
import { heal } from "../shared/heal.ts";
import { EditOrder } from "../shared/order.ts";
import type { Pacing } from "../shared/pacing.ts";
import { rowsOf } from "./components.ts";
import { type Effect, isOfFile, isOfReply, toCallError, toDeliveryError } from "./errors.ts";
import { fields } from "./fields.ts";
import { filed } from "./files.ts";
import type { Log } from "./log.ts";
import { markOf, nonceOf } from "./marks.ts";
import { unfiled } from "./parts.ts";
import { render } from "./render.ts";
import type { Attached, CallOptions, Rest } from "./rest.ts";
import { isSnowflake } from "./snowflake.ts";

export interface DeliveryOptions {
  readonly rest: Rest;
  readonly pacing: Pacing;
  /** For one channel. */
  readonly rate: Rate;
  readonly clock: Clock;
  readonly log: Log;
  /** The bot's own among the latest messages of a channel. */
  readonly latest: (id: string, signal: AbortSignal) => Promise<readonly { id: MessageRef; content: string }[]>;
}

/** Nobody is called by what an agent says, and no page is unfolded below it. */
const QUIET = { allowed_mentions: { parse: [], replied_user: false }, flags: 1 << 2 };

/** A post whose outcome got lost is repeated at once: as long as Discord knows the nonce, that shows nothing twice. */
const TRIES = 3;
const FIRST_PAUSE = 250;

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #order = new EditOrder();

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  async send(channel: ChannelId, text: string, options: SendOptions): Promise<MessageRef> {
    const id = idOf(channel);
    const { line = render(text), file } = filed(text) ?? {};
    const ref = await this.#post(id, line, options, file);
    return ref ?? (await this.#sendUnfiled(id, unfiled(text), options));
  }

  /** Undefined where Discord takes no such file here. */
  async #post(id: string, content: string, options: SendOptions, file?: Attached): Promise<MessageRef | undefined> {
    const { key, signal, permit, actions = [], replyTo } = options;
    await this.#admit(id, options);
    const said = {
      content: content + markOf(key),
      nonce: nonceOf(id, key),
      enforce_nonce: true,
      ...QUIET,
      ...(actions.length > 0 ? { components: rowsOf(actions) } : {}),
    };
    let reference = isSnowflake(replyTo) ? { message_id: replyTo, fail_if_not_exists: false } : undefined;
    let inDoubt = false;
    for (let tries = 1; ; tries++) {
      try {
        const body = reference === undefined ? said : { ...said, message_reference: reference };
        const call = { body, file, signal, ...allowing(permit) };
        const message = fields(await this.#options.rest.call("POST", `/channels/${id}/messages`, call));
        if (isSnowflake(message?.id)) return message.id;
        throw new DeliveryError("unknown", "Discord took the message but did not say its id.");
      } catch (error) {
        if (reference !== undefined && isOfReply(error)) {
          reference = undefined;
          continue;
        }
        const failure = this.#failed(id, error, "post");
        if (file !== undefined && isOfFile(error)) {
          if (inDoubt) throw doubtful(failure);
          return undefined;
        }
        const over = failure.kind !== "unknown" || tries >= TRIES || signal.aborted;
        // That this try was in vain says nothing of the ones before it.
        if (over) throw inDoubt && failure.kind !== "refused" ? doubtful(failure) : failure;
        inDoubt = true;
        await this.#sleep(FIRST_PAUSE * tries, signal);
      }
    }
  }

  /**
   * Several messages for one send. The last has its key, so that it is found only where all of them stand; the others are
   * passed over where an earlier attempt, which did not come so far, has posted them.
   */
  async #sendUnfiled(id: string, parts: readonly string[], options: SendOptions): Promise<MessageRef> {
    const { key, signal, permit, actions = [], replyTo } = options;
    const posted = await this.#options.latest(id, signal);
    let ref: MessageRef | undefined;
    for (const [i, part] of parts.entries()) {
      const isLast = i === parts.length - 1;
      const own = isLast ? key : `${key} ${i}`;
      ref = posted.find(({ content }) => content.endsWith(markOf(own)))?.id;
      ref ??= await this.#post(id, render(part), {
        ...{ key: own, signal, ...allowing(permit) },
        ...(isLast ? { actions } : {}),
        ...(i === 0 && replyTo !== undefined ? { replyTo } : {}),
      });
    }
    if (ref === undefined) throw new DeliveryError("refused", "There is nothing to say.");
    return ref;
  }

  async edit(channel: ChannelId, ref: MessageRef, text: string, options: EditOptions): Promise<void> {
    const id = idOf(channel);
    if (!isSnowflake(ref)) throw new DeliveryError("gone", `No message of this adapter: ${ref}`);
    const key = `${id}/${ref}`;
    await this.#order.run(key, options, () =>
      options.urgency === "preview" ? this.#preview(id, ref, text, options) : this.#final(id, ref, text, options),
    );
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

  async #preview(id: string, ref: MessageRef, text: string, options: EditOptions): Promise<void> {
    const { signal, permit, actions } = options;
    if (!(await this.#options.pacing.spare(id, this.#options.rate, permit)) || signal.aborted) return;
    try {
      // Not ended by `signal`: a request given up half-way may still arrive, and after the final text at that.
      await this.#change(id, ref, heal(text), actions, allowing(permit));
    } catch (error) {
      const failure = this.#failed(id, error, "edit");
      if (failure.kind !== "limited") throw failure;
      this.#options.log("debug", "a preview was left out", { cause: failure.message });
    }
  }

  async #final(id: string, ref: MessageRef, text: string, options: EditOptions): Promise<void> {
    const { signal, permit, actions } = options;
    await this.#admit(id, options);
    try {
      await this.#change(id, ref, text, actions, { signal, ...allowing(permit) });
    } catch (error) {
      throw this.#failed(id, error, "edit");
    }
  }

  /** Components that are not named would stay. */
  async #change(
    id: string,
    ref: MessageRef,
    text: string,
    actions: readonly Action[] | undefined,
    options: Omit<CallOptions, "body">,
  ): Promise<void> {
    const body = { content: render(text), ...QUIET, components: rowsOf(actions ?? []) };
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
