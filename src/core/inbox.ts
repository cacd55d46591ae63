/**
 * The way in: access rules, then command or message, then the store. When `take` resolves, what it took is
 * durable; while the store is away it rejects, and the platform keeps the event.
 */
import type { Intake, Press, Pressed, Taken } from "../channel.ts";
import { SwitchboardError } from "../errors.ts";
import type { Emit } from "../events.ts";
import type { Amendment, ChannelId, InboundEvent } from "../model.ts";
import type { Store } from "../store.ts";
import type { Access } from "./access.ts";
import type { Asks } from "./asks/asks.ts";
import type { Command, CommandRegistry } from "./commands/registry.ts";

export interface InboxOptions {
  readonly store: Store;
  readonly access: Access;
  readonly commands: CommandRegistry;
  readonly asks: Pick<Asks, "press">;
  /** How many messages may wait in one channel. */
  readonly max: number;
  readonly emit: Emit;
  /** Says something once to somebody who has no session; a courtesy that may get lost. */
  greet(channel: ChannelId, text: string, key: string): void;
  /** An adapter may have missed something. */
  missed(adapter: string): void;
  /** Resolves when what was missed in this channel has been taken. */
  caughtUp(channel: ChannelId): Promise<void>;
}

export class Inbox implements Intake {
  readonly #options: InboxOptions;
  #closed = false;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  /** From now on nothing is taken; platforms keep what they have. */
  close(): void {
    this.#closed = true;
  }

  async take(event: InboundEvent): Promise<Taken> {
    if (this.#closed) throw new SwitchboardError("STORE_CLOSED", "the gateway is stopping");
    const { access, commands, emit } = this.#options;
    if (event.caughtUp !== true) await this.#options.caughtUp(event.channel);
    if (!(await this.#isAddressed(event))) return await this.#refuse(event, "it was not addressed to the bot");
    const found = commands.parse(event.text);
    if (!access.allows(event)) {
      const taken = await this.#refuse(event, "its sender is not on the access list");
      const greets = event.direct && found?.command.name === "help" && taken.status === "refused";
      if (greets) this.#options.greet(event.channel, introduction(event), `introduction-${event.id}`);
      return taken;
    }
    const taken = found ? await this.#command(event, found.command, found.args) : await this.#message(event);
    emit({ type: "taken", channel: event.channel, id: event.id, status: taken.status });
    return taken;
  }

  async amend(change: Amendment): Promise<void> {
    if (this.#closed) throw new SwitchboardError("STORE_CLOSED", "the gateway is stopping");
    await this.#options.store.amend(change, "its sender deleted it");
  }

  async press(press: Press): Promise<Pressed> {
    if (this.#closed) throw new SwitchboardError("STORE_CLOSED", "the gateway is stopping");
    return await this.#options.asks.press(press);
  }

  missed(adapter: string): void {
    this.#options.missed(adapter);
  }

  /** In a thread that the bot takes part in, nobody has to name it each time. */
  async #isAddressed({ addressed, follows, channel }: InboundEvent): Promise<boolean> {
    return addressed || (follows === true && (await this.#options.store.current(channel)) !== undefined);
  }

  /** An operator's message: who may read the store may also write to it. */
  async say(event: InboundEvent): Promise<Taken> {
    const found = this.#options.commands.parse(event.text);
    return found ? await this.#command(event, found.command, found.args) : await this.#message(event);
  }

  async #message(event: InboundEvent): Promise<Taken> {
    const { store, max } = this.#options;
    const fullNotice = `This message was **not** taken: ${max} already wait here. Send it again later, or \`/stop\` to drop what waits.`;
    const accepted = await store.accept(event, { max, fullNotice });
    if (accepted.status === "aside") return { status: "command" };
    return accepted.status === "duplicate" ? { status: "duplicate" } : accepted;
  }

  async #command(event: InboundEvent, command: Command, args: string): Promise<Taken> {
    const cancel = command.cancels?.(args);
    const signalled = await this.#options.store.signal(event, {
      command: command.name,
      args,
      reason: `/${command.name} by ${event.sender.name}`,
      ...(cancel ? { cancel } : {}),
      ...(command.enqueues?.(args) ? { enqueues: true } : {}),
    });
    return { status: signalled.status === "duplicate" ? "duplicate" : "command" };
  }

  async #refuse(event: InboundEvent, reason: string): Promise<Taken> {
    const refused = await this.#options.store.refuse(event, reason);
    if (refused === "duplicate") return { status: "duplicate" };
    this.#options.emit({ type: "refused", channel: event.channel, sender: event.sender.id, reason });
    return { status: "refused", reason };
  }
}

/** What a stranger who greets the bot is told: enough to ask its operator, and nothing else. */
function introduction({ sender }: InboundEvent): string {
  return `You are not on this bot's access list. Your id is \`${sender.id}\`: its operator can add it under \`access.allow\`.`;
}
