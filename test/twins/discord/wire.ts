/** What Discord keeps, in the shape in which it goes over the wire. */

export interface User {
  readonly id: string;
  readonly username: string;
  readonly global_name: string | null;
  readonly discriminator: string;
  readonly avatar: null;
  readonly bot?: boolean;
}

export interface Attachment {
  readonly id: string;
  readonly filename: string;
  readonly size: number;
  readonly url: string;
  readonly proxy_url: string;
  readonly content_type?: string;
}

export interface Message {
  readonly id: string;
  readonly channel_id: string;
  readonly author: User;
  readonly content: string;
  readonly timestamp: string;
  readonly edited_timestamp: string | null;
  readonly tts: boolean;
  readonly mention_everyone: boolean;
  readonly mentions: readonly User[];
  readonly mention_roles: readonly string[];
  readonly attachments: readonly Attachment[];
  readonly embeds: readonly unknown[];
  readonly components: readonly unknown[];
  readonly pinned: boolean;
  readonly type: number;
  readonly flags: number;
  readonly message_reference?: { readonly message_id: string; readonly channel_id: string; readonly guild_id?: string };
  readonly referenced_message?: Message | null;
  readonly webhook_id?: string;
}

export interface Channel {
  readonly id: string;
  readonly type: number;
  readonly guild_id?: string;
  readonly name?: string;
  readonly parent_id?: string;
  readonly owner_id?: string;
  readonly recipients?: readonly User[];
  readonly thread_metadata?: { readonly archived: boolean; readonly locked: boolean };
  last_message_id: string | null;
}

export const ChannelType = { text: 0, dm: 1, thread: 11, forum: 15 } as const;

/** `thread_metadata` shows it too. */
export function isThread({ type }: Channel): boolean {
  return type === ChannelType.thread;
}

export const Intent = {
  guilds: 1 << 0,
  guildMembers: 1 << 1,
  guildPresences: 1 << 8,
  guildMessages: 1 << 9,
  directMessages: 1 << 12,
  messageContent: 1 << 15,
} as const;

/** Set where the switch is on in the developer portal, for a bot in fewer than a hundred servers. */
export const CONTENT_GRANTED = 1 << 19;

export const EPHEMERAL = 64;

const EPOCH = 1_420_070_400_000n;

export class Snowflakes {
  #last = 0n;

  /** The next id of this moment. Ids only ever grow. */
  next(now: number): string {
    const first = (BigInt(Math.floor(now)) - EPOCH) << 22n;
    this.#last = first > this.#last ? first : this.#last + 1n;
    return String(this.#last);
  }
}
