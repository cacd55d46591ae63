import {
  type AdapterHealth,
  type ChannelAdapter,
  DeliveryError,
  type Editing,
  type Intake,
  type SendOptions,
  type Taken,
} from "../../src/channel.ts";
import { type ChannelId, channelId, type InboundEvent } from "../../src/model.ts";

export interface Shown {
  readonly ref: string;
  text: string;
}

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
    this.limits = { maxTextLength: 4_096, minEditInterval: 1_000, repeatableSend: false, ...limits };
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

  async send(channel: ChannelId, text: string, _: SendOptions): Promise<string> {
    this.fault?.("send", channel, text);
    const ref = String(++this.#refs);
    this.messages(channel).push({ ref, text });
    this.seen.push({ channel, text });
    this.faultAfter?.("send", channel, text);
    return ref;
  }

  async edit(channel: ChannelId, ref: string, text: string): Promise<void> {
    this.fault?.("edit", channel, text);
    const message = this.messages(channel).find((candidate) => candidate.ref === ref);
    if (!message) throw new DeliveryError("gone", "message to edit not found");
    message.text = text;
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
    sender: { id: "local:ann", name: "Ann" },
    text,
    sentAt: 1_800_000_000_000,
    addressed: true,
    direct: true,
    ...more,
  };
}
