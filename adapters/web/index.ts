/**
 * The web channel: a chat page that the gateway serves itself. Its platform is the gateway's own store: each
 * message on the page is an entry of the store's journal, so sending twice with one key shows one message.
 *
 * A message from the page goes: page (keeps it until the gateway has answered) → journal → intake → 202. A crash
 * in between leaves the page without its answer; it sends the same id again, and both steps know the id. A press goes
 * page → intake → its answer, and is repeated in the same way.
 */
import { fileURLToPath } from "node:url";
import {
  type AdapterHealth,
  type ChannelAdapter,
  type CommandInfo,
  DeliveryError,
  type Editing,
  type EditOptions,
  type Intake,
  type Routes,
  type SendOptions,
} from "../../src/channel.ts";
import { describe, SwitchboardError } from "../../src/errors.ts";
import {
  adapterOf,
  type ChannelId,
  type Clock,
  channelId,
  type MessageRef,
  nativeOf,
  type Sender,
} from "../../src/model.ts";
import type { Hint, Store } from "../../src/store.ts";
import { splitMarkdown } from "../shared/split.ts";
import { EventStream } from "./events.ts";
import { createFiles } from "./files.ts";
import { isOutbound, putInbound, putOutbound, refOf } from "./log.ts";
import { isChannel } from "./parse.ts";
import { plainText } from "./plain.ts";
import { createRenderer } from "./render.ts";
import { createRoutes } from "./routes.ts";
import { createViews, type ViewStore } from "./views.ts";
import type { WirePost, WirePress, WirePressed } from "./wire.ts";

export interface WebAdapterOptions {
  readonly name: string;
  readonly store: ViewStore & Pick<Store, "journalPut" | "watch">;
  readonly clock: Clock;
  readonly commands: () => readonly CommandInfo[];
  /** Messages that are worth a try on an empty page. */
  readonly suggestions?: readonly string[];
  /** Where the page stands; default "/". */
  readonly mount?: string;
  /** The folder of the built page; default: where the build puts it, beside this file. */
  readonly publicDir?: string;
}

export type WebAdapter = ChannelAdapter & Editing & Routes;

export function createWebAdapter(options: WebAdapterOptions): WebAdapter {
  return new Web(options);
}

class Web implements ChannelAdapter, Editing, Routes {
  readonly name: string;
  readonly limits = {
    maxTextLength: 16_000,
    minEditInterval: 150,
    repeatableSend: true,
    actions: { most: 50, select: 100, form: true },
  };
  readonly mount: string;
  readonly caller = "operator";
  readonly fetch: (request: Request) => Promise<Response>;
  readonly #options: WebAdapterOptions;
  readonly #streams = new Set<EventStream>();
  readonly #underWay = new Set<Promise<unknown>>();
  #intake: Intake | undefined;
  #unwatch: (() => void) | undefined;
  #state: AdapterHealth["state"] = "starting";
  /** Why the last message could not be stored. */
  #trouble: string | undefined;

  constructor(options: WebAdapterOptions) {
    this.#options = options;
    this.name = options.name;
    this.mount = options.mount ?? "/";
    const views = createViews({ ...options, renderer: createRenderer() });
    this.fetch = createRoutes({
      mount: this.mount,
      files: createFiles(options.publicDir ?? fileURLToPath(new URL("./public", import.meta.url))),
      views,
      about: () => ({ commands: options.commands(), suggestions: options.suggestions ?? [] }),
      channelOf: (native) => channelId(options.name, native),
      take: (channel, post) => this.#withIntake((intake) => this.#take(intake, channel, post)),
      press: (channel, press) => this.#withIntake((intake) => this.#press(intake, channel, press)),
      open: (channel, after) => {
        this.#assertOpen();
        const { clock } = options;
        const stream = new EventStream({
          channel,
          after,
          views,
          clock,
          onEnd: () => this.#streams.delete(stream),
        });
        this.#streams.add(stream);
        return stream;
      },
    });
  }

  async start(intake: Intake): Promise<void> {
    this.#intake = intake;
    // Before any stream reads: what is written during a read still reaches the stream as a hint.
    this.#unwatch = this.#options.store.watch((hint) => this.#pass(hint));
    this.#state = "connected";
  }

  async stop(): Promise<void> {
    this.#intake = undefined;
    this.#state = "stopped";
    await Promise.allSettled(this.#underWay);
  }

  async close(): Promise<void> {
    this.#unwatch?.();
    this.#unwatch = undefined;
    for (const stream of this.#streams) stream.end();
  }

  health(): AdapterHealth {
    if (this.#state !== "connected" || this.#trouble === undefined) return { state: this.#state };
    const detail = `Messages can't be stored now (${this.#trouble}). The page keeps them and sends them again.`;
    return { state: "degraded", detail };
  }

  split(markdown: string): string[] {
    return splitMarkdown(markdown, { max: this.limits.maxTextLength, measure: (part) => part.length });
  }

  async send(channel: ChannelId, text: string, { key, replyTo, ...options }: SendOptions): Promise<MessageRef> {
    const ref = refOf(key, replyTo);
    await this.#put(channel, ref, text, options, false);
    return ref;
  }

  async edit(channel: ChannelId, ref: MessageRef, text: string, options: EditOptions): Promise<void> {
    if (!isOutbound(ref)) throw new DeliveryError("gone", `No message of this page: ${ref}`);
    await this.#put(channel, ref, text, options, options.urgency === "preview");
  }

  #pass(hint: Hint): void {
    if (hint.kind === "replicas" || adapterOf(hint.channel) !== this.name) return;
    for (const stream of this.#streams) stream.hint(hint);
  }

  async #put(
    channel: ChannelId,
    ref: MessageRef,
    text: string,
    { signal, permit, actions }: Pick<SendOptions, "signal" | "permit" | "actions">,
    growing: boolean,
  ): Promise<void> {
    if (!isChannel(nativeOf(channel))) throw new DeliveryError("refused", `No channel of this page: ${channel}`);
    if (signal.aborted) throw new DeliveryError("unavailable", "The gateway gave the session up before the send.");
    if (permit?.() === false) throw new DeliveryError("unavailable", "Not sent: it may be another replica's by now.");
    const { store, clock } = this.#options;
    try {
      await putOutbound(store, channel, ref, { text, growing, at: clock.now(), ...(actions ? { actions } : {}) });
    } catch (error) {
      throw new DeliveryError("unavailable", describe(error), { cause: error });
    }
  }

  /** `stop` waits for what was begun here, and `health` tells how the last one ended. */
  async #withIntake<T>(work: (intake: Intake) => Promise<T>): Promise<T> {
    const working = work(this.#assertOpen());
    this.#underWay.add(working);
    try {
      const result = await working;
      this.#trouble = undefined;
      return result;
    } catch (error) {
      this.#trouble = describe(error);
      throw error;
    } finally {
      this.#underWay.delete(working);
    }
  }

  async #take(intake: Intake, channel: ChannelId, post: WirePost): Promise<void> {
    const { store, clock } = this.#options;
    const at = clock.now();
    await putInbound(store, channel, { ...post, at });
    await intake.take({ channel, ...post, sender: this.#owner(), sentAt: at, addressed: true, direct: true });
    // A refused message is no work for anyone, and may come without a hint.
    this.#pass({ channel, kind: "state" });
  }

  async #press(intake: Intake, channel: ChannelId, press: WirePress): Promise<WirePressed> {
    const { text, ok } = await intake.press({ channel, sender: this.#owner(), ...press });
    return { text: plainText(text), ok };
  }

  /** The page is the operator's own: whoever is signed in is one person. */
  #owner(): Sender {
    return { id: `${this.name}:owner`, name: "You" };
  }

  /** Gives the intake while the adapter receives. */
  #assertOpen(): Intake {
    if (this.#intake === undefined) {
      throw new SwitchboardError("STORE_CLOSED", "The gateway is starting or stopping.");
    }
    return this.#intake;
  }
}
