/**
 * People who write to a bot, each in a chat of their own, and what must be true of the answers in the end: each message
 * answered once, whole and in order, and an answer never taken back. It also knows how long people waited.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { User } from "grammy/types";
import { expect } from "vitest";
import type { TelegramTwin, TwinChat } from "../twins/telegram/index.ts";

const PLACEHOLDER = "…";
const BEGUN = /^Attempt (\d+): /;
const WHOLE = /^Attempt (\d+): (.+)\n\n[\d ]*The end\.$/;

/** Whose answer grows for so many seconds: a turn can be hit in its middle, and says which attempt it is. */
export function growingAgent(seconds: number): string {
  const steps = Math.max(1, Math.round(seconds * 2));
  const program = [
    "read -r text",
    'printf "Attempt %s: %s\\n\\n" $SWITCHBOARD_ATTEMPT "$text"',
    `for i in $(seq ${steps}); do sleep ${seconds / steps}; printf "$i "; done`,
    'printf "The end."',
  ].join("; ");
  return `{ type: command, command: ["sh", "-c", ${JSON.stringify(program)}] }`;
}

interface Said {
  readonly text: string;
  readonly at: number;
}

interface Place {
  readonly user: User;
  readonly chat: TwinChat;
  readonly said: Said[];
}

export class Crowd {
  readonly #twin: TelegramTwin;
  readonly #places: readonly Place[];
  #next = 0;

  constructor(twin: TelegramTwin, chats: number) {
    this.#twin = twin;
    this.#places = Array.from({ length: chats }, (_, i) => {
      const user = twin.user({ first_name: `Person ${i}` });
      return { user, chat: twin.privateChat(user), said: [] };
    });
  }

  get chats(): number {
    return this.#places.length;
  }

  get said(): number {
    return this.#places.reduce((sum, { said }) => sum + said.length, 0);
  }

  /** How many answers are there whole. */
  get answered(): number {
    return this.#places.reduce((sum, { chat }) => sum + answersIn(chat).length, 0);
  }

  /** How many chats show an answer that is not whole yet. */
  get growing(): number {
    const last = this.#places.flatMap(({ chat }) => chat.messages().slice(-1));
    return last.filter(({ text }) => !WHOLE.test(text)).length;
  }

  /** The next message in the next chat. */
  say(): void {
    const place = this.#places[this.#next++ % this.#places.length];
    if (!place) return;
    const { user, chat, said } = place;
    const text = `message ${said.length} in chat ${chat.id}`;
    said.push({ text, at: Date.now() });
    chat.say(user, text);
  }

  /** One message in each chat. */
  sayAll(): void {
    for (let i = 0; i < this.chats; i++) this.say();
  }

  /** Writes on and on, about every so many milliseconds, while the work goes on. */
  async talkDuring<T>(every: number, work: () => Promise<T>): Promise<T> {
    const over = new AbortController();
    const talk = (async () => {
      while (!over.signal.aborted) {
        this.say();
        await pause(Math.random() * 2 * every);
      }
    })();
    try {
      return await work();
    } finally {
      over.abort();
      await talk;
    }
  }

  /** Resolves when every message so far has its answer. */
  async allAnswered(timeoutMs = 60_000): Promise<void> {
    const missing = () =>
      this.#places.flatMap(({ chat, said }) => {
        const answers = new Set(answersIn(chat).map(({ text }) => text));
        return said.filter(({ text }) => !answers.has(text)).map(({ text }) => text);
      });
    try {
      await this.#twin.until(() => this.answered >= this.said, { timeoutMs, label: "every message answered" });
    } catch (error) {
      throw new Error(`not answered: ${missing().join(", ")}`, { cause: error });
    }
  }

  /** Each message answered exactly once and in order; nothing else but empty placeholders; nothing taken back. */
  check(): void {
    for (const { chat, said } of this.#places) {
      const messages = chat.messages().filter(({ text }) => text !== PLACEHOLDER);
      expect(messages.map(({ text }) => WHOLE.exec(text)?.[2] ?? text)).toEqual(said.map(({ text }) => text));
      for (const { versions } of messages) {
        const shown = versions.map(({ text }) => text);
        const attempts = shown.map((text) => Number(BEGUN.exec(text)?.[1] ?? 0));
        const whole = shown.findIndex((text) => WHOLE.test(text));
        const order = { attempts: attempts.toSorted((a, b) => a - b), afterWhole: [] };
        expect({ attempts, afterWhole: shown.slice(whole + 1) }, shown.join(" → ")).toEqual(order);
      }
    }
  }

  /** The answers that needed more than one attempt. */
  get repeated(): number {
    return this.#places.flatMap(({ chat }) => answersIn(chat)).filter(({ attempt }) => attempt > 1).length;
  }

  /** Placeholders that a crash left empty. */
  get strays(): number {
    return this.#places.flatMap(({ chat }) => chat.messages()).filter(({ text }) => text === PLACEHOLDER).length;
  }

  /** Milliseconds from each message to its whole answer, shortest first. */
  waits(): number[] {
    return this.#places
      .flatMap(({ chat, said }) => {
        const ends = new Map(answersIn(chat).map(({ text, at }) => [text, at]));
        return said.map(({ text, at }) => (ends.get(text) ?? Number.POSITIVE_INFINITY) - at);
      })
      .sort((a, b) => a - b);
  }

  /** Prints how long people waited, for the record. */
  report(what: string): void {
    const waits = this.waits();
    const at = (share: number) =>
      `${Math.round(waits[Math.min(waits.length - 1, Math.floor(waits.length * share))] ?? 0)} ms`;
    console.log(
      `${what}: ${this.said} messages in ${this.chats} chats, answered after p50 ${at(0.5)}, p99 ${at(0.99)}, at worst ${at(1)}; ` +
        `${this.repeated} turns repeated, ${this.strays} empty placeholders left`,
    );
  }
}

function answersIn(chat: TwinChat): { text: string; attempt: number; at: number }[] {
  return chat.messages().flatMap(({ versions }) => {
    for (const version of versions) {
      const [, attempt, text] = WHOLE.exec(version.text) ?? [];
      if (text !== undefined) return [{ text, attempt: Number(attempt), at: version.at }];
    }
    return [];
  });
}
