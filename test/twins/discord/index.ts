/**
 * A Discord for tests: REST and gateway on loopback that answer as the real ones do, people and channels to act with,
 * faults to inject, and everything that happened to look at. It holds one bot account, lives in the process that starts
 * it, and so outlives the gateways that talk to it.
 *
 * ```ts
 * const twin = await startDiscordTwin();
 * const ada = twin.user({ username: "ada" });
 * const channel = twin.guild("Team").text("general");
 * channel.mention(ada, "hello");
 * await twin.until(() => channel.messages().length === 1);
 * ```
 */
import type { Clock } from "../../../src/model.ts";
import { type Call, Journal, type UntilOptions } from "../telegram/journal.ts";
import { TwinChannel } from "./channel.ts";
import { type Fault, type FaultOptions, Faults } from "./faults.ts";
import { Gateway } from "./gateway.ts";
import { Interactions } from "./interactions.ts";
import { Limiter, type RateLimits } from "./limits.ts";
import { type Twin, threadsOf } from "./routes.ts";
import { RestServer } from "./server.ts";
import { ChannelType, CONTENT_GRANTED, Intent, isThread, type User } from "./wire.ts";
import { type Guild, World } from "./world.ts";

export type { Call } from "../telegram/journal.ts";
export type { TwinChannel } from "./channel.ts";
export type { Fault, FaultOptions } from "./faults.ts";
export type { TwinInteraction } from "./interactions.ts";
export { shownText } from "./markdown.ts";
export type { User } from "./wire.ts";

export interface TwinOptions {
  /** Default `switchboard`. */
  readonly botName?: string;
  /** Default 0: any free one. */
  readonly port?: number;
  readonly clock?: Clock;
  /** Default off. */
  readonly limits?: RateLimits | "off";
  /** Whether the Message Content intent is switched on in the developer portal. Default true. */
  readonly contentGranted?: boolean;
  /** For how many ms `enforce_nonce` knows a nonce again. Default three minutes. */
  readonly nonceWindow?: number;
  /** Bytes of one file. Default 10 MiB. */
  readonly uploadLimit?: number;
  /** Milliseconds. Default 41,250, as the real one asks for. */
  readonly heartbeatInterval?: number;
  /** For faults with a probability. Default 1. */
  readonly seed?: number;
}

export interface TwinGuild {
  readonly id: string;
  /** The role that Discord made for the bot. */
  readonly botRole: string;
  text(name: string): TwinChannel;
  forum(name: string): TwinChannel;
}

const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

const BOT_ID = "1180000000000000001";

export async function startDiscordTwin(options: TwinOptions = {}): Promise<DiscordTwin> {
  const twin = new DiscordTwin(options);
  await twin.listen(options.port ?? 0);
  return twin;
}

export class DiscordTwin {
  readonly token = `${Buffer.from(BOT_ID).toString("base64url")}.GtwinA.0123456789abcdefghijklmnopqrstuvwxyzAB`;
  readonly bot: User;
  readonly gateway: Gateway;
  /** How many sessions may still be begun today. */
  sessionsLeft = 1000;
  readonly #parts: Twin;
  readonly #journal = new Journal();
  readonly #faults: Faults;
  readonly #server: RestServer;
  #apiUrl = "";

  constructor(options: TwinOptions) {
    const { clock = systemClock, limits = "off", botName = "switchboard" } = options;
    this.bot = { ...person(BOT_ID, botName), bot: true };
    const world = new World(clock, this.bot, options.nonceWindow ?? 180_000);
    world.contentGranted = options.contentGranted ?? true;
    world.uploadLimit = options.uploadLimit ?? world.uploadLimit;
    this.gateway = new Gateway({
      token: this.token,
      heartbeatInterval: options.heartbeatInterval ?? 41_250,
      granted: () => (world.contentGranted ? Intent.messageContent : 0),
      ready: () => ({
        user: this.bot,
        application: { id: world.applicationId, flags: world.contentGranted ? CONTENT_GRANTED : 0 },
        guilds: [...world.guilds.keys()].map((id) => ({ id, unavailable: true })),
      }),
      guilds: () => [...world.guilds.values()].map((guild) => this.#guildCreate(guild)),
      changed: () => this.#journal.changed(),
    });
    const interactions = new Interactions(world);
    this.#parts = { world, gateway: this.gateway, interactions, sessionsLeft: () => this.sessionsLeft };
    this.#faults = new Faults(options.seed ?? 1);
    this.#server = new RestServer({
      token: this.token,
      clock,
      twin: this.#parts,
      faults: this.#faults,
      journal: this.#journal,
      limiter: limits === "off" ? undefined : new Limiter(clock, limits),
    });
  }

  /** Ends in "/api": clients add the version. */
  get apiUrl(): string {
    return this.#apiUrl;
  }

  async listen(port: number): Promise<void> {
    const bound = await this.#server.listen(port);
    this.#apiUrl = `http://127.0.0.1:${bound}/api`;
    this.#parts.world.links.origin = `http://127.0.0.1:${bound}`;
    this.gateway.url = `ws://127.0.0.1:${bound}`;
  }

  /** Cuts every connection. Rejects where the twin itself was at fault in answering a request. */
  async stop(): Promise<void> {
    this.#journal.close();
    await this.gateway.stop();
    await this.#server.close();
  }

  user(fields: { readonly username?: string; readonly global_name?: string; readonly bot?: boolean } = {}): User {
    const id = this.#parts.world.id();
    const user = { ...person(id, `user${id.slice(-4)}`), ...fields };
    this.#parts.world.users.set(id, user);
    return user;
  }

  /** A new guild with the bot in it. */
  guild(name: string): TwinGuild {
    const { world } = this.#parts;
    const guild = { id: world.id(), name, ownerId: world.id(), botRole: world.id() };
    world.guilds.set(guild.id, guild);
    this.gateway.dispatch("GUILD_CREATE", Intent.guilds, () => this.#guildCreate(guild));
    const open = (type: number) => (title: string) => {
      const room = world.open({ type, guild_id: guild.id, name: title });
      this.gateway.dispatch("CHANNEL_CREATE", Intent.guilds, () => room.channel);
      return new TwinChannel(this.#parts, room);
    };
    return { id: guild.id, botRole: guild.botRole, text: open(ChannelType.text), forum: open(ChannelType.forum) };
  }

  /** The direct conversation of this person with the bot. */
  dm(user: User): TwinChannel {
    return new TwinChannel(this.#parts, this.#parts.world.open({ type: ChannelType.dm, recipients: [user] }));
  }

  /** The Message Content intent, as switched in the developer portal. */
  set contentGranted(granted: boolean) {
    this.#parts.world.contentGranted = granted;
  }

  /** What is registered now. */
  get commands(): readonly Record<string, unknown>[] {
    return this.#parts.world.commands;
  }

  /** Dispatches an event, whatever it is, to every session. */
  push(type: string, data: unknown): void {
    this.gateway.dispatch(type, 0, () => data);
  }

  /** A new id, for what no driver can make. */
  id(): string {
    return this.#parts.world.id();
  }

  /** As after a day: the links to files that were given so far hold no longer. */
  expireLinks(): void {
    this.#parts.world.links.expire();
  }

  fault(options: FaultOptions): Fault {
    return this.#faults.add(options);
  }

  clearFaults(): void {
    this.#faults.clear();
  }

  /** Every REST call that reached the account, or those of one route, such as "POST /channels/:channel/messages". */
  calls(method?: string): readonly Call[] {
    return this.#journal.calls(method);
  }

  /** Resolves once the predicate holds; it is asked again whenever something happens at the twin. */
  until(predicate: () => boolean, options?: UntilOptions): Promise<void> {
    return this.#journal.until(predicate, options);
  }

  #guildCreate({ id, name, ownerId, botRole }: Guild): object {
    const { world } = this.#parts;
    const channels = [...world.rooms.values()].filter(({ channel }) => channel.guild_id === id && !isThread(channel));
    return {
      id,
      name,
      owner_id: ownerId,
      unavailable: false,
      member_count: 2,
      roles: [
        { id, name: "@everyone" },
        { id: botRole, name: this.bot.username, managed: true, tags: { bot_id: this.bot.id } },
      ],
      channels: channels.map(({ channel }) => channel),
      threads: threadsOf(world, id).map(({ channel }) => channel),
      members: [],
    };
  }
}

function person(id: string, username: string): User {
  return { id, username, global_name: null, discriminator: "0", avatar: null };
}
