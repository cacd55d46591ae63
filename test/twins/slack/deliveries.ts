/**
 * What the app is told, and how: over its sockets or by HTTP. Each notice is delivered until it is acknowledged or its
 * retries are used up; slash commands and interactions are not retried.
 *
 * Slack promises no order. This twin keeps the one in which things were said within a conversation for what waits
 * to be delivered, so that tests can tell a mistake of the app from one of the platform.
 */
import type { Clock } from "../../../src/model.ts";
import type { Notice } from "./workspace.ts";

export interface Delivery {
  readonly notice: Notice;
  readonly order: number;
  /** How often it was sent so far. */
  attempts: number;
  state: "waiting" | "sent" | "resting" | "acked" | "given up";
  /** Why it is sent again. */
  reason: string | undefined;
}

/** Carries one notice to the app, or says that it can't now. */
export interface Carrier {
  /** False where there is no way to the app at present. */
  carry(delivery: Delivery): boolean;
  /** Stops what is under way. */
  close(): void;
}

/** Milliseconds that the app has to acknowledge. */
export interface Patience {
  readonly events: number;
  readonly interactions: number;
}

export function patienceFor({ notice }: Delivery, { events, interactions }: Patience): number {
  return notice.type === "interactive" ? interactions : events;
}

export interface DeliveryOptions {
  readonly clock: Clock;
  /** Milliseconds before each retry. */
  readonly retries: readonly number[];
  /** The last retry is repeated until it succeeds, and holds up what comes behind it in its conversation. */
  readonly persistent: boolean;
  readonly changed: () => void;
}

export class Deliveries {
  readonly #options: DeliveryOptions;
  readonly #all: Delivery[] = [];
  readonly #timers = new Set<() => void>();
  #carrier: Carrier | undefined;
  #flushing: NodeJS.Immediate | undefined;
  #held = false;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  use(carrier: Carrier): void {
    this.#carrier = carrier;
    this.flush();
  }

  add(notice: Notice): void {
    this.#all.push({ notice, order: this.#all.length, attempts: 0, state: "waiting", reason: undefined });
    this.flush();
  }

  /** Holds everything back, or lets it go again. */
  hold(held: boolean): void {
    this.#held = held;
    this.flush();
  }

  get all(): readonly Delivery[] {
    return this.#all;
  }

  /** `answer` is what the app said along with it. */
  acked(delivery: Delivery, answer?: unknown): void {
    delivery.state = "acked";
    delivery.notice.settled?.(true, answer);
    this.#options.changed();
    this.flush();
  }

  /** It was not acknowledged, or its way to the app broke. */
  failed(delivery: Delivery, reason: string): void {
    if (delivery.state !== "sent") return;
    const { retries, persistent, clock, changed } = this.#options;
    const pause = retries[Math.min(delivery.attempts - 1, retries.length - 1)];
    const again = delivery.notice.type === "events_api" && (persistent || delivery.attempts <= retries.length);
    if (!again || pause === undefined) {
      delivery.state = "given up";
      delivery.notice.settled?.(false, undefined);
      changed();
      return;
    }
    delivery.state = "resting";
    delivery.reason = reason;
    const cancel = clock.after(pause, () => {
      this.#timers.delete(cancel);
      delivery.state = "waiting";
      this.flush();
    });
    this.#timers.add(cancel);
    changed();
  }

  /** Sends again what was acknowledged already: as a late or doubled delivery. */
  repeat(which: (delivery: Delivery) => boolean): void {
    for (const delivery of this.#all.filter(({ state }) => state === "acked").filter(which)) {
      delivery.state = "waiting";
      delivery.reason = "timeout";
    }
    this.flush();
  }

  /** Once per turn of the event loop, so that what happens together goes out in order. */
  flush(): void {
    this.#options.changed();
    this.#flushing ??= setImmediate(() => {
      this.#flushing = undefined;
      if (this.#held) return;
      const resting = new Set<string>();
      for (const delivery of this.#all) {
        if (delivery.state === "resting" && this.#options.persistent) resting.add(delivery.notice.about);
        if (delivery.state !== "waiting" || resting.has(delivery.notice.about)) continue;
        if (this.#carrier?.carry(delivery) === true) {
          delivery.state = "sent";
          delivery.attempts++;
        }
      }
      this.#options.changed();
    });
  }

  close(): void {
    clearImmediate(this.#flushing);
    this.#held = true;
    for (const cancel of this.#timers) cancel();
    this.#carrier?.close();
  }
}
