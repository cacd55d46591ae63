/**
 * Messages that the gateway has not confirmed yet. They are in localStorage, one key each (several tabs share
 * it), so that neither a reload nor a crash of the browser loses one; each is sent again until the gateway has
 * answered. The gateway knows the ids, so sending twice is sending once.
 */
import { isSignedOut, post, Refusal } from "./gateway.ts";

const PREFIX = "switchboard.unsent.";
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5_000;

export interface UnsentMessage {
  readonly channel: string;
  readonly id: string;
  readonly text: string;
  readonly at: number;
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
  #hurry: (() => void) | undefined;
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
    this.#hurry?.();
  }

  /** In order, one after the other: the next is not sent before the one ahead of it has its answer. */
  async #sendAll(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    let pause = FIRST_PAUSE_MS;
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      try {
        await post(next.channel, { id: next.id, text: next.text });
        forget(next.id);
        this.#change(next.id, { confirmed: true });
        pause = FIRST_PAUSE_MS;
      } catch (error) {
        if (isSignedOut(error)) this.#signedOut();
        if (error instanceof Refusal && error.final) {
          forget(next.id);
          this.#change(next.id, { refused: true, trouble: error.message });
        } else {
          const trouble = error instanceof Refusal ? error.message : "The gateway can't be reached.";
          this.#change(next.id, { trouble });
          await this.#wait(pause);
          pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
        }
      }
    }
    this.#sending = false;
  }

  #next(): UnsentMessage | undefined {
    return this.#messages.find((message) => !message.confirmed && !message.refused);
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #change(id: string, change: Partial<UnsentMessage>): void {
    this.#set(this.#messages.map((message) => (message.id === id ? { ...message, ...change } : message)));
  }

  #set(messages: readonly UnsentMessage[]): void {
    this.#messages = messages;
    this.#changed();
  }
}

function stored(): UnsentMessage[] {
  const found: UnsentMessage[] = [];
  for (const key of Object.keys(localStorage)) {
    if (!key.startsWith(PREFIX)) continue;
    try {
      const { channel, text, at } = JSON.parse(localStorage.getItem(key) ?? "");
      found.push({ id: key.slice(PREFIX.length), channel: String(channel), text: String(text), at: Number(at) });
    } catch {
      // Written by hand or by another version: it can't be sent.
      localStorage.removeItem(key);
    }
  }
  return found.sort((left, right) => left.at - right.at || (left.id < right.id ? -1 : 1));
}

function keep({ id, channel, text, at }: UnsentMessage): void {
  try {
    localStorage.setItem(PREFIX + id, JSON.stringify({ channel, text, at }));
  } catch {
    // Storage is full or forbidden: the message is still sent, it just would not survive a reload.
  }
}

function forget(id: string): void {
  localStorage.removeItem(PREFIX + id);
}
