import {
  type Action,
  type AdapterHealth,
  type ChannelAdapter,
  DeliveryError,
  type Editing,
  type EditOptions,
  type Intake,
  type SendOptions,
} from "../../../src/channel.ts";
import type { ChannelId, MessageRef } from "../../../src/model.ts";

export interface Post {
  readonly channel: ChannelId;
  readonly ref: MessageRef;
  text: string;
  actions: readonly Action[];
  /** Which parts of which asks it ever had actions of. */
  readonly showed: Set<string>;
}

export interface Button {
  readonly channel: ChannelId;
  readonly action: Action;
}

/** What people see, whichever process wrote it, and every button that was ever handed out. */
export class Platform {
  readonly posts: Post[] = [];
  readonly buttons: Button[] = [];
  /** Counts whatever was written. */
  writes = 0;
  /** How many of the next calls fail: with nothing done, or with only their answer lost. */
  flaky = { times: 0, after: false };

  put(post: Post, text: string, actions: readonly Action[]): void {
    this.writes += 1;
    Object.assign(post, { text, actions });
    for (const action of actions) {
      const { channel } = post;
      post.showed.add(partOf(action));
      if (!this.buttons.some((button) => button.action.data === action.data)) this.buttons.push({ channel, action });
    }
  }

  /** The buttons that people see now. */
  shown(): Button[] {
    return this.posts.flatMap(({ channel, actions }) => actions.map((action) => ({ channel, action })));
  }

  fails(after: boolean): void {
    if (this.flaky.times === 0 || this.flaky.after !== after) return;
    this.flaky.times -= 1;
    throw new DeliveryError(after ? "unknown" : "unavailable", "the platform is flaky");
  }
}

/** "<ask>" or "<ask>/<number of the question>" */
export function partOf({ data }: Action): string {
  const [ask = "", choice = ""] = data.split(":");
  const question = /^[qt](\d+)/.exec(choice)?.[1];
  return question === undefined ? ask : `${ask}/${question}`;
}

/** One process's account on it. */
export class Account implements ChannelAdapter, Editing {
  readonly name = "local";
  readonly limits = {
    ...{ maxTextLength: 4_096, minEditInterval: 1_000, repeatableSend: false },
    actions: { most: 25, select: 25, form: true },
  };
  intake: Intake | undefined;
  /** Its process is gone. */
  isCut = false;
  readonly #platform: Platform;

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  async start(intake: Intake): Promise<void> {
    this.intake = intake;
  }
  async stop(): Promise<void> {
    this.intake = undefined;
  }
  async close(): Promise<void> {}
  health(): AdapterHealth {
    return { state: "connected" };
  }
  split(markdown: string): string[] {
    return markdown === "" ? [] : [markdown];
  }

  async send(channel: ChannelId, text: string, { actions = [], permit }: SendOptions): Promise<MessageRef> {
    this.#permitted(permit);
    const { posts } = this.#platform;
    const post: Post = { channel, ref: String(posts.length + 1), text, actions, showed: new Set() };
    posts.push(post);
    this.#platform.put(post, text, actions);
    this.#platform.fails(true);
    return post.ref;
  }

  async edit(channel: ChannelId, ref: MessageRef, text: string, { actions = [], permit }: EditOptions): Promise<void> {
    this.#permitted(permit);
    const post = this.#platform.posts.find((candidate) => candidate.channel === channel && candidate.ref === ref);
    if (!post) throw new DeliveryError("gone", "no such message");
    this.#platform.put(post, text, actions);
    this.#platform.fails(true);
  }

  #permitted(permit: (() => boolean) | undefined): void {
    if (this.isCut || permit?.() === false) throw new DeliveryError("unavailable", "this process may not send");
    this.#platform.fails(false);
  }
}
