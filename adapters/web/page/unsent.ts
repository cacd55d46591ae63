/**
 * Messages that the gateway has not confirmed yet. They are in localStorage, one key each (several tabs share
 * it), so that neither a reload nor a crash of the browser loses one; each is sent again until the gateway has
 * answered. The gateway knows the ids, so sending twice is sending once.
 */
import type { WirePost } from "../wire.ts";
import { isSignedOut, post, Refusal } from "./gateway.ts";
import { Pause } from "./pause.ts";

const PREFIX = "switchboard.unsent.";

export interface UnsentMessage {
  readonly channel: string;
  readonly id: string;
  readonly text: string;
  readonly at: number;
  /** The key of the message that it replies to. */
  readonly answers?: string;
  /** Why the last attempt failed. */
  readonly trouble?: string;
  /** The gateway refused it: it is not sent again. */
  readonly refused?: true;
  /** The gateway has it; it stays here until the stream has brought it back. */
  readonly confirmed?: true;
}

export class Unsent {
  #messages: readonly UnsentMessage[];
  #sending = false;
  readonly #pause = new Pause();
  readonly #changed: () => void;
  readonly #signedOut: () => void;

  constructor(on: { changed: () => void; signedOut: () => void }) {
    this.#changed = on.changed;
    this.#signedOut = on.signedOut;
    this.#messages = stored();
    void this.#sendAll();
  }

  /** Where the person was when they wrote what is not sent yet. */
  get channel(): string | undefined {
    return this.#messages.at(-1)?.channel;
  }

  of(channel: string): readonly UnsentMessage[] {
    return this.#messages.filter((message) => message.channel === channel);
  }

  add(message: UnsentMessage): void {
    keep(message);
    this.#set([...this.#messages, message]);
    void this.#sendAll();
  }

  /** The person gave it up. */
  drop(id: string): void {
    forget(id);
    this.#set(this.#messages.filter((message) => message.id !== id));
  }

  /**
   * The stream has brought these. Only with the gateway's own answer are they safe: a message shows on the page
   * a moment before it is in the queue.
   */
  settle(shown: ReadonlySet<string>): void {
    this.#messages = this.#messages.filter((message) => !message.confirmed || !shown.has(message.id));
  }

  /** The gateway is reachable again. */
  hurry(): void {
    this.#pause.end();
  }

  /** In order, one after the other: the next is not sent before the one ahead of it has its answer. */
  async #sendAll(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      try {
        await post(next.channel, bodyOf(next));
        forget(next.id);
        this.#change(next.id, { confirmed: true });
        this.#pause.reset();
      } catch (error) {
        if (isSignedOut(error)) this.#signedOut();
        if (error instanceof Refusal && error.final) {
          forget(next.id);
          this.#change(next.id, { refused: true, trouble: error.message });
        } else {
          const trouble = error instanceof Refusal ? error.message : "The gateway can't be reached.";
          this.#change(next.id, { trouble });
          await this.#pause.wait();
        }
      }
    }
    this.#sending = false;
  }

  #next(): UnsentMessage | undefined {
    return this.#messages.find((message) => !message.confirmed && !message.refused);
  }

  #change(id: string, change: Partial<UnsentMessage>): void {
    this.#set(this.#messages.map((message) => (message.id === id ? { ...message, ...change } : message)));
  }

  #set(messages: readonly UnsentMessage[]): void {
    this.#messages = messages;
    this.#changed();
  }
}

function bodyOf({ id, text, answers }: UnsentMessage): WirePost {
  return { id, text, ...(answers === undefined ? {} : { answers }) };
}

function stored(): UnsentMessage[] {
  const found: UnsentMessage[] = [];
  for (const key of Object.keys(localStorage)) {
    if (!key.startsWith(PREFIX)) continue;
    try {
      const { channel, text, at, answers } = JSON.parse(localStorage.getItem(key) ?? "");
      const message = { id: key.slice(PREFIX.length), channel: String(channel), text: String(text), at: Number(at) };
      found.push(answers === undefined ? message : { ...message, answers: String(answers) });
    } catch {
      // Written by hand or by another version: it can't be sent.
      localStorage.removeItem(key);
    }
  }
  return found.sort((left, right) => left.at - right.at || (left.id < right.id ? -1 : 1));
}

function keep({ id, ...message }: UnsentMessage): void {
  try {
    localStorage.setItem(PREFIX + id, JSON.stringify(message));
  } catch {
    // Storage is full or forbidden: the message is still sent, it just would not survive a reload.
  }
}

function forget(id: string): void {
  localStorage.removeItem(PREFIX + id);
}
