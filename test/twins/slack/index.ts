/**
 * A Slack for tests: Web API, Socket Mode and signed HTTP requests on loopback that answer as the real ones do, people
 * and conversations to act with, faults to inject, and everything that happened to look at. It holds one workspace with
 * one app, lives in the process that starts it, and so outlives the gateways that talk to it.
 *
 * ```ts
 * const twin = await startSlackTwin();
 * const ada = twin.user("Ada Lovelace");
 * const chat = twin.dm(ada);
 * chat.say(ada, "hello");
 * await twin.until(() => chat.messages().length === 1);
 * ```
 */
import type { Clock } from "../../../src/model.ts";
import { type Call, Journal, type UntilOptions } from "../telegram/journal.ts";
import { TwinChat } from "./chat.ts";
import type { ConversationKind } from "./conversation.ts";
import { Deliveries, type Delivery } from "./deliveries.ts";
import { type Fault, type FaultOptions, Faults } from "./faults.ts";
import { Files } from "./files.ts";
import { Interactions } from "./interactions.ts";
import { Limiter, type RateLimits } from "./limits.ts";
import { methodsOf } from "./methods.ts";
import { Requests } from "./requests.ts";
import { WebApiServer } from "./server.ts";
import { Sockets } from "./sockets.ts";
import { Streams } from "./streams.ts";
import { Uploads } from "./uploads.ts";
import type { TwinModal } from "./views.ts";
import { type Bot, type ShownStatus, type TwinUser, Workspace } from "./workspace.ts";

export type { Call } from "../telegram/journal.ts";
export type { TwinChat } from "./chat.ts";
export type { Fault, FaultOptions } from "./faults.ts";
export type { TwinModal } from "./views.ts";
export type { TwinUser } from "./workspace.ts";

export interface TwinOptions {
  /** Default 0: any free one. */
  readonly port?: number;
  readonly clock?: Clock;
  /** Default off. */
  readonly limits?: RateLimits | "off";
  /** For faults with a probability. Default 1. */
  readonly seed?: number;
  /** Of the bot's token. Default: all that the app's manifest asks for. */
  readonly scopes?: readonly string[];
  /** Default true. */
  readonly assistant?: boolean;
  /** Whether the workspace knows `markdown` blocks. Default true. */
  readonly markdown?: boolean;
  /** Default "socket". */
  readonly mode?: "socket" | "http";
  /** Milliseconds that the app has to acknowledge. Default 3000. */
  readonly ackWithin?: number;
  /** The same for interactions, which are not told again. Default as above. */
  readonly pressWithin?: number;
  /** Milliseconds before each retry. Default: at once, one minute, five minutes. */
  readonly retries?: readonly number[];
  /** The last retry is repeated until it is acknowledged, and holds up what comes behind it. Default false. */
  readonly persistent?: boolean;
  /** Messages that a page of history holds. Default 200. */
  readonly pageSize?: number;
}

export interface ChannelOptions {
  readonly name?: string;
  readonly members?: readonly TwinUser[];
  /** `group` is a private channel, `mpim` a group DM. Default `channel`. */
  readonly kind?: Exclude<ConversationKind, "im">;
  /** Default true. */
  readonly hasBot?: boolean;
}

const SCOPES = [
  "app_mentions:read",
  "assistant:write",
  "channels:history",
  "chat:write",
  "commands",
  "files:read",
  "files:write",
  "groups:history",
  "im:history",
  "mpim:history",
  "users:read",
];

const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

export async function startSlackTwin(options: TwinOptions = {}): Promise<SlackTwin> {
  const twin = new SlackTwin(options);
  await twin.listen(options.port ?? 0);
  return twin;
}

export class SlackTwin {
  readonly botToken: string = "xoxb-1000000000001-2000000000002-twinTwinTwinTwinTwinTwin";
  readonly appToken: string = "xapp-1-A0TWIN-3000000000003-0123456789abcdef0123456789abcdef";
  readonly signingSecret: string = "8f742231b10e8888abcd99yyyzzz85a5";
  readonly teamId = "T0TWIN";
  readonly bot: Bot = { userId: "U0TWINBOT", botId: "B0TWINBOT", appId: "A0TWIN" };
  /** The scopes that the bot's token has. */
  readonly scopes: Set<string>;
  readonly sockets: Sockets;
  readonly requests: Requests;
  readonly deliveries: Deliveries;
  readonly workspace: Workspace;
  /** What people share, and what the app uploads. */
  readonly files: Files;
  readonly uploads: Uploads;
  /** What people do with buttons, selects and modals. */
  readonly interactions: Interactions;
  readonly #journal = new Journal();
  readonly #faults: Faults;
  readonly #server: WebApiServer;
  #port = 0;

  constructor(options: TwinOptions) {
    const { clock = systemClock, limits = "off", ackWithin = 3000, scopes = SCOPES, mode = "socket" } = options;
    this.scopes = new Set(scopes);
    const changed = () => this.#journal.changed();
    const within = { events: ackWithin, interactions: options.pressWithin ?? ackWithin };
    const { retries = [0, 60_000, 300_000], persistent = false } = options;
    this.deliveries = new Deliveries({ clock, retries, persistent, changed });
    this.workspace = new Workspace({
      clock,
      teamId: this.teamId,
      bot: this.bot,
      scopes: this.scopes,
      assistant: options.assistant ?? true,
      tell: (notice) => this.deliveries.add(notice),
      changed,
    });
    this.sockets = new Sockets({ clock, appId: this.bot.appId, deliveries: this.deliveries, within, changed });
    this.requests = new Requests({ clock, signingSecret: this.signingSecret, deliveries: this.deliveries, within });
    this.deliveries.use(mode === "socket" ? this.sockets : this.requests);
    this.files = new Files(this.workspace, () => this.#root());
    this.uploads = new Uploads(this.workspace, this.files, () => this.#root());
    this.interactions = new Interactions(this.workspace, () => this.#root());
    this.#faults = new Faults(options.seed ?? 1);
    this.#server = new WebApiServer({
      botToken: this.botToken,
      appToken: this.appToken,
      scopes: this.scopes,
      clock,
      methods: methodsOf({
        workspace: this.workspace,
        streams: new Streams(this.workspace),
        files: this.files,
        uploads: this.uploads,
        interactions: this.interactions,
        limiter: limits === "off" ? undefined : new Limiter(clock, limits),
        markdown: options.markdown ?? true,
        socketUrl: () => `ws://127.0.0.1:${this.#port}/link/?ticket=${this.sockets.ticket()}&app_id=${this.bot.appId}`,
        pageSize: options.pageSize ?? 200,
      }),
      faults: this.#faults,
      journal: this.#journal,
      sockets: this.sockets,
      files: this.files,
      uploads: this.uploads,
      interactions: this.interactions,
    });
  }

  /** For `apiUrl`. */
  get apiUrl(): string {
    return `${this.#root()}/api`;
  }

  async listen(port: number): Promise<void> {
    this.#port = await this.#server.listen(port);
  }

  /** Cuts every connection. Rejects where the twin itself was at fault in answering a request. */
  async stop(): Promise<void> {
    this.#journal.close();
    this.deliveries.close();
    this.sockets.close();
    await this.#server.close();
  }

  /** A new person. */
  user(name: string): TwinUser {
    return this.workspace.addUser(name);
  }

  /** The conversation of this person with the bot. */
  dm(user: TwinUser): TwinChat {
    return new TwinChat(this.workspace, this.workspace.dm(user.id), this.interactions, this.files);
  }

  channel({ name = "general", members = [], kind = "channel", hasBot = true }: ChannelOptions = {}): TwinChat {
    const everybody = [...members.map(({ id }) => id), ...(hasBot ? [this.bot.userId] : [])];
    return new TwinChat(this.workspace, this.workspace.open(kind, name, everybody), this.interactions, this.files);
  }

  /** What this person has open. */
  modals(user: TwinUser): readonly TwinModal[] {
    return this.interactions.modals(user);
  }

  /** Delivers a raw event in Slack's envelope, whatever it is. */
  push(event: unknown, about = "raw"): void {
    this.workspace.event(event as Record<string, unknown>, about);
  }

  /** Delivers once more what was acknowledged already, as Slack does where the acknowledgement got lost. */
  redeliver(which: (delivery: Delivery) => boolean = () => true): void {
    this.deliveries.repeat(which);
  }

  /** What the app has not acknowledged. */
  pending(): readonly Delivery[] {
    return this.deliveries.all.filter(({ state }) => state !== "acked" && state !== "given up");
  }

  fault(options: FaultOptions): Fault {
    return this.#faults.add(options);
  }

  clearFaults(): void {
    this.#faults.clear();
  }

  /** Every call that reached the workspace, or those of one method, in the order of their arrival. */
  calls(method?: string): readonly Call[] {
    return this.#journal.calls(method);
  }

  /** What assistant threads showed, in order: an empty status ends one. */
  get statuses(): readonly ShownStatus[] {
    return this.workspace.statuses;
  }

  /** The title of an assistant thread. */
  title(chat: TwinChat, thread: string): string | undefined {
    return this.workspace.titles.get(`${chat.id}/${thread}`);
  }

  /** Resolves once the predicate holds; it is asked again whenever something happens at the twin. */
  until(predicate: () => boolean, options?: UntilOptions): Promise<void> {
    return this.#journal.until(predicate, options);
  }

  #root(): string {
    return `http://127.0.0.1:${this.#port}`;
  }
}
