/**
 * One stretch of receiving, from `start` to `stop`:
 * 1. learn who the bot is (needed to tell what speaks to it), and whether its token may do what it must;
 * 2. let Slack deliver: over a socket (sockets.ts), or by HTTP (requests.ts);
 * 3. parse what comes (parse.ts, interactions.ts); what can't become an event is counted, passed over and acknowledged;
 * 4. hand it to core: messages in order within a channel (handover.ts), presses at once (presses.ts);
 * 5. acknowledge it only then. A press is acknowledged in time all the same: it would not come again.
 */
import type { AdapterHealth, Intake } from "../../src/channel.ts";
import { describe } from "../../src/errors.ts";
import type { ChannelId, Clock } from "../../src/model.ts";
import type { Account, SlackClient } from "./client.ts";
import type { Log } from "./delivery.ts";
import { missing, type Trouble, troubleOf } from "./errors.ts";
import { Handover } from "./handover.ts";
import { parseInteraction } from "./interactions.ts";
import { REQUIRED_SCOPES } from "./manifest.ts";
import { type Context, type Parsed, parseCallback, parseCommand } from "./parse.ts";
import type { People } from "./people.ts";
import type { Presses, Reply } from "./presses.ts";
import type { Envelope } from "./socket.ts";
import type { Titles } from "./titles.ts";

/** Milliseconds. */
export interface ReceiveTiming {
  /** The first and the longest pause after a failure that may pass by itself; doubled in between. */
  readonly backoff: number;
  readonly maxBackoff: number;
  /** Between tries while a token is refused. */
  readonly rejected: number;
}

export interface ReceiverOptions {
  readonly name: string;
  readonly client: SlackClient;
  readonly people: People;
  readonly sessionPer: Context["sessionPer"];
  readonly clock: Clock;
  readonly timing: ReceiveTiming;
  readonly log: Log;
  /** How many deliveries were passed over, by reason. */
  readonly ignored: Map<string, number>;
  readonly onIdentified: (account: Account) => void;
  /** Called with each payload of the Events API, and with each event when core has taken it. */
  readonly titles: Titles;
  readonly presses: Presses;
}

/** How deliveries come, once it is known who the bot is. */
export interface Line {
  /** Resolves when nothing more comes. */
  run(): Promise<void>;
  /** Called when core has no more in hand. */
  stop(): Promise<void>;
  cut(): void;
}

export class Receiver {
  readonly #options: ReceiverOptions;
  readonly #handover: Handover;
  readonly #stopping = new AbortController();
  readonly #line: Line;
  readonly #commands = new Set<string>();
  #health: AdapterHealth = { state: "starting" };
  #cause: string | undefined;
  readonly #warnings = new Map<string, string>();
  #account: Account | undefined;
  #intake: Intake | undefined;
  #running: Promise<void> | undefined;
  #failures = 0;

  constructor(options: ReceiverOptions, line: (receiver: Receiver) => Line) {
    this.#options = options;
    const { clock, timing } = options;
    this.#handover = new Handover({
      clock,
      backoff: timing.backoff,
      maxBackoff: timing.maxBackoff,
      onTrouble: (cause) => {
        if (cause !== undefined && this.#cause !== cause) options.log("warn", "messages can't be stored", { cause });
        this.#cause = cause;
        // Slack gives up what was not acknowledged for six minutes.
        if (cause === undefined) this.#intake?.missed(options.name);
      },
    });
    this.#line = line(this);
  }

  get health(): AdapterHealth {
    if (this.#health.state !== "connected") return this.#health;
    if (this.#cause !== undefined) {
      const detail = `Messages can't be stored now (${this.#cause}). Slack delivers them again; it tries again by itself.`;
      return { state: "degraded", detail };
    }
    const [warning] = this.#warnings.values();
    return warning === undefined ? this.#health : { state: "degraded", detail: warning };
  }

  start(intake: Intake): void {
    if (this.#stopping.signal.aborted) return;
    this.#intake ??= intake;
    this.#running ??= this.#run();
  }

  /** Waits for what core has in hand, and lets it be acknowledged. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([this.#handover.stop(), this.#options.presses.settled()]);
    await this.#line.stop();
    this.#health = { state: "stopped" };
  }

  /** Lets go without waiting for core. */
  abandon(): void {
    this.#stopping.abort();
    this.#line.cut();
    this.#health = { state: "stopped" };
  }

  /** The names of the commands that `/switchboard` knows. */
  announce(names: readonly string[]): void {
    for (const name of names) this.#commands.add(name);
  }

  /** What an operator must know while everything else works; undefined takes it away. */
  warn(about: string, warning: string | undefined): void {
    if (warning === undefined) {
      this.#warnings.delete(about);
      return;
    }
    if (!this.#warnings.has(about)) this.#options.log("warn", warning);
    this.#warnings.set(about, warning);
  }

  connected(): void {
    this.#failures = 0;
    if (this.#stopping.signal.aborted) return;
    this.#health = { state: "connected" };
    this.#options.log("info", "receiving from Slack", { team: this.#account?.team });
    this.#intake?.missed(this.#options.name);
  }

  /** Says what is wrong, and waits before the next try. */
  async recover({ state, detail, pace, retryAfter }: Trouble): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    const { backoff, maxBackoff, rejected } = this.#options.timing;
    if (this.#health.state !== state || this.#health.detail !== detail) this.#options.log("warn", detail, { state });
    this.#health = { state, detail };
    const growing = Math.min(maxBackoff, backoff * 2 ** Math.min(this.#failures++, 20));
    await this.#sleep((retryAfter ?? (pace === "rejected" ? rejected : growing)) * (1 + Math.random() / 4));
  }

  /** Resolves when what Slack delivered may be acknowledged, with what to say then; rejects where it must come again. */
  async receive({ type, payload }: Omit<Envelope, "id">): Promise<Reply> {
    const account = this.#account;
    const intake = this.#intake;
    if (account === undefined || intake === undefined || this.#stopping.signal.aborted)
      throw new Error("not receiving");
    if (type === "interactive") return await this.#interact(payload, account, intake);
    if (type === "events_api") this.#options.titles.begun(payload);
    const parse = (nameOf: (user: string) => string) => this.#parse(type, payload, account, nameOf);
    const parsed = parse((user) => user);
    if ("ignored" in parsed) return this.#passOver(parsed.ignored);
    const named = () => this.#options.people.named(parse);
    const { channel, key } = placeOf(parsed);
    await this.#handover.give(channel, key, async () => {
      const piece = await named();
      if ("event" in piece) {
        await intake.take(piece.event);
        this.#options.titles.said(piece.event);
      } else if ("amendment" in piece) await intake.amend(piece.amendment);
    });
    return {};
  }

  /** Beside the messages of its channel: what a person decides must not wait for what others say. */
  async #interact(payload: unknown, me: Account, intake: Intake): Promise<Reply> {
    const { name, presses } = this.#options;
    const interaction = parseInteraction(payload, name, me);
    if ("ignored" in interaction) return this.#passOver(interaction.ignored);
    return await presses.handle(interaction, intake);
  }

  #parse(type: string, payload: unknown, me: Account, nameOf: (user: string) => string): Parsed {
    const { name, sessionPer, clock } = this.#options;
    const context: Context = { name, me, sessionPer, nameOf };
    if (type === "events_api") return parseCallback(payload, context);
    if (type === "slash_commands") return parseCommand(payload, context, this.#commands, clock.now());
    return { ignored: `delivery ${type.slice(0, 40)}` };
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (this.#account === undefined && !signal.aborted) {
      try {
        this.#identified(await this.#options.client.identify(signal));
      } catch (error) {
        await this.recover(troubleOf(error, "bot"));
      }
    }
    if (!signal.aborted) await this.#line.run();
  }

  #identified(account: Account): void {
    this.#account = account;
    this.#options.onIdentified(account);
    const lacking = REQUIRED_SCOPES.filter((scope) => account.scopes?.includes(scope) === false);
    if (lacking.length > 0) this.warn("scopes", missing(lacking));
  }

  #passOver(reason: string): Reply {
    const { ignored, log } = this.#options;
    const count = (ignored.get(reason) ?? 0) + 1;
    ignored.set(reason, count);
    if (count === 1) log("info", "deliveries of this kind are passed over", { reason });
    if (reason === OTHER_WORKSPACE) this.warn("workspace", SHARED_APP);
    return {};
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
}

const OTHER_WORKSPACE = "event of another workspace";
const SHARED_APP =
  "Events of another workspace arrive here: this app is installed in several. Give each workspace an app of its own, " +
  "and each app an entry under adapters.";

/** The same event, delivered again, has the same key; a mention comes as two events, which are one. */
function placeOf(parsed: Exclude<Parsed, { ignored: string }>): { channel: ChannelId; key: string } {
  if ("event" in parsed) return { channel: parsed.event.channel, key: parsed.event.id };
  const { channel, id, text } = parsed.amendment;
  return { channel, key: `${id} to ${describe(text)}` };
}
