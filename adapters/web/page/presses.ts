/**
 * What the person did with the actions of messages, until the gateway has answered, and what it answered. A press that
 * can't be taken now is kept and sent again; the gateway answers a repetition as the first time. One at a time for each
 * message.
 */
import type { WirePress } from "../wire.ts";
import { isSignedOut, press as post, Refusal } from "./gateway.ts";
import { Pause } from "./pause.ts";

export type PressView =
  /** `trouble`: why the last attempt failed. */
  | { readonly state: "under way"; readonly data: string; readonly trouble?: string }
  | { readonly state: "answered"; readonly data: string; readonly ok: boolean; readonly text: string };

export interface Pressing extends WirePress {
  readonly channel: string;
  /** The message's key. */
  readonly key: string;
}

export class Presses {
  /** By channel and message. */
  readonly #views = new Map<string, PressView>();
  readonly #pauses = new Set<Pause>();
  readonly #changed: () => void;
  readonly #signedOut: () => void;

  constructor(on: { changed: () => void; signedOut: () => void }) {
    this.#changed = on.changed;
    this.#signedOut = on.signedOut;
  }

  /** Those of a channel, by the messages' keys. */
  of(channel: string): ReadonlyMap<string, PressView> {
    const prefix = nameOf(channel, "");
    const own = [...this.#views].filter(([name]) => name.startsWith(prefix));
    return new Map(own.map(([name, view]) => [name.slice(prefix.length), view]));
  }

  async press({ channel, key, ...press }: Pressing): Promise<void> {
    const name = nameOf(channel, key);
    if (this.#views.get(name)?.state === "under way") return;
    let view: PressView = { state: "under way", data: press.data };
    const pause = new Pause();
    this.#pauses.add(pause);
    this.#set(name, view);
    // Given up: the view is another one, or none.
    while (this.#views.get(name) === view && view.state === "under way") {
      const next = await this.#attempt(channel, press);
      if (this.#views.get(name) !== view) break;
      view = next;
      this.#set(name, view);
      if (view.state === "under way") await pause.wait();
    }
    this.#pauses.delete(pause);
  }

  /** The person doesn't want it any more. What is on its way already may still arrive. */
  giveUp(channel: string, key: string): void {
    this.#views.delete(nameOf(channel, key));
    this.hurry();
    this.#changed();
  }

  /** The gateway is reachable again. */
  hurry(): void {
    for (const pause of this.#pauses) pause.end();
  }

  async #attempt(channel: string, press: WirePress): Promise<PressView> {
    const { data } = press;
    try {
      return { state: "answered", data, ...(await post(channel, press)) };
    } catch (error) {
      if (isSignedOut(error)) this.#signedOut();
      if (!(error instanceof Refusal)) return { state: "under way", data, trouble: "The gateway can't be reached." };
      if (error.final) return { state: "answered", data, ok: false, text: error.message };
      return { state: "under way", data, trouble: error.message };
    }
  }

  #set(name: string, view: PressView): void {
    this.#views.set(name, view);
    this.#changed();
  }
}

/** A channel's id has no blank. */
function nameOf(channel: string, key: string): string {
  return `${channel} ${key}`;
}
