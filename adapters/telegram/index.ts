/**
 * One Telegram bot. Receives by long polling (polling.ts → parse.ts), answers in Telegram's formatting (render.ts) at
 * Telegram's pace (delivery.ts). Loads grammY: import it only where a Telegram account is configured.
 */
import { Api } from "grammy";
import type {
  AdapterHealth,
  ChannelAdapter,
  CommandInfo,
  Commands,
  Editing,
  EditOptions,
  Intake,
  Probing,
  SendOptions,
  Typing,
} from "../../src/channel.ts";
import type { TelegramConfig } from "../../src/config.ts";
import type { ChannelId, Clock, MessageRef } from "../../src/model.ts";
import { createGovernor, type Rate } from "../shared/pacing.ts";
import { splitMarkdown } from "../shared/split.ts";
import { Delivery } from "./delivery.ts";
import { troubleOf } from "./errors.ts";
import { Menu } from "./menu.ts";
import { type Log, Poller, type PollTiming } from "./polling.ts";
import { render } from "./render.ts";
import { createTransport, forGrammy, type Transport } from "./transport.ts";

/** Telegram's own figures, a little below: core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this */
export interface TelegramPace {
  readonly private: Rate;
  readonly group: Rate;
  readonly overall: Rate;
  /** Milliseconds that a final text waits here before it is handed back as `limited`. */
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
}

export type TelegramAdapter = ChannelAdapter & Editing & Typing & Commands & Probing & Ignoring;

interface Ignoring {
  /** How many updates were passed over, by reason. */
  readonly ignored: ReadonlyMap<string, number>;
}

const PACE: TelegramPace = {
  private: { burst: 3, every: 1000 },
  group: { burst: 4, every: 3000 },
  overall: { burst: 30, every: 34 },
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
  readonly limits = { maxTextLength: 4096, minEditInterval: 1000, repeatableSend: false };
  /** Telegram shows it for five seconds. */
  readonly typingLasts = 5000;
  readonly #api: Api;
  readonly #transport: Transport;
  readonly #poller: Poller;
  readonly #delivery: Delivery;
  readonly #menu: Menu;

  constructor({ name, config, clock, log = () => {}, pace, timing }: TelegramOptions) {
    const paces = { ...PACE, ...pace };
    const times = { ...TIMING, ...timing };
    this.name = name;
    this.#transport = createTransport({
      apiRoot: config.apiRoot,
      token: config.token,
      clock,
      deadline: times.deadline,
    });
    this.#api = new Api(config.token, { apiRoot: config.apiRoot });
    this.#api.config.use(this.#transport.transformer);
    this.#menu = new Menu(this.#api, log);
    this.#poller = new Poller({
      name,
      api: this.#api,
      clock,
      timing: times,
      log,
      onConnected: () => void this.#menu.refresh(),
    });
    this.#delivery = new Delivery({ api: this.#api, governor: createGovernor(clock, paces), rates: paces, log });
  }

  get ignored(): ReadonlyMap<string, number> {
    return this.#poller.ignored;
  }

  start(intake: Intake): Promise<void> {
    this.#poller.start(intake);
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return this.#poller.stop();
  }

  close(): Promise<void> {
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

  announce(commands: readonly CommandInfo[]): Promise<void> {
    return this.#menu.announce(commands);
  }
}
