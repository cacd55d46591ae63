import {
  type Action,
  type AdapterHealth,
  type ChannelAdapter,
  DeliveryError,
  type Editing,
  type EditOptions,
  type Intake,
  type Press,
  type Pressed,
  type SendOptions,
  type Taken,
} from "../../src/channel.ts";
import { type ChannelId, channelId, type InboundEvent, type MessageRef, type Sender } from "../../src/model.ts";

export interface Shown {
  readonly ref: MessageRef;
  text: string;
  actions: readonly Action[];
  readonly replyTo?: MessageRef;
}

export interface PressOptions {
  /** Default: Ann. */
  readonly by?: Sender;
  /** What is chosen in a select, or written in a form. */
  readonly value?: string;
}

const ANN: Sender = { id: "local:ann", name: "Ann" };

/** A chat platform in memory, with just what a person could see. It de-duplicates nothing, as Telegram does. */
export class LocalChannel implements ChannelAdapter, Editing {
  readonly name = "local";
  readonly limits: ChannelAdapter["limits"];
  /** What each channel shows now, oldest first. */
  readonly shown = new Map<ChannelId, Shown[]>();
  /** Every text that was ever visible, with its channel, in order. */
  readonly seen: { channel: ChannelId; text: string }[] = [];
  /** Called before each send and edit; what it throws is the platform's answer. */
  fault: ((call: "send" | "edit", channel: ChannelId, text: string) => void) | undefined;
  /** Called after a send took effect; a throw loses the platform's answer. */
  faultAfter: ((call: "send" | "edit", channel: ChannelId, text: string) => void) | undefined;
  #intake: Intake | undefined;
  #refs = 0;

  constructor(limits: Partial<ChannelAdapter["limits"]> = {}) {
    const actions = { most: 25, select: 25, form: true };
    this.limits = { maxTextLength: 4_096, minEditInterval: 1_000, repeatableSend: false, actions, ...limits };
  }

  async start(intake: Intake): Promise<void> {
    this.#intake = intake;
  }

  async stop(): Promise<void> {}
  async close(): Promise<void> {}

  health(): AdapterHealth {
    return { state: "connected" };
  }

  split(markdown: string): string[] {
    const { maxTextLength } = this.limits;
    const parts: string[] = [];
    for (let i = 0; i < markdown.length; i += maxTextLength) parts.push(markdown.slice(i, i + maxTextLength));
    return parts;
  }

  async send(channel: ChannelId, text: string, { actions = [], replyTo }: SendOptions): Promise<MessageRef> {
    this.fault?.("send", channel, text);
    const ref = String(++this.#refs);
    const replies = replyTo !== undefined && this.messages(channel).some((message) => message.ref === replyTo);
    this.messages(channel).push({ ref, text, actions, ...(replies ? { replyTo } : {}) });
    this.seen.push({ channel, text });
    this.faultAfter?.("send", channel, text);
    return ref;
  }

  async edit(channel: ChannelId, ref: MessageRef, text: string, { actions = [] }: EditOptions): Promise<void> {
    this.fault?.("edit", channel, text);
    const message = this.messages(channel).find((candidate) => candidate.ref === ref);
    if (!message) throw new DeliveryError("gone", "message to edit not found");
    message.text = text;
    message.actions = actions;
    this.seen.push({ channel, text });
    this.faultAfter?.("edit", channel, text);
  }

  messages(channel: ChannelId): Shown[] {
    let messages = this.shown.get(channel);
    if (!messages) {
      messages = [];
      this.shown.set(channel, messages);
    }
    return messages;
  }

  texts(channel: ChannelId): string[] {
    return this.messages(channel).map(({ text }) => text);
  }

  /** A person uses the action that is shown by this label, the latest of several; resolves with what that person is told. */
  press(chat: string, label: string, { by = ANN, value }: PressOptions = {}): Promise<Pressed> {
    const channel = channelId("local", chat);
    const actions = this.messages(channel).flatMap((message) => message.actions);
    const action = actions.findLast((candidate) => candidate.label === label);
    if (!action) throw new Error(`${channel} shows no ${label}, but ${actions.map((other) => other.label).join(", ")}`);
    return this.use({ channel, sender: by, data: action.data, ...(value === undefined ? {} : { value }) });
  }

  /** A press with any data: forged, repeated, or of a message that is long gone. */
  use(press: Press): Promise<Pressed> {
    if (!this.#intake) throw new Error("the channel was not started");
    return this.#intake.press(press);
  }

  /** A person writes. */
  say(chat: string, id: string, text: string, more: Partial<InboundEvent> = {}): Promise<Taken> {
    if (!this.#intake) throw new Error("the channel was not started");
    return this.#intake.take(saying(chat, id, text, more));
  }
}

function saying(chat: string, id: string, text: string, more: Partial<InboundEvent> = {}): InboundEvent {
  return {
    channel: channelId("local", chat),
    id,
    sender: ANN,
    text,
    sentAt: 1_800_000_000_000,
    addressed: true,
    direct: true,
    ...more,
  };
}
