/**
 * One Discord bot. Receives over the gateway (receiver.ts → parse.ts), answers in Discord's dialect of Markdown (render.ts)
 * at Discord's pace (delivery.ts), reads what was missed (history.ts), gets what people attach (downloads.ts). Loads
 * discord.js: import it only where a Discord account is configured.
 */
import type {
  AdapterHealth,
  ChannelAdapter,
  CommandInfo,
  Commands,
  Editing,
  EditOptions,
  Exclusive,
  Files,
  Intake,
  Lookup,
  History as PlatformHistory,
  Probing,
  SendOptions,
  Typing,
} from "../../src/channel.ts";
import type { DiscordConfig } from "../../src/config.ts";
import { describe } from "../../src/errors.ts";
import type { Governor, Rate } from "../../src/governor.ts";
import {
  type Attachment,
  type ChannelId,
  type Clock,
  channelId,
  type InboundEvent,
  type MessageRef,
  nativeOf,
} from "../../src/model.ts";
import { createLocalGovernor } from "../shared/governor.ts";
import { Pacing } from "../shared/pacing.ts";
import { ACTIONS } from "./components.ts";
import { Delivery } from "./delivery.ts";
import { Downloads } from "./downloads.ts";
import { CONTENT_MISSING, troubleOf } from "./errors.ts";
import { fields } from "./fields.ts";
import { History } from "./history.ts";
import { isContentGranted } from "./intents.ts";
import { Interactions } from "./interactions.ts";
import type { Log } from "./log.ts";
import { Menu } from "./menu.ts";
import type { Identity } from "./parse.ts";
import { MAX_TEXT, partsOf } from "./parts.ts";
import { Places } from "./places.ts";
import { Presses } from "./presses.ts";
import { Receiver, type ReceiveTiming, type Standing } from "./receiver.ts";
import { Rest } from "./rest.ts";
import { isSnowflake } from "./snowflake.ts";

/** Discord's own figures, a little below: discord.com/developers/docs/topics/rate-limits */
export interface DiscordPace {
  /** Of one channel. */
  readonly channel: Rate;
  readonly overall: Rate;
  /** See `PacingOptions`. */
  readonly maxWait: number;
}

export interface DiscordTiming extends ReceiveTiming {
  /** Milliseconds for a REST call, and at most between two pieces of a file. */
  readonly deadline: number;
  /** Milliseconds until who pressed a button is told that core is long about it. */
  readonly slow: number;
}

export interface DiscordOptions {
  readonly name: string;
  readonly config: DiscordConfig;
  readonly clock: Clock;
  readonly log?: Log;
  readonly pace?: Partial<DiscordPace>;
  readonly timing?: Partial<DiscordTiming>;
  /** Makes the governor of the bot, `overall` over all channels. Default: one that only this process knows. */
  readonly governor?: (account: string, overall: Rate) => Governor;
}

export type DiscordAdapter = ChannelAdapter &
  Exclusive &
  Editing &
  Typing &
  Commands &
  Files &
  Lookup &
  Required<PlatformHistory> &
  Probing &
  Ignoring;

interface Ignoring {
  /** How many events were passed over, by reason. */
  readonly ignored: ReadonlyMap<string, number>;
}

const PACE: DiscordPace = {
  channel: { burst: 5, every: 1050 },
  overall: { burst: 10, every: 24 },
  maxWait: 5000,
};

const TIMING: DiscordTiming = {
  deadline: 15_000,
  slow: 8000,
  backoff: 500,
  maxBackoff: 30_000,
  rejected: 60_000,
  identify: 5500,
  ready: 60_000,
  quiet: 120_000,
  answer: 20_000,
  recheck: 60_000,
};

/** So many channels that core does not know are looked into after a gap. */
const MOST_OTHERS = 30;

export function createDiscordAdapter(options: DiscordOptions): DiscordAdapter {
  return new Discord(options);
}

class Discord implements DiscordAdapter {
  readonly name: string;
  readonly exclusive: string;
  /** Discord knows a nonce for minutes only, and a send may be repeated after days: it is looked up instead. */
  readonly limits = { maxTextLength: MAX_TEXT, minEditInterval: 1200, repeatableSend: false, actions: ACTIONS };
  /** Discord shows it for ten seconds. */
  readonly typingLasts = 10_000;
  readonly ignored = new Map<string, number>();
  readonly #rest: Rest;
  readonly #places: Places;
  readonly #delivery: Delivery;
  readonly #history: History;
  readonly #downloads: Downloads;
  readonly #menu: Menu;
  readonly #presses: Presses;
  readonly #newReceiver: () => Receiver;
  readonly #roles = new Set<string>();
  #me: Identity | undefined;
  #receiver: Receiver;
  /** The last call of `start` or `stop`: each waits for the one before it, so that there are never two receivers. */
  #turn: Promise<void> = Promise.resolve();
  #closed = false;

  constructor({ name, config, clock, log = () => {}, pace, timing, governor }: DiscordOptions) {
    const { overall, maxWait, channel: rate } = { ...PACE, ...pace };
    const times = { ...TIMING, ...timing };
    const { token } = config;
    this.name = name;
    this.exclusive = accountOf(token, name);
    const rest = new Rest({ apiUrl: config.apiUrl, token, deadline: times.deadline });
    const places = new Places(rest);
    const me = (signal: AbortSignal) => this.#identify(signal);
    this.#rest = rest;
    this.#places = places;
    this.#menu = new Menu(rest, log);
    this.#history = new History({ name, rest, places, clock, me });
    this.#downloads = new Downloads(rest, times.deadline);
    const interactions = new Interactions(rest, clock, log);
    const presses = new Presses({ rest, clock, log, slow: times.slow });
    this.#presses = presses;
    const standing: Standing = {};
    const { ignored } = this;
    const onRole = (role: string) => void this.#roles.add(role);
    const onConnected = () => void this.#menu.refresh();
    const parts = { name, token, rest, places, interactions, presses, clock, log, ignored, me, onRole, onConnected };
    this.#newReceiver = () => new Receiver({ ...parts, timing: times }, standing);
    this.#receiver = this.#newReceiver();
    const pacing = new Pacing({
      governor: governor?.(this.exclusive, overall) ?? createLocalGovernor(clock, overall),
      clock,
      maxWait,
      report: (message, error) => log("warn", message, { cause: describe(error) }),
    });
    this.#delivery = new Delivery({
      rest,
      pacing,
      rate,
      clock,
      log,
      latest: (id, signal) => this.#history.latest(id, signal),
    });
  }

  start(intake: Intake): Promise<void> {
    return this.#next(async () => {
      if (this.#closed) return;
      if (this.#receiver.isStopped) this.#receiver = this.#newReceiver();
      this.#receiver.start(intake);
    });
  }

  stop(): Promise<void> {
    return this.#next(() => this.#receiver.stop());
  }

  #next(step: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(step, step);
    return this.#turn;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#receiver.abandon();
    this.#presses.close();
    await Promise.all([this.#rest.close(), this.#downloads.close()]);
  }

  health(): AdapterHealth {
    return this.#receiver.health;
  }

  async probe(signal: AbortSignal): Promise<AdapterHealth> {
    try {
      await this.#identify(signal);
      const granted = await isContentGranted(this.#rest, signal);
      await this.#rest.call("GET", "/gateway/bot", { signal });
      return granted ? { state: "connected" } : { state: "connected", detail: CONTENT_MISSING };
    } catch (error) {
      return { state: "failed", detail: troubleOf(error).detail };
    }
  }

  split(markdown: string): string[] {
    return partsOf(markdown);
  }

  send(channel: ChannelId, text: string, options: SendOptions): Promise<MessageRef> {
    return this.#delivery.send(channel, text, options);
  }

  edit(channel: ChannelId, ref: MessageRef, text: string, options: EditOptions): Promise<void> {
    return this.#delivery.edit(channel, ref, text, options);
  }

  typing(channel: ChannelId, signal: AbortSignal): Promise<void> {
    return this.#delivery.typing(channel, signal);
  }

  lookup(channel: ChannelId, key: string, since: number, signal: AbortSignal): Promise<MessageRef | undefined> {
    return this.#history.find(channel, key, since, signal);
  }

  history(channel: ChannelId, after: number, limit: number, signal: AbortSignal): Promise<InboundEvent[]> {
    return this.#history.since(channel, after, limit, signal);
  }

  download(channel: ChannelId, file: Attachment, signal: AbortSignal): Promise<Uint8Array> {
    return this.#downloads.get(channel, file, signal);
  }

  /** A thread's channel too, and wherever in the bot's servers something was said of late: somebody may have called it. */
  sources(channels: readonly ChannelId[]): ChannelId[] {
    if (channels.length === 0) return [];
    const parents = channels.flatMap((channel) => this.#places.get(nativeOf(channel))?.parent ?? []);
    const others = [...parents, ...this.#places.latest(MOST_OTHERS)].map((id) => channelId(this.name, id));
    return [...new Set([...channels, ...others])];
  }

  announce(commands: readonly CommandInfo[]): Promise<void> {
    return this.#menu.announce(commands);
  }

  async #identify(signal: AbortSignal): Promise<Identity> {
    if (this.#me !== undefined) return this.#me;
    const id = fields(await this.#rest.call("GET", "/users/@me", { signal }))?.id;
    if (!isSnowflake(id)) throw new Error("Discord does not say who the bot is");
    this.#me = { id, roles: this.#roles };
    return this.#me;
  }
}

/** By the bot's id, which stands encoded before the secret. What has no such form is no token, and Discord will say so. */
function accountOf(token: string, name: string): string {
  const id = Buffer.from(token.split(".")[0] ?? "", "base64url").toString("latin1");
  return `discord:${isSnowflake(id) ? id : name}`;
}
