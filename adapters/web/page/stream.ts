/**
 * One channel's event stream, opened anew whenever it breaks. It names the last version that the page has, so
 * that nothing is missed and nothing comes twice.
 */
import type { WireChannels, WireMessage, WirePage, WireState } from "../wire.ts";
import { about, eventsUrl, isSignedOut } from "./gateway.ts";

/** The gateway says something at least every 15 s; a silence longer than this is a dead connection. */
const SILENCE_MS = 40_000;
const FIRST_PAUSE_MS = 300;
const LONGEST_PAUSE_MS = 4_000;
/** A browser has few connections to one host, shared by all tabs: a hidden page gives its own back. */
const HIDDEN_MS = 60_000;

export interface StreamListener {
  page(page: WirePage): void;
  message(message: WireMessage): void;
  state(state: WireState): void;
  channels(channels: WireChannels): void;
  connected(is: boolean): void;
  signedOut(): void;
  /** The version that everything so far belongs to. */
  version(version: number): void;
}

export class Stream {
  readonly #channel: string;
  readonly #listener: StreamListener;
  #version: number | undefined;
  #source: EventSource | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #hidden: ReturnType<typeof setTimeout> | undefined;
  #pause = FIRST_PAUSE_MS;

  constructor(channel: string, version: number | undefined, listener: StreamListener) {
    this.#channel = channel;
    this.#version = version;
    this.#listener = listener;
    document.addEventListener("visibilitychange", this.#onVisibility);
    window.addEventListener("online", this.#reopen);
    this.#open();
  }

  close(): void {
    document.removeEventListener("visibilitychange", this.#onVisibility);
    window.removeEventListener("online", this.#reopen);
    clearTimeout(this.#hidden);
    this.#shut();
  }

  readonly #reopen = (): void => {
    this.#shut();
    this.#open();
  };

  readonly #onVisibility = (): void => {
    clearTimeout(this.#hidden);
    if (document.hidden) this.#hidden = setTimeout(() => this.#shut(), HIDDEN_MS);
    else if (this.#source === undefined) this.#reopen();
  };

  #open(): void {
    const source = new EventSource(eventsUrl(this.#channel, this.#version));
    this.#source = source;
    this.#expectSound();
    const on = <T>(name: string, handle: (data: T) => void): void => {
      source.addEventListener(name, (event: MessageEvent<string>) => {
        this.#expectSound();
        if (event.lastEventId !== "") this.#version = Number(event.lastEventId);
        handle(JSON.parse(event.data) as T);
        if (this.#version !== undefined) this.#listener.version(this.#version);
      });
    };
    source.addEventListener("open", () => {
      this.#pause = FIRST_PAUSE_MS;
      this.#listener.connected(true);
    });
    source.addEventListener("error", () => this.#retry());
    on<WirePage>("page", (page) => this.#listener.page(page));
    on<WireMessage>("message", (message) => this.#listener.message(message));
    on<WireState>("state", (state) => this.#listener.state(state));
    on<WireChannels>("channels", (channels) => this.#listener.channels(channels));
    on("beat", () => {});
  }

  #retry(): void {
    this.#shut();
    this.#listener.connected(false);
    this.#timer = setTimeout(() => this.#open(), this.#pause);
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
    // An event stream does not tell why it failed; this does.
    about().catch((error: unknown) => {
      if (isSignedOut(error)) this.#listener.signedOut();
    });
  }

  #expectSound(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#retry(), SILENCE_MS);
  }

  #shut(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#silence);
    this.#source?.close();
    this.#source = undefined;
  }
}
