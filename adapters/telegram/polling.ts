/**
 * Receives by long polling. One loop:
 * 1. learn who the bot is (needed to tell what speaks to it);
 * 2. ask for updates from the offset on: the request that names an offset is what confirms all before it;
 * 3. parse each; what can't become an event is counted and passed over;
 * 4. hand every event and press to the intake, in order within a channel, channels side by side; who pressed is told;
 * 5. only when all of them are taken, move the offset.
 * Whatever fails sends the loop back to where it was, after a pause. A crash between 4 and 5 repeats the batch: the
 * intake knows what it has seen.
 */
import type { Api } from "grammy";
import type { AdapterHealth, Intake } from "../../src/channel.ts";
import type { ChannelId, Clock } from "../../src/model.ts";
import type { Callbacks } from "./callbacks.ts";
import { type Trouble, troubleOf } from "./errors.ts";
import { type Identity, type Parsed, parseUpdate, updateId } from "./parse.ts";
import { forGrammy } from "./transport.ts";

export type Log = (
  level: "debug" | "info" | "warn" | "error",
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;

/** Milliseconds, where nothing else is said. */
export interface PollTiming {
  /** Seconds that Telegram holds a poll open while there is nothing. */
  readonly pollSeconds: number;
  /** The first and the longest pause after a failure that may pass by itself; doubled in between. */
  readonly backoff: number;
  readonly maxBackoff: number;
  /** Between tries while somebody else receives the updates, but for the first try. */
  readonly conflict: number;
  /** Between tries while the token is refused. */
  readonly rejected: number;
}

export interface PollerOptions {
  readonly name: string;
  readonly api: Api;
  readonly clock: Clock;
  readonly timing: PollTiming;
  readonly log: Log;
  readonly callbacks: Callbacks;
  /** How many updates were passed over, by reason: counted on, from one poller to the next. */
  readonly ignored: Map<string, number>;
  /** Called each time that receiving works again, and the first time. */
  readonly onConnected: () => void;
}

const ALLOWED_UPDATES = ["message", "edited_message", "callback_query"] as const;

/** What is for the intake. */
type Inbound = Exclude<Parsed, { readonly ignored: string }>;

/** How long `stop` tells Telegram what was taken. It is a courtesy: whatever comes again is known. */
const LAST_CONFIRMATION = 1000;

/** One stretch of receiving, from `start` to `stop`. */
export class Poller {
  readonly #options: PollerOptions;
  readonly #stopping = new AbortController();
  #health: AdapterHealth = { state: "starting" };
  #running: Promise<void> | undefined;
  #me: Identity | undefined;
  /** Undefined: everything that Telegram holds as not confirmed. */
  #offset: number | undefined;
  #failures = 0;
  #conflicts = 0;
  /** The next poll answers at once, so that `health` soon knows. */
  #look = true;

  constructor(options: PollerOptions) {
    this.#options = options;
  }

  get health(): AdapterHealth {
    return this.#health;
  }

  /** It never polls again. */
  get isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  start(intake: Intake): void {
    this.#running ??= this.#run(intake);
  }

  /** Cuts the poll short, waits for what the intake has in hand. */
  async stop(): Promise<void> {
    const first = !this.#stopping.signal.aborted;
    this.#stopping.abort();
    await this.#running;
    this.#health = { state: "stopped" };
    if (first && this.#running !== undefined) await this.#confirm();
  }

  /** Lets go without waiting for the intake. */
  abandon(): void {
    this.#stopping.abort();
    this.#health = { state: "stopped" };
  }

  async #run(intake: Intake): Promise<void> {
    while (!this.isStopped) {
      try {
        this.#me ??= await this.#identify();
        const updates = await this.#poll();
        this.#connected();
        await this.#handOver(updates, this.#me, intake);
      } catch (error) {
        if (!this.isStopped) await this.#recover(troubleOf(error));
      }
    }
  }

  async #identify(): Promise<Identity> {
    const me: { id?: unknown; username?: unknown } = await this.#options.api.getMe(forGrammy(this.#stopping.signal));
    if (typeof me.id !== "number") throw new Error("getMe answers without an id");
    return { id: me.id, username: typeof me.username === "string" ? me.username : "" };
  }

  async #poll(): Promise<readonly unknown[]> {
    const updates: unknown = await this.#options.api.raw.getUpdates(
      {
        ...(this.#offset === undefined ? {} : { offset: this.#offset }),
        limit: 100,
        timeout: this.#look ? 0 : this.#options.timing.pollSeconds,
        allowed_updates: ALLOWED_UPDATES,
      },
      forGrammy(this.#stopping.signal),
    );
    if (!Array.isArray(updates)) throw new Error("getUpdates answers with something that is no list");
    return updates;
  }

  async #handOver(updates: readonly unknown[], me: Identity, intake: Intake): Promise<void> {
    if (updates.length === 0) {
      // All is confirmed. After a quiet week Telegram counts on from another number, which may be lower: an old
      // offset would then confirm updates that nobody has seen.
      this.#offset = undefined;
      return;
    }
    const ids = updates.map(updateId).filter((id) => id !== undefined);
    if (ids.length === 0) throw new Error("updates without an id");
    const waiting = new Map<ChannelId, Inbound[]>();
    for (const update of updates) {
      const parsed = parseUpdate(update, this.#options.name, me);
      if ("ignored" in parsed) {
        this.#passOver(parsed);
        continue;
      }
      const { channel } = "press" in parsed ? parsed.press : parsed.event;
      const inbound = waiting.get(channel);
      if (inbound === undefined) waiting.set(channel, [parsed]);
      else inbound.push(parsed);
    }
    await this.#takeAll(waiting, intake);
    if (!this.isStopped || waiting.size === 0) this.#offset = Math.max(...ids) + 1;
  }

  /** Goes on until all are taken, or until `stop`. What was taken leaves `waiting`. */
  async #takeAll(waiting: Map<ChannelId, Inbound[]>, intake: Intake): Promise<void> {
    for (;;) {
      const failures: unknown[] = [];
      const takes = [...waiting].map(async ([channel, inbound]) => {
        try {
          for (let next = inbound[0]; next !== undefined && !this.isStopped; next = inbound[0]) {
            await this.#take(next, intake);
            inbound.shift();
          }
          if (inbound.length === 0) waiting.delete(channel);
        } catch (error) {
          failures.push(error);
        }
      });
      await Promise.all(takes);
      if (waiting.size === 0 || this.isStopped) return;
      const cause = failures[0] instanceof Error ? failures[0].message : String(failures[0]);
      await this.#recover({
        state: "degraded",
        detail: `Messages can't be stored now (${cause}). They wait at Telegram; nothing is lost. It tries again by itself.`,
        pace: "backoff",
      });
      if (this.isStopped) return;
    }
  }

  async #take(inbound: Inbound, intake: Intake): Promise<void> {
    if ("event" in inbound) await intake.take(inbound.event);
    else this.#options.callbacks.answer(inbound.query, await intake.press(inbound.press));
  }

  #passOver({ ignored: reason, query }: Extract<Parsed, { readonly ignored: string }>): void {
    const { ignored, callbacks } = this.#options;
    if (query !== undefined) callbacks.answer(query);
    const count = (ignored.get(reason) ?? 0) + 1;
    ignored.set(reason, count);
    if (count === 1) this.#options.log("info", "updates of this kind are passed over", { reason });
  }

  #connected(): void {
    this.#failures = 0;
    this.#look = false;
    if (this.#health.state === "connected" || this.isStopped) return;
    this.#health = { state: "connected" };
    this.#options.log("info", "receiving from Telegram", { username: this.#me?.username });
    this.#options.onConnected();
  }

  async #recover({ state, detail, pace, retryAfter }: Trouble): Promise<void> {
    const { backoff, maxBackoff, conflict, rejected } = this.#options.timing;
    if (this.#health.state !== state || this.#health.detail !== detail) this.#options.log("warn", detail, { state });
    this.#health = { state, detail };
    // Who competes for the updates gets through now and then: only a whole poll proves that the other one is gone.
    this.#look = pace !== "conflict";
    const growing = Math.min(maxBackoff, backoff * 2 ** Math.min(this.#failures++, 20));
    // The first conflict may be the last request of a process that held the account before, and does not know yet.
    const first = pace === "conflict" && this.#conflicts++ === 0;
    const pause = retryAfter ?? (first ? backoff : { backoff: growing, conflict, rejected }[pace]);
    // Jitter upwards only: Telegram's own times are the least to wait.
    await this.#sleep(pause * (1 + Math.random() / 4));
  }

  #sleep(ms: number): Promise<void> {
    const { signal } = this.#stopping;
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const wake = () => {
        cancel();
        signal.removeEventListener("abort", wake);
        resolve();
      };
      const cancel = this.#options.clock.after(ms, wake);
      signal.addEventListener("abort", wake, { once: true });
    });
  }

  async #confirm(): Promise<void> {
    if (this.#offset === undefined) return;
    const enough = new AbortController();
    const cancel = this.#options.clock.after(LAST_CONFIRMATION, () => enough.abort());
    try {
      await this.#options.api.raw.getUpdates({ offset: this.#offset, limit: 1, timeout: 0 }, forGrammy(enough.signal));
    } catch (error) {
      const { detail } = troubleOf(error);
      this.#options.log("debug", "the last updates will come again, and be known", { detail });
    } finally {
      cancel();
    }
  }
}
