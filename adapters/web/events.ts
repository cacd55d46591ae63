/**
 * One page's stream of server-sent events about one channel and the list of channels.
 *
 * The journal's versions are the event ids: a page that comes back names the last one it has, and gets what was
 * written after it, each message once with its newest text. So a reconnect neither loses nor repeats anything.
 *
 * Everything is read when the page is ready for more (`pull`), never pushed: at most one read is under way for a
 * stream, a burst of hints means one more read, and a slow page makes the gateway hold nothing for it.
 */
import type { ChannelId, Clock } from "../../src/model.ts";
import type { ChannelHint } from "../../src/store.ts";
import type { Views } from "./views.ts";

const BEAT_MS = 15_000;
/** The list is read at most this often: under load, every channel's work touches it. */
const LIST_PAUSE_MS = 1_000;
/** A read of messages is followed by a pause this many times as long: rendering a huge answer must not be all we do. */
const RENDER_SHARE = 4;
/** What the browser is told to wait before it connects again. */
const RETRY_MS = 1_000;

export interface EventStreamOptions {
  readonly channel: ChannelId;
  /** The last version that the page has; undefined when it has nothing yet. */
  readonly after: number | undefined;
  readonly views: Views;
  readonly clock: Clock;
  /** Called once, when the page has gone or `end` was called. */
  onEnd(): void;
}

export class EventStream {
  readonly body: ReadableStream<Uint8Array>;
  readonly #options: EventStreamOptions;
  #version: number | undefined;
  /** What may have changed since it was last read. All of it at first: hints only count from now on. */
  readonly #stale = { messages: true, state: true, channels: true, beat: false };
  readonly #paused = { messages: false, channels: false };
  #shownState = "";
  #shownChannels = "";
  #opened = false;
  #resumed = false;
  #ended = false;
  #wake: (() => void) | undefined;
  #cancelBeat: (() => void) | undefined;
  readonly #cancelPauses = new Set<() => void>();

  constructor(options: EventStreamOptions) {
    this.#options = options;
    this.#version = options.after;
    this.body = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => this.#pull(controller),
        cancel: () => this.#finish(),
      },
      { highWaterMark: 1 },
    );
    this.#scheduleBeat();
  }

  /** Something changed in a channel of the same adapter. */
  hint({ channel, kind }: ChannelHint): void {
    if (kind !== "journal") this.#stale.channels = true;
    if (channel === this.#options.channel) {
      if (kind === "journal") this.#stale.messages = true;
      else this.#stale.state = true;
    }
    this.#wake?.();
  }

  /** Tells the page that the stream is over; it will come again. */
  end(): void {
    this.#finish();
    this.#wake?.();
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const text = await this.#next().catch((error: unknown) => {
      // The store is away: the stream breaks, and the page comes again until it is back.
      this.#finish();
      throw error;
    });
    if (this.#ended || text === undefined) controller.close();
    else controller.enqueue(new TextEncoder().encode(text));
  }

  /** Waits for the next thing worth telling. Undefined once the stream has ended. */
  async #next(): Promise<string | undefined> {
    while (!this.#ended) {
      const text = await this.#read();
      if (text !== "") return text;
      if (!this.#isStale()) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
          if (this.#ended) resolve();
        });
        this.#wake = undefined;
      }
    }
    return undefined;
  }

  #isStale(): boolean {
    const { messages, state, channels, beat } = this.#stale;
    return (messages && !this.#paused.messages) || state || beat || (channels && !this.#paused.channels);
  }

  /** Each flag falls before its read, so that a hint during the read leads to another one. */
  async #read(): Promise<string> {
    if (!this.#opened) {
      this.#opened = true;
      return `retry: ${RETRY_MS}\n\n`;
    }
    if (this.#stale.messages && !this.#paused.messages) {
      this.#stale.messages = false;
      const { clock } = this.#options;
      const begun = clock.now();
      const text = await this.#readMessages();
      this.#pause("messages", (clock.now() - begun) * RENDER_SHARE);
      return text;
    }
    if (this.#stale.state) {
      this.#stale.state = false;
      return await this.#readState();
    }
    if (this.#stale.channels && !this.#paused.channels) {
      this.#stale.channels = false;
      this.#pause("channels", LIST_PAUSE_MS);
      return await this.#readChannels();
    }
    if (this.#stale.beat) {
      this.#stale.beat = false;
      return "event: beat\ndata: {}\n\n";
    }
    return "";
  }

  async #readMessages(): Promise<string> {
    const { channel, views } = this.#options;
    const first = !this.#resumed;
    this.#resumed = true;
    // A page that knows more than the log does has seen another store: it starts over.
    if (this.#version === undefined || (first && !(await views.reaches(channel, this.#version)))) {
      const { page, version } = await views.page(channel);
      this.#version = version;
      return event("page", page, version);
    }
    const { changes, more } = await views.since(channel, this.#version);
    if (more) this.#stale.messages = true;
    this.#version = changes.at(-1)?.version ?? this.#version;
    return changes.map(({ version, message }) => event("message", message, version)).join("");
  }

  async #readState(): Promise<string> {
    const state = await this.#options.views.state(this.#options.channel);
    const shown = JSON.stringify({ ...state, now: 0 });
    if (shown === this.#shownState) return "";
    this.#shownState = shown;
    return event("state", state);
  }

  async #readChannels(): Promise<string> {
    const channels = await this.#options.views.channels();
    const shown = JSON.stringify(channels);
    if (shown === this.#shownChannels) return "";
    this.#shownChannels = shown;
    return event("channels", channels);
  }

  #pause(what: "messages" | "channels", ms: number): void {
    if (ms <= 0) return;
    this.#paused[what] = true;
    const cancel = this.#options.clock.after(ms, () => {
      this.#cancelPauses.delete(cancel);
      this.#paused[what] = false;
      this.#wake?.();
    });
    this.#cancelPauses.add(cancel);
  }

  /** Shows the page that the gateway is there, and reads again what a lost hint may have left behind. */
  #scheduleBeat(): void {
    this.#cancelBeat = this.#options.clock.after(BEAT_MS, () => {
      Object.assign(this.#stale, { messages: true, state: true, channels: true, beat: true });
      this.#wake?.();
      this.#scheduleBeat();
    });
  }

  #finish(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelBeat?.();
    for (const cancel of this.#cancelPauses) cancel();
    this.#options.onEnd();
  }
}

/** JSON holds no line break, so one `data` line is always enough. */
function event(name: string, data: unknown, id?: number): string {
  return `event: ${name}\n${id === undefined ? "" : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
}
