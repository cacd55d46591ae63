/**
 * One Slack app in one workspace. Receives over Socket Mode or HTTP (receiver.ts → parse.ts), answers in Block Kit
 * (render.ts, actions.ts) and files (parts.ts, uploads.ts) at Slack's pace (delivery.ts), tells people what their presses
 * did (presses.ts), reads what was missed (past.ts) and what people attached (downloads.ts). Loads Bolt: import it only
 * where a Slack account is configured.
 */
import type {
  AdapterHealth,
  ChannelAdapter,
  CommandInfo,
  Commands,
  Editing,
  EditOptions,
  Files,
  History,
  Intake,
  Lookup,
  Probing,
  Routes,
  SendOptions,
  Typing,
} from "../../src/channel.ts";
import type { SlackConfig } from "../../src/config.ts";
import { describe } from "../../src/errors.ts";
import type { Governor, Rate } from "../../src/governor.ts";
import type { Attachment, ChannelId, Clock, InboundEvent, MessageRef } from "../../src/model.ts";
import { createLocalGovernor } from "../shared/governor.ts";
import { Pacing } from "../shared/pacing.ts";
import { SLACK_ACTIONS } from "./actions.ts";
import { type Account, SlackClient } from "./client.ts";
import { Delivery, type DeliveryOptions, type Log } from "./delivery.ts";
import { Downloads } from "./downloads.ts";
import { missing, troubleOf } from "./errors.ts";
import { REQUIRED_SCOPES } from "./manifest.ts";
import { partsOf } from "./parts.ts";
import { Past } from "./past.ts";
import { People } from "./people.ts";
import { Presses } from "./presses.ts";
import { type Line, Receiver, type ReceiveTiming } from "./receiver.ts";
import { Requests } from "./requests.ts";
import { Sockets } from "./sockets.ts";
import { Titles } from "./titles.ts";

/** Slack's own figures: docs.slack.dev/apis/web-api/rate-limits. */
export interface SlackPace {
  /** Posts in one conversation: about one in a second, a few at once. */
  readonly post: Rate;
  /** `chat.update`, over all conversations: 50 in a minute at least. */
  readonly edit: Rate;
  /** Everything, over all conversations. */
  readonly overall: Rate;
  /** See `PacingOptions`. */
  readonly maxWait: number;
}

/** Milliseconds. */
export interface SlackTiming extends ReceiveTiming {
  /** For a call of the Web API. */
  readonly deadline: number;
  /** Until a new connection must have been greeted. */
  readonly helloWithin: number;
  /** Until an HTTP request is answered, and a press acknowledged. Slack waits for three seconds. */
  readonly answerWithin: number;
  /** That a message waits for the names of people. */
  readonly namesWithin: number;
}

export interface SlackOptions {
  readonly name: string;
  readonly config: SlackConfig;
  readonly clock: Clock;
  readonly log?: Log;
  readonly pace?: Partial<SlackPace>;
  readonly timing?: Partial<SlackTiming>;
  /** Makes the governor of the account, `overall` over all conversations. Default: one that only this process knows. */
  readonly governor?: (account: string, overall: Rate) => Governor;
}

export type SlackAdapter = ChannelAdapter & Editing & Typing & Files & Lookup & History & Commands & Probing & Ignoring;

interface Ignoring {
  /** How many deliveries were passed over, by reason. */
  readonly ignored: ReadonlyMap<string, number>;
}

const PACE: SlackPace = {
  post: { burst: 3, every: 1100 },
  edit: { burst: 10, every: 1200 },
  overall: { burst: 20, every: 100 },
  maxWait: 5000,
};

const TIMING: SlackTiming = {
  backoff: 500,
  maxBackoff: 30_000,
  rejected: 60_000,
  deadline: 15_000,
  helloWithin: 10_000,
  answerWithin: 2500,
  namesWithin: 1000,
};

export function createSlackAdapter(options: SlackOptions): SlackAdapter {
  return options.config.mode === "http" ? new SlackOverHttp(options) : new SlackOverSockets(options);
}

abstract class Slack implements SlackAdapter {
  readonly name: string;
  readonly limits = { maxTextLength: 4000, minEditInterval: 1200, repeatableSend: false, actions: SLACK_ACTIONS };
  /** Slack shows it for two minutes, or until something is posted. */
  readonly typingLasts = 90_000;
  readonly ignored = new Map<string, number>();
  protected readonly client: SlackClient;
  protected readonly receiver: Receiver;
  readonly #delivery: Delivery;
  readonly #downloads: Downloads;
  readonly #past: Past;
  #account: Account | undefined;

  constructor(options: SlackOptions) {
    const { name, config, clock, log = () => {}, governor } = options;
    const { overall, maxWait, ...rates } = { ...PACE, ...options.pace };
    const timing = { ...TIMING, ...options.timing };
    this.name = name;
    this.client = new SlackClient({
      apiUrl: config.apiUrl,
      botToken: config.botToken,
      clock,
      deadline: timing.deadline,
    });
    const people = new People({
      clock,
      patience: timing.namesWithin,
      lookUp: (user) => this.client.call("users.info", { user }),
      report: (problem) => log("debug", problem),
    });
    const { sessionPer } = config;
    const onIdentified = (account: Account) => {
      this.#account = account;
    };
    const titles = new Titles(name, this.client, (problem) => log("debug", problem));
    const { client, ignored } = this;
    const presses = new Presses({ name, client, people, clock, log, answerWithin: timing.answerWithin });
    this.receiver = new Receiver(
      { name, client, people, sessionPer, clock, timing, log, ignored, onIdentified, titles, presses },
      (receiver) => this.line(receiver, options, timing),
    );
    const account = accountOf(config.botToken, name);
    const pacing = new Pacing({
      governor: governor?.(account, overall) ?? createLocalGovernor(clock, overall),
      clock,
      maxWait,
      report: (message, error) => log("warn", message, { cause: describe(error) }),
    });
    const posted: DeliveryOptions["posted"] = (id, since, signal) => this.#past.posted(id, since, signal);
    this.#delivery = new Delivery({ client, pacing, rates, clock, log, posted });
    this.#downloads = new Downloads({ client, apiUrl: config.apiUrl });
    this.#past = new Past({
      name,
      client: this.client,
      people,
      sessionPer,
      identify: (signal) => this.#identify(signal),
    });
  }

  protected abstract line(receiver: Receiver, options: SlackOptions, timing: SlackTiming): Line;

  async start(intake: Intake): Promise<void> {
    this.receiver.start(intake);
  }

  stop(): Promise<void> {
    return this.receiver.stop();
  }

  close(): Promise<void> {
    this.receiver.abandon();
    return this.client.close();
  }

  health(): AdapterHealth {
    return this.receiver.health;
  }

  async probe(signal: AbortSignal): Promise<AdapterHealth> {
    try {
      const { scopes } = await this.client.identify(signal);
      const lacking = REQUIRED_SCOPES.filter((scope) => scopes?.includes(scope) === false);
      return lacking.length === 0 ? { state: "connected" } : { state: "failed", detail: missing(lacking) };
    } catch (error) {
      return { state: "failed", detail: troubleOf(error, "bot").detail };
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

  download(_channel: ChannelId, file: Attachment, signal: AbortSignal): Promise<Uint8Array> {
    return this.#downloads.download(file, signal);
  }

  lookup(channel: ChannelId, key: string, since: number, signal: AbortSignal): Promise<MessageRef | undefined> {
    return this.#past.lookup(channel, key, since, signal);
  }

  history(channel: ChannelId, after: number, limit: number, signal: AbortSignal): Promise<InboundEvent[]> {
    return this.#past.history(channel, after, limit, signal);
  }

  sources(channels: readonly ChannelId[]): ChannelId[] {
    return this.#past.sources(channels);
  }

  /** Slack learns an app's commands from its manifest; here they tell what `/switchboard <text>` means. */
  async announce(commands: readonly CommandInfo[]): Promise<void> {
    this.receiver.announce(commands.map(({ name }) => name));
  }

  async #identify(signal: AbortSignal): Promise<Account> {
    this.#account ??= await this.client.identify(signal);
    return this.#account;
  }
}

class SlackOverSockets extends Slack {
  readonly #appToken: string;

  constructor(options: SlackOptions) {
    super(options);
    this.#appToken = options.config.appToken ?? "";
  }

  /** The app-level token too: it is given the address of a connection, and makes none. */
  override async probe(signal: AbortSignal): Promise<AdapterHealth> {
    const health = await super.probe(signal);
    if (health.state !== "connected") return health;
    try {
      await this.client.call("apps.connections.open", { token: this.#appToken }, signal);
      return health;
    } catch (error) {
      return { state: "failed", detail: troubleOf(error, "app").detail };
    }
  }

  protected line(receiver: Receiver, { config, clock, log = () => {} }: SlackOptions, timing: SlackTiming): Line {
    return new Sockets({
      appToken: config.appToken ?? "",
      webOptions: this.client.webOptions,
      clock,
      helloWithin: timing.helloWithin,
      onEnvelope: (envelope) => receiver.receive(envelope),
      onConnected: () => receiver.connected(),
      recover: (trouble) => receiver.recover(trouble),
      log: (message) => log("debug", message),
    });
  }
}

class SlackOverHttp extends Slack implements Routes {
  readonly caller = "platform";
  readonly #requests: Requests;

  constructor(options: SlackOptions) {
    super(options);
    const { config, clock, log = () => {}, timing } = options;
    this.#requests = new Requests({
      signingSecret: config.signingSecret ?? "",
      clock,
      answerWithin: timing?.answerWithin ?? TIMING.answerWithin,
      onEnvelope: (envelope) => this.receiver.receive(envelope),
      onSigned: (right) => this.receiver.warn("signature", right ? undefined : WRONG_SIGNATURE),
      log: (message) => log("debug", message),
    });
  }

  /** The request URL of events, interactivity and slash commands. */
  get mount(): string {
    return `/${this.name}`;
  }

  fetch(request: Request): Promise<Response> {
    return this.#requests.fetch(request);
  }

  protected line(receiver: Receiver): Line {
    return { run: async () => receiver.connected(), stop: async () => {}, cut: () => {} };
  }
}

const WRONG_SIGNATURE =
  'A request came whose signature does not fit signingSecret. Take the current one from "Basic Information" of the ' +
  "app; where it is right already, somebody else sends requests to this address.";

/** By the ids that stand before the token's secret. */
function accountOf(token: string, name: string): string {
  return `slack:${/^xoxb-(\d+-\d+)-/.exec(token)?.[1] ?? name}`;
}
