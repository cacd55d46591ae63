/**
 * Buttons, selects and forms in use. Discord waits three seconds for the first answer and sends nothing again; then the
 * answer may take fifteen minutes. So the first one is given at once, whatever core is at: "thinking…", which that person
 * alone sees. It becomes what core says; and where core could not store it, or is long about it, a request to press again.
 */
import { setMaxListeners } from "node:events";
import type { Intake, Press } from "../../src/channel.ts";
import { describe } from "../../src/errors.ts";
import type { Clock } from "../../src/model.ts";
import { type CallError, toCallError } from "./errors.ts";
import { sleep } from "./inlet.ts";
import type { Log } from "./log.ts";
import type { Answerable, Pressing } from "./press.ts";
import { render } from "./render.ts";
import type { Rest } from "./rest.ts";

export interface PressesOptions {
  readonly rest: Rest;
  readonly clock: Clock;
  readonly log: Log;
  /** Milliseconds until the person is told that core is long about it. */
  readonly slow: number;
}

const MESSAGE = 4;
const THINKING = 5;
const FORM = 9;
const EPHEMERAL = 1 << 6;
const CALLS_NOBODY = { allowed_mentions: { parse: [] } };

/** Discord's code for an interaction that was not answered in time. */
const TOO_LATE = 10062;

/** A call whose outcome got lost is repeated: nothing of these shows twice. */
const TRIES = 4;
const FIRST_PAUSE = 200;
/** Milliseconds; where Discord asks for a longer one, that is its answer. */
const LONGEST_PAUSE = 5000;

const UNKNOWN = "This is not in use any more. Write a message, or look for a newer one with buttons.";
const NOT_STORED = "This could not be stored just now. Please press again in a moment.";
const SLOW = "This takes long, and may not have been stored. Please press again in a moment, unless this text changes.";
/** Characters of what was written into a form, to be copied by who wrote it. */
const GIVEN_BACK = 1500;

export class Presses {
  readonly #options: PressesOptions;
  readonly #closing = new AbortController();

  constructor(options: PressesOptions) {
    this.#options = options;
    // Any number of people may press at once: many listeners are no leak here.
    setMaxListeners(0, this.#closing.signal);
  }

  /** Never rejects. */
  async take(pressing: Exclude<Pressing, { readonly ignored: string }>, intake: Intake): Promise<void> {
    const { at, press, written = false, form } = pressing;
    if (press !== undefined) await this.#press(at, this.#ask(press, written, intake));
    else if (form !== undefined) await this.#first(at, { type: FORM, data: form });
    else await this.#first(at, { type: MESSAGE, data: { content: UNKNOWN, flags: EPHEMERAL, ...CALLS_NOBODY } });
  }

  /** What is still to be said stays unsaid. */
  close(): void {
    this.#closing.abort();
  }

  async #press(at: Answerable, said: Promise<string>): Promise<void> {
    const answerable = this.#first(at, { type: THINKING, data: { flags: EPHEMERAL } });
    const soon = await this.#soon(said);
    // Also where the first answer got lost: it may have been given, by this process or the connection before.
    if (!(await answerable)) return void (await said);
    if (soon === undefined) await this.#tell(at, SLOW);
    await this.#tell(at, soon ?? (await said));
  }

  /** What core says. */
  async #ask(press: Press, written: boolean, intake: Intake): Promise<string> {
    try {
      return (await intake.press(press)).text;
    } catch (error) {
      const { channel, value = "" } = press;
      this.#options.log("warn", "a press could not be stored; who pressed was asked to press again", {
        channel,
        cause: describe(error),
      });
      return written ? `${NOT_STORED}\n\n\`\`\`\`\n${value.slice(0, GIVEN_BACK)}\n\`\`\`\`` : NOT_STORED;
    }
  }

  /** Undefined where it is not known soon. */
  async #soon(said: Promise<string>): Promise<string | undefined> {
    const { clock, slow } = this.#options;
    const waiting = new AbortController();
    const signal = AbortSignal.any([waiting.signal, this.#closing.signal]);
    try {
      return await Promise.race([said, sleep(clock, slow, signal).then(() => undefined)]);
    } finally {
      waiting.abort();
    }
  }

  /** The first answer; whether there may be another. */
  async #first({ id, token }: Answerable, body: object): Promise<boolean> {
    const failure = await this.#insist("POST", `/interactions/${id}/${token}/callback`, body);
    if (failure !== undefined) {
      // An interaction that Discord repeats has been answered: it says so, and that is well.
      const { code, message: cause } = failure;
      this.#options.log("debug", "the first answer to a press was not taken", { code, cause });
    }
    return failure?.code !== TOO_LATE;
  }

  async #tell({ application, token }: Answerable, text: string): Promise<void> {
    const route = `/webhooks/${application}/${token}/messages/@original` as const;
    const failure = await this.#insist("PATCH", route, { content: render(text), ...CALLS_NOBODY });
    if (failure === undefined) return;
    const { code, message: cause } = failure;
    this.#options.log("debug", "what came of a press could not be told to who pressed", { code, cause });
  }

  /** What it failed with in the end. */
  async #insist(method: "POST" | "PATCH", route: `/${string}`, body: object): Promise<CallError | undefined> {
    const { rest, clock } = this.#options;
    const { signal } = this.#closing;
    for (let tries = 1; ; tries++) {
      try {
        await rest.call(method, route, { body, signal });
        return undefined;
      } catch (error) {
        const failure = toCallError(error);
        const { status, retryAfter = FIRST_PAUSE * tries } = failure;
        const passes = status === undefined || status >= 500 || status === 429;
        if (!passes || tries === TRIES || retryAfter > LONGEST_PAUSE || signal.aborted) return failure;
        await sleep(clock, retryAfter, signal);
      }
    }
  }
}
