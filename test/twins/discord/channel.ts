/** A channel, thread or direct conversation in the hands of a test: people write in it, and what is shown can be read. */
import { type ShownComponent, shownComponents } from "./components.ts";
import { Kind, type TwinInteraction } from "./interactions.ts";
import { shownText } from "./markdown.ts";
import { announce, forget, type Twin } from "./routes.ts";
import { ChannelType, Intent, type Message, type User } from "./wire.ts";
import type { Barrier, Draft, Room } from "./world.ts";

export interface SayOptions {
  /** The message to reply to. */
  readonly replyTo?: string;
  readonly files?: NonNullable<Draft["files"]>;
  /** For odd ones: joins, pins, boosts. */
  readonly type?: number;
}

/** A message of the bot, as people see it now. */
export interface Posted {
  readonly id: string;
  /** As it was sent. */
  readonly content: string;
  /** Without Discord's formatting. */
  readonly text: string;
  readonly nonce: string | undefined;
  readonly replyTo: string | undefined;
  readonly flags: number;
  /** What can be used below it, in order. */
  readonly components: readonly ShownComponent[];
  readonly files: readonly { readonly name: string; readonly text: string }[];
  /** What it said from its posting on; the last is what it says now. */
  readonly versions: readonly string[];
}

export class TwinChannel {
  readonly #twin: Twin;
  readonly #room: Room;

  constructor(twin: Twin, room: Room) {
    this.#twin = twin;
    this.#room = room;
  }

  get id(): string {
    return this.#room.channel.id;
  }

  get guildId(): string | undefined {
    return this.#room.channel.guild_id;
  }

  /** What this person writes; whoever it names as `<@id>` is mentioned. */
  say(user: User, content: string, options: SayOptions = {}): Message {
    const { world, gateway } = this.#twin;
    const named = [...content.matchAll(/<@!?(\d+)>/g)].map(([, id = ""]) => world.users.get(id));
    const replied = options.replyTo === undefined ? undefined : this.#room.messages.get(options.replyTo)?.author;
    const mentions = [...new Set([...named, replied])].filter((one) => one !== undefined);
    const message = world.keep(this.#room, user, { content, mentions, ...options });
    announce(world, gateway, "MESSAGE_CREATE", message);
    return message;
  }

  /** Speaks to the bot. */
  mention(user: User, text: string, options: SayOptions = {}): Message {
    return this.say(user, `<@${this.#twin.world.bot.id}> ${text}`, options);
  }

  edit(id: string, content: string): Message {
    const { world, gateway } = this.#twin;
    const message = world.revise(this.#room, id, { content });
    announce(world, gateway, "MESSAGE_UPDATE", message);
    return message;
  }

  /** Discord adds a preview of a link: an update that no person made. */
  unfurl(id: string): void {
    const { world, gateway } = this.#twin;
    const message = this.#room.messages.get(id);
    if (message === undefined) throw new Error(`channel ${this.id} has no message ${id}`);
    announce(world, gateway, "MESSAGE_UPDATE", { ...message, embeds: [{ type: "link" }] });
  }

  /** Somebody deletes messages, of the bot or their own. */
  remove(...ids: readonly string[]): void {
    for (const id of ids) this.#room.messages.delete(id);
    forget(this.#twin.gateway, this.#room, ids);
  }

  /** This person uses a slash command. */
  command(user: User, name: string, text?: string): () => TwinInteraction {
    const options = text === undefined ? {} : { options: [{ type: 3, name: "text", value: text }] };
    const data = { id: this.#twin.world.id(), type: 1, name, ...options };
    return this.#tell(this.#twin.interactions.open(this.#room, user, Kind.command, data));
  }

  /** This person clicks the button with this label. */
  click(user: User, messageId: string, label: string): () => TwinInteraction {
    const { customId } = this.#component(messageId, "button", label);
    return this.#use(user, messageId, { component_type: 2, custom_id: customId });
  }

  /** This person chooses something, by its value, in the select in which this label stands. */
  choose(user: User, messageId: string, label: string, value: string): () => TwinInteraction {
    const { customId, options } = this.#component(messageId, "select", label);
    if (!options.some((option) => option.value === value)) throw new Error(`${label} has no option ${value}`);
    return this.#use(user, messageId, { component_type: 3, custom_id: customId, values: [value] });
  }

  /** Who clicked sends off the form that was opened for it, with this text in its field. */
  submit(opened: () => TwinInteraction, value: string): () => TwinInteraction {
    return this.#tell(this.#twin.interactions.submit(opened().token, value));
  }

  /** What a component would say that nobody sees, or sees no more. */
  use(user: User, messageId: string, customId: string): () => TwinInteraction {
    return this.#use(user, messageId, { component_type: 2, custom_id: customId });
  }

  /** The gateway sends it once more. */
  repeat(interaction: () => TwinInteraction): void {
    this.#tell(interaction);
  }

  /** Opens a thread below this channel, or (in a forum) a post. */
  thread(user: User, name: string): TwinChannel {
    const { world, gateway } = this.#twin;
    const guild_id = this.#room.channel.guild_id;
    if (guild_id === undefined) throw new Error("there are no threads in direct conversations");
    const thread_metadata = { archived: false, locked: false };
    const fields = { name, guild_id, parent_id: this.id, owner_id: user.id, thread_metadata };
    const room = world.open({ type: ChannelType.thread, ...fields });
    gateway.dispatch("THREAD_CREATE", Intent.guilds, () => ({ ...room.channel, newly_created: true }));
    return new TwinChannel(this.#twin, room);
  }

  /** A post in a forum: a thread with its first message. */
  post(user: User, title: string, content: string): { readonly thread: TwinChannel; readonly message: Message } {
    const thread = this.thread(user, title);
    return { thread, message: thread.say(user, content) };
  }

  set barrier(barrier: Barrier | undefined) {
    this.#room.barrier = barrier;
  }

  /** The bot may not read the history: it sees an empty one. */
  set unreadable(unreadable: boolean) {
    this.#room.unreadable = unreadable;
  }

  /** The bot may not attach files. */
  set fileless(fileless: boolean) {
    this.#room.fileless = fileless;
  }

  /** The bot's messages that everybody can see now, oldest first. */
  messages(): readonly Posted[] {
    const { messages, versions, nonces } = this.#room;
    const { contents } = this.#twin.world;
    return [...messages.values()]
      .filter(({ author }) => author.id === this.#twin.world.bot.id)
      .map(({ id, content, flags, components, attachments, message_reference: reference }) => ({
        id,
        content,
        text: shownText(content),
        nonce: nonces.get(id),
        replyTo: reference?.message_id,
        flags,
        components: shownComponents(components),
        files: attachments.map((file) => ({
          name: file.filename,
          text: Buffer.from(contents.get(file.id) ?? []).toString("utf8"),
        })),
        versions: versions.get(id) ?? [],
      }));
  }

  /** When the bot was shown to be typing. */
  typings(): readonly number[] {
    return this.#room.typings;
  }

  #component(messageId: string, kind: ShownComponent["kind"], label: string): ShownComponent {
    const shown = shownComponents(this.#room.messages.get(messageId)?.components ?? []);
    const found = shown.find((component) => component.kind === kind && component.label === label);
    if (found === undefined) throw new Error(`message ${messageId} has no ${kind} ${label}`);
    return found;
  }

  #use(user: User, messageId: string, data: object): () => TwinInteraction {
    return this.#tell(this.#twin.interactions.open(this.#room, user, Kind.component, data, messageId));
  }

  #tell(interaction: () => TwinInteraction): () => TwinInteraction {
    const { data } = interaction();
    this.#twin.gateway.dispatch("INTERACTION_CREATE", 0, () => data);
    return interaction;
  }
}
