/** Slash commands that people have used: 3 s to acknowledge, 15 minutes to follow up, and what became of each. */
import { alreadyAcknowledged, unknownInteraction, unknownWebhook } from "./errors.ts";
import { EPHEMERAL, type Message, type User } from "./wire.ts";
import type { Draft, Room, World } from "./world.ts";

const TO_ACKNOWLEDGE = 3000;
const TO_FOLLOW_UP = 15 * 60_000;

/** A reply that only who used the command sees, or one that everybody does. */
export interface InteractionReply {
  readonly message: Message;
  readonly ephemeral: boolean;
}

export interface TwinInteraction {
  readonly id: string;
  readonly token: string;
  /** `waiting`: not acknowledged; `thinking`: deferred; `missed`: the person was told that the application did not respond. */
  readonly state: "waiting" | "thinking" | "replied" | "removed" | "missed";
  readonly replies: readonly InteractionReply[];
}

interface Kept {
  readonly id: string;
  readonly token: string;
  readonly room: Room;
  readonly at: number;
  acknowledged: "no" | "thinking" | "replied" | "removed";
  ephemeral: boolean;
  readonly replies: InteractionReply[];
}

export class Interactions {
  readonly #world: World;
  readonly #known = new Map<string, Kept>();

  constructor(world: World) {
    this.#world = world;
  }

  open(
    room: Room,
    user: User,
    name: string,
    text: string | undefined,
  ): { data: object; interaction: () => TwinInteraction } {
    const id = this.#world.id();
    const token = `interaction-token-${id}`;
    const record: Kept = {
      id,
      token,
      room,
      at: this.#world.clock.now(),
      acknowledged: "no",
      ephemeral: false,
      replies: [],
    };
    this.#known.set(token, record);
    const { channel } = room;
    const data = {
      id,
      application_id: this.#world.applicationId,
      type: 2,
      token,
      version: 1,
      app_permissions: "0",
      locale: "en-US",
      entitlements: [],
      authorizing_integration_owners: {},
      attachment_size_limit: 10_485_760,
      channel_id: channel.id,
      channel: { id: channel.id, type: channel.type },
      ...(channel.guild_id === undefined
        ? { user, context: 1 }
        : { guild_id: channel.guild_id, member: { user, nick: null, roles: [], permissions: "0" }, context: 0 }),
      data: {
        id: this.#world.id(),
        type: 1,
        name,
        ...(text === undefined ? {} : { options: [{ type: 3, name: "text", value: text }] }),
      },
    };
    return { data, interaction: () => this.#view(record) };
  }

  /** The one immediate answer. */
  acknowledge(id: string, token: string, type: number, draft: Draft & { readonly flags: number }): void {
    const record = this.#known.get(token);
    if (record === undefined || record.id !== id) throw unknownInteraction();
    if (record.acknowledged !== "no") throw alreadyAcknowledged();
    if (this.#world.clock.now() - record.at > TO_ACKNOWLEDGE) throw unknownInteraction();
    record.ephemeral = (draft.flags & EPHEMERAL) !== 0;
    record.acknowledged = type === 5 ? "thinking" : "replied";
    if (type === 4) this.#reply(record, draft, record.ephemeral);
  }

  follow(token: string, draft: Draft & { readonly flags: number }): Message {
    const record = this.#open(token);
    if (record.acknowledged === "thinking") {
      record.acknowledged = "replied";
      return this.#reply(record, draft, record.ephemeral);
    }
    return this.#reply(record, draft, (draft.flags & EPHEMERAL) !== 0);
  }

  original(token: string): Message {
    const first = this.#open(token).replies[0];
    if (first === undefined) throw unknownWebhook();
    return first.message;
  }

  revise(token: string, draft: Draft): Message {
    const record = this.#open(token);
    const [first] = record.replies;
    if (first === undefined) {
      record.acknowledged = "replied";
      return this.#reply(record, draft, record.ephemeral);
    }
    const message = { ...first.message, content: draft.content };
    record.replies[0] = { ...first, message };
    if (!first.ephemeral) this.#world.revise(record.room, message.id, { content: draft.content });
    return message;
  }

  remove(token: string): void {
    const record = this.#open(token);
    const [first] = record.replies.splice(0, 1);
    if (first !== undefined && !first.ephemeral) record.room.messages.delete(first.message.id);
    record.acknowledged = "removed";
  }

  #open(token: string): Kept {
    const record = this.#known.get(token);
    if (record === undefined || record.acknowledged === "no") throw unknownWebhook();
    if (this.#world.clock.now() - record.at > TO_FOLLOW_UP) throw unknownWebhook();
    return record;
  }

  #reply(record: Kept, draft: Draft, ephemeral: boolean): Message {
    const message = this.#world.keep(record.room, this.#world.bot, { ...draft, type: 20 });
    // Nobody but who used the command sees it: no history has it.
    if (ephemeral) record.room.messages.delete(message.id);
    record.replies.push({ message, ephemeral });
    return message;
  }

  #view({ id, token, at, acknowledged, replies }: Kept): TwinInteraction {
    const missed = this.#world.clock.now() - at > TO_ACKNOWLEDGE;
    const state = acknowledged === "no" ? (missed ? "missed" : "waiting") : acknowledged;
    return { id, token, state, replies: [...replies] };
  }
}
