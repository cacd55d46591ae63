/**
 * Everything that the page knows, in one place: the components show `view()`, call the methods, and are told by
 * `subscribe` when to look again.
 */
import type { WireAbout, WireChannel, WireMessage, WirePage, WireReceipt, WireState } from "../wire.ts";
import * as gateway from "./gateway.ts";
import { newId } from "./ids.ts";
import { Presses, type PressView } from "./presses.ts";
import { Stream } from "./stream.ts";
import { Unsent, type UnsentMessage } from "./unsent.ts";

/** What the page has of one channel; kept while the page is open, so that going back shows it at once. */
interface Room {
  readonly messages: readonly WireMessage[];
  readonly more: boolean;
  readonly receipts: Readonly<Record<string, WireReceipt>>;
  readonly state: WireState | undefined;
  readonly version: number | undefined;
}

const EMPTY: Room = { messages: [], more: false, receipts: {}, state: undefined, version: undefined };

export interface ChatView {
  readonly channel: string;
  readonly channels: readonly WireChannel[];
  readonly moreChannels: boolean;
  readonly room: Room;
  readonly unsent: readonly UnsentMessage[];
  /** By the keys of the messages. */
  readonly presses: ReadonlyMap<string, PressView>;
  /** The message that the next one replies to. */
  readonly answering: WireMessage | undefined;
  readonly about: WireAbout;
  readonly connection: "connecting" | "connected" | "lost" | "signed out";
  /** What to add to this machine's clock to get the gateway's. */
  readonly skew: number;
}

export class Chat {
  readonly #rooms = new Map<string, Room>();
  readonly #subscribers = new Set<() => void>();
  readonly #unsent: Unsent;
  readonly #presses: Presses;
  /** By channel: the key of the message that the next one replies to. */
  readonly #answering = new Map<string, string>();
  #view: ChatView;
  #stream: Stream | undefined;
  #listed: readonly WireChannel[] = [];
  #older: readonly WireChannel[] = [];
  #cursor: string | undefined;

  constructor() {
    this.#view = {
      channel: "",
      channels: [],
      moreChannels: false,
      room: EMPTY,
      unsent: [],
      presses: new Map(),
      answering: undefined,
      about: { commands: [], suggestions: [] },
      connection: "connecting",
      skew: 0,
    };
    const on = { changed: () => this.#refresh(), signedOut: () => this.#signedOut() };
    this.#presses = new Presses(on);
    this.#unsent = new Unsent(on);
    window.addEventListener("hashchange", () => this.#show(channelInAddress() ?? newId(16)));
    void this.#begin();
  }

  view(): ChatView {
    return this.#view;
  }

  subscribe(listener: () => void): () => void {
    this.#subscribers.add(listener);
    return () => this.#subscribers.delete(listener);
  }

  open(channel: string): void {
    if (channel !== this.#view.channel) location.hash = `/${channel}`;
  }

  /** The channel comes into being with its first message; until then an empty one is as good as another. */
  startNew(): void {
    const empty = this.#view.room.messages.length === 0 && this.#view.unsent.length === 0;
    if (!empty) this.open(newId(16));
  }

  /** Opens the channel above (-1) or below (1) in the list. */
  step(by: -1 | 1): void {
    const { channels, channel } = this.#view;
    const next = channels[channels.findIndex(({ id }) => id === channel) + by];
    if (next !== undefined) this.open(next.id);
  }

  send(text: string): void {
    this.#unsent.add({ channel: this.#view.channel, id: newId(20), text, at: Date.now() });
  }

  /** What the person wrote themselves: a reply, where they chose a message to reply to. */
  say(text: string): void {
    const { channel, answering } = this.#view;
    const reply = answering === undefined ? {} : { answers: answering.key };
    this.#answering.delete(channel);
    this.#unsent.add({ channel, id: newId(20), text, at: Date.now(), ...reply });
  }

  /** The next message replies to this one; to none, without a key. */
  answer(key?: string): void {
    const { channel } = this.#view;
    if (key === undefined) this.#answering.delete(channel);
    else this.#answering.set(channel, key);
    this.#refresh();
  }

  press(key: string, data: string, value?: string): void {
    const { channel } = this.#view;
    void this.#presses.press({ channel, key, data, ...(value === undefined ? {} : { value }) });
  }

  giveUp(key: string): void {
    this.#presses.giveUp(this.#view.channel, key);
  }

  discard(id: string): void {
    this.#unsent.drop(id);
  }

  async loadOlder(): Promise<void> {
    const { channel, room } = this.#view;
    const [first] = room.messages;
    if (first === undefined) return;
    const page = await gateway.messagesBefore(channel, first.order);
    const now = this.#room(channel);
    this.#setRoom(channel, {
      ...now,
      messages: page.messages.reduce(withMessage, now.messages),
      more: page.more,
      receipts: { ...page.receipts, ...now.receipts },
    });
  }

  /** The message of the shown channel, where it is loaded. */
  find(key: string): WireMessage | undefined {
    return this.#view.room.messages.find((message) => message.key === key);
  }

  /** Loads earlier messages until this one is among them, or there are no more. */
  async loadUntil(key: string): Promise<void> {
    const { channel } = this.#view;
    while (this.find(key) === undefined && this.#view.channel === channel && this.#view.room.more) {
      await this.loadOlder();
    }
  }

  async loadOlderChannels(): Promise<void> {
    const page = await gateway.channels(this.#cursor);
    this.#older = [...this.#older, ...page.channels];
    this.#cursor = page.cursor;
    this.#refresh();
  }

  async #begin(): Promise<void> {
    const named = channelInAddress() ?? this.#unsent.channel;
    if (named !== undefined) {
      location.replace(`#/${named}`);
      this.#show(named);
    }
    for (let pause = 300; ; pause = Math.min(pause * 2, 4_000)) {
      try {
        const [about, list] = await Promise.all([gateway.about(), gateway.channels()]);
        this.#view = { ...this.#view, about };
        this.#setChannels(list.channels, list.cursor);
        if (named === undefined) location.replace(`#/${list.channels[0]?.id ?? newId(16)}`);
        return;
      } catch (error) {
        if (gateway.isSignedOut(error)) return this.#signedOut();
        this.#update({ connection: "lost" });
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }

  #show(channel: string): void {
    if (channel === this.#view.channel) return;
    this.#stream?.close();
    this.#update({ channel, connection: "connecting" });
    this.#stream = new Stream(channel, this.#room(channel).version, {
      page: (page) => this.#setRoom(channel, fromPage(this.#room(channel), page)),
      message: (message) => this.#onMessage(channel, message),
      state: (state) => this.#onState(channel, state),
      channels: (list) => this.#setChannels(list.channels, list.cursor),
      connected: (is) => {
        if (is) this.#unsent.hurry();
        if (is) this.#presses.hurry();
        this.#update({ connection: is ? "connected" : "lost" });
      },
      signedOut: () => this.#signedOut(),
      version: (version) => this.#rooms.set(channel, { ...this.#room(channel), version }),
    });
  }

  #onMessage(channel: string, message: WireMessage): void {
    const room = this.#room(channel);
    const [first] = room.messages;
    // An old message, changed, whose neighbours are not loaded: it comes with them.
    if (room.more && first !== undefined && message.order < first.order) return;
    this.#setRoom(channel, { ...room, messages: withMessage(room.messages, message) });
  }

  #onState(channel: string, state: WireState): void {
    const room = this.#room(channel);
    this.#view = { ...this.#view, skew: state.now - Date.now() };
    this.#setRoom(channel, { ...room, state, receipts: { ...room.receipts, ...state.receipts } });
  }

  #setChannels(listed: readonly WireChannel[], cursor: string | undefined): void {
    this.#listed = listed;
    if (this.#older.length === 0) this.#cursor = cursor;
    this.#refresh();
  }

  #room(channel: string): Room {
    return this.#rooms.get(channel) ?? EMPTY;
  }

  #setRoom(channel: string, room: Room): void {
    this.#rooms.set(channel, room);
    this.#refresh();
  }

  #signedOut(): void {
    this.#stream?.close();
    this.#update({ connection: "signed out" });
  }

  #refresh(): void {
    this.#update({});
  }

  #update(change: Partial<ChatView>): void {
    const view = { ...this.#view, ...change };
    const room = this.#room(view.channel);
    this.#unsent?.settle(new Set(room.messages.flatMap((message) => (message.role === "user" ? [message.id] : []))));
    this.#view = {
      ...view,
      room,
      unsent: this.#unsent?.of(view.channel) ?? [],
      presses: this.#presses?.of(view.channel) ?? new Map(),
      answering: room.messages.find(({ key }) => key === this.#answering.get(view.channel)),
      channels: this.#allChannels(),
      moreChannels: this.#cursor !== undefined,
    };
    for (const subscriber of this.#subscribers) subscriber();
  }

  /** The newest page comes with every change; older ones were loaded once and may name a channel again. */
  #allChannels(): WireChannel[] {
    const newest = new Set(this.#listed.map(({ id }) => id));
    const all = [...this.#listed, ...this.#older.filter(({ id }) => !newest.has(id))];
    return all.sort((left, right) => right.at - left.at);
  }
}

function channelInAddress(): string | undefined {
  return /^#\/([A-Za-z0-9_-]{1,64})$/.exec(location.hash)?.[1];
}

function fromPage(room: Room, page: WirePage): Room {
  return { ...room, messages: page.messages, more: page.more, receipts: page.receipts };
}

/** In order of their place; a message that is there already is replaced. */
function withMessage(messages: readonly WireMessage[], message: WireMessage): WireMessage[] {
  const at = messages.findLastIndex(({ order }) => order <= message.order);
  const replaces = messages[at]?.key === message.key;
  return [...messages.slice(0, replaces ? at : at + 1), message, ...messages.slice(at + 1)];
}
