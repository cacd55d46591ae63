/**
 * One Telegram bot. Receives by long polling (polling.ts → parse.ts), tells people what a button did (callbacks.ts),
 * answers in Telegram's formatting (render.ts), with buttons (keyboard.ts), at Telegram's pace (delivery.ts), gets
 * what people attach (downloads.ts). Loads grammY: import it only where a Telegram account is configured.
 */
import { Api } from "grammy";
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
  Probing,
  SendOptions,
  Typing,
} from "../../src/channel.ts";
import type { TelegramConfig } from "../../src/config.ts";
import { describe } from "../../src/errors.ts";
import type { Governor, Rate } from "../../src/governor.ts";
import type { Attachment, ChannelId, Clock, MessageRef } from "../../src/model.ts";
import { createLocalGovernor } from "../shared/governor.ts";
import { Pacing } from "../shared/pacing.ts";
import { splitMarkdown } from "../shared/split.ts";
import { Callbacks } from "./callbacks.ts";
import { Delivery } from "./delivery.ts";
import { Downloads } from "./downloads.ts";
import { troubleOf } from "./errors.ts";
import { TELEGRAM_ACTIONS } from "./keyboard.ts";
import { Menu } from "./menu.ts";
import { type Log, Poller, type PollTiming } from "./polling.ts";
import { render } from "./render.ts";
import { createTransport, forGrammy, type Transport } from "./transport.ts";

/** Telegram's own figures, a little below: core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this */
export interface TelegramPace {
  readonly private: Rate;
  readonly group: Rate;
  readonly overall: Rate;
  /** See `PacingOptions`. */
  readonly maxWait: number;
}

export interface TelegramTiming extends PollTiming {
  /** Milliseconds for a call; a poll has its own waiting time on top. */
  readonly deadline: number;
}

export interface TelegramOptions {
  readonly name: string;
  readonly config: TelegramConfig;
  readonly clock: Clock;
  readonly log?: Log;
  readonly pace?: Partial<TelegramPace>;
  readonly timing?: Partial<TelegramTiming>;
  /** Makes the governor of the bot, `overall` over all chats. Default: one that only this process knows. */
  readonly governor?: (account: string, overall: Rate) => Governor;
}

export type TelegramAdapter = ChannelAdapter & Exclusive & Editing & Typing & Commands & Files & Probing & Ignoring;

interface Ignoring {
  /** How many updates were passed over, by reason. */
  readonly ignored: ReadonlyMap<string, number>;
}

/** A burst and what follows it stay below 20 in any minute of a group and 30 in any second over all. */
const PACE: TelegramPace = {
  private: { burst: 3, every: 1000 },
  group: { burst: 4, every: 4000 },
  overall: { burst: 5, every: 42 },
  maxWait: 5000,
};

const TIMING: TelegramTiming = {
  pollSeconds: 25,
  deadline: 20_000,
  backoff: 500,
  maxBackoff: 30_000,
  conflict: 10_000,
  rejected: 60_000,
};

export function createTelegramAdapter(options: TelegramOptions): TelegramAdapter {
  return new Telegram(options);
}

class Telegram implements TelegramAdapter {
  readonly name: string;
  readonly exclusive: string;
  readonly limits = { maxTextLength: 4096, minEditInterval: 1000, repeatableSend: false, actions: TELEGRAM_ACTIONS };
  /** Telegram shows it for five seconds. */
  readonly typingLasts = 5000;
  readonly ignored = new Map<string, number>();
  readonly #api: Api;
  readonly #transport: Transport;
  readonly #delivery: Delivery;
  readonly #downloads: Downloads;
  readonly #menu: Menu;
  readonly #newPoller: () => Poller;
  #poller: Poller;
  /** The last call of `start` or `stop`: each waits for the one before it, so that there are never two pollers. */
  #turn: Promise<void> = Promise.resolve();
  #closed = false;

  constructor({ name, config, clock, log = () => {}, pace, timing, governor }: TelegramOptions) {
    const { overall, maxWait, ...rates } = { ...PACE, ...pace };
    const times = { ...TIMING, ...timing };
    this.name = name;
    this.exclusive = accountOf(config.token, name);
    this.#transport = createTransport({
      apiRoot: config.apiRoot,
      token: config.token,
      clock,
      deadline: times.deadline,
    });
    const api = new Api(config.token, { apiRoot: config.apiRoot });
    api.config.use(this.#transport.transformer);
    this.#api = api;
    this.#menu = new Menu(api, log);
    this.#downloads = new Downloads(api, this.#transport);
    const onConnected = () => void this.#menu.refresh();
    const callbacks = new Callbacks(api, log);
    const { ignored } = this;
    this.#newPoller = () => new Poller({ name, api, clock, timing: times, log, callbacks, ignored, onConnected });
    this.#poller = this.#newPoller();
    const pacing = new Pacing({
      governor: governor?.(this.exclusive, overall) ?? createLocalGovernor(clock, overall),
      clock,
      maxWait,
      report: (message, error) => log("warn", message, { cause: describe(error) }),
    });
    this.#delivery = new Delivery({ api, pacing, rates, log });
  }

  start(intake: Intake): Promise<void> {
    return this.#next(async () => {
      if (this.#closed) return;
      if (this.#poller.isStopped) this.#poller = this.#newPoller();
      this.#poller.start(intake);
    });
  }

  stop(): Promise<void> {
    return this.#next(() => this.#poller.stop());
  }

  #next(step: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(step, step);
    return this.#turn;
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#poller.abandon();
    return this.#transport.close();
  }

  health(): AdapterHealth {
    return this.#poller.health;
  }

  async probe(signal: AbortSignal): Promise<AdapterHealth> {
    try {
      await this.#api.getMe(forGrammy(signal));
      const { url } = await this.#api.getWebhookInfo(forGrammy(signal));
      if (url === undefined || url === "") return { state: "connected" };
      return {
        state: "failed",
        detail: "A webhook is set for this bot, so polling is refused. Remove it: deleteWebhook.",
      };
    } catch (error) {
      return { state: "failed", detail: troubleOf(error).detail };
    }
  }

  split(markdown: string): string[] {
    return splitMarkdown(markdown, { max: this.limits.maxTextLength, measure: (part) => render(part).text.length });
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

  download(_channel: ChannelId, file: Attachment, signal: AbortSignal): Promise<Uint8Array> {
    return this.#downloads.get(file, signal);
  }

  announce(commands: readonly CommandInfo[]): Promise<void> {
    return this.#menu.announce(commands);
  }
}

/** By the bot's id, which stands before the secret. What has no such form is no token, and Telegram will say so. */
function accountOf(token: string, name: string): string {
  return `telegram:${/^(\d{1,20}):/.exec(token)?.[1] ?? name}`;
}
