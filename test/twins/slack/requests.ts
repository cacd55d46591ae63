/** The app's request URLs: signed requests, answered within three seconds, repeated where not. */
import { createHmac } from "node:crypto";
import type { Clock } from "../../../src/model.ts";
import { type Carrier, type Deliveries, type Delivery, type Patience, patienceFor } from "./deliveries.ts";

export interface RequestOptions {
  readonly clock: Clock;
  readonly signingSecret: string;
  readonly deliveries: Deliveries;
  readonly within: Patience;
}

export class Requests implements Carrier {
  readonly #options: RequestOptions;
  readonly #busy = new Set<string>();
  readonly #stopping = new AbortController();
  url = "";

  constructor(options: RequestOptions) {
    this.#options = options;
  }

  /** One at a time for each conversation. */
  carry(delivery: Delivery): boolean {
    const { about } = delivery.notice;
    if (this.url === "" || this.#busy.has(about)) return false;
    this.#busy.add(about);
    const { attempts, reason } = delivery;
    // When this has returned, the delivery counts as sent.
    queueMicrotask(() => {
      void this.#post(delivery, attempts, reason).finally(() => {
        this.#busy.delete(about);
        if (!this.#stopping.signal.aborted) this.#options.deliveries.flush();
      });
    });
    return true;
  }

  /** What Slack would send, for a test to spoil. */
  signed(body: string, type: string, at = Math.floor(this.#options.clock.now() / 1000)): RequestInit {
    const signature = createHmac("sha256", this.#options.signingSecret).update(`v0:${at}:${body}`).digest("hex");
    return {
      method: "POST",
      headers: {
        "content-type": type,
        "x-slack-request-timestamp": String(at),
        "x-slack-signature": `v0=${signature}`,
      },
      body,
    };
  }

  close(): void {
    this.#stopping.abort();
  }

  async #post(delivery: Delivery, attempts: number, reason: string | undefined): Promise<void> {
    const { deliveries, within } = this.#options;
    const { type, payload } = delivery.notice;
    const request =
      type === "events_api"
        ? this.signed(JSON.stringify(payload), "application/json")
        : this.signed(form(type, payload), "application/x-www-form-urlencoded");
    const retry = attempts === 0 ? {} : { "x-slack-retry-num": String(attempts), "x-slack-retry-reason": reason ?? "" };
    try {
      const response = await fetch(this.url, {
        ...request,
        headers: { ...(request.headers as Record<string, string>), ...retry },
        signal: AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(patienceFor(delivery, within))]),
      });
      const body = await response.text();
      const isJson = response.headers.get("content-type")?.startsWith("application/json") === true;
      if (response.ok) deliveries.acked(delivery, isJson ? JSON.parse(body) : undefined);
      else deliveries.failed(delivery, "http_error");
    } catch (error) {
      const late = error instanceof DOMException && error.name === "TimeoutError";
      if (!this.#stopping.signal.aborted) deliveries.failed(delivery, late ? "http_timeout" : "connection_failed");
    }
  }
}

function form(type: string, payload: unknown): string {
  if (type === "interactive") return new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
  return new URLSearchParams(Object.entries(payload as Record<string, string>)).toString();
}
