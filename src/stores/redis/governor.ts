/**
 * The governor of an account that several processes send for. Its keys share the hash tag of the account, so that a
 * decision is one script on one server; each expires when it says nothing any more.
 *
 * | key | what |
 * |---|---|
 * | `<prefix>:{g:<account>}:b`, `…:b:<chat>` | buckets: when all the room over all, or in the chat, is back |
 * | `<prefix>:{g:<account>}:p`, `…:p:<chat>` | pauses: when they end |
 * | `<prefix>:{g:<account>}:r` | chats refused within the last second |
 */
import { describe, SwitchboardError } from "../../errors.ts";
import type { Governor, Rate, Reservation, ReserveRequest } from "../../governor.ts";
import { list, number, text } from "./reply.ts";
import { type Client, type Command, defineScript, type Reply } from "./scripts.ts";

export interface RedisGovernorOptions {
  /** Its owner's to close. */
  readonly redis: Client;
  /** What every key begins with. */
  readonly prefix: string;
  /** Names the bot on its platform, as `telegram:4839574812` does: no secret, no braces. */
  readonly account: string;
  /** The rate over all chats. */
  readonly overall: Rate;
}

export function createRedisGovernor(options: RedisGovernorOptions): Governor {
  return new RedisGovernor(options);
}

class RedisGovernor implements Governor {
  readonly #tag: string;
  readonly #overall: Rate;
  readonly #admit: Command;
  readonly #spare: Command;
  readonly #pause: Command;

  constructor({ redis, prefix, account, overall }: RedisGovernorOptions) {
    this.#tag = `${prefix}:{g:${account}}`;
    this.#overall = overall;
    this.#admit = defineScript(redis, "admit", 4);
    this.#spare = defineScript(redis, "spare", 4);
    this.#pause = defineScript(redis, "pause", 3);
  }

  async reserve(chat: string, rate: Rate, { held, within }: ReserveRequest): Promise<Reservation> {
    return reservation(await asked(this.#admit(...this.#keys(chat), ...this.#rates(rate), held, within)));
  }

  async spare(chat: string, rate: Rate): Promise<boolean> {
    return number(await asked(this.#spare(...this.#keys(chat), ...this.#rates(rate)))) === 1;
  }

  async pause(chat: string, ms: number): Promise<void> {
    await asked(this.#pause(`${this.#tag}:p`, `${this.#tag}:p:${chat}`, `${this.#tag}:r`, chat, ms));
  }

  #keys(chat: string): string[] {
    return [`${this.#tag}:b`, `${this.#tag}:b:${chat}`, `${this.#tag}:p`, `${this.#tag}:p:${chat}`];
  }

  #rates({ burst, every }: Rate): number[] {
    return [this.#overall.burst, this.#overall.every, burst, every];
  }
}

async function asked(reply: Promise<Reply>): Promise<Reply> {
  try {
    return await reply;
  } catch (cause) {
    throw new SwitchboardError("STORE_UNAVAILABLE", `Redis can't be asked: ${describe(cause)}`, { cause });
  }
}

function reservation(reply: Reply): Reservation {
  const [status, ...rest] = list(reply);
  switch (status) {
    case "held":
      return { status, held: scope(text(rest[0])), wait: number(rest[1]) };
    case "full":
      return { status, retryAfter: number(rest[0]) };
    case "paused":
      return { status, where: scope(text(rest[0])), retryAfter: number(rest[1]) };
    default:
      throw new Error(`admit.lua answered ${JSON.stringify(reply)}`);
  }
}

function scope(word: string): "chat" | "all" {
  return word === "all" ? "all" : "chat";
}
