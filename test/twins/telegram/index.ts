/**
 * A Telegram for tests: a Bot API server on loopback that answers as the real one does, people and chats to act
 * with, faults to inject, and everything that happened to look at. It holds one bot account, lives in the process
 * that starts it, and so outlives the gateways that talk to it.
 *
 * ```ts
 * const twin = await startTelegramTwin();
 * const ada = twin.user({ first_name: "Ada" });
 * const chat = twin.privateChat(ada);
 * chat.say(ada, "hello");
 * await twin.until(() => chat.messages().length === 1);
 * ```
 */
import type { Chat, User } from "grammy/types";
import type { Clock } from "../../../src/model.ts";
import { Account } from "./account.ts";
import type { Told } from "./callbacks.ts";
import { TwinChat } from "./chat.ts";
import { type Fault, type FaultOptions, Faults } from "./faults.ts";
import { type Call, Journal, type UntilOptions } from "./journal.ts";
import { Limiter, type RateLimits } from "./limits.ts";
import { methodsOf } from "./methods.ts";
import { UpdateQueue } from "./polling.ts";
import type { Room, ShownAction } from "./room.ts";
import { BotApiServer } from "./server.ts";

export type { Told } from "./callbacks.ts";
export type { TwinChat } from "./chat.ts";
export type { Fault, FaultOptions } from "./faults.ts";
export type { FileDraft } from "./files.ts";
export type { Call } from "./journal.ts";
export type { RateLimits } from "./limits.ts";

export interface TwinOptions {
  /** Default: a token of the usual form. */
  readonly token?: string;
  /** Default `switchboard_bot`. */
  readonly botUsername?: string;
  /** Default 0: any free one. */
  readonly port?: number;
  readonly clock?: Clock;
  /** Default off. */
  readonly limits?: RateLimits | "off";
  /** Default on, as for a new bot. */
  readonly privacyMode?: boolean;
  /** For faults with a probability. Default 1. */
  readonly seed?: number;
}

export interface GroupOptions {
  readonly title: string;
  /** Who is in it besides the bot; whoever speaks counts as a member anyway. */
  readonly members?: readonly User[];
  /** A supergroup with topics. */
  readonly forum?: boolean;
  /** Default "supergroup": what nearly every group is. */
  readonly type?: "group" | "supergroup";
}

const FIRST_UPDATE_ID = 500_000_001;

const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

export async function startTelegramTwin(options: TwinOptions = {}): Promise<TelegramTwin> {
  const twin = new TelegramTwin(options);
  await twin.listen(options.port ?? 0);
  return twin;
}

export class TelegramTwin {
  readonly token: string;
  readonly bot: User & { readonly username: string };
  readonly #account: Account;
  readonly #updates: UpdateQueue;
  readonly #journal = new Journal();
  readonly #faults: Faults;
  readonly #server: BotApiServer;
  #apiRoot = "";
  #nextUser = 1001;
  #nextGroup = 1;

  constructor(options: TwinOptions) {
    const { token = "4839574812:AAFD39kkdpWt3ywyRZergyOLMaJhac60qcK", clock = systemClock, limits = "off" } = options;
    this.token = token;
    const username = options.botUsername ?? "switchboard_bot";
    this.bot = { id: Number(token.split(":")[0]), is_bot: true, first_name: "Switchboard", username };
    const changed = () => this.#journal.changed();
    this.#updates = new UpdateQueue(clock, FIRST_UPDATE_ID, changed);
    const privacyMode = options.privacyMode ?? true;
    this.#account = new Account({ bot: this.bot, clock, updates: this.#updates, privacyMode, changed });
    this.#faults = new Faults(options.seed ?? 1);
    this.#server = new BotApiServer({
      token,
      clock,
      fileAt: (path) => this.#account.files.read(path),
      methods: methodsOf(this.#account, limits === "off" ? undefined : new Limiter(clock, limits)),
      faults: this.#faults,
      journal: this.#journal,
    });
  }

  /** For `apiRoot`: no slash at the end. */
  get apiRoot(): string {
    return this.#apiRoot;
  }

  async listen(port: number): Promise<void> {
    this.#apiRoot = `http://127.0.0.1:${await this.#server.listen(port)}`;
  }

  /** Cuts every connection. Rejects where the twin itself was at fault in answering a request. */
  async stop(): Promise<void> {
    this.#journal.close();
    this.#updates.close();
    await this.#server.close();
  }

  /** A new person. */
  user(fields: Partial<User> = {}): User {
    const id = this.#nextUser++;
    return { id, is_bot: false, first_name: `User ${id}`, ...fields };
  }

  /** The conversation of this person with the bot, begun by the person. */
  privateChat(user: User): TwinChat {
    return new TwinChat(this.#account, this.#privateRoom(user));
  }

  /** A new group with the bot in it. */
  group({ title, forum = false, type = "supergroup" }: GroupOptions): TwinChat {
    const number = this.#nextGroup++;
    if (type === "group") return this.#chat({ id: -(2_000_000 + number), type, title } as Chat);
    const id = -(1_001_000_000_000 + number);
    return this.#chat({ id, type, title, ...(forum ? { is_forum: true as const } : {}) });
  }

  /** A new channel that the bot is an administrator of. */
  channel({ title }: { readonly title: string }): TwinChat {
    return this.#chat({ id: -(1_001_000_000_000 + this.#nextGroup++), type: "channel", title });
  }

  /** The person blocks the bot: it is told, and may not write to them any more. */
  block(user: User): void {
    this.#account.bar(this.#privateRoom(user), user, "blocked");
  }

  unblock(user: User): void {
    this.#account.bar(this.#privateRoom(user), user, undefined);
  }

  /**
   * Queues a raw update, whatever it is and whatever `allowed_updates` says. Without an `update_id` it gets the
   * next one; with one it keeps it, and is handed out even where that one was confirmed long ago.
   */
  push(raw: unknown): number {
    return this.#updates.push(raw);
  }

  /** Every update that was confirmed so far comes once more, with its own `update_id`. */
  redeliverAll(): void {
    this.#updates.redeliverAll();
  }

  /** The updates that no `getUpdates` has confirmed yet. */
  pendingUpdates(): readonly unknown[] {
    return this.#updates.pending();
  }

  /** Whether a `getUpdates` waits for updates now. */
  get polling(): boolean {
    return this.#updates.polling;
  }

  get webhook(): { readonly url: string; readonly secret: string } | undefined {
    return this.#updates.webhook;
  }

  set privacyMode(on: boolean) {
    this.#account.privacyMode = on;
  }

  fault(options: FaultOptions): Fault {
    return this.#faults.add(options);
  }

  clearFaults(): void {
    this.#faults.clear();
  }

  /** Every call that reached the account, or those of one method, in the order of their arrival. */
  calls(method?: string): readonly Call[] {
    return this.#journal.calls(method);
  }

  /** Typing and the like in this chat. */
  actions(chat: TwinChat): readonly ShownAction[] {
    return chat.actions();
  }

  /** Telegram no longer has the file with this `file_id`. */
  loseFile(id: string): void {
    this.#account.files.lose(id);
  }

  /** What the bot told the person who pressed; undefined as long as it has not. */
  told(query: string): Told | undefined {
    return this.#account.callbacks.told(query);
  }

  /** From now on, as after some seconds, the queries that still wait are too old to be answered. */
  expireCallbacks(): void {
    this.#account.callbacks.expire();
  }

  /** Resolves once the predicate holds; it is asked again whenever something happens at the twin. */
  until(predicate: () => boolean, options?: UntilOptions): Promise<void> {
    return this.#journal.until(predicate, options);
  }

  #chat(chat: Chat): TwinChat {
    return new TwinChat(this.#account, this.#account.open(chat));
  }

  #privateRoom(user: User): Room {
    const { id, first_name, last_name, username } = user;
    const names = {
      ...(last_name === undefined ? {} : { last_name }),
      ...(username === undefined ? {} : { username }),
    };
    return this.#account.open({ id, type: "private", first_name, ...names });
  }
}
