/** One workspace as Slack keeps it: who is there, which conversations there are, and what is told to the app. */
import type { Clock } from "../../../src/model.ts";
import { Conversation, type ConversationKind } from "./conversation.ts";
import { ApiError } from "./errors.ts";

export interface TwinUser {
  readonly id: string;
  readonly name: string;
}

export interface Bot {
  readonly userId: string;
  readonly botId: string;
  readonly appId: string;
}

/** What the app is told, and which conversation it is about: the order within one is kept. */
export interface Notice {
  readonly type: "events_api" | "slash_commands" | "interactive";
  readonly payload: unknown;
  readonly about: string;
  /** Told once: whether it was acknowledged, and with what. */
  readonly settled?: (ok: boolean, answer: unknown) => void;
}

export interface WorkspaceParts {
  readonly clock: Clock;
  readonly teamId: string;
  readonly bot: Bot;
  /** The scopes of the bot's token. */
  readonly scopes: Set<string>;
  /** Whether the workspace has assistant threads. */
  readonly assistant: boolean;
  readonly tell: (notice: Notice) => void;
  readonly changed: () => void;
}

export interface ShownStatus {
  readonly channel: string;
  readonly thread: string;
  readonly status: string;
}

export class Workspace {
  readonly parts: WorkspaceParts;
  readonly users = new Map<string, TwinUser>();
  readonly conversations = new Map<string, Conversation>();
  /** What was shown of an assistant thread, in order. */
  readonly statuses: ShownStatus[] = [];
  readonly titles = new Map<string, string>();
  #lastTs = 0n;
  #nextId = 1;

  constructor(parts: WorkspaceParts) {
    this.parts = parts;
  }

  id(prefix: string): string {
    return `${prefix}0TWIN${String(this.#nextId++).padStart(5, "0")}`;
  }

  /** Seconds with six decimals, unique in the workspace and growing. */
  ts(): string {
    const now = BigInt(Math.floor(this.parts.clock.now())) * 1000n;
    this.#lastTs = now > this.#lastTs ? now : this.#lastTs + 1n;
    return `${this.#lastTs / 1_000_000n}.${String(this.#lastTs % 1_000_000n).padStart(6, "0")}`;
  }

  addUser(name: string): TwinUser {
    const user = { id: this.id("U"), name };
    this.users.set(user.id, user);
    return user;
  }

  open(kind: ConversationKind, name: string, members: readonly string[]): Conversation {
    const prefix = { channel: "C", group: "G", im: "D", mpim: "G" }[kind];
    const conversation = new Conversation(this, this.id(prefix), kind, name, new Set(members));
    this.conversations.set(conversation.id, conversation);
    return conversation;
  }

  dm(user: string): Conversation {
    const known = [...this.conversations.values()].find(({ kind, members }) => kind === "im" && members.has(user));
    return known ?? this.open("im", "", [user, this.parts.bot.userId]);
  }

  conversation(id: string): Conversation {
    const found = this.conversations.get(id);
    // A bot that is not in a private conversation does not even learn that it is there.
    if (found === undefined || (found.kind !== "channel" && !found.hasBot)) throw new ApiError("channel_not_found");
    return found;
  }

  /** Tells the app of an event, in Slack's envelope. */
  event(event: Record<string, unknown>, about: string): void {
    const { teamId, bot, tell } = this.parts;
    const payload = {
      token: "verification-token",
      team_id: teamId,
      api_app_id: bot.appId,
      event,
      type: "event_callback",
      event_id: this.id("Ev"),
      event_time: Math.floor(this.parts.clock.now() / 1000),
      authorizations: [
        { enterprise_id: null, team_id: teamId, user_id: bot.userId, is_bot: true, is_enterprise_install: false },
      ],
      is_ext_shared_channel: false,
    };
    tell({ type: "events_api", payload, about });
  }
}
