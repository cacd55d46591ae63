/**
 * What the gateway dispatches → what core is handed. Messages, their changes, slash commands and presses go to the inlet,
 * each with its number in the session, which is settled when core has it. Channels and roles are remembered. The rest is
 * counted.
 */
import type { Intake } from "../../src/channel.ts";
import { type ChannelId, nativeOf } from "../../src/model.ts";
import { troubleOf } from "./errors.ts";
import { type Fields, fields, list } from "./fields.ts";
import type { Inlet } from "./inlet.ts";
import type { Interactions } from "./interactions.ts";
import type { Log } from "./log.ts";
import { type Changed, type Identity, parseDelete, parseInteraction, parseMessage, parseUpdate } from "./parse.ts";
import type { Places } from "./places.ts";
import { isPress, parsePress } from "./press.ts";
import type { Presses } from "./presses.ts";
import type { Session } from "./session.ts";
import { isSnowflake } from "./snowflake.ts";

export interface EventsOptions {
  readonly name: string;
  readonly places: Places;
  readonly interactions: Interactions;
  readonly presses: Presses;
  readonly inlet: Inlet;
  readonly log: Log;
  /** How many dispatches were passed over, by reason. */
  readonly ignored: Map<string, number>;
  /** A role that stands for the bot. */
  readonly onRole: (role: string) => void;
  /** A server has told what is in it. */
  readonly onGuild: (guild: unknown) => void;
  readonly signal: AbortSignal;
}

/** Where a dispatch stands, and for whom it is. */
export interface Context {
  readonly me: Identity;
  readonly intake: Intake;
  readonly session: Session | undefined;
  readonly sequence: number;
}

type Run = (intake: Intake) => Promise<void>;

export class Events {
  readonly #options: EventsOptions;

  constructor(options: EventsOptions) {
    this.#options = options;
  }

  handle(type: string, data: unknown, context: Context): void {
    const { name, places, interactions } = this.#options;
    const { me } = context;
    switch (type) {
      case "MESSAGE_CREATE": {
        const parsed = parseMessage(data, name, me);
        if ("ignored" in parsed) return void this.passOver(parsed.ignored);
        const { event } = parsed;
        this.#hand(event.channel, context, async (intake) => {
          const follows = !event.addressed && (await this.#isThread(event.channel));
          await intake.take(follows ? { ...event, follows } : event);
        });
        break;
      }
      case "MESSAGE_UPDATE":
        this.#change(parseUpdate(data, name, me), context);
        break;
      case "MESSAGE_DELETE":
      case "MESSAGE_DELETE_BULK":
        this.#change(parseDelete(data, name), context);
        break;
      case "INTERACTION_CREATE": {
        if (isPress(data)) return void this.#press(data, context);
        const called = parseInteraction(data, name);
        if ("ignored" in called) this.passOver(called.ignored);
        else this.#hand(called.event.channel, context, (intake) => interactions.take(called, intake));
        break;
      }
      case "GUILD_CREATE":
        this.#learnGuild(fields(data) ?? {}, me);
        break;
      case "CHANNEL_CREATE":
      case "CHANNEL_UPDATE":
      case "THREAD_CREATE":
      case "THREAD_UPDATE":
        places.learn(data);
        break;
      case "THREAD_LIST_SYNC":
        this.#learnAll(fields(data)?.threads);
        break;
      default:
        this.passOver(`event ${type.slice(0, 40)}`);
    }
  }

  passOver(reason: string): void {
    const { ignored, log } = this.#options;
    const count = (ignored.get(reason) ?? 0) + 1;
    ignored.set(reason, count);
    if (count === 1) log("debug", "events of this kind are passed over", { reason });
  }

  /** Not in its turn behind what was said: the person waits for it. */
  #press(data: unknown, { me, intake, session, sequence }: Context): void {
    const pressing = parsePress(data, this.#options.name, me);
    if ("ignored" in pressing) return void this.passOver(pressing.ignored);
    session?.open(sequence);
    const work = this.#options.presses.take(pressing, intake);
    this.#options.inlet.beside(work.finally(() => session?.settle(sequence)));
  }

  #change(changed: Changed, context: Context): void {
    if ("ignored" in changed) return void this.passOver(changed.ignored);
    const [first] = changed.changes;
    if (first === undefined) return;
    this.#hand(first.channel, context, async (intake) => {
      for (const change of changed.changes) await intake.amend(change);
    });
  }

  #hand(channel: ChannelId, { intake, session, sequence }: Context, run: Run): void {
    session?.open(sequence);
    this.#options.inlet.add(channel, { run: () => run(intake), done: () => session?.settle(sequence) });
  }

  /** Also of a channel that the gateway has not spoken of. Where that can't be told, it will not be followed. */
  async #isThread(channel: ChannelId): Promise<boolean> {
    const { places, log, signal } = this.#options;
    try {
      return (await places.find(nativeOf(channel), signal)).kind === "thread";
    } catch (error) {
      log("debug", "it is not known whether this is a thread", { channel, cause: troubleOf(error).detail });
      return false;
    }
  }

  #learnGuild(guild: Fields, me: Identity): void {
    this.#learnAll(guild.channels);
    this.#learnAll(guild.threads);
    for (const role of list(guild.roles).map(fields)) {
      if (fields(role?.tags)?.bot_id === me.id && isSnowflake(role?.id)) this.#options.onRole(role.id);
    }
    this.#options.onGuild(guild.id);
  }

  #learnAll(channels: unknown): void {
    for (const channel of list(channels)) this.#options.places.learn(channel);
  }
}
