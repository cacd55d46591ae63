/** What people have used: slash commands, components, modals. 3 s to answer, 15 minutes to follow up, and what became of each. */
import type { Params } from "../telegram/params.ts";
import { type ShownModal, submission, validModal } from "./components.ts";
import { alreadyAcknowledged, invalidForm, unknownInteraction, unknownWebhook } from "./errors.ts";
import { EPHEMERAL, type Message, type User } from "./wire.ts";
import type { Draft, Room, World } from "./world.ts";

const TO_ACKNOWLEDGE = 3000;
const TO_FOLLOW_UP = 15 * 60_000;

/** Kinds of interactions. */
export const Kind = { command: 2, component: 3, submit: 5 } as const;
/** Kinds of first answers. */
const Answer = { message: 4, thinking: 5, deferredUpdate: 6, update: 7, modal: 9 } as const;
const IN_REPLY = { command: 20, message: 19 } as const;

/** A reply that only who used it sees, or one that everybody does. */
export interface InteractionReply {
  readonly message: Message;
  readonly ephemeral: boolean;
}

export interface TwinInteraction {
  readonly id: string;
  readonly token: string;
  /** As it was dispatched: to be dispatched again. */
  readonly data: object;
  readonly user: User;
  /**
   * `waiting`: not acknowledged; `thinking`: deferred; `silent`: acknowledged, and nothing is shown for it; `modal`: a
   * form is open; `missed`: the person was told that the application did not respond.
   */
  readonly state: "waiting" | "thinking" | "silent" | "modal" | "replied" | "removed" | "missed";
  /** What the replies say now. */
  readonly replies: readonly InteractionReply[];
  /** What the first reply has said, the last is what it says now. */
  readonly versions: readonly string[];
  readonly modal: ShownModal | undefined;
}

export type Draws = (given: Params) => Draft & { readonly flags: number };

interface Kept {
  readonly id: string;
  readonly token: string;
  readonly data: object;
  readonly user: User;
  readonly room: Room;
  readonly kind: number;
  /** The message whose component was used. */
  readonly message: string | undefined;
  readonly at: number;
  acknowledged: Exclude<TwinInteraction["state"], "waiting" | "missed"> | "no";
  ephemeral: boolean;
  modal?: ShownModal;
  readonly replies: InteractionReply[];
  readonly versions: string[];
}

export class Interactions {
  readonly #world: World;
  readonly #known = new Map<string, Kept>();

  constructor(world: World) {
    this.#world = world;
  }

  /** `data` is what it says of itself; `message` the one whose component it is of. */
  open(room: Room, user: User, type: number, data: object, message?: string): () => TwinInteraction {
    const id = this.#world.id();
    const token = `interaction-token-${id}`;
    const { channel } = room;
    const below = message === undefined ? undefined : room.messages.get(message);
    const payload = {
      id,
      application_id: this.#world.applicationId,
      type,
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
      ...(below === undefined ? {} : { message: below }),
      data,
    };
    const at = this.#world.clock.now();
    const kept: Kept = {
      ...{ id, token, data: payload, user, room, kind: type, message, at },
      ...{ acknowledged: "no", ephemeral: false, replies: [], versions: [] },
    };
    this.#known.set(token, kept);
    return () => this.#view(kept);
  }

  /** A form that is open before somebody is sent off. */
  submit(token: string, value: string): () => TwinInteraction {
    const kept = this.#known.get(token);
    if (kept?.modal === undefined) throw new Error("this interaction has opened no modal");
    return this.open(kept.room, kept.user, Kind.submit, submission(kept.modal, value), kept.message);
  }

  /** The one immediate answer. `draw` makes a message of what it shows. */
  acknowledge(id: string, token: string, type: number, data: Params, draw: Draws): void {
    const kept = this.#known.get(token);
    if (kept === undefined || kept.id !== id) throw unknownInteraction();
    if (kept.acknowledged !== "no") throw alreadyAcknowledged();
    if (this.#world.clock.now() - kept.at > TO_ACKNOWLEDGE) throw unknownInteraction();
    const ephemeral = (Number(data.flags ?? 0) & EPHEMERAL) !== 0;
    const isBelow = kept.message !== undefined;
    if (type === Answer.message) {
      const draft = draw(data);
      kept.acknowledged = "replied";
      kept.ephemeral = ephemeral;
      this.#reply(kept, draft, ephemeral);
    } else if (type === Answer.thinking) {
      kept.acknowledged = "thinking";
      kept.ephemeral = ephemeral;
    } else if (type === Answer.deferredUpdate && isBelow) {
      kept.acknowledged = "silent";
    } else if (type === Answer.update && isBelow) {
      this.#world.revise(kept.room, kept.message ?? "", shownOf(draw(data)));
      kept.acknowledged = "silent";
    } else if (type === Answer.modal && kept.kind !== Kind.submit) {
      kept.modal = validModal(data, "data");
      kept.acknowledged = "modal";
    } else {
      throw invalidForm("type", "INTERACTION_CALLBACK_TYPE_INVALID", "Invalid callback type for this interaction");
    }
  }

  follow(token: string, draft: Draft & { readonly flags: number }): Message {
    const kept = this.#open(token);
    if (kept.acknowledged === "thinking") {
      kept.acknowledged = "replied";
      return this.#reply(kept, draft, kept.ephemeral);
    }
    return this.#reply(kept, draft, (draft.flags & EPHEMERAL) !== 0);
  }

  original(token: string): Message {
    const first = this.#open(token).replies[0];
    if (first === undefined) throw unknownWebhook();
    return first.message;
  }

  revise(token: string, draft: Draft): Message {
    const kept = this.#open(token);
    const [first] = kept.replies;
    // What is acknowledged in silence is about the message whose component was used.
    if (kept.acknowledged === "silent" && kept.message !== undefined) {
      return this.#world.revise(kept.room, kept.message, shownOf(draft));
    }
    if (first === undefined) {
      if (kept.acknowledged !== "thinking") throw unknownWebhook();
      kept.acknowledged = "replied";
      return this.#reply(kept, draft, kept.ephemeral);
    }
    const message = { ...first.message, ...shownOf(draft) };
    kept.replies[0] = { ...first, message };
    kept.versions.push(message.content);
    if (!first.ephemeral) this.#world.revise(kept.room, message.id, shownOf(draft));
    return message;
  }

  remove(token: string): void {
    const kept = this.#open(token);
    const [first] = kept.replies.splice(0, 1);
    if (first !== undefined && !first.ephemeral) kept.room.messages.delete(first.message.id);
    kept.acknowledged = "removed";
  }

  #open(token: string): Kept {
    const kept = this.#known.get(token);
    if (kept === undefined || kept.acknowledged === "no") throw unknownWebhook();
    if (this.#world.clock.now() - kept.at > TO_FOLLOW_UP) throw unknownWebhook();
    return kept;
  }

  #reply(kept: Kept, draft: Draft, ephemeral: boolean): Message {
    const below = kept.message === undefined ? {} : { replyTo: kept.message };
    const type = kept.message === undefined ? IN_REPLY.command : IN_REPLY.message;
    const message = this.#world.keep(kept.room, this.#world.bot, { ...draft, ...below, type });
    // Nobody but who used it sees it: no history has it.
    if (ephemeral) kept.room.messages.delete(message.id);
    if (kept.replies.push({ message, ephemeral }) === 1) kept.versions.push(message.content);
    return message;
  }

  #view({ id, token, data, user, at, acknowledged, replies, versions, modal }: Kept): TwinInteraction {
    const missed = this.#world.clock.now() - at > TO_ACKNOWLEDGE;
    const state = acknowledged === "no" ? (missed ? "missed" : "waiting") : acknowledged;
    return { id, token, data, user, state, replies: [...replies], versions: [...versions], modal };
  }
}

/** What a change of a message changes: components that are not named stay. */
function shownOf({ content, components }: Draft): Pick<Draft, "content" | "components"> {
  return { content, ...(components === undefined ? {} : { components }) };
}
