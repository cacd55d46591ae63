/**
 * Receives over the gateway. One loop:
 * 1. learn who the bot is, and which intents it has;
 * 2. connect: resume the session where there is one, else identify. A new session means a gap: core is told to read what
 *    was missed;
 * 3. parse each dispatch (events.ts); what can't become an event is counted and passed over;
 * 4. hand it over, in order within a channel, channels side by side (inlet.ts); presses at once (presses.ts);
 * 5. when it is taken, its number is settled (session.ts), and a slash command is acknowledged.
 * Whatever ends the connection sends the loop back to 1, after a pause.
 */
import type { AdapterHealth, Intake } from "../../src/channel.ts";
import type { Clock } from "../../src/model.ts";
import { Attendance } from "./attendance.ts";
import { CallError, CONTENT_MISSING, type Trouble, troubleOf, troubleOfClose } from "./errors.ts";
import { Events } from "./events.ts";
import { type Fields, fields, list, text } from "./fields.ts";
import { Gap } from "./gap.ts";
import { Inlet, sleep } from "./inlet.ts";
import { intents, isContentGranted } from "./intents.ts";
import type { Interactions } from "./interactions.ts";
import { Link, type LinkEnd } from "./link.ts";
import type { Log } from "./log.ts";
import type { Identity } from "./parse.ts";
import type { Places } from "./places.ts";
import type { Presses } from "./presses.ts";
import type { Rest } from "./rest.ts";
import { Session } from "./session.ts";

/** Milliseconds. */
export interface ReceiveTiming {
  /** The first and the longest pause after a failure that may pass by itself; doubled in between. */
  readonly backoff: number;
  readonly maxBackoff: number;
  /** Between tries while the token is refused. */
  readonly rejected: number;
  /** Discord takes no more than one new session in so long. */
  readonly identify: number;
  /** From connecting to being ready. */
  readonly ready: number;
  /** Without any event for so long, Discord is asked for a sign of life; and how long it has to answer. */
  readonly quiet: number;
  readonly answer: number;
  /** How often it is looked whether the Message Content intent has been switched on. */
  readonly recheck: number;
}

export interface ReceiverOptions {
  readonly name: string;
  readonly token: string;
  readonly rest: Rest;
  readonly places: Places;
  readonly interactions: Interactions;
  readonly presses: Presses;
  readonly clock: Clock;
  readonly timing: ReceiveTiming;
  readonly log: Log;
  /** How many dispatches were passed over, by reason: counted on, from one receiver to the next. */
  readonly ignored: Map<string, number>;
  readonly me: (signal: AbortSignal) => Promise<Identity>;
  readonly onRole: (role: string) => void;
  /** Called each time that receiving works again, and the first time. */
  readonly onConnected: () => void;
}

const DISALLOWED_INTENTS = 4014;
/** After these a session is not worth resuming: discord.com/developers/docs/topics/opcodes-and-status-codes#gateway */
const SESSION_LOST = new Set([1000, 1001, 4003, 4007, 4009, 4010, 4011, 4012, 4013, DISALLOWED_INTENTS]);

/** What outlives a receiver: the session goes on where it was stopped. */
export interface Standing {
  session?: Session | undefined;
}

/** One stretch of receiving, from `start` to `stop`. */
export class Receiver {
  readonly #options: ReceiverOptions;
  readonly #standing: Standing;
  readonly #stopping = new AbortController();
  readonly #inlet: Inlet;
  readonly #events: Events;
  readonly #attendance: Attendance;
  readonly #gap: Gap;
  #state: AdapterHealth = { state: "starting" };
  #running: Promise<void> | undefined;
  #link: Link | undefined;
  #intake: Intake | undefined;
  #me: Identity | undefined;
  #ready = false;
  #contentGranted = true;
  /** Why nothing can be stored now. */
  #storeTrouble: string | undefined;
  #failures = 0;
  /** What discord.js hands over before the READY that came in front of it: that one takes it longer. */
  readonly #early: [type: string, sequence: number, data: unknown][] = [];
  /** The general address of the gateway. */
  #url = "";
  #identifiedAt = Number.NEGATIVE_INFINITY;

  constructor(options: ReceiverOptions, standing: Standing) {
    this.#options = options;
    this.#standing = standing;
    const { name, clock, timing, log } = options;
    this.#inlet = new Inlet({
      clock,
      backoff: timing.backoff,
      maxBackoff: timing.maxBackoff,
      onTrouble: (cause) => {
        if (cause !== undefined && this.#storeTrouble === undefined) log("warn", "messages can't be stored", { cause });
        this.#storeTrouble = cause;
      },
    });
    this.#gap = new Gap(clock, () => this.#intake?.missed(name));
    this.#attendance = new Attendance({
      clock,
      quiet: timing.quiet,
      answer: timing.answer,
      ask: (guild) => this.#link?.ask(8, { guild_id: guild, user_ids: this.#me?.id ?? guild, limit: 1 }),
      onDeaf: () => {
        log("warn", "the gateway answers heartbeats but sends no events; connecting anew");
        this.#leaveSession("it was deaf");
      },
    });
    this.#events = new Events({
      ...options,
      inlet: this.#inlet,
      signal: this.#stopping.signal,
      onGuild: (guild) => {
        this.#attendance.learn(guild);
        this.#gap.heard(guild);
      },
    });
  }

  get health(): AdapterHealth {
    if (this.#state.state !== "connected") return this.#state;
    if (this.#storeTrouble !== undefined) {
      const detail = `Messages can't be stored now (${this.#storeTrouble}). They are offered again; nothing is lost.`;
      return { state: "degraded", detail };
    }
    return this.#contentGranted ? this.#state : { state: "degraded", detail: CONTENT_MISSING };
  }

  /** It never receives again. */
  get isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  start(intake: Intake): void {
    this.#intake = intake;
    this.#running ??= this.#run();
  }

  /** Leaves the gateway, and waits for what core has in hand. What it has not taken comes again. */
  async stop(): Promise<void> {
    this.#letGo();
    await this.#inlet.stop();
    await this.#running;
    this.#standing.session?.rewind();
  }

  /** Lets go without waiting. */
  abandon(): void {
    this.#letGo();
    this.#inlet.abandon();
  }

  #letGo(): void {
    this.#stopping.abort();
    this.#attendance.end();
    this.#gap.end();
    this.#link?.leave("stopping");
    this.#state = { state: "stopped" };
  }

  async #run(): Promise<void> {
    while (!this.isStopped) {
      try {
        this.#me = await this.#options.me(this.#stopping.signal);
        const end = await this.#connection();
        if (!this.isStopped) await this.#recover(this.#troubleOfEnd(end));
      } catch (error) {
        if (!this.isStopped) await this.#recover(troubleOf(error));
      }
    }
  }

  /** From connecting to the end of the connection. */
  async #connection(): Promise<LinkEnd> {
    const { token, rest, clock, timing } = this.#options;
    const { signal } = this.#stopping;
    const isNew = this.#standing.session === undefined;
    const url = await this.#gatewayUrl(isNew);
    this.#url = url;
    this.#early.length = 0;
    if (isNew) {
      this.#contentGranted = await isContentGranted(rest, signal);
      const wait = this.#identifiedAt + timing.identify - clock.now();
      if (wait > 0) await sleep(clock, wait, signal);
      this.#identifiedAt = clock.now();
    }
    if (this.isStopped) return { cause: "stopping" };
    const link = new Link({
      url,
      token,
      intents: intents(this.#contentGranted),
      // Where the session's own address fails, the general one will do.
      resumption: () => {
        const at = this.#standing.session?.resumption;
        return at && (this.#failures > 1 ? { ...at, url } : at);
      },
      onVoid: () => {
        this.#standing.session = undefined;
      },
      onDispatch: ({ t, s, d }) => this.#dispatch(t, s, d),
    });
    this.#ready = false;
    this.#link = link;
    const cancel = clock.after(timing.ready, () => {
      if (!this.#ready) link.leave(`it was not ready within ${timing.ready} ms`);
    });
    link.connect();
    const end = await link.ended;
    cancel();
    this.#attendance.end();
    this.#gap.end();
    this.#link = undefined;
    return end;
  }

  async #gatewayUrl(isNew: boolean): Promise<string> {
    const told = fields(await this.#options.rest.call("GET", "/gateway/bot", { signal: this.#stopping.signal }));
    const { remaining, reset_after: reset } = fields(told?.session_start_limit) ?? {};
    if (isNew && remaining === 0) {
      const retryAfter = typeof reset === "number" && reset > 0 ? reset : 60_000;
      throw new CallError("Discord begins no more sessions for this bot today", { done: "never", retryAfter });
    }
    const url = text(told?.url);
    if (!isWebSocketUrl(url)) throw new Error("Discord names no gateway");
    return url;
  }

  #dispatch(type: unknown, sequence: unknown, data: unknown): void {
    this.#attendance.heard();
    if (typeof type !== "string" || typeof sequence !== "number")
      return void this.#events.passOver("malformed dispatch");
    if (type === "READY") return void this.#onReady(fields(data) ?? {}, sequence);
    const { session } = this.#standing;
    if (session === undefined) {
      this.#early.push([type, sequence, data]);
      return;
    }
    if (!session.receive(sequence)) return;
    if (type === "RESUMED") return void this.#connected();
    const [me, intake] = [this.#me, this.#intake];
    if (me !== undefined && intake !== undefined) this.#events.handle(type, data, { me, intake, session, sequence });
  }

  #onReady(data: Fields, sequence: number): void {
    const id = text(data.session_id);
    const url = text(data.resume_gateway_url);
    // A session without an address can't be resumed: then it will be told so, and begin anew.
    this.#standing.session = new Session(id, isWebSocketUrl(url) ? url : this.#url, sequence);
    this.#connected();
    const guilds = list(data.guilds).map((guild) => fields(guild)?.id);
    for (const guild of guilds) this.#attendance.learn(guild);
    this.#gap.begin(guilds);
    for (const [type, number, early] of this.#early.splice(0)) this.#dispatch(type, number, early);
  }

  #connected(): void {
    this.#ready = true;
    this.#failures = 0;
    this.#attendance.begin();
    if (this.isStopped || this.#state.state === "connected") return;
    this.#state = { state: "connected" };
    if (this.#contentGranted) {
      this.#options.log("info", "receiving from Discord");
    } else {
      this.#options.log("warn", CONTENT_MISSING);
      void this.#awaitContent();
    }
    this.#options.onConnected();
  }

  /** Connects anew when the intent has been switched on. Never rejects. */
  async #awaitContent(): Promise<void> {
    const { clock, timing, rest, log } = this.#options;
    const { signal } = this.#stopping;
    const link = this.#link;
    for (;;) {
      await sleep(clock, timing.recheck, signal);
      if (this.isStopped || this.#link !== link) return;
      try {
        if (await isContentGranted(rest, signal)) return this.#leaveSession("Message Content was switched on");
      } catch (error) {
        log("debug", "the intents could not be looked at", { cause: troubleOf(error).detail });
      }
    }
  }

  /** Ends the connection, and the next one begins a new session. */
  #leaveSession(cause: string): void {
    this.#standing.session = undefined;
    this.#link?.leave(cause);
  }

  #troubleOfEnd({ code, cause }: LinkEnd): Trouble {
    if (code !== undefined && SESSION_LOST.has(code)) this.#standing.session = undefined;
    if (code === DISALLOWED_INTENTS) return { state: "degraded", detail: CONTENT_MISSING, pace: "backoff" };
    return troubleOfClose(code, cause);
  }

  async #recover({ state, detail, pace, retryAfter }: Trouble): Promise<void> {
    const { log, clock, timing } = this.#options;
    // Discord asks for a new connection several times a day.
    const level = state === "failed" || this.#failures > 0 ? "warn" : "info";
    if (this.#state.state !== state || this.#state.detail !== detail) log(level, detail, { state });
    this.#state = { state, detail };
    const growing = Math.min(timing.maxBackoff, timing.backoff * 2 ** Math.min(this.#failures++, 20));
    const pause = retryAfter ?? (pace === "rejected" ? timing.rejected : growing);
    // Jitter upwards only: Discord's own times are the least to wait.
    await sleep(clock, pause * (1 + Math.random() / 4), this.#stopping.signal);
  }
}

function isWebSocketUrl(url: string): boolean {
  return /^wss?:\/\/[^\s]+$/.test(url) && URL.canParse(url);
}
